"""Why a model stopped, in the words of Chat Completions and of the servers like it."""

from __future__ import annotations

from pointsman.core.chat import FinishReason

__all__ = ["finish_of", "finish_word"]

_MEANING = {
    "stop": FinishReason.STOP,
    "eos": FinishReason.STOP,  # Together
    "eos_token": FinishReason.STOP,  # Hugging Face
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "length": FinishReason.LENGTH,
    "max_tokens": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,  # Mistral
    "tool_calls": FinishReason.TOOL_CALLS,
    "tool_use": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.CONTENT_FILTER,
    "sensitive": FinishReason.CONTENT_FILTER,  # Z.ai
    "safety": FinishReason.CONTENT_FILTER,
    "refusal": FinishReason.REFUSAL,
    "error": FinishReason.ERROR,  # OpenRouter, Mistral
    "network_error": FinishReason.ERROR,  # Z.ai
    "insufficient_system_resource": FinishReason.ERROR,  # DeepSeek
}

_WORD = {
    FinishReason.STOP: "stop",
    FinishReason.STOP_SEQUENCE: "stop",
    FinishReason.LENGTH: "length",
    FinishReason.TOOL_CALLS: "tool_calls",
    FinishReason.CONTENT_FILTER: "content_filter",
    FinishReason.PAUSE: "stop",
    FinishReason.ERROR: "error",
    FinishReason.UNKNOWN: "stop",
}


def finish_of(word: str | None, *, called: bool, refused: bool) -> FinishReason:
    """The reason a wire word means.

    Some servers say `stop` after a tool call, and OpenAI says `stop` after a refusal: what the
    reply holds decides then.
    """
    reason = _MEANING.get(word.lower(), FinishReason.UNKNOWN) if word else FinishReason.UNKNOWN
    if reason is FinishReason.STOP or not word:
        return FinishReason.TOOL_CALLS if called else FinishReason.REFUSAL if refused else reason
    return reason


def finish_word(reason: FinishReason, *, refused: bool) -> str:
    """The wire's word for a reason; a refusal without words of its own looks like a filter's."""
    if reason is FinishReason.REFUSAL:
        return "stop" if refused else "content_filter"
    return _WORD[reason]
