"""A client's Messages request → our form."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from pointsman.core.chat import (
    ChatRequest,
    Message,
    Opaque,
    OutputFormat,
    Part,
    ReasoningSpec,
    Tool,
    ToolChoice,
    ToolResult,
)
from pointsman.providers.dialects.anthropic_messages.blocks_read import NAME, cache_mark, read_content
from pointsman.providers.dialects.anthropic_messages.thinking import THINKING, read_thinking
from pointsman.providers.fields import BOOL, FLOAT, INT, RAW, RAWS, STR, STRS, Fields
from pointsman.providers.http_failure import client_fault
from pointsman.providers.json_body import EMPTY_OBJECT, decode_request

__all__ = ["read_request"]

# Bedrock and Vertex say model and streaming in the path instead of the body.
_PATH = re.compile(r"/models?/(?P<model>[^/]+?)(?:/(?P<bedrock>invoke[^/?]*)|:(?P<vertex>(?:stream)?[rR]awPredict))(?:\?|$)")


def read_request(body: bytes, path: str) -> ChatRequest:
    """Raises `ProviderError` (class `client_fault`) that names the field and what was wrong with it."""
    fields = Fields(body)
    in_path = _PATH.search(path)
    model = fields.take("model", STR) or (unquote(in_path["model"]) if in_path else None)
    if not model:
        raise client_fault("model: required, but missing")
    max_tokens = fields.take("max_tokens", INT)
    if max_tokens is not None and max_tokens < 1:
        raise client_fault(f"max_tokens: expected at least 1, got {max_tokens}")
    choice, parallel = _tool_choice(fields)
    reasoning, output, kept = _thinking_and_output(fields)
    user, metadata = _user(fields)
    request = ChatRequest(
        model=model,
        messages=(*_system(fields), *_messages(fields)),
        tools=_tools(fields),
        tool_choice=choice,
        parallel_tool_calls=parallel,
        output=output,
        max_output_tokens=max_tokens,
        temperature=fields.take("temperature", FLOAT),
        top_p=fields.take("top_p", FLOAT),
        top_k=fields.take("top_k", INT),
        stop=fields.take("stop_sequences", STRS) or (),
        reasoning=reasoning,
        service_tier=fields.take("service_tier", STR),
        user=user,
        stream=fields.take("stream", BOOL) or _streams(in_path),
    )
    extra = {**fields.spare(), **kept, **metadata}
    return msgspec.structs.replace(request, extra=extra, extra_from=NAME) if extra else request


def _streams(in_path: re.Match[str] | None) -> bool:
    return in_path is not None and "stream" in (in_path["bedrock"] or in_path["vertex"])


def _system(fields: Fields) -> tuple[Message, ...]:
    content = fields.take("system", RAW)
    if content is None:
        return ()
    parts = read_content(content, "system")
    return (Message(role="system", parts=parts),) if parts else ()


def _messages(fields: Fields) -> list[Message]:
    found: list[Message] = []
    turns = fields.need("messages", RAWS)
    for i, raw in enumerate(turns):
        turn = Fields(raw, f"messages[{i}]")
        role = turn.need("role", STR)
        content = turn.need("content", RAW)
        parts = read_content(content, turn.at("content"))
        match role:
            case "assistant" | "system":
                found.append(Message(role=role, parts=parts))
            case "user":
                found += _user_turns(parts)
            case _:
                raise client_fault(f"{turn.at('role')}: expected user, assistant or system, got {role}")
    return found


def _user_turns(parts: tuple[Part, ...]) -> list[Message]:
    """One user turn as runs of tool results (role `tool`) and of everything else (role `user`)."""
    turns: list[Message] = []
    run: list[Part] = []
    for i, part in enumerate(parts):
        run.append(part)
        of_tool = isinstance(part, ToolResult)
        if i + 1 == len(parts) or isinstance(parts[i + 1], ToolResult) is not of_tool:
            turns.append(Message(role="tool" if of_tool else "user", parts=tuple(run)))
            run = []
    return turns or [Message(role="user", parts=())]


def _tools(fields: Fields) -> tuple[Tool, ...]:
    tools = fields.take("tools", RAWS) or []
    return tuple(_tool(tool, f"tools[{i}]") for i, tool in enumerate(tools))


def _tool(raw: msgspec.Raw, at: str) -> Tool:
    fields = Fields(raw, at)
    kind = fields.take("type", STR)
    name = fields.take("name", STR)
    if kind not in (None, "custom"):
        return Tool(name=name or kind or "", opaque=Opaque(dialect=NAME, kind=kind or "", raw=raw.copy()))
    schema = fields.need("input_schema", RAW)
    if not name:
        raise client_fault(f"{at}.name: required, but missing")
    Fields(schema, fields.at("input_schema"))  # a schema is an object
    return Tool(
        name=name,
        description=fields.take("description", STR),
        parameters=schema.copy(),
        strict=fields.take("strict", BOOL),
        cache=cache_mark(fields),
        extra=fields.spare(f"{NAME}.") or None,
    )


def _tool_choice(fields: Fields) -> tuple[ToolChoice | None, bool | None]:
    raw = fields.take("tool_choice", RAW)
    if raw is None:
        return None, None
    choice = Fields(raw, "tool_choice")
    one_at_a_time = choice.take("disable_parallel_tool_use", BOOL)
    parallel = None if one_at_a_time is None else not one_at_a_time
    match choice.need("type", STR):
        case "auto":
            return ToolChoice("auto"), parallel
        case "any":
            return ToolChoice("required"), parallel
        case "none":
            return ToolChoice("none"), parallel
        case "tool":
            return ToolChoice("named", (choice.need("name", STR),)), parallel
        case other:
            raise client_fault(f"tool_choice.type: expected auto, any, tool or none, got {other}")


def _thinking_and_output(
    fields: Fields,
) -> tuple[ReasoningSpec | None, OutputFormat | None, dict[str, msgspec.Raw]]:
    """Reasoning, output format, and the raw members that say more than our form can."""
    kept: dict[str, msgspec.Raw] = {}
    raw_thinking = fields.take("thinking", RAW)
    thinking = None if raw_thinking is None else decode_request(THINKING, raw_thinking, "thinking")
    config = _object(fields, "output_config")
    reasoning, whole = read_thinking(thinking, config.take("effort", STR))
    if not whole:
        kept["thinking"] = msgspec.Raw(b"null") if raw_thinking is None else raw_thinking.copy()
    output = _output(config.take("format", RAW), "output_config.format") or _output(
        fields.take("output_format", RAW), "output_format"
    )
    if spare := config.spare():
        kept["output_config"] = msgspec.Raw(msgspec.json.encode(spare))
    return reasoning, output, kept


def _output(raw: msgspec.Raw | None, at: str) -> OutputFormat | None:
    if raw is None:
        return None
    form = Fields(raw, at)
    kind = form.need("type", STR)
    if kind != "json_schema":
        raise client_fault(f"{at}.type: expected json_schema, got {kind}")
    return OutputFormat(kind="json_schema", schema=form.need("schema", RAW).copy())


def _user(fields: Fields) -> tuple[str | None, dict[str, msgspec.Raw]]:
    metadata = _object(fields, "metadata")
    user = metadata.take("user_id", STR)
    spare = metadata.spare()
    return user, {"metadata": msgspec.Raw(msgspec.json.encode(spare))} if spare else {}


def _object(fields: Fields, name: str) -> Fields:
    value = fields.take(name, RAW)
    return Fields(EMPTY_OBJECT if value is None else value, name)
