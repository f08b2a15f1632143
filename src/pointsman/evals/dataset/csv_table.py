"""Tables of text: comma- or tab-separated values with a header."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from pointsman.evals.dataset.source import Row, Source

__all__ = ["read", "read_tabs"]

_LONGEST_FIELD = 1 << 30


def read(source: Source, delimiter: str = ",") -> Iterator[Row]:
    """Each record as a row of texts; an empty field is None. Its place is the line it begins on.

    Raises `DatasetError` for a missing or ambiguous header, a record with more or fewer fields than
    the header, and a quote that is never closed.
    """
    # Passages are longer than csv's default limit; the setting is the process's own, and only ever raised.
    csv.field_size_limit(max(_LONGEST_FIELD, csv.field_size_limit()))
    records = csv.reader((text for _, text in source.text_lines()), delimiter=delimiter, strict=True)
    header = _header(source, records)
    place = records.line_num + 1
    try:
        for fields in records:
            if fields:
                yield Row(place, _values(source, place, header, fields))
            place = records.line_num + 1
    except csv.Error as problem:
        raise source.error(
            f"not a valid record: {problem}",
            place=place,
            hint='a field with a quote, comma or newline is "quoted", quotes doubled',
        ) from None


def read_tabs(source: Source) -> Iterator[Row]:
    """The same with tabs."""
    return read(source, "\t")


def _header(source: Source, records: Iterator[list[str]]) -> list[str]:
    header = [name.strip() for name in next(records, [])]
    doubled = sorted({name for name in header if header.count(name) > 1})
    if doubled:
        raise source.error(
            f"the header names {', '.join(map(repr, doubled))} twice", place=1, hint="give each column its own name"
        )
    return header


def _values(source: Source, place: int, header: list[str], fields: list[str]) -> dict[str, str | None]:
    if len(fields) != len(header):
        raise source.error(
            f"has {len(fields)} fields, the header {len(header)}",
            place=place,
            hint='a field with a comma or newline must be "quoted"',
        )
    return {name: field if field != "" else None for name, field in zip(header, fields, strict=True)}
