"""Values out of a row: by column name, as text, as a list, as yes or no."""

from __future__ import annotations

import string
from decimal import Decimal
from typing import Any

import msgspec

from pointsman.core.failure import PointsmanError

__all__ = ["ABSENT", "RowError", "column", "flag", "json_value", "lettered", "listed", "plain", "written"]

_PLAIN_NUMBERS = msgspec.json.Encoder(decimal_format="number")


class RowError(PointsmanError):
    """A row does not say what a case needs. Whoever knows the file and line adds them."""


class _Absent:
    """The column is not in the row; distinct from a column that is there and empty."""


ABSENT = _Absent()


def column(row: dict[str, Any], name: str) -> Any:
    """The value of a column, or of `b` inside the object `a` for `a.b`; `ABSENT` if there is none."""
    if name in row:
        return row[name]
    value: Any = row
    for step in name.split("."):
        if not isinstance(value, dict) or step not in value:
            return ABSENT
        value = value[step]
    return value


def written(value: object) -> str:
    """A value as people wrote it: text as it is, 3.10 as `3.10`, lists and objects as JSON, nothing as empty text."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return _PLAIN_NUMBERS.encode(value).decode()
    return str(value)


def plain(value: object) -> object:
    """A value as JSON data: decimals on the outside or in a list become their text, those inside objects numbers.

    Raises `RowError` for NaN and infinities, which are not values.
    """
    if isinstance(value, dict):
        return msgspec.json.decode(_PLAIN_NUMBERS.encode(value))
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float | Decimal):
        if value != value or value in (float("inf"), float("-inf")):  # noqa: PLR0124 - the one test of NaN for both types
            raise RowError(f"{value} is not a value", hint="leave it empty (null) where there is none")
        return repr(value) if isinstance(value, float) else str(value)
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def json_value(value: Any) -> Any:
    """The value itself, or what its text says if that is a JSON list or object (all a table can hold)."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError as problem:
            raise RowError(f"holds broken JSON: {problem}") from None
    return value


def listed(value: Any) -> list[str]:
    """A list of texts: from a list, JSON text of one, or text with commas. Nothing gives no items."""
    value = json_value(value)
    if value is None or value is ABSENT:
        return []
    items = value if isinstance(value, list) else written(value).split(",")
    return [text for item in items if (text := written(item).strip())]


def lettered(options: list[str]) -> str:
    """Options as `A) …` lines."""
    return "\n".join(f"{letter}) {text}" for letter, text in zip(string.ascii_uppercase, options, strict=False))


_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


def flag(value: Any) -> bool:
    """Yes or no; nothing is no. Raises `RowError` for anything else, since a guess would be silent."""
    answer = _FLAGS.get(written(value).strip().lower())
    if answer is None:
        raise RowError(f"{value!r} is neither true nor false", hint="write true or false")
    return answer
