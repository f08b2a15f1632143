"""A file of lines that takes a batch whole or not at all, so that a batch tried again is not written twice."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from pathlib import Path

from pointsman.core.failure import StorageError

__all__ = ["LogFile"]


class LogFile:
    """`-` is stderr."""

    def __init__(self, name: str, folder: Path) -> None:
        """Raises `StorageError` if it cannot be opened."""
        self._name = name
        try:
            self._fd = os.dup(sys.stderr.fileno()) if name == "-" else os.open(folder / name, _FLAGS, 0o600)
        except OSError as error:
            raise StorageError(f"the access log cannot be opened: {error}", hint="see gateway.access_log") from error
        self._cuts = name != "-" and stat.S_ISREG(os.fstat(self._fd).st_mode)

    def append(self, lines: bytes) -> None:
        """Write them all. Raises `StorageError`, and then the file is as it was (a pipe or a terminal cannot be)."""
        began = os.fstat(self._fd).st_size
        left = memoryview(lines)
        try:
            while left:
                left = left[os.write(self._fd, left) :]
        except OSError as error:
            if self._cuts:
                with contextlib.suppress(OSError):  # then half a line stays, which readers of logs are used to
                    os.ftruncate(self._fd, began)
            raise StorageError(f"the access log {self._name}: {error}", hint="see that its disk has room") from error

    def close(self) -> None:
        """Release it."""
        os.close(self._fd)


_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT
