"""Content blocks of Anthropic Messages → our parts."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Literal

import msgspec

from pointsman.core.chat import CacheMark, File, Image, Media, Opaque, Part, Reasoning, Text, ToolCall, ToolResult
from pointsman.providers.fields import BOOL, RAW, STR, Decode, Fields
from pointsman.providers.json_body import decode_request

__all__ = ["NAME", "cache_mark", "read_block", "read_content"]

NAME = "anthropic_messages"

_TEXT_OR_BLOCKS = msgspec.json.Decoder(str | list[msgspec.Raw])


class _CacheControl(msgspec.Struct, frozen=True):
    type: str
    ttl: Literal["5m", "1h"] | None = None


_CACHE_CONTROL = msgspec.json.Decoder(_CacheControl)


def read_content(content: msgspec.Raw, at: str, decode: Decode = decode_request) -> tuple[Part, ...]:
    """`content` of a message or tool result: plain text or a list of blocks."""
    found = decode(_TEXT_OR_BLOCKS, content, at)
    if isinstance(found, str):
        return (Text(text=found),)
    return tuple(read_block(block, f"{at}[{i}]", decode) for i, block in enumerate(found))


def read_block(block: msgspec.Raw, at: str, decode: Decode = decode_request) -> Part:
    """One block. A type (or a source) we have no part for stays as it came."""
    fields = Fields(block, at, decode=decode)
    kind = fields.need("type", STR)
    read = _READERS.get(kind)
    if read is None:
        return Opaque(dialect=NAME, kind=kind, raw=block.copy())
    cache = cache_mark(fields)
    part = read(fields, decode)
    if part is None:
        return Opaque(dialect=NAME, kind=kind, raw=block.copy())
    spare = fields.spare(f"{NAME}.")
    return msgspec.structs.replace(part, cache=cache, extra=spare or None) if cache or spare else part


def cache_mark(fields: Fields) -> CacheMark | None:
    """The object's `cache_control`."""
    control = fields.take("cache_control", _CACHE_CONTROL)
    return None if control is None else CacheMark(control.ttl)


def _text(fields: Fields, _: Decode) -> Part:
    citations = fields.take("citations", RAW)
    cited = citations is not None and bytes(citations) != b"[]"
    return Text(text=fields.need("text", STR), citations=citations.copy() if cited and citations else None)


def _image(fields: Fields, decode: Decode) -> Part | None:
    media = _media(fields, decode)
    return None if media is None else Image(media=media)


def _document(fields: Fields, decode: Decode) -> Part | None:
    media = _media(fields, decode)
    return None if media is None else File(media=media, name=fields.take("title", STR))


def _media(fields: Fields, decode: Decode) -> Media | None:
    source = Fields(fields.need("source", RAW), fields.at("source"), decode=decode)
    match source.need("type", STR):
        case "base64":
            return Media(media_type=source.take("media_type", STR), data=source.need("data", STR))
        case "url":
            return Media(url=source.need("url", STR))
        case "file":
            return Media(file_id=source.need("file_id", STR))
        case "text":
            data = base64.b64encode(source.need("data", STR).encode()).decode("ascii")
            return Media(media_type=source.take("media_type", STR) or "text/plain", data=data)
        case _:
            return None


def _tool_use(fields: Fields, _: Decode) -> Part:
    arguments = fields.take("input", RAW)
    text = "{}" if arguments is None else bytes(arguments).decode("utf-8", "replace")
    return ToolCall(id=fields.need("id", STR), name=fields.need("name", STR), arguments=text)


def _tool_result(fields: Fields, decode: Decode) -> Part:
    content = fields.take("content", RAW)
    return ToolResult(
        call_id=fields.need("tool_use_id", STR),
        parts=() if content is None else read_content(content, fields.at("content"), decode),
        is_error=fields.take("is_error", BOOL) or False,
    )


def _thinking(fields: Fields, _: Decode) -> Part:
    return Reasoning(text=fields.take("thinking", STR) or "", signature=fields.take("signature", STR) or None)


def _redacted(fields: Fields, _: Decode) -> Part:
    return Reasoning(encrypted=fields.need("data", STR))


_READERS: dict[str, Callable[[Fields, Decode], Part | None]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}
