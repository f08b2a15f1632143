"""Which part of an answer holds the value: all of it, what follows a mark, or a field of its JSON."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from pointsman.core.failure import ConfigError
from pointsman.evals.dataset.columns import written
from pointsman.evals.extract_json import field_text, first_json

__all__ = ["AnswerPart", "Part", "compiled", "json_field", "part_reader", "python_text"]


class AnswerPart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options that name the part. At most one may be set; without any, the whole answer is the value."""

    after: str | None = None
    """Text after the last place where this stands, such as `the answer is`."""
    after_pattern: str | None = None
    """The same, for a regular expression."""
    field: str | None = None
    """The value of this field in the answer's JSON, also where the JSON is wrapped in prose or not quite right."""
    field_as: Literal["json", "python"] = "json"
    r"""How a field that is not text is written for comparing: `{"a":null}` or `{'a': None}`. For targets that are
    Python literals; a newline in a text is then written `\n` too."""


class Part(NamedTuple):
    """The text of the part, and whether it surely was complete when the answer ended."""

    text: str
    settled: bool


def part_reader(options: AnswerPart, scorer: str) -> Callable[[str], Part | str]:
    """A function from an answer to its part, or to the reason why there is none.

    Raises `ConfigError` for options that exclude each other and for a broken pattern.
    """
    given = [name for name in ("after", "after_pattern", "field") if getattr(options, name) is not None]
    if len(given) > 1:
        raise ConfigError(f"`{given[0]}` and `{given[1]}` exclude each other", key=scorer, hint="keep one of them")
    if options.after == "":
        raise ConfigError("`after` is empty", key=scorer, hint="leave it out to use the whole answer")
    if options.after is not None:
        return _after(options.after)
    if options.after_pattern is not None:
        return _after_pattern(compiled(options.after_pattern, f"{scorer}.after_pattern"))
    if options.field is not None:
        return _field(options.field, python_text if options.field_as == "python" else written)
    return lambda text: Part(text, settled=False)


def compiled(pattern: str, key: str, flags: int = 0) -> re.Pattern[str]:
    """A regular expression the user wrote. Raises `ConfigError` saying what is wrong with it and where."""
    try:
        return re.compile(pattern, flags)
    except re.error as problem:
        hint = f"at character {problem.pos + 1}" if problem.pos is not None else None
        raise ConfigError(f"is not a regular expression: {problem.msg}", key=key, value=pattern, hint=hint) from None


def json_field(text: str, name: str, *, drop_newlines: bool = False, write: Callable[[object], str] = written) -> Part | None:
    """A field of the answer's first JSON object, or of what is almost one; None if the name does not occur."""
    found = first_json(text, openings="{", drop_newlines=drop_newlines)
    if found is not None and isinstance(found.value, dict) and found.value.get(name) is not None:
        return Part(write(found.value[name]), settled=True)
    value = field_text(text, name)
    return None if value is None else Part(value, settled=False)


def _after(mark: str) -> Callable[[str], Part | str]:
    def read(text: str) -> Part | str:
        at = text.rfind(mark)
        return Part(text[at + len(mark) :], settled=False) if at >= 0 else f"the answer does not say {mark!r}"

    return read


def _after_pattern(pattern: re.Pattern[str]) -> Callable[[str], Part | str]:
    def read(text: str) -> Part | str:
        end = -1
        for found in pattern.finditer(text):
            end = found.end()
        return Part(text[end:], settled=False) if end >= 0 else f"nothing in the answer matches {pattern.pattern!r}"

    return read


def python_text(value: object) -> str:
    """A JSON value as Python writes it, text without quotes but with its newlines escaped."""
    return value.replace("\n", "\\n") if isinstance(value, str) else str(value)


def _field(name: str, write: Callable[[object], str]) -> Callable[[str], Part | str]:
    def read(text: str) -> Part | str:
        return json_field(text, name, write=write) or f"the answer has no JSON field {name!r}"

    return read
