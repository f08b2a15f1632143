"""The provider's key taken out of a stream that passes through, wherever the stream may quote it.

A provider that fails in mid-stream sometimes names the key it was called with. Only what could be the beginning of
the key waits for the next piece, so nothing else is ever late.
"""

from __future__ import annotations

from pointsman.providers.keys import KeyChoice

__all__ = ["KeyMask"]

_SHORTEST = 8
"""A shorter key might be a word of the answer; whoever uses one has nothing to hide."""


class KeyMask:
    """Masks one key in one stream."""

    __slots__ = ("_held", "_mask", "_secret")

    def __init__(self, key: KeyChoice | None) -> None:
        secret = key.secret.reveal().encode() if key is not None else b""
        self._secret = secret if len(secret) >= _SHORTEST else b""
        self._mask = str(key.secret).encode() if key is not None else b""
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """What may go on of the stream so far."""
        secret = self._secret
        if not secret:
            return piece
        data = self._held + piece if self._held else piece
        if secret in data:
            data = data.replace(secret, self._mask)
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
        """How many bytes at the end of `data` could be the beginning of the key."""
        secret = self._secret
        at = data.find(secret[:1], max(0, len(data) - len(secret) + 1))
        while at >= 0:
            if secret.startswith(data[at:]):
                return len(data) - at
            at = data.find(secret[:1], at + 1)
        return 0
