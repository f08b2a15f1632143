"""Traps of translation that show with a socket only: prices by tier, compressed bodies, errors beside choices, small packets."""

import gzip
import http.client
import json
import socket
import threading
import urllib.request
from decimal import Decimal
from urllib.parse import urlparse

import openai
import pytest

from support.gateway import gateway, variant
from support.said_server import Said, said_server

PATHS = {"openai_chat": "/v1/chat/completions", "anthropic_messages": "/v1/messages"}
USAGE = {"prompt_tokens": 1_000_000, "completion_tokens": 0, "total_tokens": 1_000_000}
JSON, EVENTS = "application/json", "text/event-stream"


def sse(*documents, done=True):
    return b"".join(b"data: %b\n\n" % json.dumps(d).encode() for d in documents) + (b"data: [DONE]\n\n" if done else b"")


def chunk(delta, finish=None, **more):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def whole(**more):
    choice = {"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE, **more}


class TwoPieces:
    """A stream whose second piece leaves once the client has `heard` something of the first."""

    def __init__(self, first, second):
        self.pieces = (first, second)
        self.heard = threading.Event()

    def __iter__(self):
        yield self.pieces[0]
        assert self.heard.wait(10)
        yield self.pieces[1]


def ask(running, protocol, *, stream=False, heard=None, **more):
    """Headers and body of one answer."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], "stream": stream, **more}
    request = urllib.request.Request(running.base_url + PATHS[protocol], data=json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as reply:
        first = reply.readline() if heard else b""
        if heard:
            heard.set()
        return reply.headers, first + reply.read()


@pytest.fixture(scope="module")
def tiers():
    """A provider that serves the tier it was asked for, but never `priority`: it has no room for that."""

    def say(_, headers, body):
        asked = json.loads(body)
        tier = {"flex": "flex"}.get(asked.get("service_tier"), "default")
        if not asked.get("stream"):
            return Said(200, JSON, [json.dumps(whole(service_tier=tier)).encode()])
        last = {**chunk({}, service_tier=tier), "choices": [], "usage": USAGE}
        return Said(200, EVENTS, [sse(chunk({"content": "ok"}, service_tier=tier), chunk({}, "stop", service_tier=tier), last)])

    with said_server(say) as url:
        priced = {**variant(url, model="gpt-5"), "provider": "openai", "price": None}
        config = {"variants": {"m": priced, "wishes": {**priced, "params": {"service_tier": "priority"}}}}
        with gateway(config) as running:
            yield running


@pytest.mark.parametrize("stream", [False, True])
def test_the_tier_that_served_decides_the_price(tiers, stream):
    """A million tokens of gpt-5: $1.25 as listed, $0.625 in `flex`, whoever asked for it: the client or the variant."""
    tiers.served().clear()
    for more in ({}, {"service_tier": "flex"}, {"service_tier": "priority"}, {"model": "wishes"}):
        ask(tiers, "openai_chat", stream=stream, **more)
    ask(tiers, "anthropic_messages", stream=stream)
    costs = [record.exchange.cost.usd for record in tiers.wait_for(5)]
    assert costs == [Decimal("1.25"), Decimal("0.625"), Decimal("1.25"), Decimal("1.25"), Decimal("1.25")]


@pytest.mark.parametrize("protocol", PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_compressed_answer_is_unpacked_and_no_header_says_otherwise(protocol, stream):
    """Also where the provider compresses a stream although it was asked not to: passed on and translated."""
    said = sse(chunk({"content": "ok"}), chunk({}, "stop", usage=USAGE)) if stream else json.dumps(whole()).encode()
    packed = gzip.compress(said)

    def say(*_):
        return Said(200, EVENTS if stream else JSON, [packed[:20], packed[20:]], {"content-encoding": "gzip"})

    with said_server(say) as url, gateway({"variants": {"m": variant(url)}}) as running:
        headers, body = ask(running, protocol, stream=stream)
    assert headers["content-encoding"] is None
    assert b"ok" in body
    if not stream:
        assert int(headers["content-length"]) == len(body)
        assert json.loads(body)["model"] == "m"


BESIDE = [
    chunk({"content": ""}, "error", error={"code": 502, "message": "Provider disconnected"}),
    {**chunk({}), "choices": [{"index": 0, "delta": {}, "finish_reason": "error", "error": {"code": 502, "message": "gone"}}]},
]


@pytest.mark.parametrize("last", BESIDE, ids=["beside the choices", "in a choice"])
@pytest.mark.parametrize("protocol", PATHS)
def test_an_error_beside_choices_is_an_error_for_every_client(protocol, last):
    """OpenRouter says it so, and `[DONE]` after it; clients that look at the choices alone need one that stands alone."""
    pieces = TwoPieces(sse(chunk({"content": "Once"}), done=False), sse(last))
    with said_server(lambda *_: Said(200, EVENTS, pieces)) as url, gateway({"variants": {"m": variant(url)}}) as running:
        _, body = ask(running, protocol, stream=True, heard=pieces.heard)
        (record,) = running.wait_for(1)
    events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith(b"data: {")]
    assert "choices" not in events[-1]
    assert events[-1]["error"]["message"]
    assert record.exchange.failure is not None
    assert b"message_stop" not in body


def test_openais_client_raises_for_an_error_beside_choices():
    """The library people use, on the stream as it is passed on."""
    pieces = TwoPieces(sse(chunk({"content": "Once"}), done=False), sse(BESIDE[0]))
    with (
        said_server(lambda *_: Said(200, EVENTS, pieces)) as url,
        gateway({"variants": {"m": variant(url)}}) as running,
        openai.OpenAI(base_url=running.openai_url, api_key="x", max_retries=0) as client,
    ):
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
        assert next(stream).choices[0].delta.content == "Once"
        pieces.heard.set()
        with pytest.raises(openai.APIError, match="Provider disconnected"):
            next(stream)


@pytest.mark.parametrize("protocol", PATHS)
def test_a_key_that_a_stream_quotes_is_shown_to_nobody(protocol):
    """Passed on and translated, cut in the middle of the key: neither the client nor the record gets to see it."""
    quoted = sse({"error": {"code": 401, "type": "invalid_request_error", "message": "Incorrect key sk-upstream-secret"}})
    cut = quoted.index(b"upstream")
    pieces = TwoPieces(sse(chunk({"content": "Once"}), done=False) + quoted[:cut], quoted[cut:])
    with said_server(lambda *_: Said(200, EVENTS, pieces)) as url, gateway({"variants": {"m": variant(url)}}) as running:
        _, body = ask(running, protocol, stream=True, heard=pieces.heard)
        (record,) = running.wait_for(1)
    assert b"Once" in body
    assert b"Incorrect key" in body
    assert b"upstream-secret" not in body
    assert record.exchange.failure is not None
    assert "upstream-secret" not in repr(record)


def test_what_a_provider_says_of_the_cost_reaches_the_client_and_does_not_become_ours():
    """`usage.cost` of the last chunk (OpenRouter's credits) stands there for those who read it; our bill is by our own prices."""
    usage = {**USAGE, "cost": 0.5}
    pieces = [sse(chunk({"content": "ok"}), chunk({}, "stop"), {**chunk({}), "choices": [], "usage": usage})]
    with said_server(lambda *_: Said(200, EVENTS, pieces)) as url, gateway({"variants": {"m": variant(url)}}) as running:
        _, body = ask(running, "openai_chat", stream=True, stream_options={"include_usage": True})
        (record,) = running.wait_for(1)
    assert b'"cost": 0.5' in body
    assert record.exchange.cost.usd == Decimal("1.25")


def test_small_packets_leave_at_once_on_both_sides(tiers):
    """Without TCP_NODELAY a short event waits for the acknowledgement of the one before: up to 40 ms for each token."""
    address = urlparse(tiers.base_url)
    client = http.client.HTTPConnection(address.hostname, address.port)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
    client.request("POST", PATHS["openai_chat"], body)
    client.getresponse().read()
    (target,) = {t.transport for t in tiers.app.snapshot.targets.values()}
    upstream = [held.transport for pool in target._session.connector._conns.values() for held, _ in pool]
    served = [connection.transport for connection in tiers.connections()]
    assert upstream
    assert served
    for transport in (*upstream, *served):
        assert transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    client.close()


@pytest.mark.parametrize("stream", [False, True])
def test_a_tools_name_that_is_too_long_for_the_provider_comes_back_whole(stream):
    """Anthropic takes 128 characters, OpenAI 64: the provider sees a short name, the client its own."""
    own, seen = "mcp__" + "a_very_long_name_" * 5, []

    def say(_, headers, body):
        (tool,) = json.loads(body)["tools"]
        seen.append(tool["function"]["name"])
        call = {"index": 0, "id": "c1", "type": "function", "function": {"name": seen[-1], "arguments": "{}"}}
        if stream:
            return Said(200, EVENTS, [sse(chunk({"tool_calls": [call]}), chunk({}, "tool_calls", usage=USAGE))])
        said = whole()
        said["choices"][0] |= {"message": {"role": "assistant", "tool_calls": [call]}, "finish_reason": "tool_calls"}
        return Said(200, JSON, [json.dumps(said).encode()])

    with said_server(say) as url, gateway({"variants": {"m": variant(url)}}) as running:
        _, body = ask(running, "anthropic_messages", stream=stream, tools=[{"name": own, "input_schema": {"type": "object"}}])
    assert len(seen[0]) <= 64
    assert own.encode() in body
    assert seen[0].encode() not in body
