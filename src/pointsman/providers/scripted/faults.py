"""Faults the scripted server plays on demand, and how one is written: `name` or `name;key=value`.

`stall;after=20;for_s=5` says nothing for five seconds after the twentieth token. The same text is
used in a script's `faults`, in the header `x-scripted-fault`, behind a `+` in a model name and in
the body of `POST /_scripted/faults`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from email.utils import formatdate
from typing import Literal, TypeVar

import msgspec

from pointsman.core.failure import Failure, FailureClass

__all__ = ["FAULTS", "STATUS_FAULTS", "Fault", "FaultName"]

FaultName = Literal[
    "400", "401", "403", "404", "429", "500", "502-html", "503", "529",
    "quota", "content_filter", "context_too_long", "no-prefill",
    "hang", "late", "slow", "stall", "reset", "cut", "cut-clean", "malformed", "error-in-stream", "no-done",
    "refusal", "truncation", "empty", "no-usage", "html",
]  # fmt: skip

FAULTS: dict[FaultName, str] = {
    "400": "the request is invalid",
    "401": "the key is wrong",
    "403": "the key may not do this",
    "404": "there is no such model",
    "429": "too many requests; retry_after=SECONDS (1), as=seconds|date|ms|none says how it is told",
    "500": "internal error",
    "502-html": "a proxy's HTML page",
    "503": "overloaded; retry_after, as",
    "529": "overloaded, as Anthropic says it; retry_after, as",
    "quota": "the money is spent: the protocol's own way of saying it",
    "content_filter": "the filter refuses: status 400; with as=finish the answer ends as filtered",
    "context_too_long": "the prompt does not fit",
    "no-prefill": "status 400 if the conversation ends with an assistant's turn, otherwise as usual",
    "hang": "not one byte for for_s seconds (until the client leaves), then as usual",
    "late": "headers at once, then silence for for_s seconds (until the client leaves), then as usual",
    "slow": "per_token_s (0.05) between tokens",
    "stall": "silence after=N (20) tokens for for_s seconds (until the client leaves), then as usual",
    "reset": "connection reset before the first byte",
    "cut": "connection reset after=N (20) tokens",
    "cut-clean": "the stream ends after=N (20) tokens, cleanly, without its finish",
    "malformed": "a chunk that is not the protocol after=N (3) tokens, then as usual; without a stream, broken JSON",
    "error-in-stream": "an error of the protocol's own after=N (5) tokens",
    "no-done": "everything but the last mark of the stream",
    "refusal": "the model declines",
    "truncation": "the answer stops at the output limit",
    "empty": "an answer without text",
    "no-usage": "an answer that does not say its usage (Anthropic's must have the field: zero)",
    "html": "a web page, with status 200",
}
"""Every fault with what it does and takes; defaults stand in parentheses."""

_AFTER_DEFAULT: dict[str, int] = {"malformed": 3, "error-in-stream": 5}

_STATUS: dict[str, tuple[FailureClass, int, str]] = {
    "400": (FailureClass.CLIENT_FAULT, 400, "scripted: invalid request"),
    "401": (FailureClass.AUTH, 401, "scripted: incorrect API key provided"),
    "403": (FailureClass.AUTH, 403, "scripted: this key may not use this model"),
    "404": (FailureClass.HARD_DOWN, 404, "scripted: the model does not exist"),
    "429": (FailureClass.RATE_LIMIT, 429, "scripted: rate limit reached"),
    "500": (FailureClass.TRANSIENT, 500, "scripted: internal server error"),
    "503": (FailureClass.TRANSIENT, 503, "scripted: service unavailable"),
    "529": (FailureClass.TRANSIENT, 529, "scripted: overloaded"),
    "content_filter": (FailureClass.CONTENT_POLICY, 400, "scripted: the prompt triggered the content management policy"),
    "context_too_long": (
        FailureClass.CONTEXT_TOO_LONG,
        400,
        "scripted: prompt is too long: this model's maximum context length is 8192 tokens",
    ),
    "no-prefill": (FailureClass.CLIENT_FAULT, 400, "scripted: this model does not support assistant message prefill"),
    "error-in-stream": (FailureClass.TRANSIENT, 500, "scripted: the model failed while it answered"),
}
_QUOTA_MESSAGE = "scripted: you exceeded your current quota, your credit balance is too low"

STATUS_FAULTS = frozenset({*_STATUS, "quota"}) - {"error-in-stream", "no-prefill"}
"""Faults that are a whole error response and nothing else (`content_filter` unless `as=finish`)."""

T = TypeVar("T")


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One fault, ready to be played."""

    name: FaultName
    after_tokens: int = 20
    for_s: float | None = None
    """None: until the client leaves."""
    per_token_s: float = 0.05
    retry_after_s: float | None = None
    told_as: Literal["seconds", "date", "ms", "none", "finish"] = "seconds"
    """How `retry_after_s` is told; `finish` belongs to `content_filter`."""

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read `name;key=value;…`. Raises ValueError that names what is wrong and the nearest known name."""
        name, *settings = (part.strip() for part in text.split(";"))
        if name not in FAULTS:
            near = difflib.get_close_matches(name, FAULTS, n=1)
            raise ValueError(f"there is no fault {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
        values: dict[str, object] = {"name": name, "after_tokens": _AFTER_DEFAULT.get(name, 20)}
        if name == "429":
            values["retry_after_s"] = 1.0
        for setting in settings:
            key, _, value = setting.partition("=")
            if key not in _SETTINGS:
                raise ValueError(f"fault {name!r}: there is no setting {key!r}; known: {', '.join(_SETTINGS)}")
            field, read = _SETTINGS[key]
            values[field] = _setting(read, value, f"fault {name!r}: {key}")
        return msgspec.convert(values, cls)

    @property
    def is_response(self) -> bool:
        """Whether this fault is a whole error response."""
        return self.name in STATUS_FAULTS and self.told_as != "finish"

    @property
    def replaces_reply(self) -> bool:
        """Whether no answer of the model is sent at all."""
        return self.is_response or self.name in ("502-html", "html", "reset", "no-prefill")

    @property
    def ends_early(self) -> bool:
        """Whether the client does not get the whole answer, so that it will ask again."""
        return self.name in ("cut", "cut-clean", "error-in-stream") or (
            self.name in ("hang", "late", "stall") and self.for_s is None
        )

    def failure(self, dialect: str) -> Failure:
        """What the protocol called `dialect` is to say. Raises KeyError for a fault that is no error."""
        if self.name == "quota":
            return _quota(dialect)
        kind, status, message = _STATUS[self.name]
        # Told otherwise than in seconds, the wait stands in a header alone and not in the protocol's own body.
        told_s = self.retry_after_s if self.told_as == "seconds" else None
        return Failure(kind=kind, message=message, status=status, retry_after_s=told_s)

    def headers(self, now_s: float) -> dict[str, str]:
        """The request to wait, in the form this fault tells it; `now_s` is Unix time."""
        if self.retry_after_s is None:
            return {}
        match self.told_as:
            case "date":
                return {"retry-after": formatdate(now_s + self.retry_after_s, usegmt=True)}
            case "ms":
                return {"retry-after-ms": f"{self.retry_after_s * 1000:.0f}"}
            case "seconds":
                return {"retry-after": f"{self.retry_after_s:g}"}
            case _:
                return {}


def _quota(dialect: str) -> Failure:
    # OpenAI and Gemini say 429, which is what makes it a trap; Anthropic says 400, others 402.
    status, code = {"openai_chat": (429, "insufficient_quota"), "openai_responses": (429, "insufficient_quota")}.get(
        dialect, (429, None) if dialect == "gemini" else (400, None) if dialect == "anthropic_messages" else (402, None)
    )
    return Failure(kind=FailureClass.QUOTA, message=_QUOTA_MESSAGE, status=status, code=code)


def _setting(read: Callable[[str], T], text: str, where: str) -> T:
    try:
        return read(text)
    except ValueError:
        raise ValueError(f"{where} cannot be {text!r}") from None


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < float("inf"):
        raise ValueError(text)
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError(text)
    return value


def _told(text: str) -> str:
    if text not in ("seconds", "date", "ms", "none", "finish"):
        raise ValueError(text)
    return text


_SETTINGS: dict[str, tuple[str, Callable[[str], object]]] = {
    "after": ("after_tokens", _count),
    "for_s": ("for_s", _seconds),
    "per_token_s": ("per_token_s", _seconds),
    "retry_after": ("retry_after_s", _seconds),
    "as": ("told_as", _told),
}
