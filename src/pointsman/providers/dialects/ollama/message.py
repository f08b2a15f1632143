"""One message of Ollama's API, in both directions."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pointsman.core.chat import Image, Loss, Media, Message, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from pointsman.providers.call_ids import derived_call_id
from pointsman.providers.dialects.ollama.wire import Call, Turn
from pointsman.providers.json_body import EMPTY_OBJECT, json_text
from pointsman.providers.losses import foreign_fields

__all__ = ["Wire", "read_call", "said_parts", "write_calls", "write_message"]

Wire = dict[str, object]


def said_parts(turn: Turn, origin: object) -> list[Part]:
    """Everything a message says: thoughts, text, pictures, calls. `origin` sets it apart, for calls without an id."""
    parts: list[Part] = [Reasoning(text=turn.thinking)] if turn.thinking else []
    if turn.content:
        parts.append(Text(text=turn.content))
    parts += (Image(media=Media(data=image)) for image in turn.images or ())
    parts += (read_call(call, origin, i) for i, call in enumerate(turn.tool_calls or ()))
    return parts


def read_call(call: Call, origin: object, number: int) -> ToolCall:
    """A tool call; Ollama gives none of them an id in most versions."""
    function = call.function
    name = (function.name if function else None) or ""
    given = function.arguments if function else None
    arguments = given if isinstance(given, str) else "" if given is None else json_text(given)
    return ToolCall(id=call.id or derived_call_id(origin, number, name), name=name, arguments=arguments or "{}")


def write_message(message: Message, at: str, names: dict[str, str], losses: list[Loss]) -> list[Wire]:
    """Messages that say this one. `names` collects the tool of each call, for results are told by name here."""
    _list_losses(message, at, losses)
    if message.role == "tool":
        results = [p for p in message.parts if isinstance(p, ToolResult)]
        return [_result(r, f"{at}.parts[{i}]", names, losses) for i, r in enumerate(results)]
    wire: Wire = {"role": "system" if message.role == "developer" else message.role}
    wire |= _said(message.parts, at, losses)
    calls = [p for p in message.parts if isinstance(p, ToolCall)]
    names |= {c.id: c.name for c in calls}
    if calls:
        wire["tool_calls"] = write_calls(calls, at, losses)
    return [wire]


def _list_losses(message: Message, at: str, losses: list[Loss]) -> None:
    if message.name is not None:
        losses.append(Loss(f"{at}.name", "this protocol has no names of participants"))
    for i, part in enumerate(message.parts):
        if isinstance(part, Reasoning) and (part.signature or part.encrypted):
            losses.append(Loss(f"{at}.parts[{i}]", "this protocol has no place for a proof of thought"))
        losses += foreign_fields(part, "ollama", f"{at}.parts[{i}]")
        if part.cache is not None:
            losses.append(Loss(f"{at}.parts[{i}].cache", "this protocol has no cache marks"))


def _said(parts: Iterable[Part], at: str, losses: list[Loss]) -> Wire:
    texts: list[str] = []
    thoughts: list[str] = []
    images: list[str] = []
    for i, part in enumerate(parts):
        match part:
            case Text(text=text) | Refusal(text=text):
                texts.append(text)
            case Reasoning(text=text) if text:
                thoughts.append(text)
            case Image(media=media) if media.data:
                images.append(media.data)
            case ToolCall() | Reasoning():
                pass
            case _:
                what = "picture that is not given by value" if isinstance(part, Image) else type(part).__name__.lower()
                losses.append(Loss(f"{at}.parts[{i}]", f"this protocol takes no {what}"))
    wire: Wire = {"content": "".join(texts)}
    if thoughts:
        wire["thinking"] = "".join(thoughts)
    if images:
        wire["images"] = images
    return wire


def _result(result: ToolResult, at: str, names: dict[str, str], losses: list[Loss]) -> Wire:
    if result.is_error:
        losses.append(Loss(f"{at}.is_error", "this protocol has no mark for a failed tool; its words are sent"))
    name = result.name or names.get(result.call_id)
    named: Wire = {"tool_name": name} if name else {}
    return {"role": "tool", **_said(result.parts, at, losses), **named, "tool_call_id": result.call_id}


def write_calls(calls: Iterable[ToolCall], at: str, losses: list[Loss]) -> list[Wire]:
    """Tool calls; the arguments must be an object, so text that is none is left out by name."""
    written: list[Wire] = []
    for call in calls:
        arguments = msgspec.Raw(call.arguments.encode())
        if not is_object(call.arguments):
            losses.append(Loss(f"{at}.arguments", f"the arguments of {call.name} are not a JSON object"))
            arguments = EMPTY_OBJECT
        written.append({"id": call.id, "function": {"name": call.name, "arguments": arguments}})
    return written


def is_object(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=dict[str, object])
    except (ValueError, RecursionError):
        return False
    return True
