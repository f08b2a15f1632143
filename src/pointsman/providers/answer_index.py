"""Where in a file of recorded answers each one stands: offsets in memory, texts on disk.

The index costs 20 bytes a line, whatever the answers are long. A gzipped file is unpacked once
into an unnamed temporary file, which goes away with the process.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from array import array
from collections.abc import Iterator
from hashlib import blake2b, sha256
from pathlib import Path
from typing import IO

import msgspec
import numpy as np

from pointsman.core.failure import DatasetError
from pointsman.core.ids import HASH_LENGTH
from pointsman.providers.recorded_answer import RecordedAnswer

__all__ = ["AnswerIndex", "file_hash"]

_DECODER = msgspec.json.Decoder(RecordedAnswer)
_BLOCK = 1 << 20


class AnswerIndex:
    """The recorded answers of one file, found by case id; lines of one case are its repeats in file order.

    Raises `DatasetError` naming file and line if the file cannot be read or a line is no recorded answer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _opened(path)
        try:
            keys, offsets, lengths = self._scan()
        except BaseException:
            self._file.close()
            raise
        order = np.argsort(keys, kind="stable")
        self._keys, self._offsets, self._lengths = keys[order], offsets[order], lengths[order]

    def __len__(self) -> int:
        return len(self._keys)

    def recorded(self, case_id: str) -> Iterator[RecordedAnswer]:
        """The answers to this case, in file order; nothing if there is none."""
        key = np.uint64(_key(case_id))
        begin = int(np.searchsorted(self._keys, key, side="left"))
        end = int(np.searchsorted(self._keys, key, side="right"))
        for i in range(begin, end):
            answer = _DECODER.decode(os.pread(self._file.fileno(), int(self._lengths[i]), int(self._offsets[i])))
            if str(answer.case_id) == case_id:  # two ids may share a 64-bit key
                yield answer

    def close(self) -> None:
        """Release the file."""
        self._file.close()

    def _scan(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        keys, offsets, lengths = array("Q"), array("Q"), array("L")
        offset = 0
        for number, line in enumerate(self._file, start=1):
            if line.strip():
                keys.append(_key(str(self._decoded(line, number).case_id)))
                offsets.append(offset)
                lengths.append(len(line))
            offset += len(line)
        return np.array(keys, dtype=np.uint64), np.array(offsets, dtype=np.uint64), np.array(lengths, dtype=np.uint32)

    def _decoded(self, line: bytes, number: int) -> RecordedAnswer:
        try:
            return _DECODER.decode(line)
        except (ValueError, RecursionError) as error:
            raise DatasetError(
                f"this line is no recorded answer: {error}",
                file=str(self._path),
                line=number,
                hint='each line is one JSON object: {"case_id": "…", "output": "…"}',
            ) from None


def file_hash(path: Path) -> str:
    """Content hash of a file as it lies on disk. Raises `DatasetError` if it cannot be read."""
    digest = sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise _unreadable(path, error) from None
    return digest.hexdigest()[:HASH_LENGTH]


def _opened(path: Path) -> IO[bytes]:
    try:
        if path.suffix != ".gz":
            return path.open("rb")
        unpacked = tempfile.TemporaryFile()  # noqa: SIM115  # it lives as long as the index
        try:
            with gzip.open(path, "rb") as packed:
                shutil.copyfileobj(packed, unpacked, _BLOCK)
        except BaseException:
            unpacked.close()
            raise
        unpacked.seek(0)
    except (OSError, EOFError) as error:
        raise _unreadable(path, error) from None
    return unpacked


def _unreadable(path: Path, error: BaseException) -> DatasetError:
    if isinstance(error, FileNotFoundError):
        return DatasetError("there is no such file", file=str(path), hint="`answers` is looked for beside the file that names it")
    return DatasetError(f"cannot be read: {error}", file=str(path))


def _key(case_id: str) -> int:
    return int.from_bytes(blake2b(case_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
