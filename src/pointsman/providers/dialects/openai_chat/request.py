"""A request of Chat Completions: read from a client, written to a provider."""

from __future__ import annotations

import re
from typing import cast, get_args

import msgspec

from pointsman.core.chat import (
    ChatRequest,
    Effort,
    Loss,
    Message,
    Part,
    ReasoningSpec,
    Role,
    Text,
    ToolResult,
)
from pointsman.providers.call_ids import derived_call_id
from pointsman.providers.dialect import HttpRequest
from pointsman.providers.dialects.openai_chat.content import write_message
from pointsman.providers.dialects.openai_chat.message import DIALECT, MESSAGE_FIELDS, content_parts, said_parts
from pointsman.providers.dialects.openai_chat.tools import (
    ChoiceWire,
    FormatWire,
    read_format,
    read_tool,
    read_tool_choice,
    write_format,
    write_tools,
)
from pointsman.providers.dialects.openai_chat.wire import Turn
from pointsman.providers.http_failure import client_fault
from pointsman.providers.json_body import decode_request, kept_fields, other_fields, raw
from pointsman.providers.losses import Losses, request_extra

__all__ = ["read_request", "write_request"]

_MOST_STOPS = 4
_ROLES = ("system", "developer", "user", "assistant", "tool")
# OpenAI's reasoning models refuse `max_tokens`; many compatible servers refuse or ignore the newer name.
_NEW_LIMIT_NAME = re.compile(r"(?:^|/)(?:o\d|gpt-(?:[5-9]|\d\d))")


class _Request(msgspec.Struct):
    model: str
    messages: list[msgspec.Raw]
    tools: list[msgspec.Raw] | None = None
    tool_choice: str | ChoiceWire | None = None
    parallel_tool_calls: bool | None = None
    response_format: FormatWire | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning_effort: str | None = None
    modalities: list[str] | None = None
    service_tier: str | None = None
    user: str | None = None
    stream: bool | None = None
    stream_options: dict[str, msgspec.Raw] | None = None


_REQUEST = msgspec.json.Decoder(_Request)
_TURN = msgspec.json.Decoder(Turn)
_TURN_NAMED = frozenset(Turn.__struct_fields__)
_BOOL = msgspec.json.Decoder(bool | None)
_NAMED = frozenset(_Request.__struct_fields__)
_EFFORTS = get_args(Effort)


def read_request(body: bytes, path: str) -> ChatRequest:  # noqa: ARG001  # the contract's; the body alone decides here
    """A client's request. Raises `ProviderError` (client fault) that names the bad field."""
    wire = decode_request(_REQUEST, body)
    return ChatRequest(
        model=wire.model,
        messages=tuple(_read_turn(turn, f"messages[{i}]") for i, turn in enumerate(wire.messages)),
        tools=tuple(read_tool(tool, f"tools[{i}]") for i, tool in enumerate(wire.tools or ())),
        tool_choice=read_tool_choice(wire.tool_choice) if wire.tool_choice is not None else None,
        parallel_tool_calls=wire.parallel_tool_calls,
        output=read_format(wire.response_format) if wire.response_format is not None else None,
        max_output_tokens=wire.max_tokens if wire.max_completion_tokens is None else wire.max_completion_tokens,
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_k=wire.top_k,
        stop=(wire.stop,) if isinstance(wire.stop, str) else tuple(wire.stop or ()),
        seed=wire.seed,
        presence_penalty=wire.presence_penalty,
        frequency_penalty=wire.frequency_penalty,
        n=wire.n,
        top_logprobs=wire.top_logprobs if wire.top_logprobs is not None else 0 if wire.logprobs else None,
        reasoning=_read_effort(wire.reasoning_effort),
        modalities=tuple(wire.modalities or ()),
        service_tier=wire.service_tier,
        user=wire.user,
        stream=bool(wire.stream),
        stream_usage=_wants_usage(wire.stream_options),
        extra=_extra(wire, body),
        extra_from=DIALECT,
    )


def _wants_usage(options: dict[str, msgspec.Raw] | None) -> bool:
    asked = (options or {}).get("include_usage")
    return asked is not None and bool(decode_request(_BOOL, asked, "stream_options.include_usage"))


def _read_effort(word: str | None) -> ReasoningSpec | None:
    return ReasoningSpec(effort=cast("Effort", word)) if word in _EFFORTS else None


def _extra(wire: _Request, body: bytes) -> dict[str, msgspec.Raw]:
    """Fields without a place in our form, and those whose exact form a target of this dialect should see again."""
    extra = other_fields(body, _NAMED)
    if wire.max_tokens is not None and wire.max_completion_tokens is None:
        extra["max_tokens"] = raw(wire.max_tokens)
    if wire.top_k is not None:
        extra["top_k"] = raw(wire.top_k)
    if wire.reasoning_effort is not None and wire.reasoning_effort not in _EFFORTS:
        extra["reasoning_effort"] = raw(wire.reasoning_effort)
    if wire.response_format is not None and read_format(wire.response_format) is None:
        extra |= {k: v for k, v in other_fields(body, frozenset()).items() if k == "response_format"}
    if options := {k: v for k, v in (wire.stream_options or {}).items() if k != "include_usage"}:
        extra["stream_options"] = raw(options)
    return extra


def _read_turn(item: msgspec.Raw, at: str) -> Message:
    turn = decode_request(_TURN, item, at)
    message = Message(role=_role(turn, at), parts=_parts(turn, at), name=turn.name)
    extra = kept_fields(item, _TURN_NAMED, MESSAGE_FIELDS)
    if extra is None:
        return message
    first, *rest = message.parts or (Text(text=""),)
    first = msgspec.structs.replace(first, extra={**(first.extra or {}), **extra})
    return msgspec.structs.replace(message, parts=(first, *rest))


def _role(turn: Turn, at: str) -> Role:
    if turn.role == "function":
        return "tool"
    if turn.role not in _ROLES:
        raise client_fault(f"{at}.role: expected one of {', '.join(_ROLES)}, got {turn.role!r}")
    return cast("Role", turn.role)


def _parts(turn: Turn, at: str) -> tuple[Part, ...]:
    if turn.role == "assistant":
        return said_parts(turn, decode_request, at, at)
    parts = tuple(content_parts(turn.content, decode_request, at))
    if turn.role not in ("tool", "function"):
        return parts
    # The calls and results of the time before tools have no ids; the name alone ties them together.
    call_id = derived_call_id("function", 0, turn.name or "") if turn.role == "function" else turn.tool_call_id
    if call_id is None:
        raise client_fault(f"{at}.tool_call_id: required, but missing")
    return (ToolResult(call_id=call_id, parts=parts, name=turn.name),)


def write_request(request: ChatRequest) -> HttpRequest:
    """Our form → wire. Usage is always asked of a stream, whether or not our client wants to see it."""
    losses: list[Loss] = []
    extra = _own_extra(request, losses)
    body: dict[str, object] = {"model": request.model, "messages": _write_messages(request, losses)}
    body |= write_tools(request, losses)
    body |= _write_limits(request, extra, losses)
    body |= _write_reasoning(request.reasoning, losses)
    if request.output is not None:
        body["response_format"] = write_format(request.output)
    if request.stream:
        body["stream"] = True
        body["stream_options"] = _write_stream_options(extra.get("stream_options"))
    extra.pop("stream_options", None)
    body |= {k: v for k, v in extra.items() if k not in body}
    return HttpRequest(
        path="/chat/completions",
        body=msgspec.json.encode(body),
        headers={"content-type": "application/json"},
        losses=tuple(losses),
    )


def _own_extra(request: ChatRequest, losses: list[Loss]) -> dict[str, msgspec.Raw]:
    if not request.extra:
        return {}
    found = Losses()
    own = request_extra(request, DIALECT, found)
    losses += found.all()
    return own


def _write_messages(request: ChatRequest, losses: list[Loss]) -> list[dict[str, object]]:
    written: list[dict[str, object]] = []
    waiting: list[dict[str, object]] = []  # media of tool results, which must not stand between the results
    for i, message in enumerate(request.messages):
        if message.role != "tool":
            written += waiting
            waiting = []
        turns, after = write_message(message, f"messages[{i}]", losses)
        written += turns
        waiting += after
    return written + waiting


_SAME_NAME = ("temperature", "top_p", "seed", "presence_penalty", "frequency_penalty", "n", "service_tier", "user")


def _write_limits(request: ChatRequest, extra: dict[str, msgspec.Raw], losses: list[Loss]) -> dict[str, object]:
    if request.top_k is not None and "top_k" not in extra:
        losses.append(Loss("top_k", "this protocol has no such field"))
    if len(request.stop) > _MOST_STOPS:
        losses.append(Loss("stop", f"at most {_MOST_STOPS} stop sequences; the rest are left out"))
    fields: dict[str, object] = {name: value for name in _SAME_NAME if (value := getattr(request, name)) is not None}
    if request.stop:
        fields["stop"] = list(request.stop[:_MOST_STOPS])
    if request.top_logprobs is not None:
        fields["logprobs"] = True
        if request.top_logprobs:
            fields["top_logprobs"] = request.top_logprobs
    if request.modalities:
        fields["modalities"] = list(request.modalities)
    if request.max_output_tokens is not None:
        fields[_limit_name(request.model, extra)] = request.max_output_tokens
    extra.pop("max_tokens", None)
    return fields


def _limit_name(model: str, extra: dict[str, msgspec.Raw]) -> str:
    """The name of the output limit: the caller's own, else the one the model's makers want."""
    return "max_completion_tokens" if "max_tokens" not in extra and _NEW_LIMIT_NAME.search(model) else "max_tokens"


def _write_reasoning(spec: ReasoningSpec | None, losses: list[Loss]) -> dict[str, object]:
    if spec is None:
        return {}
    if spec.budget_tokens == 0:  # no thinking, as Gemini's older models say it
        return {"reasoning_effort": "none"}
    lost = {
        "reasoning.budget_tokens": spec.budget_tokens is not None,
        "reasoning.show": spec.show is not None,
        "reasoning.summary": spec.summary is not None,
    }
    losses += (Loss(field, "this protocol takes an effort alone") for field, is_lost in lost.items() if is_lost)
    return {"reasoning_effort": spec.effort} if spec.effort is not None else {}


def _write_stream_options(options: msgspec.Raw | None) -> dict[str, object]:
    given: dict[str, object] = dict(msgspec.json.decode(options, type=dict[str, msgspec.Raw])) if options is not None else {}
    return {**given, "include_usage": True}
