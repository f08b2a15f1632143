"""Failures: tried again, taken elsewhere, told in the client's words, and never charged to the wrong account."""

import json
import urllib.error
import urllib.request

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as genai_errors
from google.genai import types

from support.gateway import DIALECT_URLS, gateway, variant
from support.scripted_server import scripted_server

USER = [{"role": "user", "content": "What is the weather in Paris?"}]
DIALECTS = list(DIALECT_URLS)
FAULTS = ("401", "404", "429", "500", "quota", "reset", "html")


@pytest.fixture(scope="module")
def upstream():
    """One scripted server; faults are asked for in the model's name."""
    with scripted_server(seed=5) as running:
        yield running


@pytest.fixture(scope="module")
def served(upstream):
    """A route per fault and protocol, alone and with a sound fallback."""
    faults = [
        "400",
        "401",
        "404",
        "429",
        "500",
        "quota",
        "content_filter",
        "context_too_long",
        "reset",
        "html",
        "malformed;after=0",
    ]
    streams = ["cut;after=5", "cut-clean;after=5", "error-in-stream;after=5", "error-in-stream;after=0"]
    variants = {"good": variant(upstream.base_url, model="sound")}
    routes = {"good": {"variant": "good"}}
    for dialect in DIALECTS:
        for fault in [*faults, *streams]:
            name = f"{dialect}/{fault}"
            variants[name] = variant(upstream.base_url, dialect, model=f"m+{fault}")
            routes[f"{name}/alone"] = {"variant": name, "retries": 0}
            routes[f"{name}/saved"] = {"variant": name, "retries": 0, "fallbacks": ["good"]}
    with gateway({"variants": variants, "routes": routes}) as running:
        yield running


@pytest.fixture(autouse=True)
def closed_breakers(served):
    """What one test broke is not the next one's concern."""
    for target in served.app.snapshot.targets.values():
        target.breaker._close()
        target.breaker._in_a_row = 0
    upstream_ring = served.maker._rings
    for ring in upstream_ring.values():
        ring.worked(1)
        ring._free_at_s = [float("-inf")]


def chat(served):
    return openai.OpenAI(base_url=served.openai_url, api_key="k", max_retries=0, timeout=10)


ERRORS = {
    "400": openai.BadRequestError,
    "401": openai.AuthenticationError,
    "404": openai.NotFoundError,
    "429": openai.RateLimitError,
    "500": openai.InternalServerError,
    "quota": openai.RateLimitError,
    "content_filter": openai.BadRequestError,
    "context_too_long": openai.BadRequestError,
    "reset": openai.InternalServerError,
    "html": openai.InternalServerError,
    "malformed;after=0": openai.InternalServerError,
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", ERRORS)
def test_every_failure_of_every_protocol_is_the_openai_clients_own_error(served, dialect, fault):
    with pytest.raises(ERRORS[fault]) as caught:
        chat(served).chat.completions.create(model=f"{dialect}/{fault}/alone", messages=USER)
    assert caught.value.body["message"]
    assert "127.0.0.1" not in str(caught.value)
    assert "sk-upstream" not in str(caught.value)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_anthropic_client_gets_its_own_errors(served, dialect):
    client = anthropic.Anthropic(base_url=served.base_url, api_key="k", max_retries=0)
    with pytest.raises(anthropic.RateLimitError) as caught:
        client.messages.create(model=f"{dialect}/429/alone", max_tokens=9, messages=USER)
    assert caught.value.body["error"]["type"] == "rate_limit_error"
    assert caught.value.request_id
    with pytest.raises(anthropic.NotFoundError):
        client.messages.create(model="nobody", max_tokens=9, messages=USER)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_gemini_client_gets_its_own_errors(served, dialect):
    client = genai.Client(api_key="k", http_options=types.HttpOptions(base_url=served.base_url))
    with pytest.raises(genai_errors.ClientError) as caught:
        client.models.generate_content(model=f"{dialect.replace('/', '-')}", contents="hi")
    assert caught.value.code == 404
    assert caught.value.status == "NOT_FOUND"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault, stream", [*((f, s) for f in FAULTS for s in (False, True)), ("malformed;after=0", False)])
def test_what_is_not_the_callers_fault_is_answered_by_the_fallback(served, dialect, fault, stream):
    reply = chat(served).chat.completions.create(model=f"{dialect}/{fault}/saved", messages=USER, stream=stream)
    text = "".join(c.choices[0].delta.content or "" for c in reply if c.choices) if stream else reply.choices[0].message.content
    assert text
    record = served.wait_for(1)[-1]
    assert (record.variant, record.fell_back, len(record.exchange.attempts)) == ("good", True, 2)
    served.seen.clear()


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", ["400", "content_filter"])
def test_a_callers_fault_is_never_taken_elsewhere(served, upstream, dialect, fault):
    upstream.post("/_scripted/reset")
    with pytest.raises(openai.BadRequestError):
        chat(served).chat.completions.create(model=f"{dialect}/{fault}/saved", messages=USER)
    assert [m for m in upstream.ledger()["models"] if m == "sound"] == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", ["cut;after=5", "cut-clean;after=5", "error-in-stream;after=5"])
def test_a_stream_that_breaks_ends_with_an_error_and_never_as_if_whole(served, dialect, fault):
    """For an OpenAI client, whatever the provider speaks; what arrived until then is billed."""
    served.served().clear()
    with pytest.raises(openai.APIError):
        list(chat(served).chat.completions.create(model=f"{dialect}/{fault}/alone", messages=USER, stream=True))
    record = served.wait_for(1)[-1]
    assert record.exchange.failure is not None
    assert record.exchange.usage.output_tokens > 0
    assert record.exchange.cost.usd > 0
    served.seen.clear()


def raw_stream(served, path, body):
    request = urllib.request.Request(served.base_url + path, data=json.dumps(body).encode())
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read().decode()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_broken_stream_speaks_each_clients_protocol(served, dialect):
    """Anthropic `event: error`, Responses `response.failed` or `error`, Gemini an `error` chunk; nobody says it is done."""
    model = f"{dialect}/cut;after=5/alone"
    said = raw_stream(served, "/v1/messages", {"model": model, "max_tokens": 99, "messages": USER, "stream": True})
    assert said.count("event: error") == 1
    assert "message_stop" not in said
    said = raw_stream(served, "/v1/responses", {"model": model, "input": "hi", "stream": True})
    assert "response.failed" in said or "event: error" in said
    assert "response.completed" not in said
    said = raw_stream(served, "/v1/chat/completions", {"model": model, "messages": USER, "stream": True})
    assert "[DONE]" not in said
    assert '"error"' in said


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_before_the_first_word_of_a_stream_can_still_be_taken_elsewhere(served, dialect):
    model = f"{dialect}/error-in-stream;after=0/saved"
    served.served().clear()
    chunks = list(chat(served).chat.completions.create(model=model, messages=USER, stream=True))
    assert any(c.choices and c.choices[0].delta.content for c in chunks)
    assert served.wait_for(1)[-1].fell_back
    served.seen.clear()


def test_a_retry_waits_and_then_answers_and_both_tries_are_recorded(upstream):
    config = {"variants": {"m": variant(upstream.base_url, model="twice")}, "routes": {"m": {"variant": "m", "retries": 2}}}
    with gateway(config) as running:
        upstream.arm("500", model="twice")
        assert chat(running).chat.completions.create(model="m", messages=USER).choices
        (record,) = running.wait_for(1)
        first, second = record.exchange.attempts
        assert first.failure.kind == "transient"
        assert second.failure is None
        assert second.backoff_s >= 0


def test_a_limited_key_gives_way_to_the_next_without_waiting(upstream):
    one = variant(upstream.base_url, model="two-keys")
    del one["key"]
    config = {"providers": {"upstream": {"keys": ["sk-a", "sk-b"]}}, "variants": {"m": one}, "routes": {"m": {"variant": "m"}}}
    with gateway(config) as running:
        upstream.post("/_scripted/faults", {"fault": "429;retry_after=30", "model": "two-keys", "key": "sk-a"})
        assert chat(running).chat.completions.create(model="m", messages=USER).choices
        (record,) = running.wait_for(1)
        assert [a.key for a in record.exchange.attempts] == ["#1", "#2"]
        assert record.total_s < 5


def test_a_breaker_opens_for_a_failing_provider_and_not_for_bad_requests(upstream):
    variants = {"bad": variant(upstream.base_url, model="b+500"), "picky": variant(upstream.base_url, model="p+400")}
    routes = {n: {"variant": n, "retries": 0} for n in variants}
    with gateway({"variants": variants, "routes": routes}) as running:
        upstream.post("/_scripted/reset")
        for _ in range(8):
            for name in variants:
                with pytest.raises(openai.APIStatusError):
                    chat(running).chat.completions.create(model=name, messages=USER)
        asked = {name: found["requests"] for name, found in upstream.ledger()["models"].items()}
        assert asked == {"b": 5, "p": 8}
        with pytest.raises(openai.InternalServerError) as caught:
            chat(running).chat.completions.create(model="bad", messages=USER)
        assert float(caught.value.response.headers["retry-after"]) > 0


def test_losses_are_refused_or_named_as_the_route_says(upstream):
    variants = {"claude": variant(upstream.base_url, "anthropic_messages")}
    routes = {"strict": {"variant": "claude", "on_loss": "refuse"}, "open": {"variant": "claude"}}
    with gateway({"variants": variants, "routes": routes}) as running:
        with pytest.raises(openai.BadRequestError, match="seed"):
            chat(running).chat.completions.create(model="strict", messages=USER, seed=7)
        reply = chat(running).chat.completions.with_raw_response.create(model="open", messages=USER, seed=7)
        assert "seed" in reply.headers["x-pointsman-lost"]
        assert reply.parse().choices[0].message.content
        assert chat(running).chat.completions.create(model="strict", messages=USER).choices


def test_a_path_nobody_serves_is_404_in_openais_shape(served):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{served.base_url}/v2/nothing", timeout=5)
    assert caught.value.code == 404
    assert json.loads(caught.value.read())["error"]["message"]
