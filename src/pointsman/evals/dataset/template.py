"""Prompt templates: `{column}` becomes the row's value, `{{` and `}}` are braces. What is put in is never read again."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from string import Formatter

from pointsman.core.failure import ConfigError
from pointsman.evals.dataset.columns import ABSENT, RowError

__all__ = ["Template"]


class Template:
    """A parsed template. Raises `ConfigError` for unbalanced braces and for anything but a column's name inside them."""

    def __init__(self, text: str, key: str) -> None:
        self._pieces: list[tuple[str, str | None]] = []
        try:
            for literal, field, spec, conversion in Formatter().parse(text):
                if field is not None and (not field.strip() or spec or conversion):
                    raise ConfigError("a placeholder is `{column}` and nothing else", key=key, hint="write {{ and }} for braces")
                self._pieces.append((literal, field.strip() if field is not None else None))
        except ValueError as problem:
            raise ConfigError(f"unbalanced braces: {problem}", key=key, hint="write {{ and }} for braces") from None

    def fill(self, value_of: Callable[[str], object], known: list[str]) -> str:
        """The text for one row. `value_of` answers `ABSENT` for a column the row lacks, which raises `RowError`."""
        parts: list[str] = []
        for literal, field in self._pieces:
            parts.append(literal)
            if field is None:
                continue
            value = value_of(field)
            if value is ABSENT:
                near = difflib.get_close_matches(field, known, n=1)
                guess = f"did you mean {{{near[0]}}}? " if near else ""
                raise RowError(f"the template asks for {{{field}}}", hint=f"{guess}columns: {', '.join(known)}")
            parts.append(str(value))
        return "".join(parts)
