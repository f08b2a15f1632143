"""From what a scripted model does to the whole reply it gives: text, JSON, tool calls, thoughts, usage."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from pointsman.core.chat import (
    ChatReply,
    ChatRequest,
    Choice,
    FinishReason,
    Part,
    Reasoning,
    ReasoningSpec,
    Refusal,
    Text,
    Tool,
    ToolCall,
    ToolResult,
)
from pointsman.core.usage import Usage
from pointsman.providers.scripted.behaviour import Behaviour
from pointsman.providers.scripted.dice import roll
from pointsman.providers.scripted.from_schema import value_of
from pointsman.providers.scripted.prose import CHARS_PER_TOKEN, count_tokens, prose

__all__ = ["compose", "output_tokens", "prompt_tokens"]

_EFFORT_TOKENS = {"none": 0, "minimal": 16, "low": 64, "medium": 256, "high": 1024, "xhigh": 2048, "max": 4096}


def prompt_tokens(request: ChatRequest) -> int:
    """Tokens of everything the request says: texts, calls and results of tools, tool definitions."""
    chars = 0
    for message in request.messages:
        for part in message.parts:
            chars += part_chars(part)
    for tool in request.tools:
        chars += len(tool.name) + len(tool.description or "") + (len(bytes(tool.parameters)) if tool.parameters else 0)
    return -(-chars // CHARS_PER_TOKEN)


def part_chars(part: Part) -> int:
    """Characters a part counts for; a picture, a sound or a file counts 4,000, a thousand tokens."""
    match part:
        case Text(text=text) | Refusal(text=text) | Reasoning(text=text):
            return len(text)
        case ToolCall():
            return len(part.name) + len(part.arguments)
        case ToolResult():
            return sum(map(part_chars, part.parts))
        case _:
            return 4000


def output_tokens(reply: ChatReply) -> int:
    """Tokens of what the reply shows."""
    return sum(_shown(p) for c in reply.choices for p in c.parts)


def compose(
    behaviour: Behaviour,
    request: ChatRequest,
    *,
    reply_id: str,
    calls: int = 1,
    input_tokens: int,
    cached_tokens: int | None = None,
    created_s: float | None = None,
) -> ChatReply:
    """The whole reply. Its usage counts exactly what it says.

    `cached_tokens` of the `input_tokens` were read from a cache; None if the model has none.
    """
    reasoning, thoughts = _thoughts(behaviour, request.reasoning)
    choices = tuple(_choice(behaviour, request, number, calls, thoughts) for number in range(request.n or 1))
    usage = Usage(
        input_tokens=input_tokens - (cached_tokens or 0),
        cache_read_tokens=cached_tokens,
        output_tokens=sum(_shown(p) for c in choices for p in c.parts),
        reasoning_tokens=reasoning * len(choices) if reasoning is not None else None,
    )
    return ChatReply(id=reply_id, model=request.model, choices=choices, usage=usage, created_s=created_s)


def _choice(behaviour: Behaviour, request: ChatRequest, number: int, calls: int, thoughts: tuple[Part, ...]) -> Choice:
    if behaviour.kind == "refusal":
        return Choice(parts=(*thoughts, Refusal(text=behaviour.text)), finish=FinishReason.REFUSAL)
    if behaviour.kind == "free" and (tools := _callable(request)):
        return Choice(parts=(*thoughts, *_tool_calls(behaviour, request, tools, calls)), finish=FinishReason.TOOL_CALLS)
    text = behaviour.text or _free_text(behaviour, request, number)
    text, finish, sequence = _limited(text, behaviour.finish, request)
    parts = (Text(text=text),) if text else ()
    return Choice(parts=(*thoughts, *parts), finish=finish, stop_sequence=sequence)


def _free_text(behaviour: Behaviour, request: ChatRequest, number: int) -> str:
    if behaviour.kind == "wrong":
        return ""  # the wrong answer is to say nothing
    if request.output is not None and request.output.kind != "text":
        schema = msgspec.json.decode(request.output.schema) if request.output.schema else {"type": "object"}
        return msgspec.json.encode(value_of(schema, (*behaviour.key, number))).decode()
    u = behaviour.u if number == 0 else roll("free", *behaviour.key, number)
    return prose(u, behaviour.tokens)


def _limited(text: str, finish: FinishReason, request: ChatRequest) -> tuple[str, FinishReason, str | None]:
    for stop in request.stop:
        if stop and (at := text.find(stop)) >= 0:
            text, finish = text[:at], FinishReason.STOP_SEQUENCE
            return text, finish, stop
    limit = request.max_output_tokens
    if limit is not None and count_tokens(text) > limit:
        return text[: limit * CHARS_PER_TOKEN], FinishReason.LENGTH, None
    return text, finish, None


def _thoughts(behaviour: Behaviour, spec: ReasoningSpec | None) -> tuple[int | None, tuple[Part, ...]]:
    count = behaviour.reasoning_tokens
    if count is None:
        if spec is None or (spec.effort is None and spec.budget_tokens is None):
            return None, ()
        count = spec.budget_tokens // 2 if spec.budget_tokens is not None else _EFFORT_TOKENS[spec.effort or "medium"]
    if count <= 0 or spec is None or spec.show is False or not (spec.show or spec.summary or spec.budget_tokens):
        return count, ()
    # What is shown is a summary: it is not what was billed, as with the real ones.
    shown = prose(roll("thoughts", *behaviour.key), min(count, 32))
    return count, (Reasoning(text=shown, signature="c2NyaXB0ZWQ="),)


def _callable(request: ChatRequest) -> list[Tool]:
    """The tools a reply may call now: none when their results have just come, unless a call is demanded."""
    choice = request.tool_choice
    tools = [t for t in request.tools if t.opaque is None]
    if choice is not None and choice.mode == "none":
        return []
    if choice is not None and choice.mode == "named":
        return [t for t in tools if t.name in choice.names]
    demanded = choice is not None and choice.mode == "required"
    answered = any(isinstance(p, ToolResult) for p in request.messages[-1].parts) if request.messages else False
    return [] if answered and not demanded else tools


def _tool_calls(behaviour: Behaviour, request: ChatRequest, tools: list[Tool], calls: int) -> Iterator[ToolCall]:
    count = 1 if request.parallel_tool_calls is False else calls
    start = int(roll("tool", *behaviour.key) * len(tools))
    for number in range(count):
        tool = tools[(start + number) % len(tools)]
        schema = msgspec.json.decode(tool.parameters) if tool.parameters else None
        arguments = value_of(schema, (*behaviour.key, tool.name, number)) if schema else {}
        call_id = f"call_{int(roll('call-id', *behaviour.key, number) * 16**12):012x}"
        yield ToolCall(id=call_id, name=tool.name, arguments=msgspec.json.encode(arguments).decode())


def _shown(part: Part) -> int:
    match part:
        case Text(text=text) | Refusal(text=text):
            return count_tokens(text)
        case ToolCall():
            return count_tokens(part.name) + count_tokens(part.arguments)
        case _:
            return 0
