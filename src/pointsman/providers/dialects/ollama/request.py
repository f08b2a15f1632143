"""A request of Ollama's API: read from a client, written to a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from pointsman.core.chat import (
    ChatRequest,
    Effort,
    Loss,
    Message,
    OutputFormat,
    ReasoningSpec,
    Role,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from pointsman.providers.call_ids import derived_call_id
from pointsman.providers.dialect import HttpRequest
from pointsman.providers.dialects.ollama.message import Wire, said_parts, write_message
from pointsman.providers.dialects.ollama.wire import ABSENT, Turn, present
from pointsman.providers.http_failure import client_fault
from pointsman.providers.json_body import EMPTY_OBJECT, decode_request, other_fields, raw
from pointsman.providers.losses import Losses, request_extra

__all__ = ["DIALECT", "GENERATE", "read_request", "write_request"]

DIALECT = "ollama"
GENERATE = "prompt"
"""Name of the extra that a request of `/api/generate` leaves, so that its reply takes that endpoint's form."""

_ROLES = ("system", "user", "assistant", "tool")


class _Function(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = ABSENT


class _Tool(msgspec.Struct):
    function: _Function


class _Options(msgspec.Struct):
    num_predict: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] | str | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None


class _Request(msgspec.Struct):
    model: str
    messages: list[Turn] | None = None
    prompt: str | None = None
    system: str | None = None
    images: list[str] | None = None
    tools: list[_Tool] | None = None
    format: str | dict[str, msgspec.Raw] | None = None
    options: msgspec.Raw = ABSENT
    stream: bool | None = None
    think: bool | str | None = None


_REQUEST = msgspec.json.Decoder(_Request)
_OPTIONS = msgspec.json.Decoder(_Options)
_NAMED = frozenset(_Request.__struct_fields__)
_OPTION_NAMES = frozenset(_Options.__struct_fields__)
_THINK = {True: None, "low": "low", "medium": "medium", "high": "high"}
_THINK_WORD = {"none": False, "minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high"}


def read_request(body: bytes, path: str) -> ChatRequest:
    """A client's request to `/api/chat` or `/api/generate`; both stream unless told otherwise.

    Raises `ProviderError` (client fault) that names the bad field.
    """
    wire = decode_request(_REQUEST, body)
    options = decode_request(_OPTIONS, wire.options, "options") if present(wire.options) else _Options()
    streamed = wire.stream is not False
    tools = tuple(_read_tool(tool) for tool in wire.tools or ())
    return ChatRequest(
        model=wire.model,
        messages=_generate_messages(wire) if path.endswith("/generate") else _chat_messages(wire.messages),
        tools=tools,
        output=_read_format(wire.format),
        # Ollama counts -1 (no limit) and -2 (fill the window) as numbers too.
        max_output_tokens=options.num_predict if options.num_predict is not None and options.num_predict >= 0 else None,
        temperature=options.temperature,
        top_p=options.top_p,
        top_k=options.top_k,
        stop=(options.stop,) if isinstance(options.stop, str) else tuple(options.stop or ()),
        seed=options.seed,
        presence_penalty=options.presence_penalty,
        frequency_penalty=options.frequency_penalty,
        reasoning=_read_think(wire.think),
        stream=streamed,
        stream_usage=streamed,
        extra=_extra(wire, body, path),
        extra_from=DIALECT,
    )


def _extra(wire: _Request, body: bytes, path: str) -> dict[str, msgspec.Raw]:
    extra = other_fields(body, _NAMED)
    if present(wire.options) and (rest := other_fields(bytes(wire.options), _OPTION_NAMES)):
        extra["options"] = raw(rest)
    if path.endswith("/generate"):
        extra[GENERATE] = raw(wire.prompt)
    return extra


def _generate_messages(wire: _Request) -> tuple[Message, ...]:
    system = (Message(role="system", parts=(Text(text=wire.system),)),) if wire.system else ()
    turn = Turn(content=wire.prompt, images=wire.images)
    return (*system, Message(role="user", parts=tuple(said_parts(turn, "prompt"))))


def _chat_messages(turns: list[Turn] | None) -> tuple[Message, ...]:
    if turns is None:
        raise client_fault("messages: required, but missing")
    messages: list[Message] = []
    waiting: list[ToolCall] = []  # calls whose results have not come yet, for results are told by name or order
    for i, turn in enumerate(turns):
        if turn.role not in _ROLES:
            raise client_fault(f"messages[{i}].role: expected one of {', '.join(_ROLES)}, got {turn.role!r}")
        if turn.role == "tool":
            messages.append(_read_result(turn, waiting, i))
            continue
        parts = said_parts(turn, f"messages[{i}]")
        waiting = [p for p in parts if isinstance(p, ToolCall)] or waiting
        messages.append(Message(role=cast("Role", turn.role), parts=tuple(parts)))
    return tuple(messages)


def _read_result(turn: Turn, waiting: list[ToolCall], number: int) -> Message:
    name = turn.tool_name or turn.name
    call = next((c for c in waiting if c.id == turn.tool_call_id), None)
    call = call or next((c for c in waiting if name in (None, c.name)), None)
    if call is not None:
        waiting.remove(call)
    call_id = turn.tool_call_id or (call.id if call else derived_call_id("messages", number, name or ""))
    parts = said_parts(Turn(content=turn.content, images=turn.images), number)
    return Message(role="tool", parts=(ToolResult(call_id=call_id, parts=tuple(parts), name=name),))


def _read_tool(wire: _Tool) -> Tool:
    function = wire.function
    parameters = function.parameters if present(function.parameters) else None
    return Tool(name=function.name, description=function.description, parameters=parameters)


def _read_format(wire: str | dict[str, msgspec.Raw] | None) -> OutputFormat | None:
    if isinstance(wire, dict):
        return OutputFormat(kind="json_schema", schema=raw(wire))
    if wire in (None, ""):
        return None
    if wire != "json":
        raise client_fault(f"format: expected json or a JSON schema, got {wire!r}")
    return OutputFormat(kind="json")


def _read_think(wire: bool | str | None) -> ReasoningSpec | None:  # noqa: FBT001  # a value off the wire, not a switch
    if wire is None:
        return None
    if wire is False:
        return ReasoningSpec(effort="none")
    if wire not in _THINK:
        raise client_fault(f"think: expected true, false, low, medium or high, got {wire!r}")
    return ReasoningSpec(effort=cast("Effort | None", _THINK[wire]), show=True)


def write_request(request: ChatRequest) -> HttpRequest:
    """Our form → `/api/chat`. `stream` is always said, because Ollama streams by default."""
    losses: list[Loss] = []
    extra = _own_extra(request, losses)
    names: dict[str, str] = {}
    messages = [w for i, m in enumerate(request.messages) for w in write_message(m, f"messages[{i}]", names, losses)]
    body: Wire = {"model": request.model, "messages": messages, "stream": request.stream}
    if tools := _write_tools(request, losses):
        body["tools"] = tools
    if request.output is not None and request.output.kind != "text":
        body["format"] = "json" if request.output.kind == "json" else request.output.schema or EMPTY_OBJECT
    if options := _write_options(request, extra):
        body["options"] = options
    body |= _write_think(request.reasoning)
    body |= {k: v for k, v in extra.items() if k not in body}
    losses += _unsaid(request)
    return HttpRequest(
        path="/api/chat",
        body=msgspec.json.encode(body),
        headers={"content-type": "application/json"},
        losses=tuple(losses),
    )


def _own_extra(request: ChatRequest, losses: list[Loss]) -> dict[str, msgspec.Raw]:
    found = Losses()
    own = request_extra(request, DIALECT, found)
    losses += found.all()
    return {k: v for k, v in own.items() if k != GENERATE}


def _write_tools(request: ChatRequest, losses: list[Loss]) -> list[Wire]:
    written: list[Wire] = []
    for i, tool in enumerate(request.tools):
        if tool.opaque is not None:
            losses.append(Loss(f"tools[{i}]", f"a hosted tool of {tool.opaque.dialect}: {tool.opaque.kind}"))
            continue
        lost = {"strict": tool.strict is not None, "cache": tool.cache is not None}
        losses += (Loss(f"tools[{i}].{field}", "this protocol has no such field") for field, is_lost in lost.items() if is_lost)
        function: Wire = {"name": tool.name, "parameters": tool.parameters or EMPTY_OBJECT}
        function |= {"description": tool.description} if tool.description is not None else {}
        written.append({"type": "function", "function": function})
    return written


def _write_options(request: ChatRequest, extra: Mapping[str, msgspec.Raw]) -> Wire:
    given: dict[str, Any] = msgspec.json.decode(extra["options"], type=dict[str, msgspec.Raw]) if "options" in extra else {}
    options: Wire = {
        "num_predict": request.max_output_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": request.top_k,
        "stop": list(request.stop) or None,
        "seed": request.seed,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
    }
    return {**given, **{k: v for k, v in options.items() if v is not None}}


def _write_think(spec: ReasoningSpec | None) -> Wire:
    if spec is None or (spec.effort is None and spec.show is None):
        return {}
    return {"think": _THINK_WORD[spec.effort] if spec.effort is not None else spec.show}


def _unsaid(request: ChatRequest) -> list[Loss]:
    spec, output = request.reasoning, request.output
    unsaid = {
        "tool_choice": request.tool_choice is not None and request.tool_choice.mode != "auto",
        "parallel_tool_calls": request.parallel_tool_calls is not None,
        "n": request.n is not None and request.n != 1,
        "top_logprobs": request.top_logprobs is not None,
        "modalities": bool(request.modalities) and request.modalities != ("text",),
        "service_tier": request.service_tier is not None,
        "user": request.user is not None,
        "output.name": output is not None and output.name is not None,
        "output.description": output is not None and output.description is not None,
        "output.strict": output is not None and output.strict is not None,
        "reasoning.budget_tokens": spec is not None and spec.budget_tokens is not None,
        "reasoning.summary": spec is not None and spec.summary is not None,
    }
    return [Loss(field, "this protocol has no such field") for field, lost in unsaid.items() if lost]
