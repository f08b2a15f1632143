"""Parts of our form as items of the Responses API; requests and responses share them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pointsman.core.chat import Audio, File, Image, Loss, Opaque, Part, Reasoning, Refusal, Text, ToolCall, Video
from pointsman.providers.dialects.openai_responses.items import CONTENT, DIALECT, FIELDS, PART_FIELDS, annotations_of
from pointsman.providers.json_body import fields_under, raw
from pointsman.providers.losses import foreign_fields
from pointsman.providers.media import audio_format, data_url, url_of

__all__ = ["Wire", "assistant_items", "call_item", "id_of", "input_content", "output_text", "reasoning_item"]

Wire = dict[str, object]
_NO_ANNOTATIONS = msgspec.Raw(b"[]")


def call_item(call: ToolCall, **more: object) -> Wire:
    """A function call."""
    wire: Wire = {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
    return {**wire, **fields_under(call.extra, FIELDS), **more}


def reasoning_item(thought: Reasoning) -> Wire:
    """Thoughts: where they came whole they go back whole, otherwise as a summary."""
    kept = fields_under(thought.extra, FIELDS)
    summary = [] if "content" in kept or not thought.text else [{"type": "summary_text", "text": thought.text}]
    fields = {"id": thought.id or None, "encrypted_content": thought.encrypted}
    return {"type": "reasoning", "summary": summary, **kept, **{k: v for k, v in fields.items() if v is not None}}


def output_text(text: Text) -> Wire:
    """Text a model wrote."""
    cited = annotations_of(text.citations)
    shown = _NO_ANNOTATIONS if cited is None else cited
    return {"type": "output_text", "text": text.text, "annotations": shown, **fields_under(text.extra, PART_FIELDS)}


def input_content(parts: Iterable[Part], at: str, losses: list[Loss]) -> str | list[object]:
    """The content of a user's or system message, or of a tool's output: plain text if that says it all."""
    given = tuple(parts)
    for i, part in enumerate(given):
        _list_lost_fields(part, f"{at}.parts[{i}]", losses)
    if not given:
        return ""
    if len(given) == 1 and isinstance(given[0], Text) and not fields_under(given[0].extra, PART_FIELDS):
        return given[0].text
    written: list[object] = []
    for i, part in enumerate(given):
        wire = _input_part(part)
        if isinstance(wire, str):
            losses.append(Loss(f"{at}.parts[{i}]", wire))
        else:
            written.append({**wire, **fields_under(part.extra, PART_FIELDS)} if isinstance(wire, dict) else wire)
    return written or ""


def _input_part(part: Part) -> object:
    """The wire's form of one part, or as text the reason why there is none."""
    match part:
        case Text(text=text):
            return {"type": "input_text", "text": text}
        case Image(media=media, detail=detail):
            source = {"file_id": media.file_id} if media.file_id else {"image_url": url_of(media, "image/png")}
            return {"type": "input_image", **source, **({"detail": detail} if detail else {})}
        case File(media=media, name=name):
            named = {"filename": name} if name else {}
            if media.file_id or media.url:
                return {
                    "type": "input_file",
                    **({"file_id": media.file_id} if media.file_id else {"file_url": media.url}),
                    **named,
                }
            return {"type": "input_file", "file_data": data_url(media, "application/pdf"), **named}
        case Audio(media=media) if media.data:
            sound = {"data": media.data, "format": audio_format(media.media_type) or "wav"}
            return {"type": "input_audio", "input_audio": sound}
        case Opaque(dialect=dialect, kind=kind, raw=json) if dialect == DIALECT and kind.startswith(CONTENT):
            return json
        case Opaque(dialect=dialect, kind=kind):
            return f"a part of {dialect} alone: {kind}"
        case Video() | Audio():
            return f"this protocol takes no {type(part).__name__.lower()} of this kind"
        case _:
            return f"this protocol has no place here for {type(part).__name__.lower()}"


def assistant_items(parts: tuple[Part, ...], at: str, losses: list[Loss]) -> list[object]:
    """Items that say an assistant's turn again, in order; texts between other items share a message."""
    items: list[object] = []
    message: list[Text | Refusal] = []
    for i, part in enumerate(parts):
        _list_lost_fields(part, f"{at}.parts[{i}]", losses)
        if isinstance(part, Text | Refusal):
            if message and fields_under(part.extra, FIELDS):
                items.append(_said(message))
                message = []
            message.append(part)
            continue
        if message:
            items.append(_said(message))
            message = []
        items += _other_item(part, f"{at}.parts[{i}]", losses)
    return [*items, _said(message)] if message else items


def _list_lost_fields(part: Part, at: str, losses: list[Loss]) -> None:
    if part.cache is not None:
        losses.append(Loss(f"{at}.cache", "this protocol caches on its own and has no marks"))
    losses += foreign_fields(part, DIALECT, at)
    if isinstance(part, Text | ToolCall) and part.signature:
        losses.append(Loss(f"{at}.signature", "a proof of thought has no place in this protocol"))
    if isinstance(part, Text) and part.citations is not None and annotations_of(part.citations) is None:
        losses.append(Loss(f"{at}.citations", "annotations of another provider"))


def _other_item(part: Part, at: str, losses: list[Loss]) -> list[object]:
    match part:
        case ToolCall():
            return [call_item(part)]
        case Reasoning(id=None, encrypted=str()):
            losses.append(Loss(at, "only the provider that encrypted these thoughts could use them"))
        case Reasoning() if part.encrypted or part.id:
            if part.signature:
                losses.append(Loss(f"{at}.signature", "a proof of thought has no place in this protocol"))
            return [reasoning_item(part)]
        case Reasoning():
            losses.append(
                Loss(at, "thoughts can be sent back only where this protocol's provider gave them an id or encrypted them")
            )
        case Opaque(dialect=dialect, raw=json) if dialect == DIALECT:
            return [json]
        case Opaque(dialect=dialect, kind=kind):
            losses.append(Loss(at, f"an item of {dialect} alone: {kind}"))
        case _:
            losses.append(Loss(at, f"an assistant's turn has no {type(part).__name__.lower()}"))
    return []


def _said(parts: list[Text | Refusal]) -> Wire:
    """A message of the assistant: with its id if it had one, else in the short form."""
    content = [output_text(p) if isinstance(p, Text) else {"type": "refusal", "refusal": p.text} for p in parts]
    fields = fields_under(parts[0].extra, FIELDS)
    if "id" in fields:
        return {"type": "message", "role": "assistant", "status": "completed", "content": content, **fields}
    if len(parts) == 1 and isinstance(parts[0], Text) and parts[0].citations is None:
        return {"role": "assistant", "content": parts[0].text, **fields}
    return {"role": "assistant", "content": content, **fields}


def id_of(part: Part, otherwise: str) -> object:
    """The item id a part came with, or another."""
    return fields_under(part.extra, FIELDS).get("id", raw(otherwise))
