"""A regular expression of the user's own, held to what cannot run away, and applied to short pieces of text.

Python's engine tries every way to match, and cannot be interrupted: some expressions take years over forty
characters. Those are repetitions of something that can itself be matched in several ways, such as `(a+)+`;
they are refused. What is left is polynomial, which short pieces keep small.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pointsman.core.failure import ConfigError

__all__ = ["compiled", "matches"]

_MOST_CHARACTERS = 500
_MOST_OPEN = 3
_MANY = 10
_PIECE = 1024
_OVERLAP = 256
_POSSESSIVE = "write the inner repetition possessively, `++` for `+`, `*+` for `*`: it then gives nothing back"
_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d*)(,?)(\d*)\})([?+]?)")


def compiled(pattern: str, key: str) -> re.Pattern[str]:
    """Raises `ConfigError` under `key` for one that is none, matches nothing at all, or could run away."""
    if len(pattern) > _MOST_CHARACTERS:
        raise ConfigError(f"is longer than {_MOST_CHARACTERS} characters", key=key, hint="several short patterns do the same")
    try:
        found = re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        hint = "patterns are those of Python's `re`; in YAML, 'single quotes' keep backslashes"
        raise ConfigError(f"is no regular expression: {error}", key=key, value=pattern, hint=hint) from None
    if found.search("") is not None:
        raise ConfigError("matches the empty text, and so everywhere", key=key, value=pattern, hint="`+` instead of `*`")
    problem = _Scan(pattern).problem()
    if problem is not None:
        raise ConfigError(problem, key=key, value=pattern, hint=_POSSESSIVE)
    return found


def matches(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Where it matches, found in pieces of 1,024 characters that share 256 with the next."""
    for start in range(0, max(1, len(text) - _OVERLAP), _PIECE - _OVERLAP):
        for match in pattern.finditer(text, start, start + _PIECE):
            if match.end() > match.start():
                yield match.span()


class _Group:
    """What stands between two parentheses, as far as it was read."""

    __slots__ = ("atomic", "varies")

    def __init__(self, *, atomic: bool) -> None:
        self.atomic = atomic
        self.varies = False
        """Whether it can match one text in more than one way, as far as its form tells."""


class _Scan:
    """One reading of a valid pattern from left to right."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._groups = [_Group(atomic=False)]
        self._open = 0

    def problem(self) -> str | None:
        """What is wrong with it; None if nothing is."""
        at, pattern = 0, self._pattern
        while at < len(pattern):
            closed: _Group | None = None
            match pattern[at]:
                case "\\":
                    at += 2
                case "[":
                    at = self._after_class(at)
                case "(":
                    self._groups.append(_Group(atomic=pattern.startswith("(?>", at)))
                    at += 2 if pattern.startswith("(?", at) else 1
                    continue
                case ")":
                    closed = self._groups.pop()
                    at += 1
                case "|":
                    self._groups[-1].varies = True
                    at += 1
                    continue
                case _:
                    at += 1
            quantifier = _QUANTIFIER.match(pattern, at)
            if quantifier is not None:
                at = quantifier.end()
            if self._explodes(closed, quantifier):
                return "repeats something that can be matched in several ways, which can take for ever"
        return f"has more than {_MOST_OPEN} open repetitions" if self._open > _MOST_OPEN else None

    def _explodes(self, closed: _Group | None, quantifier: re.Match[str] | None) -> bool:
        inner = closed is not None and closed.varies and not closed.atomic
        if quantifier is None:
            self._groups[-1].varies |= inner
            return False
        least, most = _times(quantifier)
        possessive = quantifier[4] == "+"
        self._groups[-1].varies |= (least != most or inner) and not possessive
        if most is None and not possessive:
            self._open += 1
        return inner and (most is None or most >= _MANY)

    def _after_class(self, at: int) -> int:
        at += 2 if self._pattern.startswith("[^", at) else 1
        at += 1 if self._pattern.startswith("]", at) else 0
        while self._pattern[at] != "]":
            at += 2 if self._pattern[at] == "\\" else 1
        return at + 1


def _times(quantifier: re.Match[str]) -> tuple[int, int | None]:
    """Least and most repetitions; None: any number."""
    match quantifier[0][0]:
        case "*":
            return 0, None
        case "+":
            return 1, None
        case "?":
            return 0, 1
    least = int(quantifier[1] or 0)
    if not quantifier[2]:
        return least, least
    return least, int(quantifier[3]) if quantifier[3] else None
