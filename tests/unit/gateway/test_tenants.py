"""Nothing of one tenant reaches another, and the key of a provider reaches nobody."""

import contextlib
import hashlib
import http.client
import json
import re
import threading

import msgspec
import pytest

from support.gateway import gateway, variant
from support.said_server import Said, said_server

TENANTS = ("anna", "bert", "carl")
KEYS = {name: f"pk-{name}-0123456789" for name in TENANTS}
SECRETS = {name: f"sk-upstream-of-{name}-9876543210" for name in TENANTS}
MARK = re.compile(rb"mark-(anna|bert|carl)-(\d+)")
ROUNDS = 60


def say(path, headers, body):
    """Says back the mark it was asked with; fails in ways that quote the key it was given, and the request."""
    found = MARK.search(body)
    assert found is not None
    mark, number = found[0].decode(), int(found[2])
    key = headers.get("authorization") or headers.get("x-api-key")
    own = {"x-request-id": f"req-{mark}", "x-ratelimit-remaining-requests": str(number)}
    if number % 5 == 1:
        message = f"the key {key} may not say {mark}; see https://{headers['host']}/keys"
        status = (401, 400, 429, 500)[number // 5 % 4]
        return Said(status, "application/json", [json.dumps({"error": {"message": message, "code": key}}).encode()], own)
    if path.endswith("/chat/completions"):
        chunk = {"id": mark, "model": mark, "choices": [{"index": 0, "delta": {"content": mark}, "finish_reason": None}]}
        if b'"stream":true' in body.replace(b" ", b""):
            end = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
            pieces = [b"data: " + json.dumps(c).encode() + b"\n\n" for c in (chunk, chunk, end)]
            return Said(200, "text/event-stream", [*pieces, b"data: [DONE]\n\n"], own, cut=number % 5 == 2)
        whole = {
            "id": mark,
            "model": mark,
            "choices": [{"message": {"role": "assistant", "content": mark}, "finish_reason": "stop"}],
        }
        return Said(200, "application/json", [json.dumps(whole).encode()], own)
    content = [{"type": "text", "text": mark}]
    whole = {"id": mark, "type": "message", "role": "assistant", "model": mark, "content": content, "stop_reason": "end_turn"}
    return Said(200, "application/json", [json.dumps({**whole, "usage": {"input_tokens": 1, "output_tokens": 1}}).encode()], own)


def config(url):
    chat = {n: {**variant(url), "key": SECRETS[n], "price": {"input": "1", "output": "1"}} for n in TENANTS}
    messages = {f"{n}-m": {**variant(url, "anthropic_messages"), "key": SECRETS[n]} for n in TENANTS}
    shared = {"policy": {"weighted": {"weights": dict.fromkeys(TENANTS, 1)}}, "retries": 0}
    routes = {n: {"variant": n, "retries": 0} for n in chat} | {n: {"variant": n, "retries": 0} for n in messages}
    hashed = {n: "sha256:" + hashlib.sha256(KEYS[n].encode()).hexdigest() for n in TENANTS}
    return {
        "variants": chat | messages,
        "routes": {**routes, "shared": shared, "by-key": {**shared, "sticky": "key"}, "by-user": {**shared, "sticky": "user"}},
        "gateway": {
            "tenants": {n: {"keys": [hashed[n]], "routes": [n, f"{n}-m", "shared", "by-key", "by-user"]} for n in TENANTS}
        },
    }


class Heard:
    """What one tenant was told, one answer after the other."""

    def __init__(self):
        self.answers = []
        self.decisions = []
        self.problems = []


def converse(running, tenants, heard, start):
    """Requests of several tenants by turns over one connection, some given up half way."""
    connection = http.client.HTTPConnection(running.base_url.removeprefix("http://"), timeout=20)
    for turn in range(ROUNDS):
        number, tenant = start + turn, tenants[turn % len(tenants)]
        mark = f"mark-{tenant}-{number}"
        ask = {"model": tenant, "messages": [{"role": "user", "content": mark}], "user": mark, "max_tokens": 9}
        path = "/v1/messages" if number % 3 == 0 else "/v1/chat/completions"
        ask["model"] += "-m" if number % 4 == 0 else ""
        ask["stream"] = number % 2 == 0
        if path == "/v1/messages":
            del ask["user"]
        headers = {"authorization": f"Bearer {KEYS[tenant]}", "x-pointsman-conversation": mark}
        try:
            connection.request("POST", path, json.dumps(ask), headers)
            response = connection.getresponse()
            if number % 11 == 0:
                connection.close()  # gives up
            else:
                with contextlib.suppress(http.client.IncompleteRead):
                    heard[tenant].answers.append((mark.encode(), str(response.headers).encode() + response.read()))
                heard[tenant].decisions.append(response.headers["x-pointsman-decision"])
        except (OSError, http.client.HTTPException) as error:
            heard[tenant].problems.append((mark, repr(error)))
            connection.close()
    connection.close()


@pytest.fixture(scope="module")
def served():
    with said_server(say) as url, gateway(config(url)) as running:
        yield running


def ask(running, tenant, path, document=None, **headers):
    connection = http.client.HTTPConnection(running.base_url.removeprefix("http://"), timeout=20)
    body = None if document is None else json.dumps(document)
    connection.request("POST" if body else "GET", path, body, {"authorization": f"Bearer {KEYS[tenant]}", **headers})
    response = connection.getresponse()
    said = response.read()
    connection.close()
    return response, said


def test_tenants_that_share_connections_hear_nothing_of_each_other(served, capfd):
    """Answers, headers, records and what is printed carry the marks of one tenant only, and no provider's key."""
    heard = {name: Heard() for name in TENANTS}
    threads = [
        threading.Thread(target=converse, args=(served, TENANTS[i:] + TENANTS[:i], heard, 10_000 + i * 1_000)) for i in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    records = {r.decision: r for r in served.wait_for(3 * ROUNDS)}
    everything = b""
    for name, told in heard.items():
        assert told.problems == []
        assert len(told.answers) > ROUNDS / 2
        for mark, said in told.answers:
            assert {m[0] for m in MARK.finditer(said)} <= {mark}, (mark, said)
            everything += said
        for decision in told.decisions:
            assert records[decision].tenant == name
            row = msgspec.json.encode(records[decision])
            assert {m[1] for m in MARK.finditer(row)} <= {name.encode()}
    assert sum(1 for _, said in heard["anna"].answers if MARK.search(said)) > ROUNDS / 4
    printed = "".join(capfd.readouterr())
    everything += msgspec.json.encode(list(records.values())) + printed.encode()
    for secret in (*SECRETS.values(), *KEYS.values()):
        assert secret.encode() not in everything
    assert "mark-" not in printed
    assert served.app.faults == 0


def test_each_tenant_sees_its_own_models_only(served):
    """In every client's list, and in what is said of a model that is not there."""
    for name in TENANTS:
        others = [n for n in TENANTS if n != name]
        for path, headers in (("/v1/models", {}), ("/v1/models", {"anthropic-version": "2023-06-01"}), ("/v1beta/models", {})):
            response, said = ask(served, name, path, **headers)
            assert response.status == 200
            assert name.encode() in said
            assert not [n for n in others if n.encode() in said]
        for wrong in (others[0], others[0] + "x"):
            response, said = ask(served, name, "/v1/chat/completions", {"model": wrong, "messages": []})
            assert response.status == 404
            assert b"did you mean" not in said or others[0].encode() not in said.partition(b"did you mean")[2]


@pytest.mark.parametrize("route", ["shared", "by-key", "by-user"])
def test_the_same_words_of_two_tenants_are_two_units(served, route):
    """Else one tenant could find out, or steer, which variant another one gets."""
    units = {}
    for tenant in TENANTS:
        document = {"model": route, "messages": [{"role": "user", "content": "mark-anna-5"}], "user": "u"}
        response, _ = ask(served, tenant, "/v1/chat/completions", document, **{"x-pointsman-conversation": "c"})
        decision = response.headers["x-pointsman-decision"]
        [record] = [r for r in served.served() if r.decision == decision] or [
            r for r in served.wait_for(len(served.seen) + 1) if r.decision == decision
        ]
        units[tenant] = record.unit
    assert None not in units.values()
    assert len(set(units.values())) == 3


def test_a_fault_of_our_own_prints_no_words_of_anybody(served, capfd, monkeypatch):
    """Where it happened is enough; its message may quote a request or a key."""
    from pointsman.gateway import asgi

    def fail(*_):
        raise RuntimeError(f"{SECRETS['anna']} mark-anna-1")

    with monkeypatch.context() as patched:
        patched.setattr(asgi, "read_asked", fail)
        response, said = ask(served, "anna", "/v1/chat/completions", {"model": "anna", "messages": []})
    assert response.status >= 500
    printed = "".join(capfd.readouterr())
    assert "RuntimeError" in printed
    assert "read_asked" in printed
    for text in (printed, said.decode()):
        assert SECRETS["anna"] not in text
        assert text.count("mark-anna-1") == text.count('mark-anna-1")')  # its line of source, which is shown, is the test's own
    served.app.faults = 0
