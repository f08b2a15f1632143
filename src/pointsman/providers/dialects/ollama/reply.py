"""A whole reply of Ollama's API: read from a provider, written to a client."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec

from pointsman.core.chat import (
    ChatReply,
    ChatRequest,
    Choice,
    FinishReason,
    Image,
    Loss,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from pointsman.core.failure import ProviderError
from pointsman.core.usage import Usage
from pointsman.providers.dialect import HttpReply
from pointsman.providers.dialects.ollama.message import Wire, said_parts, write_calls
from pointsman.providers.dialects.ollama.reply_form import DURATIONS, FORM
from pointsman.providers.dialects.ollama.request import GENERATE
from pointsman.providers.dialects.ollama.wire import Line
from pointsman.providers.http_failure import in_band_failure, malformed
from pointsman.providers.json_body import decode_reply, other_fields
from pointsman.providers.reply_losses import handed_on
from pointsman.providers.token_ledger import split_usage

__all__ = [
    "LINE",
    "finish_of",
    "finish_word",
    "read_reply",
    "read_usage",
    "say",
    "seconds_of",
    "time_text",
    "write_reply",
    "write_usage",
]

LINE = msgspec.json.Decoder(Line)


def read_reply(body: bytes) -> ChatReply:
    """A provider's reply, of either endpoint. Raises `ProviderError`: malformed, or the error the body reports."""
    wire = decode_reply(LINE, body, "the reply")
    if wire.error is not None:
        raise ProviderError(in_band_failure(msgspec.json.decode(body)))
    if wire.said is None and not wire.done:
        raise malformed("the reply has no message")
    parts = said_parts(wire.said, wire.created_at) if wire.said is not None else []
    fields = other_fields(body, frozenset())
    called = any(isinstance(p, ToolCall) for p in parts)
    return ChatReply(
        model=wire.model,
        choices=(Choice(parts=tuple(parts), finish=finish_of(wire, called=called), finish_raw=wire.done_reason),),
        usage=read_usage(wire),
        created_s=seconds_of(wire.created_at),
        extra={k: fields[k] for k in DURATIONS if k in fields},
        extra_from="ollama",
    )


def finish_of(wire: Line, *, called: bool) -> FinishReason:
    """Why the model stopped. Older servers say only that they are done, and none says that it called a tool."""
    if wire.done_reason == "length":
        return FinishReason.LENGTH
    if not wire.done:
        return FinishReason.UNKNOWN
    if wire.done_reason not in (None, "", "stop", "load", "unload"):
        return FinishReason.UNKNOWN
    return FinishReason.TOOL_CALLS if called else FinishReason.STOP


def finish_word(reason: FinishReason) -> str:
    """The wire's word for a reason."""
    return "length" if reason is FinishReason.LENGTH else "stop"


def read_usage(wire: Line) -> Usage | None:
    """Counts of the last line; a prompt that was cached whole has no count at all."""
    if wire.prompt_eval_count is None and wire.eval_count is None:
        return None
    return split_usage(total_input=wire.prompt_eval_count, total_output=wire.eval_count)


def write_usage(usage: Usage | None) -> Wire:
    """The two counts this protocol has."""
    if usage is None:
        return {}
    counts = {"prompt_eval_count": usage.total_input_tokens, "eval_count": usage.total_output_tokens}
    return {k: v for k, v in counts.items() if v is not None}


def seconds_of(time: str | None) -> float | None:
    """Unix seconds of an RFC 3339 time; Ollama writes nanoseconds, of which microseconds are kept."""
    try:
        return datetime.fromisoformat(time).timestamp() if time else None
    except (ValueError, OverflowError, OSError):
        return None


def time_text(created_s: float | None) -> str:
    """RFC 3339 time; the epoch if nobody said when."""
    known = created_s if created_s is not None and math.isfinite(created_s) and 0 <= created_s < 1e11 else 0.0
    return datetime.fromtimestamp(known, UTC).isoformat().replace("+00:00", "Z")


def write_reply(reply: ChatReply, request: ChatRequest) -> HttpReply:
    """Our form → the client's protocol: `/api/generate`'s form if that is what was asked."""
    choice = reply.choices[0] if reply.choices else Choice(parts=(), finish=FinishReason.UNKNOWN)
    body: Wire = {
        "model": reply.model or request.model,
        "created_at": time_text(reply.created_s),
        **say(written_message(choice.parts), request),
        "done": True,
        "done_reason": finish_word(choice.finish),
        **handed_on(reply, FORM),
        **write_usage(reply.usage),
    }
    return HttpReply(status=200, body=msgspec.json.encode(body), headers={"content-type": "application/json"})


def written_message(parts: tuple[Part, ...]) -> Wire:
    """What a model said, as one message."""
    losses: list[Loss] = []
    wire: Wire = {"role": "assistant", "content": "".join(p.text for p in parts if isinstance(p, Text | Refusal))}
    if thinking := "".join(p.text for p in parts if isinstance(p, Reasoning)):
        wire["thinking"] = thinking
    if images := [p.media.data for p in parts if isinstance(p, Image) and p.media.data]:
        wire["images"] = images
    if calls := write_calls([p for p in parts if isinstance(p, ToolCall)], "message", losses):
        wire["tool_calls"] = calls
    return wire


def say(message: Wire, request: ChatRequest) -> Wire:
    """The message in the place where the endpoint that was asked has it."""
    if GENERATE not in request.extra:
        return {"message": message}
    thinking = {"thinking": message["thinking"]} if "thinking" in message else {}
    return {"response": message["content"], **thinking}
