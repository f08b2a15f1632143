"""Does the answer match a regular expression, or what it captures equal the target?"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec

from pointsman.core.chat import ChatReply
from pointsman.core.failure import ConfigError
from pointsman.evals.answer_part import compiled
from pointsman.evals.case import Case
from pointsman.evals.scorer import BadFormat, Judgement, Score, ScorerExample, ScorerPlugin, Unscored
from pointsman.evals.targets import target_texts

__all__ = ["PLUGIN"]

_TARGET = "{target}"


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The pattern and what to do with its matches."""

    pattern: str
    """A Python regular expression, searched for anywhere. `{target}` stands for the case's target, literally."""
    mode: Literal["match", "compare"] = "match"
    """`match`: right if found. `compare`: right if group 1 (or all of the match, without a group) equals the target."""
    expect: Literal["found", "absent"] = "found"
    """With `match`: `absent` turns it round, for words that must not occur."""
    pick: Literal["last", "first"] = "last"
    """With `compare`: which match counts."""
    ignore_case: bool = False
    """Case does not count, in the pattern and in comparing."""
    multiline: bool = True
    """`^` and `$` also match at lines."""
    dot_all: bool = False
    """`.` also matches a newline."""
    max_chars: int = 100_000
    """Only this much of the answer's end is searched. A pattern of yours may take time beyond linear in it."""


class Pattern:
    """`pattern` with its options set."""

    def __init__(self, options: Options) -> None:
        if options.mode == "compare" and options.expect == "absent":
            raise ConfigError("`expect: absent` goes with `mode: match`", key="pattern.expect")
        if options.max_chars < 1:
            raise ConfigError("must be above 0", key="pattern.max_chars", value=options.max_chars)
        self._options = options
        self._flags = (
            (re.IGNORECASE if options.ignore_case else 0)
            | (re.MULTILINE if options.multiline else 0)
            | (re.DOTALL if options.dot_all else 0)
        )
        self._with_target = _TARGET in options.pattern
        self._plain = options.pattern == _TARGET and not options.ignore_case
        self._pattern = compiled(options.pattern.replace(_TARGET, "x"), "pattern.pattern", self._flags)
        if options.mode == "compare" and self._pattern.groups > 1:
            raise ConfigError("has several groups", key="pattern.pattern", value=options.pattern, hint="make all but one (?:…)")

    def score(self, case: Case, reply: ChatReply) -> Judgement:
        targets = target_texts(case.target)
        if not targets and (self._with_target or self._options.mode == "compare"):
            return Unscored("the case has no target")
        text = reply.text[-self._options.max_chars :]
        if not text:
            return BadFormat("the answer is empty")
        if self._options.mode == "compare":
            return self._compare(self._patterns(targets), text, targets)
        found = self._found(targets, text)
        right = (found is not None) == (self._options.expect == "found")
        return Score(
            value=float(right), correct=right, read=found[:500] if found is not None else None, settled=found is not None
        )

    def _found(self, targets: tuple[str, ...], text: str) -> str | None:
        """What matches, or None."""
        if self._plain:  # the target as it is: compiling an expression for each case would cost more than all the rest
            return next((t for t in targets if t in text), None)
        return next((m[0] for p in self._patterns(targets) if (m := p.search(text))), None)

    def _patterns(self, targets: tuple[str, ...]) -> list[re.Pattern[str]]:
        return [self._for(t) for t in targets] if self._with_target else [self._pattern]

    def _for(self, target: str) -> re.Pattern[str]:
        return _cached(self._options.pattern.replace(_TARGET, re.escape(target)), self._flags)

    def _compare(self, patterns: list[re.Pattern[str]], text: str, targets: tuple[str, ...]) -> Judgement:
        read = None
        for pattern in patterns:
            for found in pattern.finditer(text):
                read = (found[1] if pattern.groups else found[0]) or ""
                if self._options.pick == "first":
                    break
        if read is None:
            return BadFormat(f"nothing matches {self._options.pattern!r}")
        right = self._same(read) in map(self._same, targets)
        return Score(value=float(right), correct=right, read=read[:500])

    def _same(self, text: str) -> str:
        return text.strip().casefold() if self._options.ignore_case else text.strip()


@lru_cache(maxsize=8192)
def _cached(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(pattern, flags)


PLUGIN = ScorerPlugin(
    summary="A regular expression is found, is absent, or captures the target.",
    options=Options,
    build=Pattern,
    example=ScorerExample(
        options={"pattern": r"order (\d+)", "mode": "compare"}, target="4711", answer="I have cancelled order 4711.", value=1.0
    ),
)
