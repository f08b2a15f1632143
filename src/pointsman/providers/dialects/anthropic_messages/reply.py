"""A whole message: the provider's → our form, and our form → a client's."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    Audio,
    ChatReply,
    ChatRequest,
    Choice,
    File,
    FinishReason,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Video,
)
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.ids import content_hash
from pointsman.providers.dialect import HttpReply
from pointsman.providers.dialects.anthropic_messages.blocks_read import NAME, read_block
from pointsman.providers.dialects.anthropic_messages.blocks_write import arguments_object, is_own_citations, tool_id
from pointsman.providers.dialects.anthropic_messages.failure import in_band, write_failure
from pointsman.providers.dialects.anthropic_messages.reply_form import FORM, IN_USAGE
from pointsman.providers.dialects.anthropic_messages.stop_reason import read_stop_reason, write_stop_reason
from pointsman.providers.dialects.anthropic_messages.usage import WireUsage, ledger, wire_usage
from pointsman.providers.fields import RAW, RAWS, STR, Decode, Fields
from pointsman.providers.http_failure import malformed
from pointsman.providers.json_body import decode_reply
from pointsman.providers.reply_losses import handed_on

__all__ = ["StopDetails", "message_id", "own_fields", "read_reply", "reply_blocks", "stop_details", "write_reply"]

_ENCODER = msgspec.json.Encoder()
_HEADERS = {"content-type": "application/json"}


class StopDetails(msgspec.Struct, frozen=True):
    """Why the model declined."""

    explanation: str | None = None


_STOP_DETAILS = msgspec.json.Decoder(StopDetails)
_ANY = msgspec.json.Decoder()
_USAGE = msgspec.json.Decoder(WireUsage)


def read_reply(body: bytes) -> ChatReply:
    """A message → our form; what `usage` says besides counts (`service_tier`, `server_tool_use`) goes to `extra`."""
    decode: Decode = decode_reply
    fields = Fields(body, decode=decode)
    if "error" in fields.left:
        raise ProviderError(in_band(decode_reply(_ANY, body, "error")))
    content = fields.take("content", RAWS)
    if content is None:
        raise malformed("content: required in a message, but missing")
    parts = [read_block(block, f"content[{i}]", decode) for i, block in enumerate(content)]
    raw_reason = fields.take("stop_reason", STR)
    details = fields.take("stop_details", _STOP_DETAILS)
    if details is not None and details.explanation:
        parts.append(Refusal(text=details.explanation))
    usage = fields.take("usage", RAW)
    reply = ChatReply(
        id=fields.take("id", STR),
        model=fields.take("model", STR),
        choices=(
            Choice(
                parts=tuple(parts),
                finish=read_stop_reason(raw_reason),
                finish_raw=raw_reason,
                stop_sequence=fields.take("stop_sequence", STR),
            ),
        ),
        usage=None if usage is None else ledger(decode(_USAGE, usage, "usage")),
    )
    for expected in ("type", "role"):
        fields.left.pop(expected, None)
    extra = fields.spare()
    if usage is not None:
        said = Fields(usage, "usage", decode=decode)
        extra |= {name: value.copy() for name in IN_USAGE if (value := said.take(name, RAW)) is not None}
    return msgspec.structs.replace(reply, extra=extra, extra_from=NAME) if extra else reply


def write_reply(reply: ChatReply, request: ChatRequest) -> HttpReply:
    """A message of the first choice. A reply that ended in an error becomes one, because no stop reason says so."""
    choice = reply.choices[0] if reply.choices else Choice(parts=(), finish=FinishReason.UNKNOWN)
    reason = write_stop_reason(choice.finish, choice.finish_raw)
    if reason is None:
        said = f": {choice.finish_raw}" if choice.finish_raw else ""
        return write_failure(Failure(kind=FailureClass.MALFORMED, message=f"the model's answer ended in an error{said}"))
    usage = wire_usage(reply.usage)
    message: dict[str, object] = {
        "id": message_id(reply.id, request),
        "type": "message",
        "role": "assistant",
        "model": reply.model or request.model,
        "content": reply_blocks(choice.parts),
        "stop_reason": reason,
        "stop_sequence": choice.stop_sequence,
        "usage": usage,
    }
    if reason == "refusal":
        message["stop_details"] = stop_details("".join(p.text for p in choice.parts if isinstance(p, Refusal)))
    for name, value in handed_on(reply, FORM).items():
        (message if name not in IN_USAGE else usage)[name] = value
    return HttpReply(status=200, body=_ENCODER.encode(message), headers=dict(_HEADERS))


def message_id(given: str | None, request: ChatRequest) -> str:
    """The reply's id, or one made of the request, because clients expect one."""
    return given or f"msg_{content_hash(request)}"


def stop_details(explanation: str) -> dict[str, object]:
    """Why the model declined, in the place the protocol has for it."""
    return {"type": "refusal", "category": None, "explanation": explanation or None}


def reply_blocks(parts: tuple[Part, ...]) -> list[dict[str, object] | msgspec.Raw]:
    """Content blocks for a client. Citations that came after their text are joined to it; a refusal
    stands in `stop_details`; pictures, sound and other protocols' own parts have no block.
    """
    blocks: list[dict[str, object] | msgspec.Raw] = []
    for part in parts:
        before = blocks[-1] if blocks else None
        if isinstance(part, Text) and not part.text and isinstance(before, dict) and before["type"] == "text":
            before |= _citations(part)
        elif (block := _reply_block(part)) is not None:
            blocks.append(block)
    return blocks


def _reply_block(part: Part) -> dict[str, object] | msgspec.Raw | None:
    match part:
        case Text():
            return {"type": "text", "text": part.text} | _citations(part) if part.text else None
        case ToolCall():
            arguments, _ = arguments_object(part.arguments)
            return {"type": "tool_use", "id": tool_id(part.id), "name": part.name, "input": arguments} | own_fields(part.extra)
        case Reasoning(encrypted=str(), id=None):
            return {"type": "redacted_thinking", "data": part.encrypted}
        case Reasoning() if part.text or part.signature:
            return {"type": "thinking", "thinking": part.text, "signature": part.signature or ""}
        case Opaque(dialect=dialect, raw=raw) if dialect == NAME:
            return raw
        case Image() | Audio() | Video() | File() | _:
            return None


def _citations(part: Text) -> dict[str, object]:
    own = part.citations is not None and is_own_citations(part.citations)
    return {"citations": part.citations} if own else {}


def own_fields(extra: dict[str, msgspec.Raw] | None) -> dict[str, object]:
    """The fields among these extras that only this protocol has, by their names on the wire."""
    prefix = f"{NAME}."
    return {k[len(prefix) :]: v for k, v in (extra or {}).items() if k.startswith(prefix)}
