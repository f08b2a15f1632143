"""Replies and answers as a provider would give them, for tests of what is made of them."""

from __future__ import annotations

from typing import Any

from pointsman.core.chat import ChatReply, Choice, FinishReason, Refusal, Text, user_says
from pointsman.core.exchange import Attempt, Exchange
from pointsman.core.failure import Failure, FailureClass
from pointsman.evals.case import Case
from pointsman.evals.scorer import BadFormat, Judgement, Score
from pointsman.evals.scorer_set import build_scorers
from pointsman.providers.provider import Answer


def reply(text: str, finish: FinishReason = FinishReason.STOP, *, refusal: str | None = None) -> ChatReply:
    """One choice that says `text`, or a marked refusal beside it."""
    parts: tuple[Any, ...] = (Text(text=text),) if text else ()
    if refusal is not None:
        parts = (*parts, Refusal(text=refusal))
    return ChatReply(choices=(Choice(parts=parts, finish=finish),))


def case(target: object = None, **more: Any) -> Case:
    """A case that asks nothing in particular."""
    return Case(id=more.pop("id", "1"), messages=more.pop("messages", (user_says("?"),)), target=target, **more)


def answered(text: str, finish: FinishReason = FinishReason.STOP) -> Answer:
    """A call that succeeded."""
    return Answer(
        exchange=Exchange(variant="v", request="r", attempts=(Attempt(started_s=0, duration_s=1),)), reply=reply(text, finish)
    )


def failed(kind: FailureClass, message: str = "no") -> Answer:
    """A call that did not."""
    attempt = Attempt(started_s=0, duration_s=1, failure=Failure(kind=kind, message=message))
    return Answer(exchange=Exchange(variant="v", request="r", attempts=(attempt,)))


def score(name: str, options: dict[str, Any], target: object, text: str, **more: Any) -> Judgement:
    """What the scorer `name` says to one answer."""
    [named] = build_scorers([{name: options}]).scorers
    return named.scorer.score(case(target, **more), reply(text))


def is_right(judgement: Judgement) -> bool | None:
    """True or false as scored; None if no value could be read."""
    return judgement.correct if isinstance(judgement, Score) else None


def read_of(judgement: Judgement) -> str | None:
    """What was read; None if nothing could be."""
    return None if isinstance(judgement, BadFormat) else getattr(judgement, "read", None)
