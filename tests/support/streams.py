"""Streams cut where a network may cut them, and read to the end."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import msgspec

from pointsman.core.chat import ChatReply, ChatRequest, Delta
from pointsman.providers.assemble import Assembler
from pointsman.providers.dialect import Dialect


def pieces(body: bytes, *, thorough: bool, seed: int = 0) -> Iterator[tuple[bytes, ...]]:
    """The body in single bytes, and cut in two: at each of its first 256 bytes and at 50 random ones;
    if `thorough`, at each of the first 4096 and at 200 random ones.
    """
    rng = random.Random(seed)
    first, more = (4096, 200) if thorough else (256, 50)
    cuts = {*range(min(len(body), first)), *(rng.randrange(len(body)) for _ in range(more))}
    for cut in sorted(cuts):
        yield body[:cut], body[cut:]
    yield tuple(body[i : i + 1] for i in range(len(body)))


def deltas_in(dialect: Dialect, parts: Iterable[bytes]) -> list[Delta]:
    """All deltas of one stream that arrives in these parts."""
    reader = dialect.stream_reader()
    found: list[Delta] = []
    for part in parts:
        found += reader.feed(part)
    return found + reader.close()


def streamed(dialect: Dialect, *parts: bytes) -> ChatReply:
    """The whole reply; asserts that the stream reported no failure."""
    assembler = Assembler()
    for delta in deltas_in(dialect, parts):
        assembler.add(delta)
    assert assembler.failure is None, assembler.failure
    return assembler.reply()


def written(dialect: Dialect, deltas: Iterable[Delta], request: ChatRequest) -> bytes:
    """The stream a client would get."""
    writer = dialect.stream_writer(request)
    return b"".join([writer.feed(d) for d in deltas]) + writer.close()


def plain(value: object) -> object:
    """A struct as plain data, so that raw JSON is compared by what it says and not by its spacing."""
    if isinstance(value, msgspec.Raw):
        return msgspec.json.decode(value)
    if isinstance(value, msgspec.Struct):
        return {"type": type(value).__name__, **{f: plain(getattr(value, f)) for f in value.__struct_fields__}}
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value
