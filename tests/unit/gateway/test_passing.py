"""Same protocol on both sides: the provider sees the client's bytes, and the client the provider's."""

import http.server
import json
import random
import threading
import urllib.request

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.chat import ChatRequest, Finished, FinishReason, Started, TextDelta, UsageSeen, user_says
from pointsman.core.usage import Usage
from pointsman.gateway.relay import StreamFacts, _UsageHider, renamed
from pointsman.providers.dialect import DIALECTS
from support.gateway import gateway, variant
from support.scripted_server import scripted_server

CLIENT_DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")


def test_renaming_keeps_every_other_byte_of_the_members():
    body = b'{ "model":"a",  "x" : 1.50e3, "messages":[ {"role":"user" , "content":"\\u00e9"} ] }'
    assert renamed(body, "b") == b'{"model":"b","x":1.50e3,"messages":[ {"role":"user" , "content":"\\u00e9"} ]}'


def stream_of(dialect, *, tokens=30, usage=True):
    """A stream as the dialect itself writes it."""
    writer = DIALECTS.load(dialect).stream_writer(
        ChatRequest(model="m", messages=(user_says("x"),), stream=True, stream_usage=True)
    )
    deltas = [Started(id="r", model="m"), *(TextDelta(f"w{i} ") for i in range(tokens)), Finished(reason=FinishReason.STOP)]
    if usage:
        deltas.append(UsageSeen(Usage(input_tokens=3, output_tokens=tokens)))
    return b"".join([*(writer.feed(d) for d in deltas), writer.close()])


@pytest.mark.parametrize("dialect", CLIENT_DIALECTS)
def test_a_stream_that_is_only_forwarded_says_its_usage_and_finish(dialect):
    facts = StreamFacts(DIALECTS.load(dialect), stream_of(dialect))
    assert facts.whole
    assert facts.reply.model == "m"
    assert facts.reply.finish == FinishReason.STOP
    assert (facts.reply.usage.total_input_tokens, facts.reply.usage.total_output_tokens) == (3, 30)


@pytest.mark.parametrize("dialect", CLIENT_DIALECTS)
@given(share=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_a_stream_cut_anywhere_is_never_whole_unless_all_its_words_are_there(dialect, share):
    data = stream_of(dialect)
    cut = data[: int(len(data) * share)]
    facts = StreamFacts(DIALECTS.load(dialect), cut)
    if facts.whole:
        assert b"w29" in cut
    else:
        assert facts.failure is not None


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=60, deadline=None)
def test_usage_nobody_asked_for_is_taken_out_wherever_the_network_cuts(seed, crlf):
    dice, data = random.Random(seed), stream_of("openai_chat")
    if crlf:
        data = data.replace(b"\n", b"\r\n")
    hider, out = _UsageHider(), b""
    while data:
        size = dice.randint(1, 200)
        out += hider.feed(data[:size])
        data = data[size:]
    out += hider.close()
    assert b'"usage":{' not in out
    assert out.count(b"w29") == 1
    assert b"[DONE]" in out


def post(url, body, **headers):
    request = urllib.request.Request(url, data=body, headers={"content-type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read(), response.headers


@pytest.mark.parametrize(
    "dialect, path, body",
    [
        (
            "openai_chat",
            "/v1/chat/completions",
            b'{"model":"m", "messages":[{"role":"user","content":"hi"}],  "odd_field" : [1.0]}',
        ),
        ("openai_responses", "/v1/responses", b'{"model":"m", "input":"hi",  "odd_field" : [1.0]}'),
        (
            "anthropic_messages",
            "/v1/messages",
            b'{"model":"m", "max_tokens":9, "messages":[{"role":"user","content":"hi"}],"odd":1e1}',
        ),
    ],
)
def test_bytes_go_through_untouched(dialect, path, body):
    """A request and a reply with fields and spacing that nobody knows."""
    seen = []
    whole = {
        "openai_chat": b'{"id":"x", "choices":[{"index":0,"message":{"role":"assistant","content":"ok"},'
        b'"finish_reason":"stop"}], "new":{"a":1.0}}',
        "openai_responses": b'{"id":"r", "object":"response","status":"completed","output":[], "new":{"a":1.0}}',
        "anthropic_messages": b'{"id":"m", "type":"message","role":"assistant","content":[],"stop_reason":"end_turn",'
        b'"usage":{"input_tokens":1,"output_tokens":1}, "new":1.0}',
    }[dialect]

    class Upstream(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(whole)))
            self.send_header("x-ratelimit-remaining-tokens", "7")
            self.end_headers()
            self.wfile.write(whole)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with gateway({"variants": {"m": variant(url, dialect, model="m")}}) as running:
            got, headers = post(
                running.base_url + path, body, **{"anthropic-beta": "b1", "authorization": "Bearer client-secret"}
            )
        server.shutdown()
    assert got == whole
    assert seen[0][1] == body
    assert headers["x-ratelimit-remaining-tokens"] == "7"
    sent = {name.lower(): value for name, value in seen[0][0].items()}
    assert "client-secret" not in str(sent), "a client's key is for us alone"
    assert sent.get("anthropic-beta") == ("b1" if dialect == "anthropic_messages" else None)


def test_usage_is_asked_for_upstream_and_shown_only_to_who_asked():
    ask = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True}
    with scripted_server() as up, gateway({"variants": {"m": variant(up.base_url)}}) as running:
        url = running.base_url + "/v1/chat/completions"
        silent, _ = post(url, msgspec.json.encode(ask))
        asked, _ = post(url, msgspec.json.encode({**ask, "stream_options": {"include_usage": True}}))
        first, second = running.wait_for(2)
    assert b'"usage":{' not in silent
    assert b'"usage":{' in asked
    assert silent.endswith(b"data: [DONE]\n\n")
    assert first.exchange.usage.source == second.exchange.usage.source == "provider"


def test_a_variants_own_parameters_replace_the_clients():
    """What was measured is what is served, also where both sides speak one protocol."""
    with scripted_server() as up:
        config = {"variants": {"m": variant(up.base_url, params={"temperature": 0}, system="Be brief.")}}
        with gateway(config) as running:
            ask = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "temperature": 1}
            first, _ = post(running.base_url + "/v1/chat/completions", msgspec.json.encode(ask))
            again, _ = post(running.base_url + "/v1/chat/completions", msgspec.json.encode(ask))
            said = [json.loads(b)["choices"][0]["message"]["content"] for b in (first, again)]
            assert said[0] == said[1], "temperature 0 says the same twice"
            assert running.wait_for(2)[0].exchange.usage.input_tokens > 1, "the system prompt went along"
