"""What we conclude: `Pass`, `Fail`, or `Unknown` with what would settle it. Silence never promotes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from pointsman.core.estimate import Measured, Unknown

__all__ = ["Fail", "Pass", "Verdict", "VerdictName", "all_of", "verdict_name"]


class Pass(msgspec.Struct, frozen=True):
    """The evidence rules out a breach of the limit."""

    estimate: Measured
    reason: str


class Fail(msgspec.Struct, frozen=True):
    """The evidence rules out that the limit holds."""

    estimate: Measured
    reason: str


Verdict = Pass | Fail | Unknown
VerdictName = Literal["pass", "fail", "unknown"]


def verdict_name(verdict: Verdict) -> VerdictName:
    """The word used in JSON and for exit codes."""
    match verdict:
        case Pass():
            return "pass"
        case Fail():
            return "fail"
        case Unknown():
            return "unknown"


def all_of(verdicts: Iterable[Verdict]) -> VerdictName:
    """The conjunction: one failure fails, otherwise one unknown leaves it open; of nothing, unknown."""
    names = [verdict_name(v) for v in verdicts]
    if "fail" in names:
        return "fail"
    return "pass" if names and "unknown" not in names else "unknown"
