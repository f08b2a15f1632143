"""Bytes and lines of a file, unzipped and decoded, with every complaint naming its line."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from pointsman.core.failure import DatasetError

__all__ = ["Row", "Source"]

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Row(NamedTuple):
    """One row and the place people find it at: its line, or its number in formats without lines."""

    place: int
    values: dict[str, Any]


class Source:
    """One file of a test set. `unit` is what its places count: `line` or `item`, from 1."""

    def __init__(self, path: Path, *, encoding: str = "utf-8", rows: str | None = None, unit: str = "line") -> None:
        self.path = path
        self.rows = rows
        self.unit = unit
        try:
            self.encoding = codecs.lookup(encoding).name
        except LookupError:
            raise self.error(f"there is no encoding called {encoding!r}", hint="try utf-8, latin-1 or cp1252") from None

    def error(self, message: str, *, place: int | None = None, hint: str | None = None) -> DatasetError:
        """The error for this file, at a place if one is known."""
        if place is not None and self.unit != "line":
            return DatasetError(f"{self.unit} {place}: {message}", file=str(self.path), hint=hint)
        return DatasetError(message, file=str(self.path), line=place, hint=hint)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """The file's bytes. Turns what the disk or gzip complain about into `DatasetError`."""
        try:
            with self._open() as stream:
                yield stream
        except (gzip.BadGzipFile, zlib.error, EOFError) as broken:
            raise self.error(f"broken gzip data: {broken}", hint="copy or download the file again") from broken
        except OSError as trouble:
            hint = "paths are relative to the file that names them" if isinstance(trouble, FileNotFoundError) else None
            raise self.error(f"cannot be read: {trouble.strerror or trouble}", hint=hint) from trouble

    def _open(self) -> IO[bytes]:
        if self.path.suffix == ".gz":
            return cast("IO[bytes]", gzip.open(self.path, "rb"))
        return self.path.open("rb")

    def byte_lines(self) -> Iterator[tuple[int, bytes]]:
        """Lines as UTF-8 bytes, ends included, numbered from 1. Only a newline ends a line."""
        with self.open() as stream:
            if self.encoding != "utf-8":
                yield from ((n, text.encode()) for n, text in enumerate(self._decoded(stream), 1))
                return
            for n, line in enumerate(stream, 1):
                yield n, (self._without_bom(line) if n == 1 else line)

    def text_lines(self) -> Iterator[tuple[int, str]]:
        """Lines as text, ends included, numbered from 1."""
        for n, line in self.byte_lines():
            yield n, self.decode(line, n)

    def whole(self) -> bytes:
        """The whole file as UTF-8 bytes."""
        with self.open() as stream:
            if self.encoding != "utf-8":
                return "".join(self._decoded(stream)).encode()
            return self._without_bom(stream.read())

    def decode(self, line: bytes, place: int) -> str:
        """Text of a line. Bytes that are not UTF-8 raise `DatasetError` naming the first of them."""
        try:
            return line.decode()
        except UnicodeDecodeError as bad:
            raise self.error(
                f"column {bad.start + 1}: byte 0x{line[bad.start]:02x} is not UTF-8",
                place=place,
                hint="save the file as UTF-8, or say what it is: `encoding: latin-1` (or cp1252)",
            ) from None

    def _decoded(self, stream: IO[bytes]) -> Iterator[str]:
        reader = io.TextIOWrapper(stream, encoding=self.encoding, newline="\n")
        try:
            yield from (line.removeprefix("\ufeff") for line in reader)
        except UnicodeError as bad:
            raise self.error(f"is not {self.encoding}: {bad}", hint="set `encoding:` to what the file is in") from None
        finally:
            reader.detach()  # whoever opened the stream closes it

    def _without_bom(self, start: bytes) -> bytes:
        for bom, encoding in _BOMS:
            if start.startswith(bom):
                if encoding == "utf-8":
                    return start[len(bom) :]
                raise self.error(f"is {encoding.upper()} text", hint=f"set `encoding: {encoding}`")
        return start
