"""A provider that read the request and gave no usable answer may bill it: the ledger has an estimate, marked as one."""

import urllib.error
import urllib.request

import pytest

from support.gateway import gateway, variant
from support.scripted_server import scripted_server


@pytest.fixture(scope="module")
def upstream():
    with scripted_server(script={"output_tokens": 40}) as running:
        yield running


def record_of(upstream, fault, *, dialect="openai_chat", stream=False, fallback=None, **provider):
    """What is remembered of one request that meets `fault`."""
    chain = {"variant": "m", "retries": 0, "fallbacks": [] if fallback is None else ["other"]}
    variants = {"m": variant(upstream.base_url, dialect, model=f"m+{fault}")}
    if fallback is not None:
        variants["other"] = variant(upstream.base_url, dialect, model="other", **fallback)
    setup = {"providers": {"upstream": provider}, "variants": variants, "routes": {"m": chain}}
    words = "twenty characters ok" * 2
    body = b'{"model":"m","stream":%s,"messages":[{"role":"user","content":"%s"}]}' % (
        b"true" if stream else b"false",
        words.encode(),
    )
    with gateway(setup) as running:
        try:
            with urllib.request.urlopen(f"{running.base_url}/v1/chat/completions", data=body, timeout=20) as reply:
                reply.read()
        except (urllib.error.HTTPError, OSError):
            pass  # what the client sees is told elsewhere
        (record,) = running.wait_for(1)
    return record


CLOCKS = {"timeout_s": 0.3}


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault, clocks", [("hang", CLOCKS), ("late", CLOCKS), ("cut;after=0", {})])
def test_what_was_read_is_estimated(upstream, fault, clocks, stream, dialect):
    usage = (record := record_of(upstream, fault, stream=stream, dialect=dialect, **clocks)).exchange.usage
    assert (usage.input_tokens, usage.output_tokens, usage.source) == (10, usage.output_tokens, "estimated")
    assert record.exchange.cost.usd > 0


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["500", "429;as=none", "reset", "html", "502-html", "401"])
def test_who_refused_or_is_not_the_model_bills_nothing(upstream, fault, stream):
    exchange = record_of(upstream, fault, stream=stream).exchange
    assert (exchange.usage, exchange.cost) == (None, None)


def test_an_attempt_before_the_one_that_answered_keeps_its_own_estimate(upstream):
    record = record_of(upstream, "hang", fallback={}, **CLOCKS)
    first, last = record.exchange.attempts
    assert (first.variant, first.usage.source, first.usage.input_tokens) == ("m", "estimated", 10)
    assert (last.variant, record.exchange.usage.source) == ("other", "provider")
    assert record.exchange.cost.complete


def test_a_cost_without_the_price_of_one_attempt_is_a_floor(upstream):
    """The one that hung has a price, the one that answered has none."""
    record = record_of(upstream, "hang", fallback={"price": None}, **CLOCKS)
    assert record.exchange.cost.usd > 0
    assert not record.exchange.cost.complete


def test_a_cut_answers_usage_is_an_estimate_even_where_the_provider_had_told_some(upstream):
    """Anthropic tells the input at the start: known so far is not known for good."""
    usage = record_of(upstream, "cut;after=3", dialect="anthropic_messages", stream=True).exchange.usage
    assert (usage.source, usage.input_tokens) == ("estimated", 10)
    assert 0 <= usage.output_tokens <= 3
