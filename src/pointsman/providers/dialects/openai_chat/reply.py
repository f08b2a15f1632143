"""A whole reply of Chat Completions: read from a provider, written to a client."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from pointsman.core.chat import (
    Audio,
    ChatReply,
    ChatRequest,
    Choice,
    FinishReason,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from pointsman.core.failure import ProviderError
from pointsman.providers.dialect import HttpReply
from pointsman.providers.dialects.openai_chat.finish import finish_of, finish_word
from pointsman.providers.dialects.openai_chat.message import (
    DIALECT,
    annotations_of,
    call_fields,
    said_parts,
    thought_fields,
)
from pointsman.providers.dialects.openai_chat.reply_form import FORM
from pointsman.providers.dialects.openai_chat.usage import read_usage, write_usage
from pointsman.providers.dialects.openai_chat.wire import Reply, WireChoice, present
from pointsman.providers.http_failure import in_band_failure, malformed, reported_failure
from pointsman.providers.instant import instant_s
from pointsman.providers.json_body import decode_reply, other_fields
from pointsman.providers.media import url_of
from pointsman.providers.reply_losses import handed_on
from pointsman.providers.token_ledger import told_tier

__all__ = ["audio_fields", "created_of", "image_fields", "read_reply", "write_reply"]

_REPLY = msgspec.json.Decoder(Reply)
_NAMED = frozenset((*Reply.__struct_fields__, "object")) - {"service_tier"}  # read for its price, and shown to clients as it came


def read_reply(body: bytes) -> ChatReply:
    """A provider's reply. Raises `ProviderError`: malformed, or the failure the body reports despite its status."""
    wire = decode_reply(_REPLY, body, "the reply")
    if wire.error is not None or wire.choices is None:
        raise _not_a_reply(body)
    reply_id = str(wire.id) if wire.id else None
    usage = wire.usage or (wire.x_groq.usage if wire.x_groq else None)
    return ChatReply(
        id=reply_id,
        model=wire.model or None,
        choices=tuple([_choice(choice, (reply_id, n)) for n, choice in enumerate(wire.choices)]),
        usage=read_usage(usage, told_tier(wire.service_tier)) if usage is not None else None,
        created_s=instant_s(wire.created),
        extra=other_fields(body, _NAMED),
        extra_from=DIALECT,
    )


def _not_a_reply(body: bytes) -> ProviderError:
    failure = reported_failure(msgspec.json.decode(body))
    return malformed("the reply has no choices") if failure is None else ProviderError(failure)


def _choice(wire: WireChoice, origin: object) -> Choice:
    if wire.error is not None:
        raise ProviderError(in_band_failure(wire.error))
    said = wire.message or wire.delta
    parts = said_parts(said, decode_reply, "message", origin) if said is not None else ()
    kinds = set(map(type, parts))
    finish = finish_of(wire.finish_reason, called=ToolCall in kinds, refused=Refusal in kinds)
    met = wire.stop_reason if isinstance(wire.stop_reason, str) and finish is FinishReason.STOP else None
    return Choice(
        parts=parts,
        finish=FinishReason.STOP_SEQUENCE if met else finish,
        finish_raw=wire.finish_reason,
        stop_sequence=met,
        logprobs=wire.logprobs if present(wire.logprobs) else None,
    )


def write_reply(reply: ChatReply, request: ChatRequest) -> HttpReply:
    """Our form → the client's protocol."""
    body: dict[str, object] = {
        "id": reply.id or "",
        "object": "chat.completion",
        "created": created_of(reply.created_s),
        "model": reply.model or request.model,
        "choices": [_write_choice(choice, number) for number, choice in enumerate(reply.choices)],
    }
    if reply.usage is not None:
        body["usage"] = write_usage(reply.usage)
    body |= handed_on(reply, FORM)
    return HttpReply(status=200, body=msgspec.json.encode(body), headers={"content-type": "application/json"})


def created_of(created_s: float | None) -> int:
    """Whole seconds, which the protocol demands; 0 if nobody said when."""
    return int(created_s) if created_s is not None and math.isfinite(created_s) else 0


def _write_choice(choice: Choice, number: int) -> dict[str, object]:
    refused = any(isinstance(p, Refusal) for p in choice.parts)
    return {
        "index": number,
        "message": _write_message(choice.parts),
        "logprobs": choice.logprobs,
        "finish_reason": finish_word(choice.finish, refused=refused),
    }


def _write_message(parts: tuple[Part, ...]) -> dict[str, object]:
    texts = [p for p in parts if isinstance(p, Text)]
    refusals = [p.text for p in parts if isinstance(p, Refusal)]
    fields: dict[str, object] = {
        "role": "assistant",
        "content": "".join(t.text for t in texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    fields |= thought_fields([p for p in parts if isinstance(p, Reasoning)])
    if calls := [w for p in parts if (w := _write_call(p)) is not None]:
        fields["tool_calls"] = calls
    if (cited := next((found for t in texts if (found := annotations_of(t.citations)) is not None), None)) is not None:
        fields["annotations"] = cited
    if images := [image_fields(p) for p in parts if isinstance(p, Image)]:
        fields["images"] = images
    if (sound := next((p for p in parts if isinstance(p, Audio)), None)) is not None:
        fields["audio"] = audio_fields(sound)
    fields |= _signature(texts)
    return fields


def _write_call(part: Part) -> object:
    match part:
        case ToolCall():
            return call_fields(part)
        case Opaque(dialect=dialect, kind="custom", raw=raw) if dialect == DIALECT:
            return raw
        case _:
            return None


def _signature(texts: Iterable[Text]) -> dict[str, object]:
    signature = next((t.signature for t in texts if t.signature), None)
    return {} if signature is None else {"extra_content": {"google": {"thought_signature": signature}}}


def image_fields(image: Image) -> dict[str, object]:
    """A picture a model made, as OpenRouter puts it into a message."""
    return {"type": "image_url", "image_url": {"url": url_of(image.media, "image/png") or ""}}


def audio_fields(audio: Audio) -> dict[str, object]:
    """Sound a model made."""
    fields = {"id": audio.media.file_id or "", "data": audio.media.data or "", "transcript": audio.transcript or ""}
    return {**fields, "expires_at": 0}
