"""Is the number the answer comes to the target's number?"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache, partial
from typing import Literal, NamedTuple

import msgspec

from pointsman.core.chat import ChatReply
from pointsman.core.failure import ConfigError
from pointsman.evals.answer_part import json_field
from pointsman.evals.case import Case
from pointsman.evals.numbers import Number, first_number, last_number, only_number
from pointsman.evals.scorer import BadFormat, Judgement, Score, ScorerExample, ScorerPlugin, Unscored
from pointsman.evals.targets import target_texts

__all__ = ["PLUGIN"]


Extract = Literal["last", "first", "marked", "boxed", "json"]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the number is, and how close is right."""

    extract: Extract | tuple[Extract, ...] = ("boxed", "marked", "last")
    r"""`last` or `first`: that number of the whole answer. `marked`: after the last marker. `boxed`: in the last
    `\boxed{}`. `json`: in `field`. Of several, the first that finds a number."""
    markers: tuple[str, ...] = ("####", "answer is", "answer:", "answer =")
    """What `marked` looks for, in any case; the one that stands last counts, earlier ones where no number follows it."""
    field: str = "answer"
    """The JSON field `json` reads."""
    pick: Literal["first", "last"] = "first"
    """Which number of a marked, boxed or JSON part, where it has several."""
    fractions: Literal["auto", "yes", "no"] = "auto"
    """Whether `3/4` is one number. `auto`: yes, except that the last (or first) number of a whole answer is compared
    with a whole target as plain digits: in `… 1/3 pound` at the end of a sentence that is 3, as published harnesses read it."""
    rtol: float = 0.0
    """Accepted difference as a share of the target; with `atol` 0 too, numbers must be equal, digit by digit."""
    atol: float = 0.0
    """Accepted difference, absolute."""
    percent: Literal["ignore", "ratio", "either"] = "ignore"
    """What `50%` is: 50, 0.5, or whichever is right."""
    drop_newlines: bool = False
    """Delete newlines before reading JSON, as some published harnesses do."""


_MOST_MARKS = 8


class _Reading(NamedTuple):
    number: Number
    settled: bool


class Numeric:
    """`numeric` with its options set. Takes time linear in the answer."""

    def __init__(self, options: Options) -> None:
        if options.rtol < 0 or options.atol < 0:
            raise ConfigError("a tolerance is not negative", key="numeric.rtol" if options.rtol < 0 else "numeric.atol")
        if not options.markers or not all(options.markers):
            raise ConfigError("needs at least one marker, none of them empty", key="numeric.markers")
        if not options.extract:
            raise ConfigError("names no way to find the number", key="numeric.extract")
        ways = (options.extract,) if isinstance(options.extract, str) else options.extract
        self._ways = tuple(self._find(way) for way in ways)
        self._missing = " and ".join(_MISSING[way].format(options.field) for way in ways)
        self._options = options
        self._markers = [m.lower() for m in options.markers]
        self._marker = re.compile("|".join(re.escape(m) for m in options.markers), re.IGNORECASE)
        self._part_fractions = options.fractions != "no"
        pick = first_number if options.pick == "first" else last_number
        self._pick: Callable[[str], Number | None] = partial(pick, fractions=self._part_fractions)

    def score(self, case: Case, reply: ChatReply) -> Judgement:
        targets = target_texts(case.target)
        if not targets:
            return Unscored("the case has no target number")
        wanted = [n for t in targets if (n := _target_number(t)) is not None]
        if not wanted:
            return Unscored(f"the target {targets[0][:80]!r} is not a number")
        text = reply.text
        if not text:
            return BadFormat("the answer is empty")
        fractions = self._prose_fractions(wanted)
        reading = None
        for find in self._ways:
            if (reading := find(text, fractions)) is not None:
                break
        if reading is None:
            return BadFormat(self._missing)
        right = self._right(reading.number, wanted)
        return Score(value=float(right), correct=right, read=reading.number.text[:500], settled=reading.settled)

    def _prose_fractions(self, wanted: list[Number]) -> bool:
        if self._options.fractions == "auto":
            return not all(w.whole for w in wanted)
        return self._part_fractions

    def _find(self, way: Extract) -> Callable[[str, bool], _Reading | None]:
        """The function for one way of finding the number: of the answer, and of whether prose has fractions."""
        match way:
            case "last":
                return lambda text, fractions: _unsettled(last_number(text, fractions=fractions))
            case "first":
                return lambda text, fractions: _unsettled(first_number(text, fractions=fractions))
            case "marked":
                return lambda text, _: self._marked(text)
            case "boxed":
                return lambda text, _: self._boxed(text)
            case "json":
                return lambda text, _: self._json(text)

    def _marked(self, text: str) -> _Reading | None:
        for end in self._marker_ends(text):
            part = text[end : end + 500]
            number = self._pick(part.partition("\n\n")[0] if self._options.pick == "last" else part)
            if number is not None:
                return _Reading(number, settled=not text.endswith(number.text, end))
        return None

    def _marker_ends(self, text: str) -> list[int]:
        """Ends of the last marks, the very last first."""
        lower = text.lower()
        if len(lower) != len(text):  # a letter whose small form is longer shifts every position after it
            return [found.end() for found in self._marker.finditer(text)][: -_MOST_MARKS - 1 : -1]
        ends: list[int] = []
        for marker in self._markers:
            at = lower.rfind(marker)
            while at >= 0 and len(ends) < _MOST_MARKS * len(self._markers):
                ends.append(at + len(marker))
                at = lower.rfind(marker, 0, at)
        return sorted(ends, reverse=True)[:_MOST_MARKS]

    def _boxed(self, text: str) -> _Reading | None:
        box = last_boxed(text)
        number = self._pick(box) if box is not None else None
        return None if number is None else _Reading(number, settled=True)

    def _json(self, text: str) -> _Reading | None:
        part = json_field(text, self._options.field, drop_newlines=self._options.drop_newlines)
        number = self._pick(part.text) if part is not None else None
        return None if part is None or number is None else _Reading(number, part.settled)

    def _right(self, got: Number, wanted: list[Number]) -> bool:
        if self._options.percent == "ignore":
            return any(self._close(got, w) for w in wanted)
        return any(self._close(g, r) for w in wanted for g, r in self._readings(got, w))

    def _readings(self, got: Number, wanted: Number) -> list[tuple[Number, Number]]:
        """Pairs to compare: a percentage as itself, as a ratio, or both."""
        plain = [(got, wanted)]
        if not (got.percent or wanted.percent):
            return plain
        ratios = [(_ratio(got), _ratio(wanted))]
        return ratios if self._options.percent == "ratio" else plain + ratios

    def _close(self, got: Number, wanted: Number) -> bool:
        if got.equals(wanted):
            return True
        return bool(self._options.rtol or self._options.atol) and got.near(wanted, self._options.rtol, self._options.atol)


_MISSING = {
    "last": "no number in the answer",
    "first": "no number in the answer",
    "marked": "no number after a marker",
    "boxed": "no number in a \\boxed{{}}",
    "json": "no number in a JSON field {!r}",
}


def _unsettled(number: Number | None) -> _Reading | None:
    return None if number is None else _Reading(number, settled=False)


def _ratio(number: Number) -> Number:
    return number.scaled(Decimal("0.01")) if number.percent else number


@lru_cache(maxsize=8192)  # the same targets come back for every variant and repeat
def _target_number(target: str) -> Number | None:
    """A target is a number, or a worked solution whose last line after `####` (or last number) is one."""
    return only_number(target) or last_number(target)


def last_boxed(text: str) -> str | None:
    r"""What the last `\boxed{…}` holds, braces balanced; None if there is none or it is cut off."""
    at = text.rfind("\\boxed{")
    if at < 0:
        return None
    depth, start = 0, at + len("\\boxed{")
    for i in range(start - 1, min(len(text), start + 2000)):
        if text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return text[start:i]
    return None


PLUGIN = ScorerPlugin(
    summary="The number in the answer equals the target's, exactly or within a tolerance.",
    options=Options,
    build=Numeric,
    example=ScorerExample(options={"extract": "last"}, target="1250", answer="She pays $1,250.00 in all.", value=1.0),
)
