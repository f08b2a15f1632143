"""An answer as it is kept: what scoring needs of it, without the provider's wrapping."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import ChatReply, Choice, FinishReason, Part, Refusal, Text, ToolCall
from pointsman.core.exchange import Exchange
from pointsman.providers.provider import Answer

__all__ = ["StoredAnswer", "restored", "stored"]


class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The visible part of a reply beside its exchange."""

    output: str | None = None
    """Visible text; None if nothing was answered."""
    refusal: str | None = None
    """The refusal the provider marked as such."""
    tool_calls: tuple[ToolCall, ...] = ()
    exchange: Exchange


def stored(answer: Answer) -> StoredAnswer:
    """What is kept of an answer."""
    reply = answer.reply
    if reply is None:
        return StoredAnswer(exchange=answer.exchange)
    return StoredAnswer(output=reply.text, refusal=reply.refusal, tool_calls=reply.tool_calls, exchange=answer.exchange)


def restored(kept: StoredAnswer) -> Answer:
    """The answer again, as scorers first saw it; a failed exchange has no reply."""
    exchange = kept.exchange
    if exchange.failure is not None:
        return Answer(exchange=exchange)
    parts: list[Part] = []
    if kept.output:
        parts.append(Text(text=kept.output))
    if kept.refusal is not None:
        parts.append(Refusal(text=kept.refusal))
    choice = Choice(parts=(*parts, *kept.tool_calls), finish=exchange.finish or FinishReason.UNKNOWN)
    return Answer(exchange=exchange, reply=ChatReply(model=exchange.served_model, choices=(choice,), usage=exchange.usage))
