"""Faults that change what a reply says rather than how it is sent."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import ChatReply, Choice, FinishReason, Part, Refusal, Text, ToolCall
from pointsman.providers.scripted.behaviour import REFUSAL_TEXT
from pointsman.providers.scripted.compose import output_tokens
from pointsman.providers.scripted.faults import Fault
from pointsman.providers.scripted.prose import CHARS_PER_TOKEN, count_tokens

__all__ = ["altered"]


def altered(reply: ChatReply, fault: Fault) -> ChatReply:
    """The reply under this fault, its usage counting what is left; unchanged for faults of the wire."""
    change = {
        "refusal": _refused,
        "truncation": _truncated,
        "content_filter": _filtered,
        "empty": _emptied,
    }.get(fault.name)
    if change is None:
        return reply
    reply = msgspec.structs.replace(reply, choices=tuple(map(change, reply.choices)))
    if reply.usage is None:
        return reply
    usage = msgspec.structs.replace(reply.usage, output_tokens=output_tokens(reply))
    return msgspec.structs.replace(reply, usage=usage)


def _refused(_choice: Choice) -> Choice:
    return Choice(parts=(Refusal(text=REFUSAL_TEXT),), finish=FinishReason.REFUSAL)


def _truncated(choice: Choice) -> Choice:
    return Choice(parts=tuple(map(_half, choice.parts)), finish=FinishReason.LENGTH)


def _filtered(choice: Choice) -> Choice:
    return Choice(parts=tuple(map(_half, choice.parts)), finish=FinishReason.CONTENT_FILTER)


def _emptied(_choice: Choice) -> Choice:
    return Choice(parts=(), finish=FinishReason.STOP)


def _half(part: Part) -> Part:
    if isinstance(part, Text):
        return Text(text=part.text[: CHARS_PER_TOKEN * (count_tokens(part.text) // 2)])
    if isinstance(part, ToolCall):
        # A call cut off by the limit is broken JSON, and clients have to live with it.
        return msgspec.structs.replace(part, arguments=part.arguments[: len(part.arguments) // 2])
    return part
