"""An append-only file of records, one JSON line each, that survives being killed at any byte.

Each record is handed to the operating system in one write the moment it exists, so a killed process
loses nothing that was appended; `sync` (called now and then) also survives a power cut. A line cut
in two by a kill is dropped and cut off when the journal is next opened for writing.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from pointsman.core.failure import StorageError

__all__ = ["Journal", "read_lines", "write_whole"]

_CHUNK_BYTES = 1 << 20


class Journal:
    """The writing end. One process writes a journal at a time: the file is locked while it is open.

    Raises `StorageError` if the file cannot be opened, is locked by another process, or if the disk
    refuses a record; what was appended before stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            _lock(self._fd, path)
            self._end = _cut_torn_tail(self._fd)
        except OSError as error:
            self.close()
            raise _storage_error(path, error) from error
        except StorageError:
            self.close()
            raise

    def append(self, line: bytes) -> int:
        """Write one record (without its line end); returns the offset where it begins."""
        data = line + b"\n"
        begins = self._end
        try:
            written = os.write(self._fd, data)
            while written < len(data):  # only a disk about to be full, or a signal, cuts a write to a file
                written += os.write(self._fd, data[written:])
        except OSError as error:
            # Half a record must not run into the next one: take back what was written of it.
            os.ftruncate(self._fd, begins)
            raise _storage_error(self.path, error) from error
        self._end = begins + len(data)
        return begins

    def sync(self) -> None:
        """Push everything to the disk itself."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise _storage_error(self.path, error) from error

    def close(self) -> None:
        """Release the file and its lock; safe to call twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Every whole record with the offset where it begins; a torn last line is left out.

    Reads in blocks, so memory does not grow with the file. A file that is not there has no records.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise _storage_error(path, error) from error
    with file:
        offset, held = 0, b""
        while block := file.read(_CHUNK_BYTES):
            *lines, held = (held + block).split(b"\n")
            for line in lines:
                yield offset, line
                offset += len(line) + 1


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file by new content, so that a reader sees the old or the new one and never a half."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _storage_error(path, error) from error


def _cut_torn_tail(fd: int) -> int:
    """Cut off what stands after the last line end; returns the length that stays."""
    size = os.fstat(fd).st_size
    end = size
    while end > 0:
        start = max(0, end - _CHUNK_BYTES)
        block = os.pread(fd, end - start, start)
        at = block.rfind(b"\n")
        if at >= 0:
            end = start + at + 1
            break
        end = start
    if end < size:
        os.ftruncate(fd, end)
    return end


def _lock(fd: int, path: Path) -> None:
    try:
        import fcntl  # noqa: PLC0415  # absent on Windows, where two writers are not kept apart
    except ImportError:
        return
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise StorageError(f"{path}: another process is writing to it", hint="wait for it to end, or stop it") from None


def _storage_error(path: Path, error: OSError) -> StorageError:
    why = error.strerror or str(error)
    hint: str | None = None
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            hint = "free some space, then go on with `pointsman eval --resume`; everything finished so far is kept"
        case errno.EROFS | errno.EACCES | errno.EPERM:
            hint = "choose a folder you may write to, with --runs DIR"
    return StorageError(f"{path}: {why}", hint=hint)
