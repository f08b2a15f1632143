"""A whole reply of the Responses API: read from a provider, written to a client."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import ChatReply, ChatRequest, Choice, FinishReason, Part, Refusal, ToolCall
from pointsman.core.failure import ProviderError
from pointsman.providers.dialect import HttpReply
from pointsman.providers.dialects.openai_responses.items import DIALECT, decode_item, item_parts
from pointsman.providers.dialects.openai_responses.reply_form import FORM, PASSED_ON
from pointsman.providers.dialects.openai_responses.response import envelope, finish_of, finished, output_items, status_of
from pointsman.providers.dialects.openai_responses.usage import read_usage
from pointsman.providers.dialects.openai_responses.wire import ContentPart, Response, present
from pointsman.providers.http_failure import in_band_failure, malformed, reported_failure
from pointsman.providers.instant import instant_s
from pointsman.providers.json_body import decode_reply, other_fields
from pointsman.providers.logprobs import of_content
from pointsman.providers.reply_losses import handed_on
from pointsman.providers.token_ledger import told_tier

__all__ = ["choice_of", "read_reply", "write_reply"]

_RESPONSE = msgspec.json.Decoder(Response)
_PART = msgspec.json.Decoder(ContentPart)
_TOKENS = msgspec.json.Decoder(list[msgspec.Raw])


def read_reply(body: bytes) -> ChatReply:
    """A provider's reply. Raises `ProviderError`: malformed, or the failure the body reports despite its status."""
    wire = decode_reply(_RESPONSE, body, "the reply")
    if wire.error is not None:
        raise ProviderError(in_band_failure(wire.error))
    if wire.output is None:
        failure = reported_failure(msgspec.json.decode(body)) if wire.status is None else None
        raise malformed("the reply has no output") if failure is None else ProviderError(failure)
    if wire.status in ("failed", "cancelled"):
        raise ProviderError(in_band_failure({"message": f"the response was {wire.status}", "code": "server_error"}))
    fields = other_fields(body, frozenset())
    return ChatReply(
        id=str(wire.id) if wire.id else None,
        model=wire.model,
        choices=(choice_of(wire),),
        usage=read_usage(wire.usage, told_tier(wire.service_tier)),
        created_s=instant_s(wire.created_at),
        extra={k: fields[k] for k in PASSED_ON if k in fields and present(fields[k])},
        extra_from=DIALECT,
    )


def choice_of(wire: Response) -> Choice:
    """The one choice this protocol has."""
    parts: list[Part] = []
    for i, item in enumerate(wire.output or ()):
        parts += item_parts(item, decode_reply, f"output[{i}]", (str(wire.id), i))
    finish, word = finish_of(
        wire,
        called=any(isinstance(p, ToolCall) for p in parts),
        refused=any(isinstance(p, Refusal) for p in parts),
    )
    return Choice(parts=tuple(parts), finish=finish, finish_raw=word, logprobs=_logprobs(wire))


def _logprobs(wire: Response) -> msgspec.Raw | None:
    """Log probabilities of all texts, in the form of Chat Completions: the tokens under `content`."""
    tokens: list[msgspec.Raw] = []
    for i, item in enumerate(wire.output or ()):
        if b'"logprobs"' not in bytes(item):
            continue
        content = decode_item(item, decode_reply, f"output[{i}]").content
        for part in content if isinstance(content, list) else ():
            given = decode_reply(_PART, part, f"output[{i}]").logprobs
            if present(given):
                found = decode_reply(_TOKENS, given, f"output[{i}].logprobs")
                tokens += found
    return of_content(tokens)


def write_reply(reply: ChatReply, request: ChatRequest) -> HttpReply:
    """Our form → the client's protocol, which has one choice alone."""
    choice = reply.choices[0] if reply.choices else Choice(parts=(), finish=FinishReason.UNKNOWN)
    status, _ = status_of(choice.finish)
    response = envelope(request, reply_id=reply.id, model=reply.model, created_s=reply.created_s)
    body = finished(response, choice.finish, reply.usage, output_items(choice.parts, reply.id, status, choice.logprobs))
    body |= handed_on(reply, FORM)
    return HttpReply(status=200, body=msgspec.json.encode(body), headers={"content-type": "application/json"})
