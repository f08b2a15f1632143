"""Is the answer, or the marked part of it, exactly a target?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import reduce

from pointsman.core.chat import ChatReply
from pointsman.evals.answer_part import AnswerPart, part_reader
from pointsman.evals.case import Case
from pointsman.evals.scorer import BadFormat, Judgement, Score, ScorerExample, ScorerPlugin, Unscored
from pointsman.evals.targets import target_texts

__all__ = ["PLUGIN"]

_SPACES = re.compile(r"\s+")


class Options(AnswerPart, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What counts as the same. Everything is done to the answer and to the target alike."""

    strip: bool = True
    """Spaces at both ends do not count."""
    ignore_case: bool = False
    """Case does not count."""
    strip_final_period: bool = False
    """One `.` at the end does not count."""
    strip_quotes: bool = False
    """Quotes at both ends do not count, so that `'x'`, `"x"` and `x` are the same."""
    normalise: bool = False
    """Unicode compatibility forms (NFKC) and runs of spaces do not count."""


class Exact:
    """`exact` with its options set. Takes time linear in the answer."""

    def __init__(self, options: Options) -> None:
        self._part = part_reader(options, "exact")
        self._same = _sameness(options)

    def score(self, case: Case, reply: ChatReply) -> Judgement:
        targets = target_texts(case.target)
        if not targets:
            return Unscored("the case has no target a text could equal")
        text = reply.text
        if not text:
            return BadFormat("the answer is empty")
        part = self._part(text)
        if isinstance(part, str):
            return BadFormat(part)
        read = self._same(part.text)
        right = read in map(self._same, targets)
        return Score(value=float(right), correct=right, read=read[:500], settled=part.settled)


def _sameness(options: Options) -> Callable[[str], str]:
    """The form in which two texts are compared."""
    steps: list[Callable[[str], str]] = []
    if options.normalise:
        steps.append(lambda text: _SPACES.sub(" ", unicodedata.normalize("NFKC", text)))
    if options.strip:
        steps.append(str.strip)
    if options.strip_quotes:
        steps.append(lambda text: text.strip("'\""))
    if options.strip_final_period:
        steps.append(lambda text: text.removesuffix("."))
    if options.ignore_case:
        steps.append(str.casefold)
    if len(steps) == 1:
        return steps[0]
    return lambda text: reduce(lambda so_far, step: step(so_far), steps, text)


PLUGIN = ScorerPlugin(
    summary="The answer, or the part after a mark, equals a target.",
    options=Options,
    build=Exact,
    example=ScorerExample(
        options={"after": "the answer is", "strip_final_period": True},
        target="Paris",
        answer="So the answer is Paris.",
        value=1.0,
    ),
)
