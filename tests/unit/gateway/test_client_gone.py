"""The client leaves: the provider is let go of within half a second, nothing is tried again, and what was used is kept."""

import http.client
import json
import time

import pytest

from support.gateway import gateway, variant
from support.scripted_server import scripted_server


@pytest.fixture
def upstream():
    with scripted_server(script={"output_tokens": 400}) as running:
        yield running


def config(upstream, fault, **provider):
    one = variant(upstream.base_url, model=f"m+{fault}")
    return {
        "providers": {"upstream": provider},
        "variants": {"m": one, "other": variant(upstream.base_url, model="other")},
        "routes": {"m": {"variant": "m", "retries": 5, "fallbacks": ["other"]}},
    }


def ask(running, *, stream, read):
    """Ask, read a little, and hang up."""
    host = running.base_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=5)
    body = {"model": "m", "messages": [{"role": "user", "content": "tell me a long story"}], "stream": stream}
    connection.request("POST", "/v1/chat/completions", json.dumps(body))
    if read:
        assert connection.getresponse().read(read)
    else:
        until(lambda: running.app.in_flight)
        time.sleep(0.05)  # long enough for the request to have reached the provider
    if connection.sock is not None:
        connection.sock.close()
    connection.close()
    return time.monotonic()


def until(true, within_s=2.0):
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.002)
    return time.monotonic()


@pytest.mark.parametrize("stream, fault, read", [(True, "stall;after=20", 200), (True, "late", 0), (False, "hang", 0)])
def test_the_provider_is_let_go_and_nothing_else_is_asked(upstream, stream, fault, read):
    with gateway(config(upstream, fault)) as running:
        left_s = ask(running, stream=stream, read=read)
        ended_s = until(lambda: upstream.app.ledger.in_flight == 0 and running.app.in_flight == 0)
        assert ended_s - left_s < 0.5
        (record,) = running.wait_for(1)
        assert record.status == 499
        assert len(record.exchange.attempts) == 1
        assert record.exchange.latency_s is None, "how long it would have taken nobody knows"
        assert list(upstream.ledger()["ended"]) == ["client_gone"]
        if read:
            assert record.exchange.usage.source == "estimated"
            assert 0 < record.exchange.usage.output_tokens <= 20, "what had come when the client left"
            assert record.exchange.cost.usd > 0


def test_retries_stop_when_the_client_leaves(upstream):
    """A provider that asks for a long wait: the wait ends with the client."""
    with gateway(config(upstream, "429;retry_after=2")) as running:
        left_s = ask(running, stream=False, read=0)
        assert until(lambda: running.app.in_flight == 0) - left_s < 0.5
        (record,) = running.wait_for(1)
        assert record.status == 499
        assert len(record.exchange.attempts) == 1


def test_drain_reads_to_the_end_and_has_the_providers_own_count(upstream):
    """For providers that bill what nobody reads: the usage is theirs, to the token."""
    with gateway(config(upstream, "slow;per_token_s=0.001", on_client_gone="drain")) as running:
        ask(running, stream=True, read=200)
        (record,) = running.wait_for(1)
        assert record.status == 499
        assert record.exchange.usage.source == "provider"
        assert record.exchange.usage.output_tokens == 400
        assert upstream.ledger()["output_tokens"] == 400
        assert list(upstream.ledger()["ended"]) == ["ok"]


def test_a_provider_whose_clients_leave_is_not_held_to_be_ill(upstream):
    with gateway(config(upstream, "hang")) as running:
        for _ in range(8):
            ask(running, stream=False, read=0)
        running.wait_for(8)
        assert running.app.snapshot.targets["m"].breaker.state(time.perf_counter()) == "closed"
