"""JSON lines: one object a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Never

import msgspec

from pointsman.evals.dataset.source import Row, Source

__all__ = ["json_problem", "read"]

# A float becomes a Decimal, so that 3.10 stays 3.10.
_DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
_AT_BYTE = re.compile(r"\(byte (\d+)\)")
_NOT_JSON = (b"NaN", b"Infinity", b"-Infinity")


def read(source: Source) -> Iterator[Row]:
    """Each non-empty line as a row. Raises `DatasetError` for the first line that is not a JSON object."""
    for place, line in source.byte_lines():
        if line.isspace():
            continue
        try:
            values = _DECODER.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as problem:
            _explain(source, place, line, problem)
        if not isinstance(values, dict):
            raise source.error(
                f"is a JSON {_kind(values)}, not an object",
                place=place,
                hint='each line is one case, such as {"id": "1", "input": "…", "target": "…"}; an array belongs in a .json file',
            )
        yield Row(place, values)


def json_problem(text: bytes, problem: Exception) -> tuple[str, int | None, str | None]:
    """What is wrong with a piece of JSON, in words; its byte position if known; what to do."""
    found = _AT_BYTE.search(str(problem))
    at = int(found[1]) if found else None
    if at is not None and (word := _constant_at(text, at)):
        return f"{word} is not JSON", at, "write null where there is no value"
    if "truncated" in str(problem):
        return "the JSON ends in the middle of a value", None, "one whole object a line; for a pretty-printed file use .json"
    return str(problem).split(" (byte")[0].removeprefix("JSON is malformed: "), at, None


def _explain(source: Source, place: int, line: bytes, problem: Exception) -> Never:
    source.decode(line, place)  # raises the better error if the bytes are not UTF-8
    what, at, hint = json_problem(line, problem)
    where = f"column {len(line[:at].decode(errors='replace')) + 1}: " if at is not None else ""
    near = line[max(0, (at or 0) - 10) : (at or 0) + 20].decode(errors="replace").strip()
    raise source.error(
        f"{where}not valid JSON: {what} (near {near!r})", place=place, hint=hint or "each line must be one JSON object"
    ) from None


def _constant_at(text: bytes, at: int) -> str | None:
    # msgspec points at the first character it cannot use, which for -Infinity is the second.
    for start in (at, at - 1):
        for word in _NOT_JSON:
            if start >= 0 and text.startswith(word, start):
                return word.decode()
    return None


def _kind(value: object) -> str:
    return "array" if isinstance(value, list) else "null" if value is None else "scalar"
