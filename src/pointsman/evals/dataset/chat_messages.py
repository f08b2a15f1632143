"""Messages and tools as chat APIs write them, and as we write them, into our form."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from pointsman.core.chat import Audio, File, Image, Media, Message, Part, Role, Text, Tool, ToolCall, ToolResult
from pointsman.evals.dataset.columns import RowError, written

__all__ = ["messages_from", "raw_json", "tools_from"]

_ROLES: dict[str, Role] = {r: r for r in ("system", "developer", "user", "assistant", "tool")}
_DATA_URL = re.compile(r"data:([^;,]+);base64,(.*)", re.DOTALL)


def messages_from(value: Any) -> tuple[Message, ...]:
    """A chat from a list of `{role, content}` (OpenAI's form, tool calls and images included) or of our `{role, parts}`.

    Raises `RowError` naming the message that cannot be read.
    """
    if not isinstance(value, list) or not value:
        raise RowError("messages are not a list", hint='write [{"role": "user", "content": "…"}]')
    return tuple(_message(item, n) for n, item in enumerate(value))


def _message(item: Any, n: int) -> Message:
    if not isinstance(item, dict):
        raise RowError(f"messages[{n}] is not an object")
    if "parts" in item:
        try:
            return msgspec.convert(item, Message)
        except msgspec.ValidationError as problem:
            raise RowError(f"messages[{n}]: {problem}") from None
    role = _ROLES.get(str(item.get("role")))
    if role is None:
        raise RowError(f"messages[{n}] has role {item.get('role')!r}", hint=f"known roles: {', '.join(_ROLES)}")
    parts = _parts(item.get("content"), n)
    if role == "tool":
        parts = (ToolResult(call_id=str(item.get("tool_call_id", "")), parts=parts, name=item.get("name")),)
    calls = tuple(_call(call, n) for call in item.get("tool_calls") or ())
    return Message(role=role, parts=(*parts, *calls), name=None if role == "tool" else item.get("name"))


def _parts(content: Any, n: int) -> tuple[Part, ...]:
    if content is None:
        return ()
    if isinstance(content, str):
        return (Text(text=content),)
    if not isinstance(content, list):
        raise RowError(f"messages[{n}].content is neither text nor a list")
    return tuple(_part(part, n) for part in content)


def _part(part: Any, n: int) -> Part:
    match part:
        case str():
            return Text(text=part)
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return Text(text=text)
        case {"type": "image_url", "image_url": {"url": str(url), **rest}}:
            return Image(media=_media(url), detail=str(rest["detail"]) if "detail" in rest else None)
        case {"type": "input_audio", "input_audio": {"data": str(data), "format": str(coding)}}:
            return Audio(media=Media(data=data, media_type=f"audio/{coding}"))
        case {"type": "file", "file": {"file_data": str(data), **named}}:
            return File(media=_media(data), name=str(named["filename"]) if "filename" in named else None)
    kind = part.get("type") if isinstance(part, dict) else type(part).__name__
    raise RowError(
        f"messages[{n}] has a part of type {kind!r} we cannot read", hint="text, image_url, input_audio and file are known"
    )


def _media(url: str) -> Media:
    found = _DATA_URL.match(url)
    return Media(media_type=found[1], data=found[2]) if found else Media(url=url)


def _call(call: Any, n: int) -> ToolCall:
    match call:
        case {"function": {"name": str() as name, **rest}}:
            return ToolCall(id=str(call.get("id", "")), name=name, arguments=written(rest.get("arguments", "{}")))
    raise RowError(f"messages[{n}].tool_calls has a call without `function.name`")


def tools_from(value: Any) -> tuple[Tool, ...]:
    """Tools from a list of OpenAI's `{type: function, function: {…}}`, or of bare `{name, description, parameters}`."""
    if not isinstance(value, list | tuple):
        raise RowError("tools are not a list")
    return tuple(_tool(item, n) for n, item in enumerate(value))


def _tool(item: Any, n: int) -> Tool:
    function: Any = item.get("function", item) if isinstance(item, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise RowError(f"tools[{n}] has no name")
    schema = function.get("parameters", function.get("input_schema"))
    return Tool(
        name=function["name"],
        description=function.get("description"),
        parameters=None if schema is None else raw_json(schema),
        strict=function.get("strict"),
    )


def raw_json(value: Any) -> msgspec.Raw:
    """JSON of a value, decimals as numbers and keys sorted, so that equal schemas hash alike."""
    return msgspec.Raw(msgspec.json.Encoder(decimal_format="number", order="sorted").encode(value))
