"""How alike are the answer and the target, as texts?"""

from __future__ import annotations

from typing import Literal

from pointsman.core.chat import ChatReply
from pointsman.core.failure import ConfigError
from pointsman.evals.answer_part import AnswerPart, part_reader
from pointsman.evals.case import Case
from pointsman.evals.scorer import BadFormat, Judgement, Score, ScorerExample, ScorerPlugin, Unscored
from pointsman.evals.targets import target_texts
from pointsman.evals.text_overlap import levenshtein_similarity, rouge_l, token_f1

__all__ = ["PLUGIN"]

_METRICS = {"levenshtein": levenshtein_similarity, "token_f1": token_f1, "rouge_l": rouge_l}


class Options(AnswerPart, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which likeness, and how much of it is right."""

    metric: Literal["levenshtein", "token_f1", "rouge_l"] = "token_f1"
    """`levenshtein`: 1 − edits ÷ longer length. `token_f1`: shared words. `rouge_l`: words shared in order."""
    threshold: float = 0.8
    """From this likeness on an answer counts as correct; the score itself stays graded."""
    ignore_case: bool = False
    """For `levenshtein`; the others never mind case."""
    max_chars: int = 50_000
    """Only this much of the beginning of each text is compared."""


class Similarity:
    """`similarity` with its options set. Takes time in proportion to answer × target."""

    def __init__(self, options: Options) -> None:
        if not 0 < options.threshold <= 1:
            raise ConfigError("is a share above 0", key="similarity.threshold", value=options.threshold)
        if options.max_chars < 1:
            raise ConfigError("must be above 0", key="similarity.max_chars", value=options.max_chars)
        self._options = options
        self._part = part_reader(options, "similarity")
        self._measure = _METRICS[options.metric]

    def score(self, case: Case, reply: ChatReply) -> Judgement:
        targets = target_texts(case.target)
        if not targets:
            return Unscored("the case has no target text")
        if not reply.text.strip():
            return BadFormat("the answer is empty")
        part = self._part(reply.text)
        if isinstance(part, str):
            return BadFormat(part)
        read = self._same(part.text)
        value = max(self._measure(read, self._same(target)) for target in targets)
        return Score(value=value, correct=value >= self._options.threshold, read=read[:500], settled=part.settled)

    def _same(self, text: str) -> str:
        text = text[: self._options.max_chars].strip()
        return text.casefold() if self._options.ignore_case else text


PLUGIN = ScorerPlugin(
    summary="The answer's text is like the target's, by edits, words or words in order.",
    options=Options,
    build=Similarity,
    example=ScorerExample(
        options={"metric": "rouge_l"}, target="the cat sat on the mat", answer="The cat sat on the mat.", value=1.0
    ),
)
