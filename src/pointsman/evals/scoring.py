"""What a trial's ending means: every answer or failure becomes exactly one outcome."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import ChatReply, FinishReason
from pointsman.core.failure import Failure, FailureClass
from pointsman.evals.case import Case
from pointsman.evals.outcome import Outcome
from pointsman.evals.refusals import looks_refused
from pointsman.evals.scorer import BadFormat, Judgement, Refused, Score, Unscored
from pointsman.evals.scorer_set import NamedScorer, ScorerSet, build_scorers
from pointsman.providers.provider import Answer

__all__ = ["Judged", "ScorerSet", "build_scorers", "judge"]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of one trial and what it rests on. Fields are those of `Trial`."""

    outcome: Outcome
    score: float | None = None
    """0 to 1. A bad format, a refusal and a truncation score 0; failures and unscored trials have none."""
    scores: dict[str, float] = msgspec.field(default_factory=dict)
    """Every scorer's value by name, where there is more than one."""
    read: str | None = None
    reason: str | None = None


def judge(case: Case, answer: Answer, scorers: ScorerSet) -> Judged:
    """Judge one answer. Pure and total: a scorer that raises leaves the trial unscored, with the reason.

    - A failed call is a timeout, a refusal (the provider's filter said no) or a provider error.
    - A right answer is correct, whatever else is odd about it.
    - Any other answer is a refusal if it looks like one (see `refusals`), then a truncation if the
      output limit cut it off before its value was settled, then what the scorer says.
    """
    failure = answer.exchange.failure
    if failure is not None:
        return _failed(failure)
    reply = answer.reply
    if reply is None:
        return Judged(outcome=Outcome.PROVIDER_ERROR, reason="the provider returned no answer")
    if len(scorers.scorers) == 1:
        judgement = _judgement(scorers.scorers[0], case, reply)
        if isinstance(judgement, Unscored):
            return Judged(outcome=Outcome.UNSCORED, reason=judgement.reason)
        return _judged(judgement, _value(judgement), {}, reply)
    judgements = [_judgement(named, case, reply) for named in scorers.scorers]
    scores = _scores(scorers, judgements)
    weighed = [(j, w) for j, w in zip(judgements, scorers.weights, strict=True) if w > 0]
    for judgement, _ in weighed:
        if isinstance(judgement, Unscored):
            return Judged(outcome=Outcome.UNSCORED, scores=scores, reason=judgement.reason)
    decisive = next((j for j, _ in weighed if not (isinstance(j, Score) and j.correct)), weighed[0][0])
    total = sum(w for _, w in weighed)
    return _judged(decisive, sum(_value(j) * w for j, w in weighed) / total, scores, reply)


def _judged(decisive: Judgement, value: float, scores: dict[str, float], reply: ChatReply) -> Judged:
    """The ending that the deciding judgement means, with the value of them all."""
    outcome, reason = _ending(decisive, reply)
    if outcome in (Outcome.REFUSED, Outcome.TRUNCATED):
        value = 0.0
    read = decisive.read if isinstance(decisive, Score) else None
    return Judged(outcome=outcome, score=value, scores=scores, read=read, reason=reason)


def _failed(failure: Failure) -> Judged:
    match failure.kind:
        case FailureClass.TIMEOUT:
            return Judged(outcome=Outcome.TIMEOUT, reason=failure.message)
        case FailureClass.CONTENT_POLICY:
            return Judged(outcome=Outcome.REFUSED, score=0.0, reason=failure.message)
        case _:
            return Judged(outcome=Outcome.PROVIDER_ERROR, reason=f"{failure.kind.value}: {failure.message}")


def _judgement(named: NamedScorer, case: Case, reply: ChatReply) -> Judgement:
    try:
        return named.scorer.score(case, reply)
    # Any plug-in may be wrong in any way, and one trial must not end a run that costs money.
    except Exception as problem:  # noqa: BLE001
        return Unscored(f"{named.name} raised {type(problem).__name__}: {problem}")


def _ending(judgement: Judgement, reply: ChatReply) -> tuple[Outcome, str | None]:
    """The outcome of the judgement that decides, and why."""
    if isinstance(judgement, Score) and judgement.correct:
        return Outcome.CORRECT, None
    if isinstance(judgement, Refused):
        return Outcome.REFUSED, judgement.reason
    if (refusal := looks_refused(reply)) is not None:
        return Outcome.REFUSED, refusal
    settled = isinstance(judgement, Score) and judgement.settled
    if reply.finish is FinishReason.LENGTH and not settled:
        return Outcome.TRUNCATED, "cut off by the output limit before an answer could be read"
    if isinstance(judgement, BadFormat):
        return Outcome.BAD_FORMAT, judgement.reason
    return Outcome.WRONG, None


def _value(judgement: Judgement) -> float:
    return judgement.value if isinstance(judgement, Score) else 0.0


def _scores(scorers: ScorerSet, judgements: list[Judgement]) -> dict[str, float]:
    """Values by name; a scorer that could not judge is left out, since it has none."""
    named = zip(scorers.names, judgements, strict=True)
    return {name: _value(judgement) for name, judgement in named if not isinstance(judgement, Unscored)}
