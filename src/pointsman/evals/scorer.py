"""What a scorer is: an answer and a case in, a judgement out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from pointsman.core.chat import ChatReply
from pointsman.core.plugin import Family
from pointsman.evals.case import Case

__all__ = ["SCORERS", "BadFormat", "Judgement", "Refused", "Score", "Scorer", "ScorerExample", "ScorerPlugin", "Unscored"]


class Score(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A judged answer."""

    value: float
    """From 0 (wrong) to 1 (right)."""
    correct: bool
    """Whether the value reaches the scorer's threshold."""
    read: str | None = None
    """What was read out of the answer and compared, for people who check."""
    settled: bool = True
    """False where an answer cut off by the output limit may not have come to its value yet (the last
    number so far, say): then a wrong value is a truncation."""


class BadFormat(msgspec.Struct, frozen=True):
    """No value can be read from the answer in the form asked for. Counts as not correct."""

    reason: str


class Refused(msgspec.Struct, frozen=True):
    """The model declined to answer. Counts as not correct."""

    reason: str


class Unscored(msgspec.Struct, frozen=True):
    """The instrument cannot judge (no target, a broken pattern). Counts as nothing, and is reported."""

    reason: str


Judgement = Score | BadFormat | Refused | Unscored


class Scorer(Protocol):
    """A scorer with its options set. Pure, and total: no answer makes it raise."""

    def score(self, case: Case, reply: ChatReply) -> Judgement:
        """Judge one whole reply; `reply.text` may be empty."""
        ...


class ScorerExample(msgspec.Struct, frozen=True, kw_only=True):
    """Shown in the docs and run by the contract test."""

    options: dict[str, Any]
    target: object
    answer: str
    value: float


class ScorerPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """What a scorer module exports as `PLUGIN`."""

    summary: str
    """One sentence for the docs and `--help`."""
    options: type[msgspec.Struct]
    """The options a user may write under the scorer's name; unknown keys are errors, defaults are stated."""
    build: Callable[[Any], Scorer]
    """Options → scorer. Raises `ConfigError` for options that contradict each other."""
    version: int = 1
    """Raised whenever the same answer could get another score: scores of two versions are not compared."""
    example: ScorerExample


SCORERS: Family[ScorerPlugin] = Family("pointsman.evals.scorers", ScorerPlugin, "scorer")
