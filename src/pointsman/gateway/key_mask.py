"""The provider's key taken out of what a provider says, wherever it may quote it.

A provider that fails sometimes names the key it was called with. In a stream that passes through, only what could be
the beginning of the key waits for the next piece, so nothing else is ever late.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

import msgspec

from pointsman.providers.keys import KeyChoice
from pointsman.providers.secret import Secret

__all__ = ["KeyMask", "without_key"]

_SHORTEST = 8
"""A shorter key might be a word of the answer; whoever uses one has nothing to hide."""


def without_key(text: str, secret: Secret) -> str:
    """The text with dots in place of the key."""
    for spelling in _spellings(secret):
        text = text.replace(spelling, str(secret))
    return text


class KeyMask:
    """Masks one key in one stream."""

    __slots__ = ("_held", "_mask", "_spellings")

    def __init__(self, key: KeyChoice | None) -> None:
        hides = key is not None and len(key.secret.reveal()) >= _SHORTEST
        self._spellings = _in_bytes(key.secret) if key is not None and hides else ()
        self._mask = str(key.secret).encode() if key is not None else b""
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """What may go on of the stream so far."""
        if not self._spellings:
            return piece
        data = self._held + piece if self._held else piece
        for spelling in self._spellings:
            if spelling in data:
                data = data.replace(spelling, self._mask)
        kept = self._begun(data)
        if not kept:
            self._held = b""
            return data
        self._held = data[-kept:]
        return data[:-kept]

    def close(self) -> bytes:
        """What was held back, at the end."""
        held, self._held = self._held, b""
        return held

    def _begun(self, data: bytes) -> int:
        """How many bytes at the end of `data` could be the beginning of the key: of each spelling, and the most counts."""
        return max(_begun(data, spelling) for spelling in self._spellings)


def _begun(data: bytes, secret: bytes) -> int:
    at = data.find(secret[:1], max(0, len(data) - len(secret) + 1))
    while at >= 0:
        if secret.startswith(data[at:]):
            return len(data) - at
        at = data.find(secret[:1], at + 1)
    return 0


@lru_cache(maxsize=256)
def _spellings(secret: Secret) -> tuple[str, ...]:
    """The key as it is, in JSON, in the JSON of those who escape slashes, and in an address; most keys are spelled one way."""
    key = secret.reveal()
    in_json = msgspec.json.encode(key)[1:-1].decode()
    return tuple(dict.fromkeys((key, in_json, in_json.replace("/", r"\/"), quote(key, safe=""))))


@lru_cache(maxsize=256)
def _in_bytes(secret: Secret) -> tuple[bytes, ...]:
    return tuple(spelling.encode() for spelling in _spellings(secret))
