"""Who may ask what, who keeps which variant, and that nothing odd gets an odd answer."""

import json
import random
import socket
import threading
import time
import urllib.error
import urllib.request
from hashlib import sha256

import openai
import pytest
from google import genai
from google.genai import types

from pointsman.core.failure import ConfigError
from support.gateway import gateway, project_of, variant
from support.scripted_server import scripted_server

USER = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def upstream():
    with scripted_server(seed=2) as running:
        yield running


def kept(key):
    return "sha256:" + sha256(key.encode()).hexdigest()


def post(url, body, headers=None):
    """Status and body, whatever the status."""
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_only_known_keys_may_ask_and_only_for_their_routes(upstream):
    tenants = {"a": {"keys": [kept("key-a")]}, "b": {"keys": [kept("key-b"), kept("key-c")], "routes": ["one"]}}
    variants = {"one": variant(upstream.base_url), "two": variant(upstream.base_url)}
    with gateway({"variants": variants, "gateway": {"tenants": tenants}}) as running:
        ask = {"model": "two", "messages": USER}
        for key, good in [("key-a", True), ("key-b", False)]:
            with openai.OpenAI(base_url=running.openai_url, api_key=key, max_retries=0) as client:
                if good:
                    assert client.chat.completions.create(**ask).choices
                    assert [m.id for m in client.models.list()] == ["one", "two"]
                else:
                    with pytest.raises(openai.NotFoundError):
                        client.chat.completions.create(**ask)
                    assert [m.id for m in client.models.list()] == ["one"]
        for path in (
            "/v1/chat/completions",
            "/v1/messages",
            "/v1/responses",
            "/v1/embeddings",
            "/v1beta/models/one:generateContent",
        ):
            for headers in ({}, {"authorization": "Bearer wrong"}, {"x-api-key": "wrong"}, {"authorization": "Basic key-a"}):
                status, said = post(running.base_url + path, b"{}", headers)
                assert status in (401, 403), (path, headers)
                assert b"wrong" not in said
        client = genai.Client(api_key="key-c", http_options=types.HttpOptions(base_url=running.base_url))
        assert client.models.generate_content(model="one", contents="hi").text
        assert {r.tenant for r in running.served() if r.status == 200} == {"a", "b"}
        assert all(r.exchange.usage is None for r in running.seen if r.status != 200)


def test_keys_are_configured_as_hashes_and_a_plain_one_is_refused_without_being_shown(upstream):
    config = {"variants": {"m": variant(upstream.base_url)}, "gateway": {"tenants": {"a": {"keys": ["my-plain-key"]}}}}
    with pytest.raises(ConfigError, match="sha256") as caught, gateway(config):
        pass
    assert "my-plain-key" not in str(caught.value)


def weighted(upstream, sticky):
    variants = {"a": variant(upstream.base_url, model="a"), "b": variant(upstream.base_url, model="b")}
    return {"variants": variants, "routes": {"r": {"policy": {"weighted": {"weights": {"a": 1, "b": 1}}}, "sticky": sticky}}}


def test_a_conversation_keeps_its_variant_as_it_grows(upstream):
    """Forty conversations of three turns: one variant each, both variants in use; every protocol tells conversations apart."""
    with (
        gateway(weighted(upstream, "conversation")) as running,
        openai.OpenAI(base_url=running.openai_url, api_key="k") as client,
    ):
        seen = set()
        for i in range(40):
            turns, asked = [{"role": "system", "content": "s"}, {"role": "user", "content": f"conversation {i}"}], set()
            for _ in range(3):
                raw = client.chat.completions.with_raw_response.create(model="r", messages=turns)
                asked.add(raw.headers["x-pointsman-variant"])
                turns = [*turns, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "go on"}]
            assert len(asked) == 1
            seen |= asked
        assert seen == {"a", "b"}
        assert all(r.propensity == 0.5 and r.unit for r in running.served())


def test_an_end_user_keeps_a_variant_across_conversations_and_protocols(upstream):
    with gateway(weighted(upstream, "user")) as running:
        for i in range(12):
            bodies = {
                "/v1/chat/completions": {"model": "r", "user": f"u{i}", "messages": USER},
                "/v1/responses": {"model": "r", "user": f"u{i}", "input": f"{i}"},
                "/v1/messages": {"model": "r", "max_tokens": 9, "metadata": {"user_id": f"u{i}"}, "messages": USER},
            }
            for path, body in bodies.items():
                assert post(running.base_url + path, json.dumps(body).encode())[0] == 200
        records = running.wait_for(36)
        chosen = {}
        for record in records:
            chosen.setdefault(record.unit, set()).add(record.variant)
        assert len(chosen) == 12
        assert all(len(v) == 1 for v in chosen.values())


def test_no_bytes_whatsoever_get_an_unclassified_answer(upstream):
    """Random bytes and broken JSON on every endpoint: always a 4xx in the protocol's own shape, and no fault of ours."""
    dice = random.Random(11)
    good = {"model": "m", "messages": USER, "max_tokens": 5, "input": "x", "contents": [{"parts": [{"text": "x"}]}]}
    odd = [
        None,
        0,
        -1,
        1e308,
        "",
        "x",
        [],
        {},
        [[]],
        [None],
        {"a": None},
        "\ud800",
        True,
        [{"role": 7}],
        [{"type": "x"}],
        "9" * 5000,
    ]
    paths = ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/messages/count_tokens", "/v1/embeddings"]
    paths += [f"/v1beta/models/m:{m}" for m in ("generateContent", "streamGenerateContent", "countTokens")]
    variants = {"m": variant(upstream.base_url, "gemini"), "n": variant(upstream.base_url)}
    with gateway({"variants": variants}) as running:
        for path in paths:
            for n in range(60):
                match n % 3:
                    case 0:
                        body = dice.randbytes(dice.randint(0, 200))
                    case 1:
                        changed = {
                            **good,
                            "model": dice.choice("mn"),
                            dice.choice([*good, "tools", "stream", "system"]): dice.choice(odd),
                        }
                        body = json.dumps(changed).encode()
                    case _:
                        whole = json.dumps(good).encode()
                        body = whole[: dice.randint(0, len(whole))] + dice.randbytes(dice.randint(0, 5))
                status, said = post(running.base_url + path, body)
                assert status == 200 or 400 <= status < 500, (path, body, status, said)
                if status >= 400:
                    assert json.loads(said)["error"]["message"], (path, body)
        assert running.app.faults == 0
        assert running.app.in_flight == 0


def test_a_body_that_is_too_large_or_too_slow_is_refused(upstream):
    limits = {"max_body_bytes": 2048, "body_timeout_s": 0.2}
    with gateway({"variants": {"m": variant(upstream.base_url)}, "gateway": limits}) as running:
        assert post(running.openai_url + "/chat/completions", b"x" * 4096)[0] == 413
        host, port = running.base_url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as slow:
            slow.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
            slow.settimeout(3)
            assert slow.recv(4096).startswith(b"HTTP/1.1 408")


def test_clients_that_do_not_read_are_cut_off_and_do_not_hold_up_others():
    script = {"output_tokens": 200_000}
    with (
        scripted_server(script=script) as up,
        gateway({"variants": {"m": variant(up.base_url)}, "gateway": {"write_timeout_s": 3}}) as running,
    ):
        host, port = running.base_url.removeprefix("http://").split(":")
        body = json.dumps({"model": "m", "messages": USER, "stream": True}).encode()
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with slow:
            slow.connect((host, int(port)))
            slow.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            time.sleep(0.8)
            assert post(running.base_url + "/v1/messages/count_tokens", b'{"model":"m","messages":[]}')[0] == 200
            assert running.app.in_flight == 1, "answered while the slow one was still waited for"
            (record,) = running.wait_for(1, within_s=20)
        assert record.status == 499


def test_a_request_keeps_the_configuration_it_began_with_and_a_bad_one_is_refused(upstream):
    """Swapped under load: every answer comes from one of the two, none fails, and the streams under way go on."""
    first = {"variants": {"m": variant(upstream.base_url, model="first")}}
    second = {"variants": {"m": variant(upstream.base_url, model="second")}}
    with gateway(first) as running:
        stop, problems, answers = threading.Event(), [], []

        def load():
            with openai.OpenAI(base_url=running.openai_url, api_key="k", max_retries=0) as client:
                while not stop.is_set():
                    try:
                        chunks = list(client.chat.completions.create(model="m", messages=USER, stream=True))
                        answers.append({c.model for c in chunks})
                    except openai.OpenAIError as error:
                        problems.append(error)

        threads = [threading.Thread(target=load) for _ in range(4)]
        for thread in threads:
            thread.start()
        for config in (second, first, second) * 3:
            time.sleep(0.05)
            running.reload(config)
            with pytest.raises(ConfigError):
                running.reload({"variants": {}})
        stop.set()
        for thread in threads:
            thread.join()
        assert problems == []
        assert all(len(models) == 1 for models in answers)
        assert set.union(*answers) == {"first", "second"}


def test_embeddings_pass_and_are_priced(upstream):
    with gateway({"variants": {"e": variant(upstream.base_url)}}) as running:
        with openai.OpenAI(base_url=running.openai_url, api_key="k", max_retries=0) as client:
            reply = client.embeddings.create(model="e", input=["one", "two"])
        assert len(reply.data) == 2
        (record,) = running.wait_for(1)
        assert record.exchange.usage.input_tokens == reply.usage.prompt_tokens
        assert record.exchange.cost.usd > 0


def test_a_route_names_only_variants_that_exist():
    base = {"variants": {"main": variant("http://127.0.0.1:1")}}
    for route in (
        {"variant": "mian"},
        {"variant": "main", "fallbacks": ["nobody"]},
        {},
        {"policy": {"nonsense": {}}},
        {"policy": {"weighted": {"weights": {"main": -1}}}},
    ):
        with pytest.raises(ConfigError, match=r"routes\.r"), gateway({**base, "routes": {"r": route}}):
            pass
    assert project_of(base).routes == {}


@pytest.mark.parametrize("stream", [False, True], ids=["reply", "stream"])
@pytest.mark.parametrize("provider", ["openai_chat", "openai_responses", "anthropic_messages", "gemini"])
def test_every_answer_in_openais_words_says_when_it_began(upstream, provider, stream):
    """Also where the provider's protocol has no word for it: then by the gateway's clock."""
    with (
        gateway({"variants": {"m": variant(upstream.base_url, provider)}}) as running,
        openai.OpenAI(base_url=running.openai_url, api_key="k", max_retries=0) as client,
    ):
        before_s = time.time() - 1
        if stream:
            with client.chat.completions.create(model="m", messages=USER, stream=True) as chunks:
                created = {chunk.created for chunk in chunks}
        else:
            created = {
                client.chat.completions.create(model="m", messages=USER).created,
                int(client.responses.create(model="m", input="hello").created_at),
            }
        if provider.startswith("openai"):
            assert all(created)  # the provider's own word, whatever its clock says
        else:
            assert all(before_s <= at_s <= time.time() + 1 for at_s in created)
