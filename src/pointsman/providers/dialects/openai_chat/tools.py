"""Tools, the choice among them and the form of the answer, in both directions."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from pointsman.core.chat import ChatRequest, Loss, Opaque, OutputFormat, Tool, ToolChoice
from pointsman.providers.dialects.openai_chat.message import CACHE_FIELD, DIALECT, FUNCTION_FIELDS, PART_FIELDS, cache_mark
from pointsman.providers.dialects.openai_chat.wire import ABSENT, present
from pointsman.providers.http_failure import client_fault
from pointsman.providers.json_body import EMPTY_OBJECT, decode_request, fields_under, kept_fields
from pointsman.providers.losses import foreign_fields

__all__ = ["ChoiceWire", "FormatWire", "read_format", "read_tool", "read_tool_choice", "write_format", "write_tools"]


class _FunctionWire(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = ABSENT
    strict: bool | None = None


class _ToolWire(msgspec.Struct):
    type: str = "function"
    function: msgspec.Raw = ABSENT
    cache_control: msgspec.Raw = ABSENT


class _Named(msgspec.Struct):
    name: str


class _ListedTool(msgspec.Struct):
    function: _Named | None = None


class _Allowed(msgspec.Struct):
    mode: str = "auto"
    tools: list[_ListedTool] = []


class ChoiceWire(msgspec.Struct):
    type: str = "function"
    function: _Named | None = None
    custom: _Named | None = None
    allowed_tools: _Allowed | None = None


class _SchemaWire(msgspec.Struct):
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw = ABSENT
    strict: bool | None = None


class FormatWire(msgspec.Struct):
    type: str
    json_schema: _SchemaWire | None = None


_TOOL = msgspec.json.Decoder(_ToolWire)
_TOOL_NAMED = frozenset({"type", "function"})
_FUNCTION = msgspec.json.Decoder(_FunctionWire)
_FUNCTION_NAMED = frozenset(_FunctionWire.__struct_fields__)
_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}  # `any` is Mistral's word


def read_tool(item: msgspec.Raw, at: str) -> Tool:
    """One tool; anything but a function is kept whole as opaque."""
    wire = decode_request(_TOOL, item, at)
    if wire.type != "function":
        return Tool(name=wire.type, opaque=Opaque(dialect=DIALECT, kind=wire.type, raw=item))
    if not present(wire.function):
        raise client_fault(f"{at}.function: required, but missing")
    function = decode_request(_FUNCTION, wire.function, f"{at}.function")
    extra = kept_fields(item, _TOOL_NAMED, PART_FIELDS) or {}
    extra |= kept_fields(wire.function, _FUNCTION_NAMED, FUNCTION_FIELDS) or {}
    return Tool(
        name=function.name,
        description=function.description,
        parameters=function.parameters if present(function.parameters) else None,
        strict=function.strict,
        cache=cache_mark(wire.cache_control, decode_request, at),
        extra=extra or None,
    )


def read_tool_choice(wire: str | ChoiceWire) -> ToolChoice:
    """The choice among tools. Raises `ProviderError` (client fault) for a word or form that is none."""
    if isinstance(wire, str):
        if wire not in _MODES:
            raise client_fault(f"tool_choice: expected auto, none, required or an object, got {wire!r}")
        return ToolChoice(cast("Any", _MODES[wire]))
    if (one := wire.function or wire.custom) is not None:
        return ToolChoice("named", (one.name,))
    if wire.allowed_tools is not None:
        names = tuple(t.function.name for t in wire.allowed_tools.tools if t.function)
        return ToolChoice("named" if wire.allowed_tools.mode == "required" else "auto", names)
    raise client_fault(f"tool_choice: expected a function or allowed_tools, got an object of type {wire.type!r}")


def read_format(wire: FormatWire) -> OutputFormat | None:
    """The form of the answer; None for a type that only some servers have."""
    schema = wire.json_schema
    match wire.type:
        case "text":
            return OutputFormat(kind="text")
        case "json_object":
            return OutputFormat(kind="json")
        case "json_schema" if schema is not None:
            return OutputFormat(
                kind="json_schema",
                schema=schema.schema if present(schema.schema) else None,
                name=schema.name,
                description=schema.description,
                strict=schema.strict,
            )
        case "json_schema":
            raise client_fault("response_format.json_schema: required, but missing")
        case _:
            return None


def write_tools(request: ChatRequest, losses: list[Loss]) -> dict[str, object]:
    """The fields `tools`, `tool_choice` and `parallel_tool_calls`; the last two are refused without the first."""
    if not request.tools and request.tool_choice is None and request.parallel_tool_calls is None:
        return {}
    tools = [w for i, tool in enumerate(request.tools) if (w := _write_tool(tool, f"tools[{i}]", losses)) is not None]
    choice, parallel = request.tool_choice, request.parallel_tool_calls
    if not tools:
        needless = {"tool_choice": choice is not None and choice.mode != "none", "parallel_tool_calls": parallel is not None}
        losses += (Loss(field, "there is no tool to choose") for field, lost in needless.items() if lost)
        return {}
    fields: dict[str, object] = {"tools": tools}
    if choice is not None:
        fields["tool_choice"] = _write_choice(choice)
    if parallel is not None:
        fields["parallel_tool_calls"] = parallel
    return fields


def _write_tool(tool: Tool, at: str, losses: list[Loss]) -> object:
    if tool.cache is not None and CACHE_FIELD not in (tool.extra or ()):
        losses.append(Loss(f"{at}.cache", "this protocol has no cache marks"))
    losses += foreign_fields(tool, DIALECT, at)
    if tool.opaque is not None:
        if tool.opaque.dialect == DIALECT:
            return tool.opaque.raw
        losses.append(Loss(at, f"a hosted tool of {tool.opaque.dialect}: {tool.opaque.kind}"))
        return None
    fields = {"description": tool.description, "parameters": tool.parameters, "strict": tool.strict}
    function = {"name": tool.name, **{k: v for k, v in fields.items() if v is not None}}
    function |= fields_under(tool.extra, FUNCTION_FIELDS)
    return {"type": "function", "function": function, **fields_under(tool.extra, PART_FIELDS)}


def _write_choice(choice: ToolChoice) -> object:
    if choice.mode == "named" and len(choice.names) == 1:
        return {"type": "function", "function": {"name": choice.names[0]}}
    if not choice.names:
        return choice.mode if choice.mode != "named" else "required"
    listed = [{"type": "function", "function": {"name": name}} for name in choice.names]
    mode = "required" if choice.mode in ("named", "required") else "auto"
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": listed}}


def write_format(output: OutputFormat) -> dict[str, object]:
    """The value of `response_format`. The wire wants a name for a schema; where we have none, it is `answer`."""
    if output.kind != "json_schema":
        return {"type": "text" if output.kind == "text" else "json_object"}
    fields = {"description": output.description, "strict": output.strict}
    return {
        "type": "json_schema",
        "json_schema": {
            "name": output.name or "answer",
            "schema": output.schema or EMPTY_OBJECT,
            **{k: v for k, v in fields.items() if v is not None},
        },
    }
