"""Tools, the choice among them and the form of the answer, in both directions."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from pointsman.core.chat import ChatRequest, Loss, Opaque, OutputFormat, Tool, ToolChoice
from pointsman.providers.dialects.openai_responses.items import DIALECT, FIELDS
from pointsman.providers.dialects.openai_responses.wire import ABSENT, present
from pointsman.providers.http_failure import client_fault
from pointsman.providers.json_body import EMPTY_OBJECT, decode_request, fields_under, kept_fields
from pointsman.providers.losses import foreign_fields

__all__ = [
    "ChoiceWire",
    "FormatWire",
    "read_format",
    "read_tool",
    "read_tool_choice",
    "write_choice",
    "write_format",
    "write_tools",
]


class _ToolWire(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = ABSENT
    strict: bool | None = None


class _Listed(msgspec.Struct):
    type: str = "function"
    name: str | None = None


class ChoiceWire(msgspec.Struct):
    type: str
    name: str | None = None
    mode: str = "auto"
    tools: list[_Listed] = []


class FormatWire(msgspec.Struct):
    type: str = "text"
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw = ABSENT
    strict: bool | None = None


_TOOL = msgspec.json.Decoder(_ToolWire)
_TOOL_NAMED = frozenset(_ToolWire.__struct_fields__)
_MODES = ("auto", "none", "required")


def read_tool(item: msgspec.Raw, at: str) -> Tool:
    """One tool; anything but a function is kept whole as opaque."""
    wire = decode_request(_TOOL, item, at)
    if wire.type != "function":
        return Tool(name=wire.name or wire.type, opaque=Opaque(dialect=DIALECT, kind=wire.type, raw=item))
    if wire.name is None:
        raise client_fault(f"{at}.name: required, but missing")
    parameters = wire.parameters if present(wire.parameters) else None
    extra = kept_fields(item, _TOOL_NAMED, FIELDS)
    return Tool(name=wire.name, description=wire.description, parameters=parameters, strict=wire.strict, extra=extra)


def read_tool_choice(wire: str | ChoiceWire) -> ToolChoice | None:
    """The choice among tools; None for the choice of a hosted tool, which only this protocol has.

    Raises `ProviderError` (client fault) for a word that is none.
    """
    if isinstance(wire, str):
        if wire not in _MODES:
            raise client_fault(f"tool_choice: expected auto, none, required or an object, got {wire!r}")
        return ToolChoice(cast("Any", wire))
    if wire.type == "function" and wire.name is not None:
        return ToolChoice("named", (wire.name,))
    if wire.type == "allowed_tools" and all(t.type == "function" for t in wire.tools):
        return ToolChoice("named" if wire.mode == "required" else "auto", tuple(t.name for t in wire.tools if t.name))
    return None


def read_format(wire: FormatWire) -> OutputFormat:
    """The form of the answer. Raises `ProviderError` (client fault) for a type that is none."""
    match wire.type:
        case "text":
            return OutputFormat(kind="text")
        case "json_object":
            return OutputFormat(kind="json")
        case "json_schema":
            return OutputFormat(
                kind="json_schema",
                schema=wire.schema if present(wire.schema) else None,
                name=wire.name,
                description=wire.description,
                strict=wire.strict,
            )
        case _:
            raise client_fault(f"text.format.type: expected text, json_object or json_schema, got {wire.type!r}")


def write_tools(request: ChatRequest, losses: list[Loss]) -> list[object]:
    """The value of `tools`.

    Here a function is strict unless it says otherwise, elsewhere it is not; so a request from elsewhere says so.
    """
    default = None if request.extra_from == DIALECT else False
    written: list[object] = []
    for i, tool in enumerate(request.tools):
        if tool.cache is not None:
            losses.append(Loss(f"tools[{i}].cache", "this protocol caches on its own and has no marks"))
        losses += foreign_fields(tool, DIALECT, f"tools[{i}]")
        if tool.opaque is None:
            written.append(_function(tool, default=default))
        elif tool.opaque.dialect == DIALECT:
            written.append(tool.opaque.raw)
        else:
            losses.append(Loss(f"tools[{i}]", f"a hosted tool of {tool.opaque.dialect}: {tool.opaque.kind}"))
    return written


def _function(tool: Tool, *, default: bool | None) -> dict[str, object]:
    strict = tool.strict if tool.strict is not None else default
    fields = {"description": tool.description, "parameters": tool.parameters, "strict": strict}
    known = {k: v for k, v in fields.items() if v is not None}
    return {"type": "function", "name": tool.name, **known, **fields_under(tool.extra, FIELDS)}


def write_choice(choice: ToolChoice) -> object:
    """The value of `tool_choice`."""
    if choice.mode == "named" and len(choice.names) == 1:
        return {"type": "function", "name": choice.names[0]}
    if not choice.names:
        return choice.mode if choice.mode != "named" else "required"
    listed = [{"type": "function", "name": name} for name in choice.names]
    return {"type": "allowed_tools", "mode": "required" if choice.mode in ("named", "required") else "auto", "tools": listed}


def write_format(output: OutputFormat) -> dict[str, object]:
    """The value of `text.format`. The wire wants a name for a schema; where we have none, it is `answer`."""
    if output.kind != "json_schema":
        return {"type": "text" if output.kind == "text" else "json_object"}
    fields = {"description": output.description, "strict": output.strict}
    return {
        "type": "json_schema",
        "name": output.name or "answer",
        "schema": output.schema or EMPTY_OBJECT,
        **{k: v for k, v in fields.items() if v is not None},
    }
