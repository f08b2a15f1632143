"""One message of Chat Completions, in both directions; requests and replies share its form."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

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
    Video,
)
from pointsman.providers.annotations import nested_annotations
from pointsman.providers.call_ids import derived_call_id
from pointsman.providers.dialects.openai_chat.wire import AudioSaid, Call, ContentPart, ExtraContent, Function, Said, present
from pointsman.providers.json_body import fields_under, json_text, kept_fields, raw
from pointsman.providers.media import audio_type, media_from_url

__all__ = [
    "CACHE_FIELD",
    "DIALECT",
    "FUNCTION_FIELDS",
    "MESSAGE_FIELDS",
    "PART_FIELDS",
    "Decode",
    "annotations_of",
    "arguments_text",
    "cache_mark",
    "call_fields",
    "content_parts",
    "said_parts",
    "signature_of",
    "thought_fields",
    "thoughts_in",
    "visible_thought",
]

DIALECT = "openai_chat"
PART_FIELDS, MESSAGE_FIELDS, FUNCTION_FIELDS = (f"{DIALECT}.", f"{DIALECT}.message.", f"{DIALECT}.function.")
"""Under what extras keep fields without a place in our form: of a part or tool, of a message, of a function."""
CACHE_FIELD = f"{PART_FIELDS}cache_control"

T = TypeVar("T")


class Decode(Protocol):
    """`decode_request` or `decode_reply`: who is at fault differs, the reading does not."""

    def __call__(self, decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, at: str, /) -> T: ...


class _Cache(msgspec.Struct):
    ttl: Any = None


_CACHE = msgspec.json.Decoder(_Cache)
_PART = msgspec.json.Decoder(ContentPart)
_PART_NAMED = frozenset(ContentPart.__struct_fields__) - {"cache_control"}
_ANNOTATION = re.compile(rb'"url_citation"\s*:')


def said_parts(said: Said, decode: Decode, at: str, origin: object) -> tuple[Part, ...]:
    """Everything a message says, thoughts first, calls last. `origin` sets the reply apart, for calls without an id."""
    if _is_plain(said):
        return tuple(content_parts(said.content, decode, at))
    parts: list[Part] = list(thoughts_in(said))
    parts += content_parts(said.content, decode, at)
    if present(said.annotations):
        parts = _annotated(parts, said.annotations)
    if said.refusal:
        parts.append(Refusal(text=said.refusal))
    parts += (_content_part(image, decode, f"{at}.images[{i}]") for i, image in enumerate(said.images or ()))
    if said.audio is not None:
        parts.append(_audio(said.audio))
    calls = [_call(call, origin, number) for number, call in enumerate(said.tool_calls or ())]
    if said.function_call is not None:
        calls.append(_call(Call(function=said.function_call), "function", 0))
    return (*_signed(parts, calls, signature_of(said.extra_content)),)


_SAYS_NOTHING = (b"", b"null", b"[]")


def _is_plain(said: Said) -> bool:
    """Whether nothing but its content is said: nearly every answer."""
    return not (
        said.reasoning_content
        or said.reasoning
        or said.reasoning_details
        or said.refusal
        or said.tool_calls
        or said.function_call is not None
        or said.audio is not None
        or said.images
        or said.extra_content is not None
        or bytes(said.annotations) not in _SAYS_NOTHING
    )


def content_parts(content: str | list[msgspec.Raw] | None, decode: Decode, at: str) -> list[Part]:
    """Parts of a content field, which is text or a list."""
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    return [_content_part(item, decode, f"{at}.content[{i}]") for i, item in enumerate(content or ())]


def thoughts_in(said: Said) -> list[Reasoning]:
    """Thoughts of a message: OpenRouter's detailed form if it has one, with the plain text where that has none."""
    details = [
        Reasoning(
            text=d.text or d.summary or "",
            signature=d.signature,
            encrypted=d.data,
            id=d.id,
            extra={f"{PART_FIELDS}format": raw(d.format)} if d.format else None,
        )
        for d in said.reasoning_details or ()
    ]
    visible = visible_thought(said)
    if not visible or any(d.text for d in details):
        return details
    if not details or details[0].encrypted:
        return [Reasoning(text=visible), *details]
    return [msgspec.structs.replace(details[0], text=visible), *details[1:]]


def visible_thought(said: Said) -> str:
    """The plain text of thought, whichever of the two fields has it."""
    return next((t for t in (said.reasoning_content, said.reasoning) if isinstance(t, str) and t), "")


def thought_fields(thoughts: Sequence[Reasoning]) -> dict[str, object]:
    """Fields that say these thoughts: plain text, and details where there is something that must be sent back."""
    if not thoughts:
        return {}
    fields: dict[str, object] = {}
    if text := "".join(t.text for t in thoughts):
        fields["reasoning_content"] = text
    if any(t.signature or t.encrypted or t.id for t in thoughts):
        fields["reasoning_details"] = [_detail(t, i) for i, t in enumerate(thoughts)]
    return fields


def _detail(thought: Reasoning, index: int) -> dict[str, object]:
    kind, text = ("reasoning.encrypted", "summary") if thought.encrypted else ("reasoning.text", "text")
    fields = {"data": thought.encrypted, text: thought.text or None, "signature": thought.signature, "id": thought.id}
    return {
        "type": kind,
        **{k: v for k, v in fields.items() if v is not None},
        "index": index,
        **fields_under(thought.extra, PART_FIELDS),
    }


def call_fields(call: ToolCall) -> dict[str, object]:
    """A tool call as the wire has it."""
    signed = {"extra_content": {"google": {"thought_signature": call.signature}}} if call.signature else {}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}, **signed}


def arguments_text(function: Function) -> str:
    """Arguments as JSON text; empty if there are none."""
    value = function.arguments
    return value if isinstance(value, str) else "" if value is None else json_text(value)


def signature_of(extra: ExtraContent | None) -> str | None:
    """Gemini's proof of thought, as its compatible endpoint sends it."""
    return extra.google.thought_signature if extra and extra.google else None


def annotations_of(citations: msgspec.Raw | None) -> msgspec.Raw | None:
    """These citations as this protocol's annotations; None if they are another provider's."""
    if citations is None:
        return None
    return citations if _ANNOTATION.search(bytes(citations)) is not None else nested_annotations(citations)


def _annotated(parts: Iterable[Part], annotations: msgspec.Raw) -> list[Part]:
    """The first text carries the annotations; an empty list of them says nothing."""
    found = list(parts)
    at = next((i for i, p in enumerate(found) if isinstance(p, Text)), None)
    if at is not None and bytes(annotations) != b"[]":
        found[at] = msgspec.structs.replace(found[at], citations=annotations)
    return found


def _signed(parts: list[Part], calls: list[Part], signature: str | None) -> list[Part]:
    """A message's own signature belongs to its first call, or to its text if it has none."""
    if signature is None:
        return parts + calls
    if calls and isinstance(calls[0], ToolCall):
        calls[0] = msgspec.structs.replace(calls[0], signature=calls[0].signature or signature)
    elif parts and isinstance(parts[-1], Text):
        parts[-1] = msgspec.structs.replace(parts[-1], signature=signature)
    return parts + calls


def _call(call: Call, origin: object, number: int) -> Part:
    function = call.function
    if function is None:
        custom = call.custom if present(call.custom) else None
        return Opaque(dialect=DIALECT, kind=call.type or "custom", raw=raw({"id": call.id, "type": call.type, "custom": custom}))
    name = function.name or ""
    return ToolCall(
        id=call.id or derived_call_id(origin, number, name),
        name=name,
        arguments=arguments_text(function) or "{}",
        signature=signature_of(call.extra_content),
    )


def _audio(said: AudioSaid) -> Part:
    media = Media(data=said.data) if said.data else Media(file_id=said.id or "")
    return Audio(media=media, transcript=said.transcript)


def _content_part(item: msgspec.Raw, decode: Decode, at: str) -> Part:
    wire = decode(_PART, item, at)
    cache = cache_mark(wire.cache_control, decode, at)
    extra = kept_fields(item, _PART_NAMED, PART_FIELDS)
    match wire:
        case ContentPart(type="text" | "input_text" | "output_text", text=str(text)):
            return Text(text=text, cache=cache, extra=extra)
        case ContentPart(type="image_url", image_url=str(url)):
            return Image(media=media_from_url(url), cache=cache, extra=extra)
        case ContentPart(type="image_url", image_url=image) if image is not None and not isinstance(image, str):
            return Image(media=media_from_url(image.url), detail=image.detail, cache=cache, extra=extra)
        case ContentPart(type="video_url", video_url=video) if video is not None:
            return Video(media=media_from_url(video if isinstance(video, str) else video.url), cache=cache, extra=extra)
        case ContentPart(type="input_audio", input_audio=sound) if sound is not None:
            return Audio(
                media=Media(data=sound.data, media_type=audio_type(sound.format) if sound.format else None),
                cache=cache,
                extra=extra,
            )
        case ContentPart(type="file", file=file) if file is not None and (file.file_data or file.file_id):
            media = media_from_url(file.file_data) if file.file_data else Media(file_id=file.file_id)
            return File(media=media, name=file.filename, cache=cache, extra=extra)
        case ContentPart(type="refusal", refusal=str(text)):
            return Refusal(text=text)
        case ContentPart(type="thinking"):
            return Reasoning(text=_thinking(wire.thinking))
        case _:
            return Opaque(dialect=DIALECT, kind=wire.type, raw=item)


def cache_mark(control: msgspec.Raw, decode: Decode, at: str) -> CacheMark | None:
    """The mark that Anthropic's models read, for other protocols; the field itself is kept beside it."""
    if not present(control):
        return None
    ttl = decode(_CACHE, control, f"{at}.cache_control").ttl
    return CacheMark(ttl=ttl if ttl in ("5m", "1h") else None)


def _thinking(value: Any) -> str:
    if isinstance(value, str):
        return value
    pieces = value if isinstance(value, list) else ()
    return "".join(p["text"] for p in pieces if isinstance(p, dict) and isinstance(p.get("text"), str))
