"""A whole GenerateContentResponse: the provider's → our form, and our form → a client's.

A prompt that Google refuses to answer (`promptFeedback.blockReason`) is a reply with finish
`CONTENT_FILTER` and no content: the status is 200 and the tokens are counted, so it is the model's
side that declined and not the call that failed.
"""

from __future__ import annotations

from datetime import UTC, datetime

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
from pointsman.core.failure import ProviderError
from pointsman.providers.call_ids import derived_call_id
from pointsman.providers.dialect import HttpReply
from pointsman.providers.dialects.gemini.failure import in_band
from pointsman.providers.dialects.gemini.finish_reason import read_finish_reason, write_finish_reason
from pointsman.providers.dialects.gemini.logprobs import read_logprobs, write_logprobs
from pointsman.providers.dialects.gemini.media import write_media
from pointsman.providers.dialects.gemini.names import BLOCK_REASONS, BLOCKED, FINISH_REASONS, NAME, enum_name
from pointsman.providers.dialects.gemini.parts_read import CallIds, read_part
from pointsman.providers.dialects.gemini.parts_write import BESIDE_CONTENT, call_of
from pointsman.providers.dialects.gemini.usage import UsageMetadata, ledger, wire_usage
from pointsman.providers.http_failure import malformed
from pointsman.providers.json_body import decode_reply
from pointsman.providers.losses import Losses

__all__ = [
    "ABSENT",
    "RESPONSE",
    "Candidate",
    "ReplyIds",
    "Response",
    "beside_content",
    "created_s",
    "logprobs_of",
    "read_reply",
    "reply_parts",
    "whole_response",
    "write_reply",
]

_ENCODER = msgspec.json.Encoder()
ABSENT = msgspec.Raw(b"null")
"""A member that is not there: msgspec has no optional `Raw`."""
_SAYS_NOTHING = (b"null", b"{}")
_NOTHING: tuple[msgspec.Raw, ...] = ()


class _Content(msgspec.Struct, frozen=True):
    parts: tuple[msgspec.Raw, ...] | None = None


class Candidate(msgspec.Struct, frozen=True, rename="camel"):
    """One alternative, or a piece of it."""

    content: _Content | None = None
    finish_reason: str | int | None = None
    index: int | None = None
    logprobs_result: msgspec.Raw = ABSENT
    grounding_metadata: msgspec.Raw = ABSENT
    citation_metadata: msgspec.Raw = ABSENT
    url_context_metadata: msgspec.Raw = ABSENT

    @property
    def parts(self) -> tuple[msgspec.Raw, ...]:
        """The content's parts; none if there is no content, as after `MAX_TOKENS` among thoughts."""
        return (self.content.parts or _NOTHING) if self.content is not None else _NOTHING


class _Feedback(msgspec.Struct, frozen=True, rename="camel"):
    block_reason: str | int | None = None
    block_reason_message: str | None = None


class Response(msgspec.Struct, frozen=True, rename="camel"):
    """A response, or one chunk of a stream."""

    candidates: tuple[Candidate, ...] | None = None
    prompt_feedback: _Feedback | None = None
    usage_metadata: UsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    error: dict[str, object] | str | None = None

    @property
    def blocked(self) -> str | None:
        """Why the prompt was refused; None if it was not."""
        return enum_name(self.prompt_feedback.block_reason, BLOCK_REASONS) if self.prompt_feedback is not None else None


RESPONSE = msgspec.json.Decoder(Response)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class ReplyIds(CallIds):
    """Ids for calls of one reply: made of the reply's id, the candidate and the place among its calls."""

    def __init__(self, reply_id: str | None, candidate: int) -> None:
        super().__init__()
        self._origin = (reply_id, candidate)
        self._calls = 0

    def of_call(self, given: str | None, name: str, place: str) -> str:
        """The given id, or a derived one."""
        del place
        self._calls += 1
        return given or derived_call_id(*self._origin, self._calls, name)


def read_reply(body: bytes) -> ChatReply:
    """A response → our form."""
    if body.lstrip()[:1] == b"[":
        raise malformed("a list of chunks where one response was expected")
    response = decode_reply(RESPONSE, body, "response")
    if response.error is not None:
        raise ProviderError(in_band({"error": response.error}))
    if not response.candidates and response.blocked is None and response.usage_metadata is None:
        raise malformed("candidates: required in a response, but missing")
    choices = [_choice(c, n, response.response_id) for n, c in enumerate(response.candidates or ())]
    extra: dict[str, msgspec.Raw] = {}
    if response.blocked is not None:
        choices = choices or [Choice(parts=(), finish=FinishReason.CONTENT_FILTER, finish_raw=response.blocked)]
        extra[BLOCKED] = decode_reply(_MEMBERS, body, "response")[BLOCKED].copy()
    return ChatReply(
        id=response.response_id,
        model=response.model_version,
        created_s=created_s(response.create_time),
        choices=tuple(choices),
        usage=None if response.usage_metadata is None else ledger(response.usage_metadata),
        extra=extra,
        extra_from=NAME,
    )


def created_s(text: str | None) -> float | None:
    """RFC 3339 → Unix seconds; None if it is absent or unreadable."""
    try:
        return None if text is None else datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None


def logprobs_of(candidate: Candidate) -> msgspec.Raw | None:
    """Log probabilities in our form; None if there are none."""
    given = candidate.logprobs_result
    return None if bytes(given) in _SAYS_NOTHING else read_logprobs(given, "logprobsResult")


def beside_content(candidate: Candidate) -> list[Part]:
    """What a candidate says beside its content, as parts that only Gemini's clients get to see."""
    given = {
        "groundingMetadata": candidate.grounding_metadata,
        "citationMetadata": candidate.citation_metadata,
        "urlContextMetadata": candidate.url_context_metadata,
    }
    return [Opaque(dialect=NAME, kind=kind, raw=raw.copy()) for kind, raw in given.items() if bytes(raw) not in _SAYS_NOTHING]


def write_reply(reply: ChatReply, request: ChatRequest) -> HttpReply:
    """A GenerateContentResponse."""
    body = whole_response(reply, request)
    return HttpReply(status=200, body=_ENCODER.encode(body), headers={"content-type": "application/json"})


def whole_response(reply: ChatReply, request: ChatRequest) -> dict[str, object]:
    """The response as one object."""
    wire: dict[str, object] = {}
    if BLOCKED in reply.extra and not any(c.parts for c in reply.choices):
        wire[BLOCKED] = reply.extra[BLOCKED]
    else:
        wire["candidates"] = [_candidate(choice, n) for n, choice in enumerate(reply.choices)]
    if reply.usage is not None:
        wire["usageMetadata"] = wire_usage(reply.usage)
    wire["modelVersion"] = reply.model or request.model
    if reply.created_s is not None:
        wire["createTime"] = _rfc3339(reply.created_s)
    if reply.id is not None:
        wire["responseId"] = reply.id
    return wire


def reply_parts(parts: tuple[Part, ...]) -> list[dict[str, object] | msgspec.Raw]:
    """Parts for a client; other protocols' own parts have no form here."""
    losses = Losses()  # a reply has no list of losses; what is left out here is named in the docstring
    found: list[dict[str, object] | msgspec.Raw] = []
    for part in parts:
        match part:
            case Text(text=text, signature=signature) if text or signature:
                found.append({"text": text} if signature is None else {"text": text, "thoughtSignature": signature})
            case Reasoning(text=text) if text:
                found.append({"text": text, "thought": True})
            case Refusal(text=text):
                found.append({"text": text})
            case ToolCall():
                found.append(call_of(part))
            case Image() | Audio() | Video() | File():
                if (wire := write_media(part, "parts", losses)) is not None:
                    found.append(wire | _own(part))
            case Opaque(dialect=dialect, kind=kind, raw=raw) if dialect == NAME and kind not in BESIDE_CONTENT:
                found.append(raw)
            case _:
                pass
    return found


def _choice(candidate: Candidate, number: int, reply_id: str | None) -> Choice:
    index = number if candidate.index is None else candidate.index
    ids = ReplyIds(reply_id, index)
    parts = [
        read_part(raw, f"candidates[{number}].content.parts[{i}]", ids, decode_reply) for i, raw in enumerate(candidate.parts)
    ]
    raw_reason = enum_name(candidate.finish_reason, FINISH_REASONS)
    called = any(isinstance(p, ToolCall) for p in parts)
    return Choice(
        parts=tuple(p for p in parts if p != _EMPTY_TEXT) + tuple(beside_content(candidate)),
        finish=read_finish_reason(raw_reason, called_tools=called),
        finish_raw=raw_reason,
        logprobs=logprobs_of(candidate),
    )


_EMPTY_TEXT = Text(text="")


def _candidate(choice: Choice, number: int) -> dict[str, object]:
    wire: dict[str, object] = {
        "content": {"role": "model", "parts": reply_parts(choice.parts)},
        "finishReason": write_finish_reason(choice.finish, choice.finish_raw),
        "index": number,
    }
    for part in choice.parts:
        if isinstance(part, Opaque) and part.dialect == NAME and part.kind in BESIDE_CONTENT:
            wire[part.kind] = part.raw
    return wire | write_logprobs(choice.logprobs)


def _own(part: Part) -> dict[str, object]:
    prefix = f"{NAME}."
    return {k[len(prefix) :]: v for k, v in (part.extra or {}).items() if k.startswith(prefix)}


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat().replace("+00:00", "Z")
