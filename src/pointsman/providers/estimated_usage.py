"""Usage for a provider that reported none: characters / 4, rounded up, and marked as an estimate.

Four characters to a token is the common rule of thumb for English; other scripts and code take more
tokens. It costs microseconds, where a real tokenizer costs milliseconds and differs by model.
Media are not counted.
"""

from __future__ import annotations

import msgspec

from pointsman.core.chat import ChatReply, ChatRequest, Message, Reasoning, Refusal, Text, ToolCall, ToolResult
from pointsman.core.usage import Usage

__all__ = ["CHARACTERS_PER_TOKEN", "estimated_usage", "estimated_usage_of_cut_reply"]

CHARACTERS_PER_TOKEN = 4


def estimated_usage(request: ChatRequest, reply: ChatReply) -> Usage:
    """Input from messages and tool descriptions, output from text, refusals and tool calls, reasoning from visible
    thoughts. All choices count.
    """
    output = reasoning = 0
    for choice in reply.choices:
        thoughts = sum(len(p.text) for p in choice.parts if isinstance(p, Reasoning))
        reasoning += thoughts
        output += sum(_part_characters(p) for p in choice.parts) - thoughts
    return Usage(
        input_tokens=_tokens(_input_characters(request)),
        output_tokens=_tokens(output),
        reasoning_tokens=_tokens(reasoning) if reasoning else None,
        source="estimated",
    )


def estimated_usage_of_cut_reply(request: ChatRequest, reply: ChatReply) -> Usage:
    """Usage of a reply that broke off: what the provider had reported by then, but never less output than arrived.

    Providers count input at the start and output at the end, so a cut reply's own figure may be too small:
    the result is an estimate even where it is the provider's own.
    """
    guess = estimated_usage(request, reply)
    if (said := reply.usage) is None:
        return guess
    told_input = bool(said.total_input_tokens)  # no prompt has none: a zero before the end is a place not filled in yet
    if told_input and (said.total_output_tokens or 0) >= (guess.total_output_tokens or 0):
        return msgspec.structs.replace(said, source="estimated")
    return Usage(
        input_tokens=said.input_tokens if told_input else guess.input_tokens,
        cache_read_tokens=said.cache_read_tokens,
        cache_write_tokens=said.cache_write_tokens,
        cache_write_1h_tokens=said.cache_write_1h_tokens,
        input_audio_tokens=said.input_audio_tokens,
        input_image_tokens=said.input_image_tokens,
        output_tokens=guess.output_tokens,
        reasoning_tokens=guess.reasoning_tokens,
        source="estimated",
    )


def _tokens(characters: int) -> int:
    return -(-characters // CHARACTERS_PER_TOKEN)


def _input_characters(request: ChatRequest) -> int:
    tools = sum(len(t.name) + len(t.description or "") + len(bytes(t.parameters or b"")) for t in request.tools)
    return tools + sum(_message_characters(m) for m in request.messages)


def _message_characters(message: Message) -> int:
    return sum(_part_characters(p) for p in message.parts)


def _part_characters(part: object) -> int:
    match part:
        case Text(text=text) | Refusal(text=text) | Reasoning(text=text):
            return len(text)
        case ToolCall(name=name, arguments=arguments):
            return len(name) + len(arguments)
        case ToolResult(parts=parts):
            return sum(_part_characters(p) for p in parts)
        case _:
            return 0
