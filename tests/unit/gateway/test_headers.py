"""Our own headers, on what goes back to clients and on what goes out to providers."""

import contextlib
import http.server
import json
import threading
import urllib.error
import urllib.request
from decimal import Decimal

import pytest

from pointsman.gateway.header_names import REPLY_HEADERS
from pointsman.telemetry.trace_context import read_traceparent, span_id, trace_of
from support.gateway import gateway, variant
from support.scripted_server import scripted_server

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
GREETING = [{"role": "user", "content": "hi"}]


def post(running, body, path="/v1/chat/completions", **headers):
    """Status, headers and body, whatever the status."""
    request = urllib.request.Request(running.base_url + path, data=json.dumps(body).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def ours(headers):
    return {n.lower(): v for n, v in headers.items() if n.lower().startswith("x-pointsman-")}


@pytest.fixture(scope="module")
def served():
    with scripted_server() as up:
        variants = {
            "m": variant(up.base_url),
            "claude": variant(up.base_url, "anthropic_messages"),
            "free": {**variant(up.base_url), "price": None, "model": "nobody-prices-this"},
            "down": variant(up.base_url, model="x+500"),
        }
        routes = {**{n: {"variant": n} for n in variants}, "down": {"variant": "down", "retries": 0, "fallbacks": ["m"]}}
        with gateway({"variants": variants, "routes": routes}) as running:
            yield running


def test_a_whole_answer_tells_decision_variant_overhead_and_its_exact_cost(served):
    served.served().clear()
    _, headers, _ = post(served, {"model": "m", "messages": GREETING})
    (record,) = served.wait_for(1)
    said = ours(headers)
    assert said["x-pointsman-decision"] == record.decision
    assert said["x-pointsman-variant"] == "m"
    assert Decimal(said["x-pointsman-cost-usd"]) == record.exchange.cost.usd > 0
    assert float(said["x-pointsman-overhead-ms"]) == pytest.approx(record.overhead_s * 1000, abs=0.001)
    assert headers["x-request-id"]


def test_a_streams_cost_is_not_known_when_its_headers_leave_and_found_by_its_decision(served):
    served.served().clear()
    _, headers, _ = post(served, {"model": "m", "messages": GREETING, "stream": True})
    (record,) = served.wait_for(1)
    assert "x-pointsman-cost-usd" not in ours(headers)
    assert record.decision == headers["x-pointsman-decision"]
    assert record.exchange.cost.usd > 0


def test_an_unknown_cost_is_not_told_as_zero(served):
    _, headers, _ = post(served, {"model": "free", "messages": GREETING})
    assert "x-pointsman-cost-usd" not in ours(headers)


def test_a_fallbacks_answer_names_the_fallback(served):
    status, headers, _ = post(served, {"model": "down", "messages": GREETING})
    assert (status, headers["x-pointsman-variant"]) == (200, "m")


def test_every_header_of_the_table_is_sent_and_no_other(served):
    replies = [
        post(served, {"model": "m", "messages": GREETING}),
        post(served, {"model": "m", "messages": GREETING, "stream": True}),
        post(served, {"model": "nobody", "messages": GREETING}),
        post(served, {"model": "claude", "messages": GREETING, "seed": 7, "logit_bias": {"5": 1}}),
        post(served, {"model": "m", "messages": GREETING}, path="/v1/messages/count_tokens"),
    ]
    assert {name for _, headers, _ in replies for name in ours(headers)} == set(REPLY_HEADERS)


@contextlib.contextmanager
def provider():
    """Answers every request, and keeps the headers it came with."""
    seen = []
    answer = json.dumps({
        "id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }).encode()  # fmt: skip

    class Upstream(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            seen.append({n.lower(): v for n, v in self.headers.items()})
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
        server.shutdown()


def traced(url, *, on, otel=None):
    given = {"providers": {"upstream": {"traceparent": on}}, "variants": {"m": variant(url)}}
    return given if otel is None else {**given, "gateway": {"otel": otel}}


def test_a_providers_call_carries_the_clients_trace_where_that_is_asked_for():
    """With the span of that call as the parent, and the vendor's state beside it."""
    with provider() as (url, seen), gateway(traced(url, on=True)) as running:
        post(running, {"model": "m", "messages": GREETING}, traceparent=PARENT, tracestate="v=1")
        (record,) = running.wait_for(1)
    assert record.traceparent == PARENT
    sent = read_traceparent(seen[0]["traceparent"])
    assert (sent.trace_id, sent.sampled) == (read_traceparent(PARENT).trace_id, True)
    assert sent.parent_id == span_id(record.decision, 1)
    assert seen[0]["tracestate"] == "v=1"


def test_a_trace_that_begins_here_goes_on_at_the_provider_as_our_own_sampling_says():
    with (
        provider() as (url, seen),
        gateway(traced(url, on=True, otel={"endpoint": "http://127.0.0.1:9", "sample": 0})) as running,
    ):
        post(running, {"model": "m", "messages": GREETING}, tracestate="v=1")
        (record,) = running.wait_for(1)
    sent = read_traceparent(seen[0]["traceparent"])
    assert sent.trace_id == trace_of(record.decision, None, 0).trace_id
    assert not sent.sampled
    assert "tracestate" not in seen[0], "a state without its trace is nobody's"


@pytest.mark.parametrize("given", [PARENT, "00-nonsense", "x" * 5000])
def test_a_provider_that_is_not_asked_for_it_learns_nothing_of_traces(given):
    with provider() as (url, seen), gateway(traced(url, on=False)) as running:
        status, _, _ = post(running, {"model": "m", "messages": GREETING}, traceparent=given)
        (record,) = running.wait_for(1)
    assert status == 200
    assert not {"traceparent", "tracestate"} & set(seen[0])
    assert record.traceparent == (given if given == PARENT else None)
