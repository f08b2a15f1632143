"""Which endpoint a path is, and the few things of a request's body that decide where it goes."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import unquote

import msgspec

from pointsman.providers.http_failure import client_fault
from pointsman.providers.json_body import decode_request

__all__ = ["PATHS", "Asked", "Endpoint", "find_endpoint", "has_answers", "model_in_path", "read_asked", "request_start"]

EndpointKind = Literal["chat", "embeddings", "count", "models", "feedback", "health", "ready"]


class Endpoint(msgspec.Struct, frozen=True):
    """One address of ours."""

    kind: EndpointKind
    dialect: str
    """The protocol whose requests come here, and in whose words errors are told."""
    method: str = "POST"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What decides where a request goes."""

    model: str
    stream: bool = False
    wants_usage: bool = True
    """False: usage at the end of the stream is not for this client."""
    json_list: bool = False
    """Gemini without `alt=sse`: the stream is one JSON list."""
    user: str | None = None
    """The end user, if the request names one."""


_FIXED: dict[str, Endpoint] = {
    "/v1/chat/completions": Endpoint("chat", "openai_chat"),
    "/v1/responses": Endpoint("chat", "openai_responses"),
    "/v1/messages": Endpoint("chat", "anthropic_messages"),
    "/v1/messages/count_tokens": Endpoint("count", "anthropic_messages"),
    "/v1/embeddings": Endpoint("embeddings", "openai_chat"),
    "/v1/models": Endpoint("models", "openai_chat", "GET"),
    "/v1/feedback": Endpoint("feedback", "openai_chat"),
    "/v1beta/models": Endpoint("models", "gemini", "GET"),
    "/health": Endpoint("health", "openai_chat", "GET"),
    "/ready": Endpoint("ready", "openai_chat", "GET"),
}
_GEMINI = re.compile(
    r"/v1(?:beta|alpha|beta1)?/(?:.*/)?(?:models|tunedModels|endpoints)/"
    r"(?P<model>[^/]+):(?P<method>generateContent|streamGenerateContent|countTokens)"
)
_ONE_MODEL = re.compile(r"/v1(?P<beta>beta)?/models/(?P<model>.+?)(?<!Content)(?<!Contents)(?<!Tokens)")
_GEMINI_CHAT = Endpoint("chat", "gemini")
_GEMINI_COUNT = Endpoint("count", "gemini")
PATHS: dict[str, Endpoint] = {
    **_FIXED,
    "/v1/models/{model}": _FIXED["/v1/models"],
    "/v1beta/models/{model}": _FIXED["/v1beta/models"],
    "/v1beta/models/{model}:generateContent": _GEMINI_CHAT,
    "/v1beta/models/{model}:streamGenerateContent": _GEMINI_CHAT,
    "/v1beta/models/{model}:countTokens": _GEMINI_COUNT,
}
"""Every address, as it is published; a part in braces stands for a name. Gemini's are answered under `/v1/` too."""


def find_endpoint(path: str) -> Endpoint | None:
    """The endpoint at `path` (percent-decoded, without its query); None if there is none."""
    found = _FIXED.get(path)
    if found is not None:
        return found
    gemini = _GEMINI.fullmatch(path)
    if gemini is None:
        one = _ONE_MODEL.fullmatch(path)
        return None if one is None else _FIXED["/v1beta/models" if one["beta"] else "/v1/models"]
    return _GEMINI_COUNT if gemini["method"] == "countTokens" else _GEMINI_CHAT


def model_in_path(path: str) -> str | None:
    """The one model that is asked about; None if the list of all is."""
    found = _ONE_MODEL.fullmatch(path)
    return None if found is None else found["model"]


class _Options(msgspec.Struct):
    include_usage: bool | None = None


class _Metadata(msgspec.Struct):
    user_id: str | None = None


class _Body(msgspec.Struct):
    model: str
    stream: bool | None = None
    user: str | None = None
    safety_identifier: str | None = None


class _ChatBody(_Body):
    stream_options: _Options | None = None


class _MessagesBody(msgspec.Struct):
    model: str
    stream: bool | None = None
    metadata: _Metadata | None = None


_BODY = msgspec.json.Decoder(_Body)
_CHAT_BODY = msgspec.json.Decoder(_ChatBody)
_MESSAGES_BODY = msgspec.json.Decoder(_MessagesBody)
_ANY_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read_asked(endpoint: Endpoint, body: bytes, path: str, query: bytes) -> Asked:
    """Raises `ProviderError` (client fault) that names the field, for a body that is no object or names no model."""
    match endpoint.dialect:
        case "gemini":
            return _gemini(body, path, query)
        case "anthropic_messages":
            said = decode_request(_MESSAGES_BODY, body)
            user = said.metadata.user_id if said.metadata is not None else None
            return Asked(model=_named(said.model), stream=bool(said.stream), user=user)
        case "openai_chat" if endpoint.kind == "chat":
            chat = decode_request(_CHAT_BODY, body)
            return Asked(
                model=_named(chat.model),
                stream=bool(chat.stream),
                wants_usage=bool(chat.stream_options and chat.stream_options.include_usage),
                user=chat.user or chat.safety_identifier,
            )
        case _:
            other = decode_request(_BODY, body)
            return Asked(model=_named(other.model), stream=bool(other.stream), user=other.user or other.safety_identifier)


def _gemini(body: bytes, path: str, query: bytes) -> Asked:
    decode_request(_ANY_OBJECT, body)
    found = _GEMINI.fullmatch(path)
    assert found is not None, "the endpoint was found by this pattern"
    stream = found["method"] == "streamGenerateContent"
    return Asked(model=_named(unquote(found["model"])), stream=stream, json_list=stream and b"alt=sse" not in query)


def _named(model: str) -> str:
    if not model:
        raise client_fault("model: required, but empty")
    return model


class _Start(msgspec.Struct):
    messages: list[msgspec.Raw] | None = None
    contents: list[msgspec.Raw] | msgspec.Raw | None = None
    input: msgspec.Raw | None = None
    system: msgspec.Raw | None = None
    instructions: msgspec.Raw | None = None
    previous_response_id: msgspec.Raw | None = None
    conversation: msgspec.Raw | None = None


class _Turn(msgspec.Struct):
    role: str | None = None
    type: str | None = None


_START = msgspec.json.Decoder(_Start)
_TURN = msgspec.json.Decoder(_Turn)
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])


def request_start(body: bytes) -> bytes:
    """What all requests of one conversation begin with: its instructions and all turns up to the user's first.

    Clients resend the whole history, so this stays the same from turn to turn. Empty if nothing of the kind is found.
    """
    try:
        said = _START.decode(body)
        turns = said.messages if said.messages is not None else _turns(said.contents if said.contents is not None else said.input)
        head = [said.system or b"", said.instructions or b""]
        for turn in turns:
            head.append(turn)
            if bytes(turn)[:1] != b"{" or _TURN.decode(turn).role in ("user", None):
                break
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return b""
    return b"\0".join(bytes(piece) for piece in head)


_ANSWERS = ("assistant", "model", "tool", "function")
_ANSWER_ITEMS = ("function_call", "function_call_output", "reasoning", "item_reference")


def has_answers(body: bytes) -> bool:
    """Whether a request holds, or refers to, answers given before; False if that cannot be told."""
    try:
        said = _START.decode(body)
        if any(given is not None and bytes(given) != b"null" for given in (said.previous_response_id, said.conversation)):
            return True
        turns = said.messages if said.messages is not None else _turns(said.contents if said.contents is not None else said.input)
        read = (_TURN.decode(turn) for turn in turns if bytes(turn)[:1] == b"{")
        return any(turn.role in _ANSWERS or turn.type in _ANSWER_ITEMS for turn in read)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def _turns(said: list[msgspec.Raw] | msgspec.Raw | None) -> list[msgspec.Raw]:
    if isinstance(said, list):
        return said
    if said is None:
        return []
    return _RAWS.decode(said) if bytes(said)[:1] == b"[" else [said]
