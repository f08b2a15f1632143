"""One recorded answer: the shape of its line, and the words in which recordings say how an answer ended."""

from __future__ import annotations

import re

import msgspec

from pointsman.core.chat import FinishReason
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.usage import Usage
from pointsman.providers.error_body import facts_of
from pointsman.providers.failure_class import failure_class

__all__ = ["RecordedAnswer", "finish_of", "recorded_failure"]


class RecordedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a recording. Other keys may stand beside these and are not read."""

    case_id: str | int
    """`id` of the case it answers. The k-th line of a case answers its k-th repeat."""
    output: str | msgspec.UnsetType | None = msgspec.UNSET
    """None is an answer without text. Only a line with an error may leave it out."""
    usage: Usage | None = None
    """Tokens, as far as they were recorded."""
    latency_s: float | None = None
    """None: nobody took the time."""
    ttft_s: float | None = None
    """Seconds to the first token."""
    finish_reason: str | None = None
    """How it ended, in any protocol's word: `stop`, `length`, `refusal`, `content_filter`, …"""
    error: str | dict[str, object] | None = None
    """In place of an answer: one of our failure classes by name (`timeout`, `rate_limit`, …), words, or an error object."""

    @property
    def text(self) -> str:
        """What was said; empty if nothing was."""
        return self.output if isinstance(self.output, str) else ""

    def __post_init__(self) -> None:
        if self.output is msgspec.UNSET and not self.error:
            raise ValueError("neither `output` nor `error`")
        for name in ("latency_s", "ttft_s"):
            seconds = getattr(self, name)
            if seconds is not None and not 0 <= seconds < float("inf"):
                raise ValueError(f"{name} is no duration: {seconds}")


_FINISH = {
    **dict.fromkeys(("stop", "end_turn", "eos", "eos_token", "complete", "completed", "finished", "done"), FinishReason.STOP),
    **dict.fromkeys(
        ("length", "max_tokens", "max_output_tokens", "model_length", "incomplete", "truncated", "model_context_window_exceeded"),
        FinishReason.LENGTH,
    ),
    **dict.fromkeys(("tool_calls", "tool_call", "tool_use", "function_call"), FinishReason.TOOL_CALLS),
    "stop_sequence": FinishReason.STOP_SEQUENCE,
    **dict.fromkeys(("refusal", "refused"), FinishReason.REFUSAL),
    **dict.fromkeys(
        (
            "content_filter",
            "content_filtered",
            "content-filter",
            "guardrail_intervened",
            "safety",
            "recitation",
            "language",
            "blocklist",
            "prohibited_content",
            "spii",
            "image_safety",
        ),
        FinishReason.CONTENT_FILTER,
    ),
    **dict.fromkeys(("pause", "pause_turn"), FinishReason.PAUSE),
    **dict.fromkeys(("error", "failed", "cancelled", "malformed_function_call"), FinishReason.ERROR),
}


def finish_of(word: str | None) -> FinishReason:
    """The reason behind any protocol's word for it; `UNKNOWN` for none or a word nobody uses."""
    return _FINISH.get(word.strip().lower(), FinishReason.UNKNOWN) if word else FinishReason.UNKNOWN


_TIMED_OUT = re.compile(r"time[d_ -]*out|deadline exceeded", re.IGNORECASE)
_STATUS = re.compile(r"\b([45]\d\d)\b")


def recorded_failure(error: str | dict[str, object]) -> Failure:
    """The failure behind a recorded error: one of our classes by name, a provider's error object, or words."""
    if isinstance(error, str):
        return _from_words(error)
    named = next((k for f in ("class", "kind", "type", "code") if (k := _named(error.get(f))) is not None), None)
    status = error.get("status") if isinstance(error.get("status"), int) else error.get("code")
    status = status if isinstance(status, int) and 100 <= status < 600 else None
    facts = facts_of(error)
    message = facts.message or facts.code or facts.kind or "recorded error without a message"
    kind = named or (FailureClass.TIMEOUT if _TIMED_OUT.search(message) else failure_class(status, facts))
    return Failure(kind=kind, message=message, status=status, code=facts.code)


def _from_words(text: str) -> Failure:
    named = _named(text)
    if named is not None:
        return Failure(kind=named, message=f"recorded: {named.value}")
    if _TIMED_OUT.search(text):
        return Failure(kind=FailureClass.TIMEOUT, message=text)
    found = _STATUS.search(text)
    status = int(found.group(1)) if found else None
    return Failure(kind=failure_class(status, facts_of({"message": text, "code": text})), message=text, status=status)


def _named(word: object) -> FailureClass | None:
    if not isinstance(word, str):
        return None
    plain = word.strip().lower().replace("-", "_").replace(" ", "_")
    return _CLASSES.get(plain)


_CLASSES = {
    **{k.value: k for k in FailureClass},
    "timed_out": FailureClass.TIMEOUT,
    "rate_limited": FailureClass.RATE_LIMIT,
    "ratelimit": FailureClass.RATE_LIMIT,
    "provider_error": FailureClass.TRANSIENT,
    "overloaded": FailureClass.TRANSIENT,
}
