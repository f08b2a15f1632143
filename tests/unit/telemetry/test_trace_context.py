"""`traceparent` as the W3C has it, and ids that anybody can work out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pointsman.telemetry.trace_context import (
    TraceContext,
    is_sampled,
    outgoing_traceparent,
    read_traceparent,
    span_id,
    trace_of,
)

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
GOLDEN_TRACE = 0x42CEFE92B7DA88F856DE1AC1F3B4B8F6
GOLDEN_SPANS = [0xE534703563EE8B29, 0x8B1240C0007672E7, 0xE3C4DBB97FE85ACF]


def test_a_valid_header_is_read():
    """The example of the standard."""
    assert read_traceparent(GOOD) == TraceContext(
        trace_id=0x0AF7651916CD43DD8448EB211C80319C, parent_id=0xB7AD6B7169203331, sampled=True
    )
    assert read_traceparent(GOOD[:-1] + "0").sampled is False


BAD = {
    "nothing": "",
    "no trace": f"00-{'0' * 32}-b7ad6b7169203331-01",
    "no parent": f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
    "capitals": GOOD.upper(),
    "version ff": "ff" + GOOD[2:],
    "too long for version 00": GOOD + "-more",
    "too short": GOOD[:-1],
    "a line break": GOOD + "\n",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_an_invalid_one_is_as_none(text):
    assert read_traceparent(text) is None


def test_a_later_version_may_say_more():
    assert read_traceparent("01" + GOOD[2:] + "-more") == read_traceparent(GOOD)


BYTES = st.integers(0, 255) | st.sampled_from([0, 1, 255])


@given(BYTES, st.integers(0, 3) | st.integers(0, 2**128 - 1), st.integers(0, 3) | st.integers(0, 2**64 - 1), BYTES, st.booleans())
def test_opentelemetrys_own_reader_agrees(version, trace_id, parent_id, flags, longer):
    text = f"{version:02x}-{trace_id:032x}-{parent_id:016x}-{flags:02x}{'-x' * longer}"
    theirs = get_current_span(TraceContextTextMapPropagator().extract({"traceparent": text})).get_span_context()
    ours = read_traceparent(text)
    assert (ours is not None) == theirs.is_valid
    if ours is not None:
        assert (ours.trace_id, ours.parent_id, ours.sampled) == (theirs.trace_id, theirs.span_id, theirs.trace_flags.sampled)


@given(st.integers(1, 2**128 - 1), st.floats(0, 1))
def test_opentelemetrys_own_sampler_agrees(trace_id, ratio):
    theirs = TraceIdRatioBased(ratio).should_sample(None, trace_id, "x").decision is Decision.RECORD_AND_SAMPLE
    assert is_sampled(trace_id, ratio) == theirs


def test_a_clients_trace_goes_on_and_is_sampled_as_it_says():
    assert trace_of("d1", GOOD, 0.0) == read_traceparent(GOOD)
    assert trace_of("d1", GOOD[:-1] + "0", 1.0).sampled is False


def test_a_trace_of_our_own_follows_from_the_decision_alone():
    """Golden: whoever has a decision id finds its trace."""
    assert trace_of("run0000001", None, 1.0) == TraceContext(trace_id=GOLDEN_TRACE, sampled=True)
    assert [span_id("run0000001", n) for n in range(3)] == GOLDEN_SPANS


def test_what_goes_to_the_provider_names_the_calls_own_span():
    ours = trace_of("run0000001", None, 0.0)
    sent = outgoing_traceparent("run0000001", None, 0.0, 2)
    assert read_traceparent(sent) == TraceContext(trace_id=ours.trace_id, parent_id=span_id("run0000001", 2), sampled=False)
    carried = read_traceparent(outgoing_traceparent("run0000001", GOOD, 0.0, 1))
    assert (carried.trace_id, carried.sampled) == (read_traceparent(GOOD).trace_id, True)


def test_the_share_that_is_sampled_is_the_one_asked_for():
    """10,000 decisions at 20 %: within five standard deviations."""
    found = sum(trace_of(f"run{n:07x}", None, 0.2).sampled for n in range(10_000))
    assert abs(found - 2000) < 5 * (10_000 * 0.2 * 0.8) ** 0.5
