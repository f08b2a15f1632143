"""The items of one JSON list that arrives in pieces, each as soon as it is complete.

Google streams that way where `alt=sse` was not asked for. Each byte is looked at once, however small
the pieces.
"""

from __future__ import annotations

import re

__all__ = ["JsonArrayReader"]

_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')


class JsonArrayReader:
    """Finds objects by their braces; a bare object outside any list counts as an item too."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._at = 0
        self._from: int | None = None
        self._depth = 0
        self._in_string = False

    @property
    def open(self) -> bool:
        """Whether an item has begun and is not complete."""
        return self._from is not None

    def feed(self, data: bytes) -> list[bytes]:
        """Items completed by `data`."""
        self._held += data
        items: list[bytes] = []
        while (found := self._next()) is not None:
            self._take(found, items)
        self._forget()
        return items

    def _next(self) -> int | None:
        """Place of the next byte that matters; None if there is none yet."""
        match = (_INSIDE if self._in_string else _OUTSIDE).search(self._held, self._at)
        if match is None:
            self._at = len(self._held)
            return None
        if self._held[match.start()] == _BACKSLASH:
            if match.start() + 1 == len(self._held):
                self._at = match.start()  # what it escapes has not come yet
                return None
            self._at = match.start() + 2
            return match.start()
        self._at = match.end()
        return match.start()

    def _take(self, place: int, items: list[bytes]) -> None:
        byte = self._held[place]
        if byte == _QUOTE:
            self._in_string = not self._in_string
        elif byte == _OPEN or (byte == _OPEN_LIST and self._from is not None):
            if self._from is None:
                self._from = place
            self._depth += 1
        elif byte in (_CLOSE, _CLOSE_LIST) and self._from is not None:
            self._depth -= 1
            if self._depth == 0:
                items.append(bytes(self._held[self._from : place + 1]))
                self._from = None

    def _forget(self) -> None:
        keep = self._at if self._from is None else self._from
        if keep:
            del self._held[:keep]
            self._at -= keep
            self._from = None if self._from is None else 0


_QUOTE, _BACKSLASH = b'"\\'
_OPEN, _CLOSE, _OPEN_LIST, _CLOSE_LIST = b"{}[]"
