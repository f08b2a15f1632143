"""A message of our form as messages of Chat Completions."""

from __future__ import annotations

from pointsman.core.chat import (
    Audio,
    File,
    Image,
    Loss,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from pointsman.providers.dialects.openai_chat.message import (
    CACHE_FIELD,
    DIALECT,
    MESSAGE_FIELDS,
    PART_FIELDS,
    call_fields,
    thought_fields,
)
from pointsman.providers.json_body import fields_under
from pointsman.providers.losses import foreign_fields
from pointsman.providers.media import audio_format, data_url, url_of

__all__ = ["write_message"]

Wire = dict[str, object]


def write_message(message: Message, at: str, losses: list[Loss]) -> tuple[list[Wire], list[Wire]]:
    """Messages that say this one, and those that must wait until the tool results after it have been said."""
    if (plain := _plain_text(message)) is not None:
        return [{"role": message.role, "content": plain}], []
    _list_lost_fields(message.parts, at, losses)
    if message.role == "tool":
        return _results(message, at, losses)
    named: Wire = {"name": message.name} if message.name is not None else {}
    named |= _own_fields(message.parts)
    if message.role == "assistant":
        return [{"role": "assistant", **named, **_assistant(message.parts, at, losses)}], []
    content = _content(message.parts, at, losses)
    return [{"role": message.role, "content": content, **named}], []


def _plain_text(message: Message) -> str | None:
    """The text of a message that is one text and nothing more: nearly every question of a test set."""
    parts = message.parts
    if len(parts) != 1 or message.role in ("assistant", "tool") or message.name is not None:
        return None
    part = parts[0]
    return part.text if isinstance(part, Text) and part.cache is None and not part.extra else None


def _own_fields(parts: tuple[Part, ...]) -> Wire:
    """Fields of the message itself, which travel with its parts."""
    return {k: v for part in parts if part.extra for k, v in fields_under(part.extra, MESSAGE_FIELDS).items()}


def _list_lost_fields(parts: tuple[Part, ...], at: str, losses: list[Loss]) -> None:
    for i, part in enumerate(parts):
        here = f"{at}.parts[{i}]"
        if part.cache is not None and CACHE_FIELD not in (part.extra or ()):
            losses.append(Loss(f"{here}.cache", "this protocol has no cache marks"))
        if part.extra:
            losses += foreign_fields(part, DIALECT, here)
        if isinstance(part, ToolResult):
            _list_lost_fields(part.parts, here, losses)


def _results(message: Message, at: str, losses: list[Loss]) -> tuple[list[Wire], list[Wire]]:
    results: list[Wire] = []
    after: list[Wire] = []
    for i, part in enumerate(message.parts):
        here = f"{at}.parts[{i}]"
        if isinstance(part, ToolResult):
            result, media = _result(part, here, losses)
            results.append(result)
            after += media
        else:
            losses.append(Loss(here, "a tool message holds tool results alone"))
    return results, after


def _result(result: ToolResult, at: str, losses: list[Loss]) -> tuple[Wire, list[Wire]]:
    if result.is_error:
        losses.append(Loss(f"{at}.is_error", "this protocol has no mark for a failed tool; its words are sent"))
    texts = tuple(p for p in result.parts if isinstance(p, Text))
    media = tuple(p for p in result.parts if not isinstance(p, Text))
    content = _content(texts, at, losses)
    wire: Wire = {"role": "tool", "tool_call_id": result.call_id, "content": content, **_own_fields((result,))}
    if not media:
        return wire, []
    losses.append(Loss(f"{at}.parts", "a tool result is text alone; its media follow in a message of the user"))
    intro = Text(text=f"Attachments of the result of tool call {result.call_id}:")
    return wire, [{"role": "user", "content": _content((intro, *media), at, losses)}]


def _content(parts: tuple[Part, ...], at: str, losses: list[Loss]) -> str | list[object]:
    """Plain text if one text part says it all, otherwise a list of parts."""
    if not parts:
        return ""
    if len(parts) == 1 and isinstance(parts[0], Text) and not (parts[0].extra and fields_under(parts[0].extra, PART_FIELDS)):
        return parts[0].text
    written: list[object] = []
    for i, part in enumerate(parts):
        wire = _part(part)
        if isinstance(wire, str):
            losses.append(Loss(f"{at}.parts[{i}]", wire))
        else:
            written.append({**wire, **fields_under(part.extra, PART_FIELDS)} if isinstance(wire, dict) else wire)
    return written or ""


def _part(part: Part) -> object:
    """The wire's form of one part of a user's message, or as text the reason why there is none."""
    match part:
        case Text(text=text):
            return {"type": "text", "text": text}
        case Image(media=media, detail=detail) if url := url_of(media, "image/png"):
            return {"type": "image_url", "image_url": {"url": url} | ({"detail": detail} if detail else {})}
        case Audio(media=media) if media.data:
            return {"type": "input_audio", "input_audio": {"data": media.data, "format": audio_format(media.media_type) or "wav"}}
        case Video(media=media) if url := url_of(media, "video/mp4"):
            return {"type": "video_url", "video_url": {"url": url}}
        case File(media=media, name=name) if (data := data_url(media, "application/pdf")) or media.file_id:
            named = {"filename": name} if name else {}
            return {"type": "file", "file": ({"file_data": data} if data else {"file_id": media.file_id}) | named}
        case Opaque(dialect=dialect, raw=raw) if dialect == DIALECT:
            return raw
        case Opaque(dialect=dialect, kind=kind):
            return f"a part of {dialect} alone: {kind}"
        case _:
            return f"this protocol has no place here for {type(part).__name__.lower()} of this kind"


def _assistant(parts: tuple[Part, ...], at: str, losses: list[Loss]) -> Wire:
    texts: list[Text] = []
    calls: list[object] = []
    fields: Wire = {}
    for i, part in enumerate(parts):
        match part:
            case Text():
                texts.append(part)
                if part.citations is not None:
                    losses.append(Loss(f"{at}.parts[{i}].citations", "annotations of a reply are not sent back"))
            case ToolCall():
                calls.append(call_fields(part))
            case Refusal(text=text):
                fields["refusal"] = f"{fields.get('refusal', '')}{text}"
            case Audio(media=media) if media.file_id:
                fields["audio"] = {"id": media.file_id}
            case Audio(transcript=str(transcript)):
                losses.append(Loss(f"{at}.parts[{i}]", "sound a model made is sent back by its id alone; its transcript is sent"))
                texts.append(Text(text=transcript))
            case Opaque(dialect=dialect, kind="custom", raw=raw) if dialect == DIALECT:
                calls.append(raw)
            case Reasoning():
                pass
            case _:
                losses.append(Loss(f"{at}.parts[{i}]", f"an assistant's message has no {type(part).__name__.lower()}"))
    fields |= thought_fields([p for p in parts if isinstance(p, Reasoning)])
    fields |= _signature(texts, signed_calls=any(isinstance(p, ToolCall) and p.signature for p in parts))
    if calls:
        fields["tool_calls"] = calls
    return {"content": _content(tuple(texts), at, losses) if texts else None if fields else "", **fields}


def _signature(texts: list[Text], *, signed_calls: bool) -> Wire:
    signature = next((t.signature for t in texts if t.signature), None)
    return {} if signature is None or signed_calls else {"extra_content": {"google": {"thought_signature": signature}}}
