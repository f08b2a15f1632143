"""Parquet, read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator

from pointsman.evals.dataset.source import Row, Source

__all__ = ["read"]

_BATCH_ROWS = 1024


def read(source: Source) -> Iterator[Row]:
    """Each record as a row, numbered from 1. Needs pyarrow; says how to get it where it is missing."""
    try:
        import pyarrow as pa  # noqa: PLC0415 - optional, and slow to import
        from pyarrow import parquet  # noqa: PLC0415 - the same
    except ImportError:
        raise source.error("Parquet needs pyarrow", hint="pip install 'pointsman[parquet]'") from None
    place = 0
    try:
        with source.open() as stream, parquet.ParquetFile(stream) as table:
            for batch in table.iter_batches(batch_size=_BATCH_ROWS):
                for values in batch.to_pylist():
                    place += 1
                    yield Row(place, values)
    except pa.ArrowException as problem:
        raise source.error(f"is not a readable Parquet file: {problem}") from problem
