"""What a provider's response headers say about its limits.

Read: OpenAI's `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` (also Azure, Groq, xAI …), Mistral's
`…-req-minute` and `…-tokens-minute`, the bare `x-ratelimit-{limit,remaining,reset}` (Together, OpenRouter),
Anthropic's `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, the
requests to wait that `retry_after` reads, and `x-should-retry`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from pointsman.providers.retry_after import read_retry_after_s

__all__ = ["Allowance", "RateLimits", "left_ratio", "rate_limits", "should_retry"]


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """One limit: how much per window, how much of it is left, and in how many seconds it is whole again."""

    limit: int | None = None
    remaining: int | None = None
    reset_s: float | None = None

    @property
    def left_ratio(self) -> float | None:
        """Share that is left, 0 to 1; None unless both limit and remaining were said and the limit is above 0."""
        if self.limit is None or self.remaining is None or self.limit <= 0:
            return None
        return min(1.0, max(0.0, self.remaining / self.limit))


class RateLimits(msgspec.Struct, frozen=True, kw_only=True):
    """All a response said about limits. None where it said nothing."""

    requests: Allowance | None = None
    tokens: Allowance | None = None
    input_tokens: Allowance | None = None
    output_tokens: Allowance | None = None
    retry_after_s: float | None = None
    """A request to wait if the response was a failure. Anthropic sends it with successes too, where it asks nothing."""

    @property
    def left_ratio(self) -> float | None:
        """Share left of the scarcest allowance; None if nothing is known."""
        known = [
            ratio
            for allowance in (self.requests, self.tokens, self.input_tokens, self.output_tokens)
            if allowance is not None and (ratio := allowance.left_ratio) is not None
        ]
        return min(known) if known else None


def rate_limits(headers: Mapping[str, str], now_s: float) -> RateLimits:
    """Read `headers` (names in lower case, or compared without regard to case) at Unix time `now_s`.

    A value that cannot be read counts as not said; nothing raises.
    """
    return RateLimits(
        requests=_first(headers, _REQUESTS, now_s),
        tokens=_first(headers, _TOKENS, now_s),
        input_tokens=_first(headers, _INPUT_TOKENS, now_s),
        output_tokens=_first(headers, _OUTPUT_TOKENS, now_s),
        retry_after_s=read_retry_after_s(headers),
    )


def left_ratio(headers: Mapping[str, str]) -> float | None:
    """`left_ratio` of `rate_limits`, for after every answer: times are not read."""
    least: float | None = None
    for names in (_REQUESTS, _TOKENS, _INPUT_TOKENS, _OUTPUT_TOKENS):
        if (said := _said(headers, names)) is not None:
            found = Allowance(limit=_count(headers.get(said[0])), remaining=_count(headers.get(said[1]))).left_ratio
            least = found if least is None or (found is not None and found < least) else least
    return least


def should_retry(headers: Mapping[str, str]) -> bool | None:
    """The server's own word on trying again (`x-should-retry`); None if it gave none."""
    return {"true": True, "false": False}.get(headers.get("x-should-retry", "").strip().lower())


# Header names of (limit, remaining, reset), most common first.
_Names = tuple[tuple[str, str, str], ...]
_PREFIX = "x-ratelimit"


def _openai(unit: str) -> tuple[str, str, str]:
    return f"{_PREFIX}-limit-{unit}", f"{_PREFIX}-remaining-{unit}", f"{_PREFIX}-reset-{unit}"


def _anthropic(unit: str) -> tuple[str, str, str]:
    return (f"anthropic-ratelimit-{unit}-limit", f"anthropic-ratelimit-{unit}-remaining", f"anthropic-ratelimit-{unit}-reset")


_REQUESTS: _Names = (
    _openai("requests"),
    _anthropic("requests"),
    _openai("req-minute"),
    (f"{_PREFIX}-limit", f"{_PREFIX}-remaining", f"{_PREFIX}-reset"),
)
_TOKENS: _Names = (_openai("tokens"), _anthropic("tokens"), _openai("tokens-minute"))
_INPUT_TOKENS: _Names = (_anthropic("input-tokens"),)
_OUTPUT_TOKENS: _Names = (_anthropic("output-tokens"),)


def _first(headers: Mapping[str, str], names: _Names, now_s: float) -> Allowance | None:
    if (said := _said(headers, names)) is None:
        return None
    limit, remaining, reset = said
    return Allowance(
        limit=_count(headers.get(limit)),
        remaining=_count(headers.get(remaining)),
        reset_s=_reset_s(headers.get(reset), now_s),
    )


def _said(headers: Mapping[str, str], names: _Names) -> tuple[str, str, str] | None:
    """The first spelling that the headers use."""
    for spelling in names:
        if spelling[0] in headers or spelling[1] in headers:
            return spelling
    return None


_NUMBER = re.compile(r"\s*(\d{1,18}(?:\.\d{1,9})?)\s*", re.ASCII)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|ns|h|m|s|d)", re.ASCII)
_UNIT_S = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def _number(text: str | None) -> float | None:
    found = _NUMBER.fullmatch(text) if text else None
    return float(found[1]) if found else None


def _count(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def _reset_s(text: str | None, now_s: float) -> float | None:
    """Seconds until the reset, from `6m0s`, `130ms`, seconds, Unix time (also in milliseconds) or an ISO date."""
    if not text:
        return None
    if (number := _number(text)) is not None:
        if number > 1e11:
            return max(0.0, number / 1000 - now_s)
        return max(0.0, number - now_s) if number > 1e9 else number
    parts = _DURATION.findall(text)
    if parts and "".join(n + u for n, u in parts) == text.strip():
        return sum(float(n) * _UNIT_S[u] for n, u in parts)
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return max(0.0, (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - now_s)
