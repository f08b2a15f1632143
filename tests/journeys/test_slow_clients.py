"""Clients that send a byte now and then, or never read their answer, cost the others little and are cut off in the end."""

import contextlib
import json
import socket
import statistics
import threading
import time
import urllib.request

import pytest

from support.gateway import gateway, variant
from support.scripted_server import scripted_server

MANY = 50
USER = [{"role": "user", "content": "hi"}]


@pytest.fixture(scope="module")
def upstream():
    with scripted_server(scripts={"short": {"output_tokens": 8}, "long": {"output_tokens": 100_000}}) as running:
        yield running


@pytest.fixture
def served(upstream):
    config = {
        "variants": {"short": variant(upstream.base_url, model="short"), "long": variant(upstream.base_url, model="long")},
        "gateway": {"header_timeout_s": 4, "body_timeout_s": 4, "write_timeout_s": 4},
    }
    with gateway(config) as running:
        yield running


def connected(running):
    host, port = running.base_url.removeprefix("http://").split(":")
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(30)
    sock.connect((host, int(port)))
    return sock


def middle_s(running, count=60):
    """Median time of a short whole answer."""
    body = json.dumps({"model": "short", "messages": USER}).encode()
    took = []
    for _ in range(count):
        began = time.perf_counter()
        request = urllib.request.Request(f"{running.openai_url}/chat/completions", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as reply:
            assert reply.status == 200
            reply.read()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def head(body, path="/v1/chat/completions"):
    return f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode()


def dribble(sock, data, stop):
    """A byte every now and then until the gateway has had enough."""
    with contextlib.suppress(OSError):
        for byte in data:
            sock.sendall(bytes([byte]))
            if stop.wait(0.3):
                return


@pytest.mark.slow
def test_slow_senders_and_slow_readers_do_not_hurt_the_others_and_are_cut_off(served):
    """Fifty that dribble heads, fifty that dribble bodies, fifty that never read: a short answer takes about as long as
    without them, and when their time is over none is left. All of it, clients and providers too, runs in one process of
    Python here, so the bound (five times, and 0.3 s) is for a gateway that waits for them, which would take seconds."""
    alone_s = middle_s(served)
    stop, body = threading.Event(), json.dumps({"model": "long", "messages": USER, "stream": True}).encode()
    with contextlib.ExitStack() as stack:
        stack.callback(stop.set)
        threads = []
        for number in range(3 * MANY):
            sock = stack.enter_context(connected(served))
            if number % 3 == 0:
                threads.append(threading.Thread(target=dribble, args=(sock, head(body), stop), daemon=True))
            elif number % 3 == 1:
                sock.sendall(head(body))
                threads.append(threading.Thread(target=dribble, args=(sock, body, stop), daemon=True))
            else:
                sock.sendall(head(body) + body)
        for thread in threads:
            thread.start()
        beside_s = middle_s(served)
        assert beside_s < 5 * alone_s + 0.3, f"{beside_s * 1000:.1f} ms beside them, {alone_s * 1000:.1f} ms alone"
        end_s = time.monotonic() + 60
        while served.app.in_flight and time.monotonic() < end_s:
            time.sleep(0.1)
        assert served.app.in_flight == 0, "all of them were let go"
    gone = [r for r in served.wait_for(120 + MANY, within_s=20) if r.variant == "long"]
    assert {r.status for r in gone} == {499}
