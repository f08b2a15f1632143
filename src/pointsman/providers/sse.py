"""Server-sent events and newline-delimited JSON, read from bytes wherever the network cut them.

SSE follows the WHATWG rules (https://html.spec.whatwg.org/multipage/server-sent-events.html):
lines end in LF, CR or CRLF; `data:` with or without one space; several data lines are joined by LF;
lines that begin with a colon are comments. Bytes are split at line ends, which are ASCII, so a
character cut in two by the network is whole again before it is decoded.
"""

from __future__ import annotations

import codecs
import re
from typing import NamedTuple

__all__ = ["LineReader", "SseEvent", "SseReader"]

_LINE_END = re.compile(rb"\r\n|\n|\r")


class SseEvent(NamedTuple):
    """One event: its name (empty if none was given) and its data."""

    event: str
    data: bytes


class LineReader:
    """Complete lines out of a byte stream. Each byte is looked at once, however small the pieces."""

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """Lines completed by `data`, without their ends."""
        if self._after_cr and data[:1] == b"\n":
            data = data[1:]  # the second half of a CRLF that the network cut in two
            self._after_cr = False
            if not data:
                return []
        if not data:
            return []
        self._after_cr = data.endswith(b"\r")
        *lines, rest = _LINE_END.split(data) if b"\r" in data else data.split(b"\n")  # which is five times faster
        if lines and self._held:
            self._held.append(lines[0])
            lines[0] = b"".join(self._held)
            self._held.clear()
        if rest:
            self._held.append(rest)
        return lines

    def close(self) -> bytes:
        """What stands after the last line end; empty if nothing does."""
        rest = b"".join(self._held)
        self._held.clear()
        return rest


class SseReader:
    """Events out of a byte stream."""

    def __init__(self) -> None:
        self._lines = LineReader()
        self._first = True
        self._event = ""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[SseEvent]:
        """Events completed by `data`."""
        events: list[SseEvent] = []
        for line in self._lines.feed(data):
            self._line(line, events)
        return events

    def close(self) -> list[SseEvent]:
        """The event that a missing last blank line held back, if there is one.

        The standard drops it; some providers end their stream that way, so here it counts.
        """
        events: list[SseEvent] = []
        rest = self._lines.close()
        if rest:
            self._line(rest, events)
        self._line(b"", events)
        return events

    def _line(self, line: bytes, events: list[SseEvent]) -> None:
        if self._first:
            self._first = False
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line:
            if self._data:
                events.append(SseEvent(self._event, b"\n".join(self._data) if len(self._data) > 1 else self._data[0]))
            self._event = ""
            self._data = []
        elif line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line.startswith(b"event:"):
            self._event = line[6:].strip().decode("utf-8", "replace")
        # `id:`, `retry:`, comments and unknown fields say nothing about a reply
