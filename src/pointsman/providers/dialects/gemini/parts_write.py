"""Our parts → parts of Gemini contents, and what of them cannot be said there."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import Audio, File, Image, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, Video
from pointsman.providers.dialects.gemini.media import write_media
from pointsman.providers.dialects.gemini.names import NAME
from pointsman.providers.dialects.gemini.parts_read import PLACED
from pointsman.providers.losses import Losses, own_extra

__all__ = ["BESIDE_CONTENT", "WirePart", "arguments_object", "call_of", "part_of"]

WirePart = dict[str, object] | msgspec.Raw

BESIDE_CONTENT = frozenset({"groundingMetadata", "citationMetadata", "urlContextMetadata", "promptFeedback"})
"""Opaque kinds that stand beside a reply's content and are no part of a conversation."""

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def part_of(part: Part, at: str, names: dict[str, str], losses: Losses) -> WirePart | None:
    """One part; None (and a loss) if there is none for it. `names` maps ids of calls to their functions."""
    if isinstance(part, Opaque):
        return _opaque(part, at, losses)
    wire = _plain(part, at, names, losses)
    if wire is None:
        return None
    extra = _lose_marks(part, at, losses)
    if isinstance(part, ToolResult):
        return wire
    return wire | extra


def _lose_marks(part: Part, at: str, losses: Losses) -> dict[str, msgspec.Raw]:
    """Cache marks and other protocols' fields are lost; Gemini's own fields are returned."""
    if part.cache is not None:
        losses.add(f"{at}.cache", "Gemini caches by itself, or by a cache made beforehand")
    return own_extra(part, NAME, at, losses)


def call_of(part: ToolCall) -> dict[str, object]:
    """A `functionCall` part with its proof of thought."""
    arguments, _ = arguments_object(part.arguments)
    call: dict[str, object] = {"name": part.name, "args": arguments}
    if part.id and not part.id.startswith(PLACED):
        call["id"] = part.id
    wire: dict[str, object] = {"functionCall": call}
    if part.signature is not None:
        wire["thoughtSignature"] = part.signature
    return wire


def arguments_object(arguments: str) -> tuple[object, bool]:
    """`args`, and whether the arguments were a JSON object; broken ones are wrapped in one."""
    text = arguments.strip()
    if text in ("", "{}"):
        return {}, True
    try:
        _OBJECT.decode(text)
        return msgspec.Raw(text.encode()), True
    except (ValueError, RecursionError):
        return {"INVALID_JSON": arguments}, False


def _opaque(part: Opaque, at: str, losses: Losses) -> WirePart | None:
    if part.dialect != NAME:
        losses.add(at, f"only {part.dialect} has {part.kind!r}")
        return None
    return None if part.kind in BESIDE_CONTENT else part.raw


def _plain(part: Part, at: str, names: dict[str, str], losses: Losses) -> dict[str, object] | None:
    match part:
        case Text():
            losses.unless_none("annotations of a reply are not sent back", **{f"{at}.citations": part.citations})
            signed = {} if part.signature is None else {"thoughtSignature": part.signature}
            return {"text": part.text, **signed}
        case Reasoning():
            return _thought(part, at, losses)
        case Refusal():
            losses.add(at, "a refusal in the history is written as plain text")
            return {"text": part.text}
        case Image() | Audio() | Video() | File():
            return write_media(part, at, losses)
        case ToolCall():
            if not arguments_object(part.arguments)[1]:
                losses.add(f"{at}.arguments", "not a JSON object; sent wrapped in one")
            return call_of(part)
        case ToolResult():
            return _response(part, at, names, losses)
        case _:
            return None


def _thought(part: Reasoning, at: str, losses: Losses) -> dict[str, object] | None:
    """Thoughts that another provider signed or encrypted would be refused; plain ones may be sent back."""
    if part.signature is not None or part.encrypted is not None or part.id is not None or not part.text:
        losses.add(at, "thoughts that another provider signed cannot be sent to Gemini")
        return None
    return {"text": part.text, "thought": True}


def _response(part: ToolResult, at: str, names: dict[str, str], losses: Losses) -> dict[str, object]:
    texts: list[str] = []
    media: list[dict[str, object]] = []
    for i, inner in enumerate(part.parts):
        here = f"{at}.parts[{i}]"
        _lose_marks(inner, here, losses)
        match inner:
            case Text(text=text):
                texts.append(text)
            case Image() | Audio() | Video() | File():
                if (blob := write_media(inner, here, losses)) is not None:
                    media.append(blob)
            case _:
                losses.add(here, "a function's result holds text and media only")
    name = part.name or names.get(part.call_id) or part.call_id
    response: dict[str, object] = {"name": name, "response": _envelope("".join(texts), is_error=part.is_error)}
    if part.call_id and not part.call_id.startswith(PLACED):
        response["id"] = part.call_id
    if media:
        response["parts"] = media
    prefix = f"{NAME}.functionResponse."
    response |= {k[len(prefix) :]: v for k, v in (part.extra or {}).items() if k.startswith(prefix)}
    return {"functionResponse": response}


def _envelope(text: str, *, is_error: bool) -> object:
    if not is_error and text.lstrip().startswith("{"):
        wrapped, whole = arguments_object(text)
        if whole:
            return wrapped
    return {"error" if is_error else "output": text}
