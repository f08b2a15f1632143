"""Whatever happens to a request, and whatever a provider or a bad file quotes, no secret is written down or told."""

import json
import signal
import threading
import urllib.error
import urllib.request
from hashlib import sha256

import pytest
import yaml

from support.gateway import variant
from support.otlp import collector
from support.said_server import Said, said_server
from support.serving import serving, until, with_admin

PROVIDER_KEY = "Zq81/provider+key=for-this/test"  # of no known provider's form: only its text gives it away
TENANT_KEY = "Wm52-tenant-key-of-the-test"
WRONG_KEY = "Xn63-wrong-key-of-a-stranger"
ADMIN_KEY = "Yp74-admin-key-of-the-test"
COLLECTOR_KEY = "Vr95-collector-key-of-the-test"
SAID = "Uk06-said-in-a-body"
HEADER = "Tj17-said-in-a-header"
NEVER_TOLD = (PROVIDER_KEY, PROVIDER_KEY.replace("/", r"\/"), ADMIN_KEY, COLLECTOR_KEY)
NEVER_KEPT = (*NEVER_TOLD, TENANT_KEY, WRONG_KEY, SAID, HEADER)
DIALECTS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
PATHS = {
    "openai_chat": "/v1/chat/completions",
    "openai_responses": "/v1/responses",
    "anthropic_messages": "/v1/messages",
    "gemini": "/v1beta/models/{model}:{method}",
}
JSON, EVENTS = "application/json", "text/event-stream"


def error_of(dialect, key, *, in_stream=False):
    """The protocol's error object, which quotes the key."""
    words = f"the request that carried {key} failed"
    match dialect:
        case "openai_responses" if in_stream:
            return {"type": "error", "code": "server_error", "message": words, "param": None, "sequence_number": 9}
        case "anthropic_messages":
            return {"type": "error", "error": {"type": "api_error" if in_stream else "authentication_error", "message": words}}
        case "gemini":
            return {"error": {"code": 500 if in_stream else 401, "message": words, "status": "INTERNAL"}}
        case _:
            return {"error": {"message": words, "type": "server_error", "code": None if in_stream else "invalid_api_key"}}


BEGINNING = {
    "openai_chat": [{"id": "c", "model": "m", "choices": [{"index": 0, "delta": {"content": "so far"}, "finish_reason": None}]}],
    "openai_responses": [
        {"type": "response.created", "response": {"id": "r", "model": "m", "status": "in_progress", "output": []}},
        {"type": "response.output_text.delta", "item_id": "i", "output_index": 0, "content_index": 0, "delta": "so far"},
    ],
    "anthropic_messages": [
        {"type": "message_start", "message": {"id": "m", "model": "m", "content": [], "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "so far"}},
    ],
    "gemini": [{"candidates": [{"content": {"role": "model", "parts": [{"text": "so far"}]}, "index": 0}]}],
}


def event(document, *, slashes=False):
    text = json.dumps(document)
    named = f"event: {document['type']}\n" if "type" in document else ""
    return f"{named}data: {text.replace('/', chr(92) + '/') if slashes else text}\n\n".encode()


def dialect_at(path):
    return next((d for d, p in PATHS.items() if path.startswith(p.split("{")[0])), "openai_chat")


def say(path, headers, body):
    """What the model's name asks for; the key is quoted as it was sent."""
    key = (headers.get("authorization") or "").removeprefix("Bearer ") or headers.get("x-api-key") or headers["x-goog-api-key"]
    assert key == PROVIDER_KEY
    model = path.partition("models/")[2].partition(":")[0] or json.loads(body)["model"]
    dialect = dialect_at(path)
    refused = json.dumps(error_of(dialect, key)).encode()
    match model:
        case "refused":
            return Said(401, JSON, [refused])
        case "refused-with-200":
            return Said(200, JSON, [refused])
        case "page":
            return Said(502, "text/html", [f"<html>{key}</html>".encode()])
        case "words":
            return Said(500, "text/plain", [f"no: {key}".encode()])
        case "garbled":
            return Said(200, JSON, [f'{{"{key}": '.encode()])
        case _:
            failure = event(error_of(dialect, key, in_stream=True), slashes=dialect == "gemini")
            return Said(200, EVENTS, in_mid_stream(b"".join(map(event, BEGINNING[dialect])), failure, torn=model == "torn"))


HEARD = threading.Event()
"""Set once the client of the request under way has heard something of its stream."""


def in_mid_stream(beginning, failure, *, torn):
    yield beginning
    assert HEARD.wait(10)
    width = 11 if torn else len(failure)
    yield from (failure[n : n + width] for n in range(0, len(failure), width))


WAYS = ("refused", "refused-with-200", "page", "words", "garbled", "broken", "torn")


def config(url, receiver, **gateway):
    routes, variants = {}, {}
    for way in WAYS:
        for dialect in DIALECTS:
            variants[f"{way}-{dialect}"] = variant(url, dialect, model=way, key=PROVIDER_KEY)
            routes[f"{way}-{dialect}"] = {"variant": f"{way}-{dialect}", "retries": 0}
    own = {
        "tenants": {"acme": {"keys": ["sha256:" + sha256(TENANT_KEY.encode()).hexdigest()]}},
        "otel": {"endpoint": receiver.base_url, "headers": {"x-key": COLLECTOR_KEY}},
        "access_log": "access.jsonl",
        "admin": {"key": ADMIN_KEY, "port": 0},
        **gateway,
    }
    return with_admin({"variants": variants, "routes": routes, "gateway": own})


def ask(running, protocol, model, *, stream, key=TENANT_KEY, in_query=False):
    """The whole answer, head included, as the client gets it."""
    path, body = PATHS[protocol], {"model": model, "max_tokens": 9, "stream": stream}
    turn = {"role": "user", "content": SAID}
    if protocol == "gemini":
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        path, body = path.format(model=model, method=method), {"contents": [{"role": "user", "parts": [{"text": SAID}]}]}
    else:
        body["input" if protocol == "openai_responses" else "messages"] = [turn]
    if in_query:
        path += ("&" if "?" in path else "?") + f"key={key}"
    headers = {"x-secret": HEADER, "cookie": HEADER} | ({} if in_query else {"authorization": f"Bearer {key}"})
    try:
        HEARD.clear()
        with urllib.request.urlopen(
            urllib.request.Request(running.base_url + path, json.dumps(body).encode(), headers), timeout=20
        ) as reply:
            first = reply.readline()
            HEARD.set()
            return f"{reply.status} {reply.headers}{(first + reply.read()).decode()}"
    except urllib.error.HTTPError as error:
        with error:
            return f"{error.code} {error.headers}{error.read().decode()}"


def bad_files(good):
    """Files that cannot be used, for a reason that stands beside a secret."""
    first = next(iter(good["variants"]))

    def with_variant(**changes):
        return yaml.safe_dump({**good, "variants": {**good["variants"], first: {**good["variants"][first], **changes}}})

    return {
        "a mapping where the key should be": with_variant(key={"value": PROVIDER_KEY}),
        "a list where the key should be": with_variant(key=[PROVIDER_KEY]),
        "a misspelt name": with_variant(keyy=PROVIDER_KEY),
        "a key no header can carry": with_variant(key=PROVIDER_KEY + "é"),
        "a key with a quote left open": f'variants:\n  m:\n    key: "{PROVIDER_KEY}\n',
        "a key that is a tag": f"variants:\n  m:\n    key: !{PROVIDER_KEY} x\n",
        "a key said twice": f"variants:\n  m:\n    key: {PROVIDER_KEY}\n    key: {PROVIDER_KEY}\n",
        "an admin key of the wrong kind": yaml.safe_dump({**good, "gateway": {"admin": {"key": [ADMIN_KEY]}}}),
        "a tenant's key in the open": yaml.safe_dump({**good, "gateway": {"tenants": {"acme": {"keys": [TENANT_KEY]}}}}),
        "a collector's headers as a list": yaml.safe_dump(
            {**good, "gateway": {"otel": {"endpoint": "http://127.0.0.1:9", "headers": [COLLECTOR_KEY]}}}
        ),
    }


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """A gateway's life in which everything went wrong: what clients got, and what was written or told."""
    folder = tmp_path_factory.mktemp("life")
    got, refusals = {}, {}
    with said_server(say) as url, collector() as receiver:
        given = config(url, receiver)
        with serving(folder, given) as running:
            count = 0
            for way in WAYS:
                for dialect in DIALECTS:
                    for protocol in DIALECTS:
                        for stream in (False, True) if way not in ("broken", "torn") else (True,):
                            got[way, protocol, dialect, stream] = ask(running, protocol, f"{way}-{dialect}", stream=stream)
                            count += 1
            for protocol in DIALECTS:
                for key, in_query in ((WRONG_KEY, False), (WRONG_KEY, True), (TENANT_KEY, True)):
                    got["key", protocol, key, in_query] = ask(
                        running, protocol, "refused-gemini", stream=False, key=key, in_query=in_query and protocol == "gemini"
                    )
                    count += 1
            until(lambda: len(running.rows("decision")) == count, "all records in the ledger")
            for what, text in bad_files(given).items():
                (folder / "pointsman.yaml").write_text(text)
                refusals[what] = running.admin("/reload", method="POST", key=ADMIN_KEY)
                running.process.send_signal(signal.SIGHUP)
                heard = len(refusals)
                until(lambda: running.said().count("not reloaded") == heard, "the signal's answer")  # noqa: B023  # at once
            told = [running.admin(path, key=ADMIN_KEY) for path in ("/metrics", "/health", "/snapshot", "/ready")]
            told.append(running.admin("/health", key=WRONG_KEY))
            assert running.stop() == 0
            said = running.said(after_end=True)
            out = running.process.stdout.read()
    (folder / "pointsman.yaml").unlink()
    kept = {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    return got, refusals, {**kept, "stderr": said.encode(), "stdout": out.encode(), "admin": repr(told).encode()}, receiver


def test_the_life_was_as_bad_as_it_should_be(lived):
    """Otherwise it would show nothing: the streams had begun when they broke, and the rest was refused."""
    got, refusals, kept, receiver = lived
    broken = [answer for (way, *_), answer in got.items() if way in ("broken", "torn")]
    assert len(broken) == 2 * 4 * 4
    assert all(answer.startswith("200") and "so far" in answer and "•••" in answer for answer in broken)
    others = [answer for (way, *_), answer in got.items() if way not in ("broken", "torn")]
    assert all(answer[0] in "45" for answer in others)
    assert sum("•••" in answer for answer in others) > 64, "providers quoted the key"
    assert {status for status, _ in refusals.values()} == {409}
    assert {"access.jsonl", ".pointsman/ledger.sqlite"} <= set(kept)
    assert receiver.spans


@pytest.mark.parametrize("secret", NEVER_TOLD)
def test_no_reply_holds_a_secret_of_ours(lived, secret):
    got, refusals, _, _ = lived
    assert [case for case, answer in got.items() if secret in answer] == []
    assert [what for what, answer in refusals.items() if secret in repr(answer)] == []


@pytest.mark.parametrize("secret", NEVER_KEPT)
def test_nothing_written_or_told_holds_a_secret(lived, secret):
    _, _, kept, receiver = lived
    assert [where for where, data in kept.items() if secret.encode() in data] == []
    assert secret.encode() not in receiver.raw
