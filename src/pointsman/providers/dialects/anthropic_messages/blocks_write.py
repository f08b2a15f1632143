"""Our parts → content blocks of Anthropic Messages, and what of them cannot be said there."""

from __future__ import annotations

import base64
import binascii
import re

import msgspec

from pointsman.core.chat import (
    Audio,
    CacheMark,
    File,
    Image,
    Media,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from pointsman.providers.dialects.anthropic_messages.blocks_read import NAME
from pointsman.providers.losses import Losses, own_extra

__all__ = ["Block", "arguments_object", "block_of", "blocks_of", "cache_control", "is_own_citations", "tool_id"]

Block = dict[str, object] | msgspec.Raw

_NO_SUCH_CONTENT = "Anthropic Messages has no such content"
_FOREIGN_FILE = "only the provider that issued this reference understands it"

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ID_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")


class _Citation(msgspec.Struct, frozen=True):
    type: str = ""


_CITATIONS = msgspec.json.Decoder(list[_Citation])
_CITATION_TYPES = frozenset(
    {"char_location", "page_location", "content_block_location", "web_search_result_location", "search_result_location"}
)


def blocks_of(parts: tuple[Part, ...], at: str, losses: Losses) -> list[Block]:
    """Blocks of these parts. Empty texts are left out, because the API refuses them; citations that
    came after their text (as streams bring them) are joined to it again.
    """
    blocks: list[Block] = []
    for i, part in enumerate(parts):
        before = blocks[-1] if blocks else None
        if isinstance(part, Text) and not part.text:
            if part.citations is not None and isinstance(before, dict) and before["type"] == "text":
                before.setdefault("citations", part.citations)
            if part.cache is not None:
                losses.add(f"{at}[{i}].cache", "an empty text cannot carry a cache mark")
            continue
        block = block_of(part, f"{at}[{i}]", losses)
        if block is not None:
            blocks.append(block)
    return blocks


def block_of(part: Part, at: str, losses: Losses) -> Block | None:
    """One block; None (and a loss) if there is none for this part."""
    if isinstance(part, Opaque):
        if part.dialect == NAME:
            return part.raw
        losses.add(at, f"only {part.dialect} has {part.kind!r}")
        return None
    block = _plain_block(part, at, losses)
    if block is not None:
        block.update(own_extra(part, NAME, at, losses))
        if part.cache is not None:
            block["cache_control"] = cache_control(part.cache)
    return block


def cache_control(mark: CacheMark) -> dict[str, object]:
    """The wire's form of a cache mark."""
    return {"type": "ephemeral"} if mark.ttl is None else {"type": "ephemeral", "ttl": mark.ttl}


def tool_id(call_id: str) -> str:
    """An id Anthropic takes (letters, digits, `_`, `-`); the same id always becomes the same."""
    return _ID_UNSAFE.sub("_", call_id) or "call_0"


def arguments_object(arguments: str) -> tuple[object, bool]:
    """The `input` object, and whether the arguments were one.

    Broken JSON is wrapped the way Anthropic's own guide to fine-grained tool streaming advises.
    """
    text = arguments.strip()
    if text in ("", "{}"):
        return {}, True
    try:
        _OBJECT.decode(text)
        return msgspec.Raw(text.encode()), True
    except (ValueError, RecursionError):
        return {"INVALID_JSON": arguments}, False


def is_own_citations(citations: msgspec.Raw) -> bool:
    """Whether these annotations are Anthropic's; those of others are refused by the API."""
    try:
        found = _CITATIONS.decode(citations)
    except (ValueError, RecursionError):
        return False
    return bool(found) and all(c.type in _CITATION_TYPES for c in found)


def _plain_block(part: Part, at: str, losses: Losses) -> dict[str, object] | None:
    match part:
        case Text():
            return _text(part, at, losses)
        case Image():
            losses.unless_none(_NO_SUCH_CONTENT, **{f"{at}.detail": None if part.detail == "auto" else part.detail})
            return _sourced("image", _source(part.media, at, losses, "image/png"))
        case File():
            return _document(part, at, losses)
        case ToolCall():
            return _tool_use(part, at, losses)
        case ToolResult():
            return _tool_result(part, at, losses)
        case Reasoning():
            return _thinking(part, at, losses)
        case Refusal():
            losses.add(at, "a refusal in the history is written as plain text")
            return {"type": "text", "text": part.text}
        case Audio() | Video():
            losses.add(at, _NO_SUCH_CONTENT)
            return None
        case _:
            return None


def _text(part: Text, at: str, losses: Losses) -> dict[str, object]:
    block: dict[str, object] = {"type": "text", "text": part.text}
    if part.citations is not None:
        if is_own_citations(part.citations):
            block["citations"] = part.citations
        else:
            losses.add(f"{at}.citations", "annotations of another provider")
    losses.unless_none("a proof only its issuer understands", **{f"{at}.signature": part.signature})
    return block


def _document(part: File, at: str, losses: Losses) -> dict[str, object] | None:
    kind = part.media.media_type or "application/pdf"
    if part.media.data is not None and kind.startswith("text/"):
        source = _text_source(part.media.data, at, losses)
    elif part.media.data is not None and kind != "application/pdf":
        losses.add(at, f"Anthropic Messages takes no file of type {kind}")
        return None
    else:
        source = _source(part.media, at, losses, "application/pdf")
    block = _sourced("document", source)
    if block is not None and part.name is not None:
        block["title"] = part.name
    return block


def _text_source(data: str, at: str, losses: Losses) -> dict[str, object] | None:
    try:
        text = base64.b64decode(data, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        losses.add(at, "a text file that is not UTF-8")
        return None
    return {"type": "text", "media_type": "text/plain", "data": text}


def _source(media: Media, at: str, losses: Losses, default_type: str) -> dict[str, object] | None:
    if media.data is not None:
        return {"type": "base64", "media_type": media.media_type or default_type, "data": media.data}
    if media.url is not None and media.url.startswith(("https://", "http://")):
        return {"type": "url", "url": media.url}
    if media.file_id is not None and media.file_id.startswith("file_"):
        return {"type": "file", "file_id": media.file_id}
    losses.add(at, _FOREIGN_FILE if media.file_id else "not an address on the web")
    return None


def _sourced(kind: str, source: dict[str, object] | None) -> dict[str, object] | None:
    return None if source is None else {"type": kind, "source": source}


def _tool_use(part: ToolCall, at: str, losses: Losses) -> dict[str, object]:
    arguments, whole = arguments_object(part.arguments)
    if not whole:
        losses.add(f"{at}.arguments", "not a JSON object; sent wrapped in one")
    losses.unless_none("a proof only its issuer understands", **{f"{at}.signature": part.signature})
    return {"type": "tool_use", "id": tool_id(part.id), "name": part.name, "input": arguments}


def _tool_result(part: ToolResult, at: str, losses: Losses) -> dict[str, object]:
    block: dict[str, object] = {"type": "tool_result", "tool_use_id": tool_id(part.call_id)}
    content = blocks_of(part.parts, f"{at}.parts", losses)
    if content:
        block["content"] = content
    if part.is_error:
        block["is_error"] = True
    return block


def _thinking(part: Reasoning, at: str, losses: Losses) -> dict[str, object] | None:
    """Only thoughts that Anthropic signed can be sent back; the API refuses all others.

    `encrypted` with an id is OpenAI's, which names its reasoning items.
    """
    if part.encrypted is not None and part.id is None:
        return {"type": "redacted_thinking", "data": part.encrypted}
    if part.signature is not None:
        return {"type": "thinking", "thinking": part.text, "signature": part.signature}
    losses.add(at, "thoughts without Anthropic's signature cannot be sent back")
    return None
