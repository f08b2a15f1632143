"""Items of the Responses API as parts of our form; requests and responses share them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeGuard, TypeVar

import msgspec

from pointsman.core.chat import Audio, File, Image, Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from pointsman.providers.annotations import flat_annotations
from pointsman.providers.call_ids import derived_call_id
from pointsman.providers.dialects.openai_responses.wire import ContentPart, Item, present
from pointsman.providers.json_body import json_text, kept_fields, raw
from pointsman.providers.media import audio_type, media_from_url

__all__ = [
    "CONTENT",
    "CONTENT_FIELD",
    "DIALECT",
    "FIELDS",
    "PART_FIELDS",
    "Decode",
    "annotations_of",
    "arguments_of",
    "call_part",
    "content_parts",
    "decode_item",
    "is_own_item",
    "item_fields",
    "item_parts",
    "message_parts",
    "reasoning_part",
    "summary_text",
]

DIALECT = "openai_responses"
FIELDS, PART_FIELDS = f"{DIALECT}.", f"{DIALECT}.part."
"""Under what extras keep fields without a place in our form: of an item or tool, of a part of a message's content."""
CONTENT_FIELD = f"{FIELDS}content"
CONTENT = "content."
"""What begins the kind of an opaque content part; an opaque item has its bare type as kind."""

T = TypeVar("T")


class Decode(Protocol):
    """`decode_request` or `decode_reply`: who is at fault differs, the reading does not."""

    def __call__(self, decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, at: str, /) -> T: ...


_ITEM = msgspec.json.Decoder(Item)
_PART = msgspec.json.Decoder(ContentPart)
_PART_NAMED = frozenset(ContentPart.__struct_fields__)
_ITEM_NAMED = frozenset({*Item.__struct_fields__, "status"})
_ANNOTATIONS = re.compile(rb'"type"\s*:\s*"(?:url_citation|file_citation|container_file_citation|file_path)"')
_NESTED = re.compile(rb'"url_citation"\s*:')
_NO_ANNOTATIONS = b"[]"


def decode_item(item: msgspec.Raw, decode: Decode, at: str) -> Item:
    """The fields of an item."""
    return decode(_ITEM, item, at)


def item_parts(item: msgspec.Raw, decode: Decode, at: str, origin: object) -> list[Part]:
    """What one item the model made says; an item only this protocol has stays opaque."""
    wire = decode_item(item, decode, at)
    match wire.type:
        case "message":
            return message_parts(wire, item, decode, at)
        case "function_call":
            return [call_part(wire, item, origin)]
        case "reasoning":
            return [reasoning_part(wire, item, decode, at)]
        case _:
            return [Opaque(dialect=DIALECT, kind=wire.type or "unknown", raw=item)]


def message_parts(wire: Item, item: msgspec.Raw, decode: Decode, at: str) -> list[Part]:
    """Parts of a message; its own id, phase and the like go with the first of them."""
    parts = content_parts(wire.content, decode, at)
    if parts and (fields := item_fields(item)):
        parts[0] = msgspec.structs.replace(parts[0], extra={**(parts[0].extra or {}), **fields})
    return parts


def item_fields(item: msgspec.Raw, *, with_id: bool = True) -> dict[str, msgspec.Raw] | None:
    """Fields of an item without a place in our form."""
    return kept_fields(item, _ITEM_NAMED - {"id"} if with_id else _ITEM_NAMED, FIELDS)


def content_parts(content: str | Sequence[msgspec.Raw] | None, decode: Decode, at: str) -> list[Part]:
    """Parts of a content field, which is text or a list."""
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    return [_content_part(item, decode, f"{at}.content[{i}]") for i, item in enumerate(content or ())]


def call_part(wire: Item, item: msgspec.Raw, origin: object) -> ToolCall:
    """A function call. It is known by its call id; the item's own id is kept for targets of this protocol."""
    name = wire.name or ""
    return ToolCall(
        id=wire.call_id or wire.id or derived_call_id(origin, name),
        name=name,
        arguments=arguments_of(wire) or "{}",
        extra=item_fields(item),
    )


def arguments_of(wire: Item) -> str:
    """Arguments of a call as JSON text; empty if there are none."""
    value = wire.arguments
    return value if isinstance(value, str) else "" if value is None else json_text(value)


def reasoning_part(wire: Item, item: msgspec.Raw, decode: Decode, at: str) -> Reasoning:
    """Thoughts: their summary, or where a server shows them whole, the text itself."""
    text = summary_text(wire)
    extra = item_fields(item, with_id=False) or {}
    if isinstance(wire.content, list) and wire.content:
        extra[CONTENT_FIELD] = raw(wire.content)
        shown = [decode(_PART, piece, f"{at}.content[{i}]").text or "" for i, piece in enumerate(wire.content)]
        text = text or "".join(shown)
    # An empty id still says whose thoughts these are: clients that store nothing send them back without one.
    thought_id = wire.id if wire.id is not None or wire.encrypted_content is None else ""
    return Reasoning(text=text, encrypted=wire.encrypted_content, id=thought_id, extra=extra or None)


def summary_text(wire: Item) -> str:
    """The parts of a summary, an empty line between them."""
    return "\n\n".join(p.text for p in wire.summary or () if p.text)


def annotations_of(citations: msgspec.Raw | None) -> msgspec.Raw | None:
    """These citations as this protocol's annotations; None if they are another provider's."""
    if citations is None or _ANNOTATIONS.search(bytes(citations)) is None:
        return None
    return flat_annotations(citations) if _NESTED.search(bytes(citations)) is not None else citations


def is_own_item(part: Part) -> TypeGuard[Opaque]:
    """Whether this is a whole item that only this protocol has, not a part of a message's content."""
    return isinstance(part, Opaque) and part.dialect == DIALECT and not part.kind.startswith(CONTENT)


def _content_part(item: msgspec.Raw, decode: Decode, at: str) -> Part:
    wire = decode(_PART, item, at)
    part = _known_part(wire)
    if part is None:
        return Opaque(dialect=DIALECT, kind=f"{CONTENT}{wire.type}", raw=item)
    extra = kept_fields(item, _PART_NAMED, PART_FIELDS)
    return part if extra is None else msgspec.structs.replace(part, extra=extra)


def _known_part(wire: ContentPart) -> Part | None:
    match wire:
        case ContentPart(type="input_text" | "output_text" | "text", text=str(text)):
            cited = wire.annotations if present(wire.annotations) and bytes(wire.annotations) != _NO_ANNOTATIONS else None
            return Text(text=text, citations=cited)
        case ContentPart(type="refusal", refusal=str(text)):
            return Refusal(text=text)
        case ContentPart(type="input_image", image_url=str(url)):
            return Image(media=media_from_url(url), detail=wire.detail)
        case ContentPart(type="input_image", file_id=str(file_id)):
            return Image(media=Media(file_id=file_id), detail=wire.detail)
        case ContentPart(type="input_file") if wire.file_data or wire.file_url or wire.file_id:
            source = wire.file_data or wire.file_url
            return File(media=media_from_url(source) if source else Media(file_id=wire.file_id), name=wire.filename)
        case ContentPart(type="input_audio", input_audio=sound) if sound is not None:
            return Audio(media=Media(data=sound.data, media_type=audio_type(sound.format) if sound.format else None))
        case _:
            return None
