"""The response object: its envelope, its status, and the items a model's turn consists of."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from pointsman.core.chat import ChatRequest, FinishReason, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from pointsman.core.ids import content_hash
from pointsman.core.usage import Usage
from pointsman.providers.dialects.openai_responses.items import FIELDS, is_own_item
from pointsman.providers.dialects.openai_responses.tools import write_choice, write_tools
from pointsman.providers.dialects.openai_responses.usage import write_usage
from pointsman.providers.dialects.openai_responses.wire import Response
from pointsman.providers.dialects.openai_responses.write_items import Wire, call_item, id_of, output_text, reasoning_item
from pointsman.providers.json_body import fields_under
from pointsman.providers.logprobs import content_tokens

__all__ = ["created_of", "envelope", "finish_of", "finished", "item_id", "message_item", "output_items", "status_of"]

_INCOMPLETE = {
    "max_output_tokens": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "content_filter": FinishReason.CONTENT_FILTER,
}
_DONE = ("completed", "complete")


def finish_of(wire: Response, *, called: bool, refused: bool) -> tuple[FinishReason, str | None]:
    """Why the model stopped, and the wire's own word for it."""
    if wire.status == "incomplete":
        word = wire.incomplete_details.reason if wire.incomplete_details else None
        return _INCOMPLETE.get(word or "", FinishReason.UNKNOWN), word or wire.status
    if wire.status not in _DONE:
        return FinishReason.UNKNOWN, wire.status
    reason = FinishReason.TOOL_CALLS if called else FinishReason.REFUSAL if refused else FinishReason.STOP
    return reason, wire.status


def status_of(finish: FinishReason) -> tuple[str, str | None]:
    """Status, and the reason why it is incomplete if it is."""
    if finish is FinishReason.LENGTH:
        return "incomplete", "max_output_tokens"
    if finish is FinishReason.CONTENT_FILTER:
        return "incomplete", "content_filter"
    return ("incomplete", None) if finish in (FinishReason.UNKNOWN, FinishReason.ERROR) else ("completed", None)


def created_of(created_s: float | None) -> int:
    """When the response was made, in whole seconds, as strictly typed clients demand; 0 if nobody said."""
    return int(created_s) if created_s is not None and math.isfinite(created_s) else 0


def envelope(request: ChatRequest, *, reply_id: str | None, model: str | None, created_s: float | None) -> Wire:
    """A response without output yet, with the settings of the request that clients expect to see again."""
    spec = request.reasoning
    return {
        "id": reply_id or "",
        "object": "response",
        "created_at": created_of(created_s),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": model or request.model,
        "output": [],
        "parallel_tool_calls": request.parallel_tool_calls is not False,
        "temperature": request.temperature,
        "tool_choice": write_choice(request.tool_choice) if request.tool_choice is not None else "auto",
        "tools": write_tools(request, []),
        "top_p": request.top_p,
        "max_output_tokens": request.max_output_tokens,
        "reasoning": {"effort": spec.effort if spec else None, "summary": spec.summary if spec else None},
        "usage": None,
    }


def finished(response: Wire, finish: FinishReason, usage: Usage | None, output: list[Wire]) -> Wire:
    """The response at its end."""
    status, reason = status_of(finish)
    details = {"reason": reason} if reason else None
    return {**response, "status": status, "incomplete_details": details, "output": output, "usage": write_usage(usage)}


def item_id(prefix: str, reply_id: object, position: int) -> str:
    """An id for an item that came without one."""
    return f"{prefix}_{content_hash([str(reply_id), position])}"


def output_items(parts: tuple[Part, ...], reply_id: object, status: str, logprobs: msgspec.Raw | None) -> list[Wire]:
    """The items that say these parts, in order; texts and refusals side by side share a message."""
    items: list[Wire] = []
    for part in parts:
        position = len(items)
        match part:
            case Text() | Refusal():
                if not items or items[-1]["type"] != "message":
                    given = message_item(id_of(part, item_id("msg", reply_id, position)), status)
                    items.append({**given, **fields_under(part.extra, FIELDS)})
                content = items[-1]["content"]
                assert isinstance(content, list)
                content.append(_content(part, content_tokens(logprobs) if isinstance(part, Text) else ()))
                if isinstance(part, Text):
                    logprobs = None  # our form does not say which token belongs to which text
            case ToolCall():
                items.append(call_item(part, id=id_of(part, item_id("fc", reply_id, position)), status="completed"))
            case Reasoning():
                items.append({"id": item_id("rs", reply_id, position), **reasoning_item(part)})
            case Opaque(raw=json) if is_own_item(part):
                items.append({"type": "", **msgspec.json.decode(json, type=dict[str, msgspec.Raw])})
            case _:
                pass  # pictures and sound have no item of their own here
    return items


def message_item(message_id: object, status: str) -> Wire:
    """A message without content yet."""
    return {"id": message_id, "type": "message", "status": status, "role": "assistant", "content": []}


def _content(part: Text | Refusal, logprobs: Sequence[msgspec.Raw]) -> Wire:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    return {**output_text(part), "logprobs": logprobs}
