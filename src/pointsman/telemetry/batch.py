"""What a worker tells its supervisor now and then, and how it is framed on the pipe between them."""

from __future__ import annotations

import asyncio

import msgspec

from pointsman.core.bodies import Bodies
from pointsman.core.feedback import Feedback
from pointsman.core.served import Served
from pointsman.core.shadow_pair import ShadowPair

__all__ = ["Batch", "decode_batch", "encode_batch", "frame", "read_frame"]

_ENCODER = msgspec.msgpack.Encoder()
_MOST_BYTES = 1 << 28


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Records, and how the worker is at the moment."""

    worker: int
    served: tuple[Served, ...] = ()
    feedback: tuple[Feedback, ...] = ()
    pairs: tuple[ShadowPair, ...] = ()
    bodies: tuple[Bodies, ...] = ()
    dropped_bodies: int = 0
    """Bodies that were drawn and did not fit, since the last batch."""
    unmirrored: dict[str, int] = {}
    """Requests that were drawn for a shadow and not mirrored, by reason, since the worker began."""
    dropped: int = 0
    """Records that did not fit the ring, since the worker began."""
    faults: int = 0
    """Requests that met a fault of our own, since the worker began."""
    in_flight: int = 0
    """Requests being served now."""
    lag_s: float = 0.0
    """Largest lateness of the event loop since the last batch."""
    open_breakers: tuple[str, ...] = ()
    """Variants nobody asks at the moment."""
    snapshot: str = ""
    """Hash of the configuration in force."""
    weights: dict[str, float] = {}
    """By migration, the share that its policy in force really gives to the candidate."""
    refused: str | None = None
    """Why the last configuration sent was not taken; None if it was."""


_DECODER = msgspec.msgpack.Decoder(Batch)


def encode_batch(batch: Batch) -> bytes:
    """A batch as one frame."""
    return frame(_ENCODER.encode(batch))


def decode_batch(data: bytes) -> Batch:
    """Read a frame's content."""
    return _DECODER.decode(data)


def frame(data: bytes) -> bytes:
    """Content behind its length in four bytes, big-endian."""
    return len(data).to_bytes(4, "big") + data


async def read_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame's content; None at the end of the stream, also in the middle of a frame."""
    try:
        size = int.from_bytes(await reader.readexactly(4), "big")
        return await reader.readexactly(size) if size <= _MOST_BYTES else None
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
