"""Anthropic's stop reasons, a closed set, and ours."""

from __future__ import annotations

from pointsman.core.chat import FinishReason

__all__ = ["read_stop_reason", "write_stop_reason"]

_OURS = {
    "end_turn": FinishReason.STOP,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    "tool_use": FinishReason.TOOL_CALLS,
    "pause_turn": FinishReason.PAUSE,
    "refusal": FinishReason.REFUSAL,
}
_THEIRS = {
    FinishReason.STOP: "end_turn",
    FinishReason.LENGTH: "max_tokens",
    FinishReason.TOOL_CALLS: "tool_use",
    FinishReason.STOP_SEQUENCE: "stop_sequence",
    FinishReason.REFUSAL: "refusal",
    FinishReason.CONTENT_FILTER: "refusal",
    FinishReason.PAUSE: "pause_turn",
    FinishReason.UNKNOWN: "end_turn",
}


def read_stop_reason(raw: str | None) -> FinishReason:
    """`UNKNOWN` for none and for words newer than this code."""
    return _OURS.get(raw or "", FinishReason.UNKNOWN)


def write_stop_reason(reason: FinishReason, raw: str | None) -> str | None:
    """A word of Anthropic's own; None for `ERROR`, which its protocol says with an error instead.

    The provider's word is kept where it is Anthropic's and means the same.
    """
    if raw is not None and _OURS.get(raw) is reason:
        return raw
    return _THEIRS.get(reason)
