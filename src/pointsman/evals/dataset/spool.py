"""A test set on disk: one case a line, found by offset, with a few bytes per case in memory."""

from __future__ import annotations

import hashlib
import os
import shutil
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import msgspec
import numpy as np
import numpy.typing as npt

from pointsman.core.chat import Message, OutputFormat, Tool
from pointsman.core.failure import DatasetError, StorageError
from pointsman.evals.case import Case

__all__ = ["Dataset", "DatasetInfo", "SpoolWriter", "only"]

_ENCODER = msgspec.json.Encoder()


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """A case as it is read back: msgspec cannot decode `Raw | None`, so tools and output come as fields of raw JSON."""

    id: str
    messages: tuple[Message, ...]
    target: Any = None
    tags: tuple[str, ...] = ()
    cluster: str | None = None
    tools: tuple[dict[str, msgspec.Raw], ...] = ()
    output: dict[str, msgspec.Raw] | None = None
    edge: bool = False
    choices: tuple[str, ...] = ()


_DECODER = msgspec.json.Decoder(_Line)


class DatasetInfo(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a report says about a test set."""

    file: str
    hash: str
    """Content hash of all cases, in order: this decides whether two runs used the same set."""
    cases: int
    tags: dict[str, int]
    """Cases by tag, the commonest first."""
    clusters: int | None
    """Number of clusters, a case without one being its own; None if no case has any."""
    edge_cases: int
    without_target: int
    version: str | None = None
    dropped_duplicates: int = 0


class SpoolWriter:
    """Writes cases to a spool and keeps what the index needs. `finish` makes the file appear, whole."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(path.name + ".part")
        self._index = _Index()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._part.open("wb", buffering=1 << 20)
        except OSError as trouble:
            raise _disk_error(path, trouble) from trouble

    def add(self, case: Case) -> None:
        """Append one case."""
        line = _ENCODER.encode(case) + b"\n"
        try:
            self._file.write(line)
        except OSError as trouble:
            raise _disk_error(self.path, trouble) from trouble
        self._index.add(case, len(line))

    def finish(self, file: str, *, version: str | None = None, dropped_duplicates: int = 0) -> Dataset:
        """Close the spool, put it in its place and open it."""
        try:
            self._file.close()
            self._part.replace(self.path)
        except OSError as trouble:
            raise _disk_error(self.path, trouble) from trouble
        return Dataset(self.path, self._index, file=file, version=version, dropped_duplicates=dropped_duplicates)

    def discard(self) -> None:
        """Remove what was written so far."""
        self._file.close()
        self._part.unlink(missing_ok=True)


class _Index:
    """Columns over all cases: about 25 bytes a case, and each name of a tag or cluster once."""

    def __init__(self) -> None:
        self.offsets = array("q", [0])
        self.hashes = array("Q")
        self.clusters = array("i")
        self.tag_ends = array("q", [0])
        self.tags = array("i")
        self.edges = array("b")
        self.targets = array("b")
        self.cluster_codes: dict[str, int] = {}
        self.tag_codes: dict[str, int] = {}

    def add(self, case: Case, size: int) -> None:
        self.offsets.append(self.offsets[-1] + size)
        self.hashes.append(int(case.hash, 16))
        cluster = case.cluster
        self.clusters.append(-1 if cluster is None else self.cluster_codes.setdefault(cluster, len(self.cluster_codes)))
        for tag in case.tags:
            self.tags.append(self.tag_codes.setdefault(tag, len(self.tag_codes)))
        self.tag_ends.append(len(self.tags))
        self.edges.append(case.edge)
        self.targets.append(case.target is not None)


class Dataset:
    """An immutable test set. Cases are read from disk when asked for; any thread may ask.

    Per-case columns are numpy arrays in the set's order: `hashes` (the 64 bits of each case's
    hash), `cluster_codes` (index into `cluster_names`, −1 for none), `edge`, and for tags
    `tag_ends` and `tag_codes`: case i has the tags `tag_codes[tag_ends[i]:tag_ends[i + 1]]`,
    indices into `tag_names`.
    """

    def __init__(self, path: Path, index: _Index, *, file: str, version: str | None = None, dropped_duplicates: int = 0) -> None:
        self.path = path
        self.cluster_names = tuple(index.cluster_codes)
        self.tag_names = tuple(index.tag_codes)
        self.hashes = _frozen(index.hashes, np.uint64)
        self.cluster_codes = _frozen(index.clusters, np.int32)
        self.tag_ends = _frozen(index.tag_ends, np.int64)
        self.tag_codes = _frozen(index.tags, np.int32)
        self.edge = _frozen(index.edges, np.bool_)
        self._offsets = _frozen(index.offsets, np.int64)
        self._descriptor = _opened(path)
        self.hash = hashlib.sha256(self.hashes.astype(">u8").tobytes()).hexdigest()[:16]
        alone = int((self.cluster_codes < 0).sum())
        self.info = DatasetInfo(
            file=file,
            hash=self.hash,
            cases=len(self),
            tags=self._tag_counts(),
            clusters=len(self.cluster_names) + alone if self.cluster_names else None,
            edge_cases=int(self.edge.sum()),
            without_target=len(self) - sum(index.targets),
            version=version,
            dropped_duplicates=dropped_duplicates,
        )

    @classmethod
    def from_spool(cls, path: Path, *, file: str | None = None, version: str | None = None) -> Dataset:
        """Open a spool written earlier, wherever it lies now. Raises `DatasetError` for a damaged one."""
        index = _Index()
        try:
            with path.open("rb") as lines:
                for n, line in enumerate(lines, 1):
                    index.add(_spooled(path, n, line), len(line))
        except OSError as trouble:
            raise DatasetError(f"cannot be read: {trouble.strerror or trouble}", file=str(path)) from trouble
        return cls(path, index, file=file or str(path), version=version)

    def spool_to(self, path: Path) -> Dataset:
        """Copy the spool to `path`, whole or not at all, and open the copy."""
        part = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.path, part)
            part.replace(path)
        except OSError as trouble:
            raise _disk_error(path, trouble) from trouble
        return Dataset.from_spool(path, file=self.info.file, version=self.info.version)

    def __len__(self) -> int:
        return len(self.hashes)

    def __getitem__(self, i: int) -> Case:
        count = len(self)
        if not -count <= i < count:
            raise IndexError(i)
        i %= count
        start, end = self._offsets[i : i + 2].tolist()
        return _spooled(self.path, i + 1, os.pread(self._descriptor, end - start, start))

    def __iter__(self) -> Iterator[Case]:
        return (self[i] for i in range(len(self)))

    def case_hash(self, i: int) -> str:
        """`self[i].hash` without reading the case."""
        return f"{int(self.hashes[i]):016x}"

    def tags_of(self, i: int) -> tuple[str, ...]:
        """`self[i].tags` without reading the case."""
        return tuple(self.tag_names[code] for code in self.tag_codes[self.tag_ends[i] : self.tag_ends[i + 1]])

    def close(self) -> None:
        """Give the file back; afterwards no case can be read."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_descriptor", -1) >= 0:
            self.close()

    def _tag_counts(self) -> dict[str, int]:
        counts = np.bincount(self.tag_codes, minlength=len(self.tag_names))
        return {self.tag_names[code]: int(counts[code]) for code in np.argsort(-counts, kind="stable")} if self.tag_names else {}


def only(dataset: Dataset, kept: Iterable[int], path: Path, *, dropped_duplicates: int = 0) -> Dataset:
    """A set of the cases at the `kept` positions, in that order, spooled to `path`, which may be the set's own."""
    writer = SpoolWriter(path)
    try:
        for i in kept:
            writer.add(dataset[i])
        return writer.finish(dataset.info.file, version=dataset.info.version, dropped_duplicates=dropped_duplicates)
    except BaseException:
        writer.discard()
        raise
    finally:
        dataset.close()


def _spooled(path: Path, n: int, line: bytes) -> Case:
    try:
        read = _DECODER.decode(line)
        return Case(
            id=read.id,
            messages=read.messages,
            target=read.target,
            tags=read.tags,
            cluster=read.cluster,
            tools=tuple(Tool(**_fields(tool, "parameters")) for tool in read.tools) if read.tools else (),
            output=None if read.output is None else OutputFormat(**_fields(read.output, "schema")),
            edge=read.edge,
            choices=read.choices,
        )
    except msgspec.MsgspecError as problem:
        hint = "the run's directory is damaged; run the evaluation again from the test set"
        raise DatasetError(f"is not a case we wrote: {problem}", file=str(path), line=n, hint=hint) from None


def _fields(raw: dict[str, msgspec.Raw], kept: str) -> dict[str, Any]:
    """Fields decoded, but for the one that is kept as JSON."""
    return {name: value if name == kept else msgspec.json.decode(value) for name, value in raw.items()}


def _frozen(column: array[int], dtype: type[Any]) -> npt.NDArray[Any]:
    values = np.frombuffer(column, dtype=dtype) if len(column) else np.empty(0, dtype=dtype)
    values.flags.writeable = False
    return values


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except OSError as trouble:
        raise DatasetError(f"cannot be read: {trouble.strerror or trouble}", file=str(path)) from trouble


def _disk_error(path: Path, trouble: OSError) -> StorageError:
    return StorageError(
        f"{path}: cannot write the test set: {trouble.strerror or trouble}", hint="free some space or choose another place"
    )
