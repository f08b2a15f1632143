"""Gemini's finish reasons and ours."""

from __future__ import annotations

from pointsman.core.chat import FinishReason

__all__ = ["read_finish_reason", "write_finish_reason"]

_F = FinishReason
_OURS = {
    "STOP": _F.STOP,
    "MAX_TOKENS": _F.LENGTH,
    "CONTINUATION": _F.PAUSE,
    **dict.fromkeys(
        (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_RECITATION",
            "MODEL_ARMOR",
        ),
        _F.CONTENT_FILTER,
    ),
    **dict.fromkeys(
        (
            "MALFORMED_FUNCTION_CALL",
            "MALFORMED_RESPONSE",
            "UNEXPECTED_TOOL_CALL",
            "TOO_MANY_TOOL_CALLS",
            "MISSING_THOUGHT_SIGNATURE",
            "NO_IMAGE",
            "IMAGE_OTHER",
        ),
        _F.ERROR,
    ),
}
_THEIRS = {
    _F.STOP: "STOP",
    _F.TOOL_CALLS: "STOP",
    _F.STOP_SEQUENCE: "STOP",
    _F.LENGTH: "MAX_TOKENS",
    _F.REFUSAL: "SAFETY",
    _F.CONTENT_FILTER: "SAFETY",
    _F.PAUSE: "OTHER",
    _F.ERROR: "OTHER",
    _F.UNKNOWN: "OTHER",
}


def read_finish_reason(raw: str | None, *, called_tools: bool) -> FinishReason:
    """`STOP` after a function call means that the call is to be made; words newer than this code are `UNKNOWN`."""
    found = _OURS.get(raw or "", _F.UNKNOWN)
    return _F.TOOL_CALLS if found is _F.STOP and called_tools else found


def write_finish_reason(reason: FinishReason, raw: str | None) -> str:
    """A word of Gemini's own; the provider's word is kept where it is Gemini's and means the same."""
    return raw if raw is not None and _OURS.get(raw) is reason else _THEIRS[reason]
