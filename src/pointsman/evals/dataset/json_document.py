"""A JSON document that holds the rows as an array, or as an object by id."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from pointsman.evals.dataset.jsonl import json_problem
from pointsman.evals.dataset.source import Row, Source

__all__ = ["read"]

_SHALLOW: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: msgspec.json.Decoder[list[msgspec.Raw] | dict[str, msgspec.Raw]] = msgspec.json.Decoder(
    list[msgspec.Raw] | dict[str, msgspec.Raw]
)
_ITEM: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)


def read(source: Source) -> Iterator[Row]:
    """Each item as a row; for an object of objects its key becomes the column `key`.

    The file's bytes are held while it is read, the items are not. Raises `DatasetError` for what
    is not JSON, not a list of objects, or not where `rows` says.
    """
    items = _items(source)
    named = items.items() if isinstance(items, dict) else ((None, raw) for raw in items)
    for place, (key, raw) in enumerate(named, 1):
        values = _ITEM.decode(raw)
        if not isinstance(values, dict):
            raise source.error("is not an object", place=place, hint=_hint(items))
        yield Row(place, values if key is None else {"key": key, **values})


def _items(source: Source) -> list[msgspec.Raw] | dict[str, msgspec.Raw]:
    document: bytes | msgspec.Raw = source.whole()
    assert isinstance(document, bytes)
    text = document
    try:
        for step in source.rows.split(".") if source.rows else ():
            inside = _SHALLOW.decode(document)
            if step not in inside:
                raise source.error(
                    f"`rows: {source.rows}` is not in the document", hint=f"it has: {', '.join(list(inside)[:20])}"
                )
            document = inside[step]
        return _ITEMS.decode(document)
    except msgspec.ValidationError:
        raise source.error(
            "has no list of rows" + (f" at `rows: {source.rows}`" if source.rows else ""), hint="say where it is with `rows:`"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        what, at, hint = json_problem(text, problem)
        line = text.count(b"\n", 0, at) + 1 if at is not None else None
        where = f" (line {line})" if line else ""
        raise source.error(f"is not valid JSON: {what}{where}", hint=hint or "an array of objects is expected") from None


def _hint(items: list[msgspec.Raw] | dict[str, msgspec.Raw]) -> str:
    if isinstance(items, dict):
        return f"the list of rows may be inside: `rows:` one of {', '.join(list(items)[:20])}"
    return "each item of the array must be an object with the case's columns"
