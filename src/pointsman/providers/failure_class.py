"""Which of the closed set of failures an HTTP status with its codes and words is, and how we say it ourselves."""

from __future__ import annotations

import re

from pointsman.core.failure import FailureClass
from pointsman.providers.error_body import ErrorFacts

__all__ = ["CODE_OF", "STATUS_OF", "failure_class", "is_known_code"]

_F = FailureClass

STATUS_OF = {
    _F.TRANSIENT: 503,
    _F.TIMEOUT: 504,
    _F.RATE_LIMIT: 429,
    _F.QUOTA: 429,
    _F.HARD_DOWN: 404,
    _F.AUTH: 401,
    _F.CLIENT_FAULT: 400,
    _F.CONTEXT_TOO_LONG: 400,
    _F.CONTENT_POLICY: 400,
    _F.MALFORMED: 502,
}
"""The status we answer with; `failure_class` reads status and code back to the same class."""

CODE_OF = {
    _F.TRANSIENT: "server_error",
    _F.TIMEOUT: "timeout",
    _F.RATE_LIMIT: "rate_limit_exceeded",
    _F.QUOTA: "insufficient_quota",
    _F.HARD_DOWN: "model_not_found",
    _F.AUTH: "invalid_api_key",
    _F.CLIENT_FAULT: "invalid_request",
    _F.CONTEXT_TOO_LONG: "context_length_exceeded",
    _F.CONTENT_POLICY: "content_policy_violation",
    _F.MALFORMED: "malformed_upstream_reply",
}
"""The code we answer with, in OpenAI's vocabulary where it has a word."""

# Codes that decide alone. Lower case, words joined by one underscore.
_DECISIVE: dict[str, FailureClass] = {
    **dict.fromkeys(
        (
            "context_length_exceeded",
            "too_many_prompt_tokens",
            "too_many_tokens",
            "context_window_exceeded",
            "model_max_prompt_tokens_exceeded",
            "exceed_context_size_error",
            "request_too_large",
        ),
        _F.CONTEXT_TOO_LONG,
    ),
    **dict.fromkeys(
        (
            "content_policy_violation",
            "content_filter",
            "content_filtered",
            "contentfilter",
            "responsibleaipolicyviolation",
            "data_inspection_failed",
            "datainspectionfailed",
            "moderation_blocked",
            "invalid_prompt",
        ),
        _F.CONTENT_POLICY,
    ),
    **dict.fromkeys(
        (
            "insufficient_quota",
            "insufficient_balance",
            "insufficient_credits",
            "billing_hard_limit_reached",
            "billing_not_active",
            "billing_error",
            "payment_required",
            "exceeded_current_quota_error",
            "arrearage",
            "account_deactivated",
        ),
        _F.QUOTA,
    ),
    **dict.fromkeys(
        (
            "rate_limit_exceeded",
            "rate_limit_error",
            "ratelimitreached",
            "rate_limit_reached_error",
            "too_many_requests",
            "resource_exhausted",
            "throttlingexception",
            "slow_down",
        ),
        _F.RATE_LIMIT,
    ),
    **dict.fromkeys(
        (
            "invalid_api_key",
            "authentication_error",
            "invalid_authentication_error",
            "incorrect_api_key_error",
            "permission_error",
            "permission_denied",
            "unauthenticated",
            "unauthorized",
            "api_key_invalid",
            "unrecognizedclientexception",
            "accessdeniedexception",
        ),
        _F.AUTH,
    ),
    **dict.fromkeys(
        (
            "model_not_found",
            "model_not_available",
            "model_decommissioned",
            "model_deprecated",
            "deploymentnotfound",
            "not_found_error",
            "resource_not_found_error",
            "not_found",
            "invalid_model",
            "resourcenotfoundexception",
        ),
        _F.HARD_DOWN,
    ),
    "invalid_request": _F.CLIENT_FAULT,
    "overloaded_error": _F.TRANSIENT,
    # Groq answers 400 when the model wrote a tool call or JSON that does not fit: not the caller's doing.
    "tool_use_failed": _F.MALFORMED,
    "json_validate_failed": _F.MALFORMED,
}
# Codes too general to overrule a status; they decide where there is none, as inside a stream.
_GENERAL: dict[str, FailureClass] = {
    **dict.fromkeys(
        (
            "server_error",
            "api_error",
            "internal_server_error",
            "internal_error",
            "internal",
            "unavailable",
            "service_unavailable",
            "service_unavailable_error",
            "overloaded",
            "deadline_exceeded",
            "upstream_error",
            "timeout_error",
            "modelstreamerrorexception",
        ),
        _F.TRANSIENT,
    ),
    **dict.fromkeys(
        ("invalid_request_error", "invalid_argument", "failed_precondition", "unsupported_value", "bad_request"), _F.CLIENT_FAULT
    ),
}
# Our own words for failures that are nobody's status: only these are heard beside a 5xx.
_OURS = {CODE_OF[_F.TIMEOUT]: _F.TIMEOUT, CODE_OF[_F.MALFORMED]: _F.MALFORMED}

# Words that tell what a bare 400 means. Each was seen in an answer of the provider named.
_TOO_LONG = re.compile(
    r"context (?:length|window|size)|maximum context|prompt (?:is )?too long|too many tokens"
    r"|input token count .{0,40}exceeds|input tokens exceed|(?:input|prompt|messages?) (?:is|are) too long"
    r"|tokens? .{0,60}exceeds? .{0,30}(?:limit|maximum|length)|request too large for model|total length of all messages",
    re.IGNORECASE | re.DOTALL,
)
_BAD_KEY = re.compile(  # xAI and Gemini answer a wrong key with 400
    r"(?:incorrect|invalid|missing|wrong) (?:x-)?api[ -]key|api key not (?:valid|found)|missing authentication", re.IGNORECASE
)
_NO_MONEY = re.compile(  # Anthropic: 400; DeepSeek: 402; OpenRouter: 402 or 429
    r"credit balance is too low|insufficient (?:balance|credits|funds)|reached your specified api usage limits"
    r"|spend(?:ing)? limit|used all available credits|requires more credits|billing hard limit",
    re.IGNORECASE,
)
_FILTERED = re.compile(  # Azure, OpenAI, OpenRouter, Alibaba
    r"content management policy|content (?:policy|filter)|safety system|flagged as potentially violating"
    r"|input (?:was )?flagged|violat\w+ .{0,40}usage polic|inappropriate content|blocked by .{0,30}safety",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(  # DeepSeek, Bedrock and Together answer an unknown model with 400
    r"model .{0,120}(?:does not exist|not found|not exist|is not available|has been (?:deprecated|decommissioned|retired))"
    r"|provided model identifier is invalid|no endpoints found|no such model",
    re.IGNORECASE | re.DOTALL,
)
_WORDS = (
    (_BAD_KEY, _F.AUTH),
    (_NO_MONEY, _F.QUOTA),
    (_TOO_LONG, _F.CONTEXT_TOO_LONG),
    (_FILTERED, _F.CONTENT_POLICY),
    (_NO_MODEL, _F.HARD_DOWN),
)


def failure_class(status: int | None, facts: ErrorFacts, *, should_retry: bool | None = None) -> FailureClass:
    """The class of one error response. Total: whatever comes, one class comes back.

    `status` is None (or a success) for an error inside a stream, where a numeric code stands in for it.
    `should_retry` is the provider's own `x-should-retry`: a 429 that is not worth a retry is a spent
    allowance, and another 4xx that is, is transient. Specific codes come before the status, the status
    before general codes. Words are asked only where a code or status leaves it open, and never of a
    5xx, whose message may quote anything.
    """
    if status is None or status < 300:
        status = _status_in(facts.code) or _status_in(facts.kind)
    codes = [_normal(c) for c in (facts.code, facts.kind) if c]
    if status is not None and status >= 500:
        return next((_OURS[c] for c in codes if c in _OURS), _F.TRANSIENT)
    found = next((_DECISIVE[c] for c in codes if c in _DECISIVE), None)
    if found is _F.RATE_LIMIT and status == 413:
        return _F.CONTEXT_TOO_LONG  # Groq: one request above the tokens of a whole minute never fits
    if found is None or (found is _F.RATE_LIMIT and should_retry is False):
        found = _by_words(status, facts) or _by_status(status, should_retry=should_retry) or found
    if found is None:
        found = next((t[c] for c in codes for t in (_OURS, _GENERAL) if c in t), None)
    return found or (_F.MALFORMED if facts.silent else _F.TRANSIENT)


def is_known_code(code: str) -> bool:
    """Whether a code tells its class by itself."""
    return _normal(code) in {*_DECISIVE, *_GENERAL, *_OURS}


def _by_words(status: int | None, facts: ErrorFacts) -> FailureClass | None:
    if status in (401, 408, 409):
        return None
    inner = next((_DECISIVE[c] for c in map(_normal, (facts.detail or "").split()) if c in _DECISIVE), None)
    if inner is not None:
        return inner
    text = f"{facts.message or ''} {facts.detail or ''}"
    allowed = (_F.QUOTA, _F.CONTEXT_TOO_LONG) if status == 429 else tuple(kind for _, kind in _WORDS)
    return next((kind for pattern, kind in _WORDS if kind in allowed and pattern.search(text)), None)


def _by_status(status: int | None, *, should_retry: bool | None) -> FailureClass | None:
    if status is None:
        return None
    if status == 429:
        return _F.QUOTA if should_retry is False else _F.RATE_LIMIT
    if 400 <= status < 500 and should_retry:
        return _F.TRANSIENT
    return _BY_STATUS.get(status) or (_F.HARD_DOWN if status < 400 else _F.CLIENT_FAULT)


_BY_STATUS = {
    401: _F.AUTH,
    402: _F.QUOTA,
    403: _F.AUTH,
    404: _F.HARD_DOWN,
    407: _F.AUTH,
    408: _F.TRANSIENT,
    409: _F.TRANSIENT,
    410: _F.HARD_DOWN,
    413: _F.CONTEXT_TOO_LONG,
    425: _F.TRANSIENT,
    498: _F.RATE_LIMIT,  # Groq: flex capacity is used up for the moment
    499: _F.TRANSIENT,
}


def _status_in(code: str | None) -> int | None:
    return int(code) if code is not None and len(code) == 3 and code.isascii() and code.isdigit() and code[0] in "345" else None


def _normal(code: str) -> str:
    return re.sub(r"[\s.-]+", "_", code.strip().lower())
