"""Notes on conversations in a file that all workers map into memory: looked up without a lock, kept through a kill.

An open-addressing table of 64-bit words (48 bits of the conversation's number, 15 of the note, 1 that says
"taken") and beside it the hour of each note. A word is written whole, so a reader sees the old note or the
new one. Two workers that take the same empty slot at the same moment lose one of the two notes; the
conversation is then assigned anew by the same share.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path

from pointsman.core.failure import StorageError

__all__ = ["ConversationTable", "slots_for"]

_PROBES = 32
_MASK = (1 << 48) - 1
_FEWEST, _MOST = 1 << 16, 1 << 24


def slots_for(conversations: float) -> int:
    """Slots for so many conversations: a power of two at least twice as large, from 65,536 (0.6 MB) to 16.8 million (168 MB)."""
    slots = _FEWEST
    while slots < 2 * conversations and slots < _MOST:
        slots *= 2
    return slots


class ConversationTable:
    """Keeps `routing.memory.Memory`. Full around a slot, it keeps what it has and counts what it turned away."""

    def __init__(self, path: Path, slots: int, *, fresh_s: float = 86_400.0, wall_s: Callable[[], float] = time.time) -> None:
        """Open or create. `fresh_s`: notes older than this are old. Raises `StorageError`."""
        self.turned_away = 0
        self._slots, self._wall_s, self._fresh_h = slots, wall_s, max(1, round(fresh_s / 3600.0))
        size = slots * 10
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if os.fstat(fd).st_size < size:
                    os.ftruncate(fd, size)
                self._map = mmap.mmap(fd, size)
            finally:
                os.close(fd)
        except (OSError, ValueError) as error:
            raise StorageError(f"{path}: {error}", hint="see that the disk has room and the folder can be written") from error
        whole = memoryview(self._map)
        self._words = whole[: slots * 8].cast("Q")
        self._hours = whole[slots * 8 : size].cast("H")

    def recall(self, conversation: int, *, however_old: bool) -> int | None:
        """See `Memory.recall`."""
        at = self._find(conversation & _MASK)
        if at < 0 or not self._words[at]:
            return None
        if not however_old and (self._hour() - self._hours[at]) % 65_536 >= self._fresh_h:
            return None
        return self._words[at] >> 1 & 0x7FFF

    def note(self, conversation: int, note: int) -> None:
        """See `Memory.note`."""
        key = conversation & _MASK
        at = self._find(key)
        if at < 0:
            self.turned_away += 1
            return
        self._hours[at] = self._hour()
        self._words[at] = key << 16 | note << 1 | 1

    def close(self) -> None:
        """Let go of the file."""
        self._words.release()
        self._hours.release()
        self._map.close()

    def _find(self, key: int) -> int:
        """The slot of a key, or the empty one where it belongs; −1 if there is no room."""
        words, last = self._words, self._slots - 1
        at = key & last
        for _ in range(_PROBES):
            word = words[at]
            if not word or word >> 16 == key:
                return at
            at = (at + 1) & last
        return -1

    def _hour(self) -> int:
        return int(self._wall_s() // 3600.0) % 65_536
