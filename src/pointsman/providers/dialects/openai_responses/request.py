"""A request of the Responses API: read from a client, written to a provider."""

from __future__ import annotations

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
from pointsman.providers.dialect import HttpRequest
from pointsman.providers.dialects.openai_responses.items import (
    DIALECT,
    FIELDS,
    content_parts,
    decode_item,
    is_own_item,
    item_fields,
    item_parts,
    message_parts,
)
from pointsman.providers.dialects.openai_responses.tools import (
    ChoiceWire,
    FormatWire,
    read_format,
    read_tool,
    read_tool_choice,
    write_choice,
    write_format,
    write_tools,
)
from pointsman.providers.dialects.openai_responses.wire import Item, present
from pointsman.providers.dialects.openai_responses.write_items import assistant_items, input_content
from pointsman.providers.http_failure import client_fault
from pointsman.providers.json_body import decode_request, fields_under, other_fields, raw
from pointsman.providers.losses import Losses, request_extra

__all__ = ["read_request", "write_request"]

_LOGPROBS = "message.output_text.logprobs"
_ROLES = ("system", "developer", "user", "assistant")


class _ReasoningWire(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None


class _TextWire(msgspec.Struct):
    format: FormatWire | None = None


class _Request(msgspec.Struct):
    model: str
    input: str | list[msgspec.Raw] | None = None
    instructions: str | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: str | ChoiceWire | None = None
    parallel_tool_calls: bool | None = None
    text: _TextWire | None = None
    reasoning: _ReasoningWire | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    include: list[str] | None = None
    service_tier: str | None = None
    user: str | None = None
    stream: bool | None = None


_REQUEST = msgspec.json.Decoder(_Request)
_OUTPUT = msgspec.json.Decoder(str | list[msgspec.Raw] | None)
_NAMED = frozenset(_Request.__struct_fields__)
_EFFORTS = get_args(Effort)


def read_request(body: bytes, path: str) -> ChatRequest:  # noqa: ARG001  # the contract's; the body alone decides here
    """A client's request. Raises `ProviderError` (client fault) that names the bad field."""
    wire = decode_request(_REQUEST, body)
    streamed = bool(wire.stream)
    return ChatRequest(
        model=wire.model,
        messages=tuple(_read_messages(wire)),
        tools=tuple(read_tool(tool, f"tools[{i}]") for i, tool in enumerate(wire.tools or ())),
        tool_choice=read_tool_choice(wire.tool_choice) if wire.tool_choice is not None else None,
        parallel_tool_calls=wire.parallel_tool_calls,
        output=read_format(wire.text.format) if wire.text is not None and wire.text.format is not None else None,
        max_output_tokens=wire.max_output_tokens,
        temperature=wire.temperature,
        top_p=wire.top_p,
        top_logprobs=wire.top_logprobs if wire.top_logprobs is not None else 0 if _LOGPROBS in (wire.include or ()) else None,
        reasoning=_read_reasoning(wire.reasoning),
        service_tier=wire.service_tier,
        user=wire.user,
        stream=streamed,
        stream_usage=streamed,
        extra=_extra(wire, body),
        extra_from=DIALECT,
    )


def _read_reasoning(wire: _ReasoningWire | None) -> ReasoningSpec | None:
    if wire is None or (wire.effort not in _EFFORTS and wire.summary is None):
        return None
    effort = cast("Effort", wire.effort) if wire.effort in _EFFORTS else None
    return ReasoningSpec(effort=effort, show=True if wire.summary is not None else None, summary=wire.summary)


def _extra(wire: _Request, body: bytes) -> dict[str, msgspec.Raw]:
    """Fields without a place in our form, and the remains of those with one."""
    whole = other_fields(body, frozenset())
    extra = {k: v for k, v in whole.items() if k not in _NAMED}
    for name, known in (("text", frozenset({"format"})), ("reasoning", frozenset({"effort", "summary"}))):
        if name in whole and present(whole[name]) and (rest := other_fields(bytes(whole[name]), known)):
            extra[name] = raw(rest)
    if include := [i for i in wire.include or () if i != _LOGPROBS]:
        extra["include"] = raw(include)
    if wire.tool_choice is not None and read_tool_choice(wire.tool_choice) is None:
        extra["tool_choice"] = whole["tool_choice"]
    return extra


def _read_messages(wire: _Request) -> list[Message]:
    messages = [Message(role="system", parts=(Text(text=wire.instructions),))] if wire.instructions is not None else []
    if isinstance(wire.input, str):
        return [*messages, Message(role="user", parts=(Text(text=wire.input),))]
    after_message = False
    for i, item in enumerate(wire.input or ()):
        at = f"input[{i}]"
        fields = decode_item(item, decode_request, at)
        role, is_message = _role(fields, at), fields.type in (None, "message")
        parts = tuple(_parts(item, fields, at))
        # The items of one turn of the assistant stand side by side; a second message in a row is a turn of its own.
        if role == "assistant" and messages and messages[-1].role == "assistant" and not (is_message and after_message):
            messages[-1] = Message(role="assistant", parts=messages[-1].parts + parts)
        else:
            messages.append(Message(role=role, parts=parts))
        after_message = is_message
    return messages


def _role(item: Item, at: str) -> Role:
    """Whose turn an item belongs to; an unknown one is the assistant's unless its type or role says otherwise."""
    if item.type in (None, "message"):
        if item.role not in _ROLES:
            raise client_fault(f"{at}.role: expected one of {', '.join(_ROLES)}, got {item.role!r}")
        return cast("Role", item.role)
    if item.type.endswith(("_output", "_response")):
        return "tool"
    return cast("Role", item.role) if item.role in _ROLES else "assistant"


def _parts(item: msgspec.Raw, fields: Item, at: str) -> list[Part]:
    if fields.type in (None, "message"):
        return message_parts(fields, item, decode_request, at)
    if fields.type != "function_call_output":
        return item_parts(item, decode_request, at, at)
    if fields.call_id is None:
        raise client_fault(f"{at}.call_id: required, but missing")
    output = decode_request(_OUTPUT, fields.output, f"{at}.output") if present(fields.output) else None
    parts = tuple(content_parts(output, decode_request, at))
    return [ToolResult(call_id=fields.call_id, parts=parts, extra=item_fields(item))]


def write_request(request: ChatRequest) -> HttpRequest:
    """Our form → wire."""
    losses: list[Loss] = []
    extra = _own_extra(request, losses)
    instructions, rest = _split_instructions(request.messages)
    body: dict[str, object] = {"model": request.model}
    if instructions is not None:
        body["instructions"] = instructions
    first = len(request.messages) - len(rest)
    body["input"] = [item for i, m in enumerate(rest, first) for item in _write_message(m, f"messages[{i}]", losses)]
    body |= _write_tools(request, losses)
    body |= _write_settings(request, extra)
    body |= {k: v for k, v in extra.items() if k not in body}
    losses += _unsaid(request)
    return HttpRequest(
        path="/responses",
        body=msgspec.json.encode(body),
        headers={"content-type": "application/json"},
        losses=tuple(losses),
    )


def _own_extra(request: ChatRequest, losses: list[Loss]) -> dict[str, msgspec.Raw]:
    found = Losses()
    own = request_extra(request, DIALECT, found)
    losses += found.all()
    return own


def _split_instructions(messages: tuple[Message, ...]) -> tuple[str | None, tuple[Message, ...]]:
    """A plain system message at the front is what this protocol calls instructions."""
    if not messages or messages[0].role != "system":
        return None, messages
    parts = messages[0].parts
    if len(parts) == 1 and isinstance(parts[0], Text) and parts[0].cache is None and not parts[0].extra:
        return parts[0].text, messages[1:]
    return None, messages


def _write_message(message: Message, at: str, losses: list[Loss]) -> list[object]:
    if message.name is not None:
        losses.append(Loss(f"{at}.name", "this protocol has no names of participants"))
    if message.role == "assistant":
        return assistant_items(message.parts, at, losses)
    if message.role == "tool":
        return [item for i, part in enumerate(message.parts) for item in _write_result(part, f"{at}.parts[{i}]", losses)]
    if len(message.parts) == 1 and is_own_item(message.parts[0]):
        return [message.parts[0].raw]
    fields = {k: v for part in message.parts for k, v in fields_under(part.extra, FIELDS).items()}
    return [{"role": message.role, "content": input_content(message.parts, at, losses), **fields}]


def _write_result(part: Part, at: str, losses: list[Loss]) -> list[object]:
    if is_own_item(part):
        return [part.raw]
    if not isinstance(part, ToolResult):
        losses.append(Loss(at, "a tool's turn holds tool results alone"))
        return []
    if part.is_error:
        losses.append(Loss(f"{at}.is_error", "this protocol has no mark for a failed tool; its words are sent"))
    if part.cache is not None:
        losses.append(Loss(f"{at}.cache", "this protocol caches on its own and has no marks"))
    output = input_content(part.parts, at, losses)
    return [{"type": "function_call_output", "call_id": part.call_id, "output": output, **fields_under(part.extra, FIELDS)}]


def _write_tools(request: ChatRequest, losses: list[Loss]) -> dict[str, object]:
    fields: dict[str, object] = {}
    if tools := write_tools(request, losses):
        fields["tools"] = tools
    if request.tool_choice is not None:
        if tools or request.tool_choice.mode in ("auto", "none"):
            fields["tool_choice"] = write_choice(request.tool_choice)
        else:
            losses.append(Loss("tool_choice", "there is no tool to choose"))
    if request.parallel_tool_calls is not None:
        fields["parallel_tool_calls"] = request.parallel_tool_calls
    return fields


def _write_settings(request: ChatRequest, extra: dict[str, msgspec.Raw]) -> dict[str, object]:
    fields: dict[str, object] = {
        "max_output_tokens": request.max_output_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_logprobs": request.top_logprobs or None,
        "service_tier": request.service_tier,
        "user": request.user,
        "stream": True if request.stream else None,
        "text": _merged(extra, "text", {"format": write_format(request.output) if request.output is not None else None}),
        "reasoning": _merged(extra, "reasoning", _reasoning_fields(request.reasoning)),
    }
    if request.top_logprobs is not None:
        asked = msgspec.json.decode(extra["include"], type=list[str]) if "include" in extra else []
        fields["include"] = [*asked, _LOGPROBS]
    return {k: v for k, v in fields.items() if v is not None}


def _reasoning_fields(spec: ReasoningSpec | None) -> dict[str, object]:
    if spec is None:
        return {}
    effort = "none" if spec.budget_tokens == 0 else spec.effort  # Gemini's older models say it with a budget
    return {"effort": effort, "summary": spec.summary or ("auto" if spec.show else None)}


def _merged(extra: dict[str, msgspec.Raw], name: str, ours: dict[str, object]) -> dict[str, object] | None:
    """An object field of which we know a part, the rest as it came."""
    rest = msgspec.json.decode(extra[name], type=dict[str, msgspec.Raw]) if name in extra else {}
    return {**rest, **{k: v for k, v in ours.items() if v is not None}} or None


def _unsaid(request: ChatRequest) -> list[Loss]:
    spec = request.reasoning
    unsaid = {
        "top_k": request.top_k is not None,
        "stop": bool(request.stop),
        "seed": request.seed is not None,
        "presence_penalty": request.presence_penalty is not None,
        "frequency_penalty": request.frequency_penalty is not None,
        "n": request.n is not None and request.n != 1,
        "modalities": bool(request.modalities) and request.modalities != ("text",),
        "reasoning.budget_tokens": spec is not None and bool(spec.budget_tokens),
    }
    return [Loss(field, "this protocol has no such field") for field, lost in unsaid.items() if lost]
