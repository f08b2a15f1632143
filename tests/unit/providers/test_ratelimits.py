"""What headers say about limits, for every family of header names we have seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from pointsman.providers.ratelimits import Allowance, RateLimits, left_ratio, rate_limits, should_retry

NOW = 1_790_000_000.0


def test_openai_groq_and_azure():
    headers = CIMultiDict(
        {
            "X-RateLimit-Limit-Requests": "10000",
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-reset-requests": "1m30.5s",
            "x-ratelimit-limit-tokens": "160000",
            "x-ratelimit-remaining-tokens": "8000",
            "x-ratelimit-reset-tokens": "130ms",
        }
    )
    limits = rate_limits(headers, NOW)
    assert limits.requests == Allowance(limit=10000, remaining=9999, reset_s=90.5)
    assert limits.tokens == Allowance(limit=160000, remaining=8000, reset_s=0.13)
    assert limits.left_ratio == left_ratio(headers) == 0.05


def test_anthropic():
    headers = {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2026-09-21T14:13:21Z",
        "anthropic-ratelimit-output-tokens-limit": "80000",
        "anthropic-ratelimit-output-tokens-remaining": "4000",
        "retry-after": "10",
    }
    limits = rate_limits(headers, NOW)
    assert limits.requests == Allowance(limit=50, remaining=49, reset_s=1.0)
    assert limits.output_tokens.left_ratio == 0.05
    assert limits.input_tokens is None
    assert limits.retry_after_s == 10


def test_mistral_and_together():
    mistral = rate_limits({"x-ratelimit-limit-req-minute": "100", "x-ratelimit-remaining-req-minute": "93"}, NOW)
    together = rate_limits({"x-ratelimit-limit": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, NOW)
    assert mistral.requests == Allowance(limit=100, remaining=93)
    assert together.requests == Allowance(limit=2, remaining=0, reset_s=1.0)
    assert together.left_ratio == 0.0


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("0s", 0),
        ("6m0s", 360),
        ("1h2m3s", 3723),
        ("12ms", 0.012),
        ("7", 7),
        ("1790000005", 5),
        ("1790000005000", 5),
        ("soon", None),
    ],
)
def test_resets_are_understood_in_every_form(text, seconds):
    reset_s = rate_limits({"x-ratelimit-limit": "1", "x-ratelimit-reset": text}, NOW).requests.reset_s
    assert reset_s == (pytest.approx(seconds) if seconds is not None else None)


def test_nothing_said_is_nothing_known():
    assert rate_limits({"content-type": "x"}, NOW) == RateLimits()
    assert RateLimits().left_ratio is None


def test_a_limit_of_nothing_is_not_a_ratio():
    assert Allowance(limit=0, remaining=0).left_ratio is None


@pytest.mark.parametrize("text, word", [("true", True), ("False", False), ("maybe", None), (None, None)])
def test_the_servers_word_on_retrying(text, word):
    assert should_retry({} if text is None else {"x-should-retry": text}) is word


NAMES = ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "retry-after", "date"]


@given(
    st.dictionaries(
        st.sampled_from(NAMES),
        st.binary(max_size=30).map(lambda b: b.decode("latin-1")) | st.integers().map(str) | st.floats().map(str),
    )
)
def test_no_header_value_raises_or_leads_outside_the_bounds(headers):
    limits = rate_limits(headers, NOW)
    assert left_ratio(headers) == limits.left_ratio
    assert limits.left_ratio is None or 0 <= limits.left_ratio <= 1
    assert limits.retry_after_s is None or limits.retry_after_s >= 0
