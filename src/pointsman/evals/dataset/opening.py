"""Open a test set: read its rows, refuse what is doubtful, keep what was asked for."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from pointsman.core.failure import DatasetError
from pointsman.core.ids import hash_bytes
from pointsman.evals.dataset import csv_table, json_document, jsonl, parquet, yaml_document
from pointsman.evals.dataset.cases import CaseReader
from pointsman.evals.dataset.columns import RowError
from pointsman.evals.dataset.source import Row, Source
from pointsman.evals.dataset.spec import FileFormat, TestsSpec
from pointsman.evals.dataset.spool import Dataset, SpoolWriter, only

__all__ = ["open_dataset"]

_READERS: dict[FileFormat, Callable[[Source], Iterator[Row]]] = {
    "jsonl": jsonl.read,
    "json": json_document.read,
    "csv": csv_table.read,
    "tsv": csv_table.read_tabs,
    "yaml": yaml_document.read,
    "parquet": parquet.read,
}
_SUFFIXES: dict[str, FileFormat] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".parquet": "parquet",
}
_ITEMS = ("json", "parquet")


def open_dataset(spec: TestsSpec, base_dir: Path, spool: Path) -> Dataset:
    """Read the test set that `spec` names, relative to `base_dir`, into a spool at `spool`, and open it.

    Rows pass one by one, so a set may be larger than memory. Raises `DatasetError`, naming file and
    line, for a row that cannot be read, ids that occur twice, and a set without cases;
    `ConfigError` for a template or pattern that cannot work; `StorageError` if the spool cannot be written.
    """
    path = base_dir / spec.file
    kind = spec.format or _format_of(path)
    source = Source(path, encoding=spec.encoding, rows=spec.rows, unit="item" if kind in _ITEMS else "line")
    places, ids = array("q"), array("Q")
    writer = SpoolWriter(spool)
    try:
        seen = _fill(writer, source, _READERS[kind](source), spec, places, ids)
        _refuse_empty(source, spec, seen, len(places))
        dataset = writer.finish(spec.file, version=spec.version)
    except BaseException:
        writer.discard()
        raise
    return _sampled(_unique(dataset, source, spec, places, ids), spec)


def _fill(writer: SpoolWriter, source: Source, rows: Iterator[Row], spec: TestsSpec, places: array[int], ids: array[int]) -> int:
    """Spool the rows that are wanted, note where each came from, and count how many were read."""
    reader = CaseReader(spec)
    seen = 0
    for place, values in rows:
        if spec.limit is not None and len(places) >= spec.limit:
            break
        seen += 1
        try:
            if not reader.keeps(values):
                continue
            case = reader.read(values)
        except RowError as problem:
            raise source.error(problem.message, place=place, hint=problem.hint) from None
        writer.add(case)
        places.append(place)
        ids.append(int(hash_bytes(case.id.encode()), 16))
    return seen


def _format_of(path: Path) -> FileFormat:
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    kind = _SUFFIXES.get(suffix.lower())
    if kind is None:
        raise DatasetError(
            f"what is in a {suffix!r} file?" if suffix else "has no suffix that says what is in it",
            file=str(path),
            hint=f"say `format:` one of {', '.join(_READERS)}; known suffixes are {', '.join(_SUFFIXES)}, and .gz after them",
        )
    return kind


def _refuse_empty(source: Source, spec: TestsSpec, seen: int, kept: int) -> None:
    if kept:
        return
    if spec.limit is not None and spec.limit <= 0:
        raise source.error(f"`limit: {spec.limit}` keeps no case", hint="leave `limit` out or make it positive")
    if seen:
        raise source.error(f"no row of {seen:,} passes `where`", hint=f"where: {spec.where}")
    raise source.error("has no rows", hint="an evaluation needs at least one case")


def _unique(dataset: Dataset, source: Source, spec: TestsSpec, places: array[int], ids: array[int]) -> Dataset:
    """The set without second rows of one id. Raises `DatasetError` for them unless the first is to be kept."""
    doubles = _doubles(dataset, np.frombuffer(ids, dtype=np.uint64))
    if not doubles:
        return dataset
    if spec.duplicates == "error":
        later, first = min(doubles.items())
        case = dataset[later]
        dataset.close()
        raise source.error(
            f"id {case.id!r} is that of {source.unit} {places[first]} too; "
            f"{len(doubles):,} of {len(places):,} rows repeat an earlier one",
            place=places[later],
            hint="give each case its own id (without one its content is the id), or keep the first with `duplicates: first`",
        )
    kept = (i for i in range(len(dataset)) if i not in doubles)
    return only(dataset, kept, dataset.path, dropped_duplicates=len(doubles))


def _doubles(dataset: Dataset, ids: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> dict[int, int]:
    """Position of each repeated case → position of the first of that id. Exact: equal hashes are compared as ids."""
    order = np.argsort(ids, kind="stable")
    repeats = np.flatnonzero(ids[order][1:] == ids[order][:-1])
    doubles: dict[int, int] = {}
    for r in repeats:
        earlier, later = int(order[r]), int(order[r + 1])
        if dataset[earlier].id == dataset[later].id:
            doubles[later] = doubles.get(earlier, earlier)
    return doubles


def _sampled(dataset: Dataset, spec: TestsSpec) -> Dataset:
    """The drawn cases: those whose hash together with the seed ranks lowest, which no other row can change."""
    if spec.sample is None or spec.sample >= len(dataset):
        return dataset
    ranks = [hash_bytes(b"%d:%016x" % (spec.seed, int(h))) for h in dataset.hashes]
    drawn = sorted(sorted(range(len(dataset)), key=ranks.__getitem__)[: spec.sample])
    return only(dataset, drawn, dataset.path, dropped_duplicates=dataset.info.dropped_duplicates)
