"""Spans and metrics as a real collector receives them."""

import time

import pytest

from pointsman.core.usage import Usage
from pointsman.telemetry.gen_ai import Asked
from pointsman.telemetry.otel import OtelExport
from support.otlp import attributes_of, collector
from support.served import AT_S, attempt, failure, served

VARIANTS = {"main": Asked(provider="openai", model="gpt-5", host="h", port=443), "spare": Asked(provider="groq", model="llama")}
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def receiver():
    with collector() as running:
        yield running


def export(receiver, say=None, **more):
    given = {"endpoint": receiver.base_url, "headers": {}, "service": "pointsman", "ratio": 1.0, "metrics_every_s": 3600}
    made = OtelExport(**{**given, **more}, say=say or (lambda _: None))
    made.serving("snap", VARIANTS)
    return made


def by_name(spans):
    return {span.name: span for span in spans}


def test_a_request_is_a_span_with_one_below_it_for_each_call(receiver):
    """With the recorded times, to the microsecond, and the fallback's failure where it happened."""
    calls = (
        attempt("main", started_s=AT_S + 0.001, duration_s=0.1, failure=failure("timeout", message="secret words")),
        attempt("spare", started_s=AT_S + 0.102, duration_s=0.15, ttft_s=0.05),
    )
    made = export(receiver, headers={"x-collector-key": "k"})
    made.offer([served(snapshot="snap", variant="spare", fell_back=True, attempts=calls, total_s=0.26)])
    spans = by_name(receiver.wait_for(3))
    made.close()
    root, first, second = spans["chat r"], spans["chat gpt-5"], spans["chat llama"]
    assert (root.kind, first.kind) == (root.SPAN_KIND_SERVER, first.SPAN_KIND_CLIENT)
    assert not root.parent_span_id
    assert {first.parent_span_id, second.parent_span_id} == {root.span_id}
    assert len({s.trace_id for s in spans.values()}) == 1
    assert len({s.span_id for s in spans.values()}) == 3
    for span, start_s, duration_s in ((root, AT_S, 0.26), (first, AT_S + 0.001, 0.1), (second, AT_S + 0.102, 0.15)):
        assert span.start_time_unix_nano / 1e9 == pytest.approx(start_s, abs=1e-6)
        assert (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9 == pytest.approx(duration_s, abs=1e-6)
    assert (root.status.code, first.status.code, second.status.code) == (0, first.status.STATUS_CODE_ERROR, 0)
    assert attributes_of(first)["error.type"] == "timeout"
    assert attributes_of(second)["gen_ai.provider.name"] == "groq"
    assert attributes_of(second)["gen_ai.response.finish_reasons"] == ("stop",)
    assert attributes_of(root)["pointsman.fell_back"] is True
    assert receiver.resources[0]["service.name"] == "pointsman"
    assert receiver.headers[0]["x-collector-key"] == "k"
    assert b"secret" not in receiver.raw


def test_a_clients_trace_goes_on(receiver):
    made = export(receiver, ratio=0.0)
    made.offer([served(1, traceparent=PARENT), served(2, traceparent=PARENT[:-1] + "0"), served(3)])
    made.close()
    spans = by_name(receiver.spans)
    assert len(receiver.spans) == 2, "not sampled: by the client's word, and by our ratio of none"
    assert spans["chat r"].trace_id.hex() == PARENT[3:35]
    assert spans["chat r"].parent_span_id.hex() == PARENT[36:52]


def test_a_request_that_reached_no_provider_is_a_span_alone(receiver):
    refused = attempt(None, timed=False, duration_s=0.0, failure=failure("auth"))
    made = export(receiver)
    made.offer([served(status=401, route=None, variant=None, tenant=None, attempts=(refused,), usage=None, cost=None)])
    made.close()
    (span,) = receiver.spans
    assert span.name == "chat"
    assert attributes_of(span)["error.type"] == "auth"
    assert span.status.code == 0, "a caller's fault is no error of the server"


def test_metrics_are_histograms_with_the_conventions_buckets(receiver):
    made = export(receiver, ratio=0.0)
    cut = attempt("main", failure=failure(), usage=Usage(input_tokens=7, output_tokens=3), ttft_s=0.02)
    made.offer([served(snapshot="snap", variant="spare", attempts=(cut, attempt("spare")))] * 3)
    made.close()
    assert receiver.spans == [], "metrics count every request, sampled or not"
    usage = receiver.metrics["gen_ai.client.token.usage"]
    assert usage.unit == "{token}"
    points = {
        (attributes_of(p)["gen_ai.request.model"], attributes_of(p)["gen_ai.token.type"]): p for p in usage.histogram.data_points
    }
    assert {k: (p.count, p.sum) for k, p in points.items()} == {
        ("gpt-5", "input"): (3, 21), ("gpt-5", "output"): (3, 9), ("llama", "input"): (3, 600), ("llama", "output"): (3, 300),
    }  # fmt: skip
    assert list(points["gpt-5", "input"].explicit_bounds)[:3] == [1, 4, 16]
    durations = receiver.metrics["gen_ai.client.operation.duration"].histogram.data_points
    assert {attributes_of(p).get("error.type") for p in durations} == {None, "transient"}
    (whole,) = receiver.metrics["gen_ai.server.request.duration"].histogram.data_points
    assert (whole.count, whole.sum) == (3, pytest.approx(0.78))
    assert {n for n in receiver.metrics if n.startswith("gen_ai.")} == {
        "gen_ai.client.token.usage", "gen_ai.client.operation.duration", "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.request.duration", "gen_ai.server.time_to_first_token",
    }  # fmt: skip


def test_spans_a_collector_refuses_are_dropped_counted_and_said_once(receiver):
    said = []
    made = export(receiver, say=said.append)
    receiver.status = 400
    for n in range(3):
        made.offer([served(n)])
        end_s = time.monotonic() + 10
        while made.dropped < n + 1 and time.monotonic() < end_s:
            time.sleep(0.01)
    assert made.dropped == 3
    assert len(said) == 1
    receiver.status = 200
    made.offer([served(9)])
    assert len(receiver.wait_for(2)) == 2, "and later ones arrive"
    made.close()
    assert made.dropped == 3


def test_nobody_waits_for_a_collector_that_is_away(caplog):
    """Fifty thousand records at once: twenty thousand find room, none is waited for, and every one lost is counted."""
    said = []
    made = OtelExport(endpoint="http://127.0.0.1:9", headers={}, service=None, ratio=1.0, metrics_every_s=3600, say=said.append)
    one = [served()] * 1000
    began_s = time.perf_counter()
    for _ in range(50):
        made.offer(one)
    took_s = time.perf_counter() - began_s
    made.close(within_s=0.2)
    assert took_s < 5
    assert made.dropped == 50_000
    assert caplog.records == []
