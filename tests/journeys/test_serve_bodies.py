"""Bodies are kept only where somebody asked for it, then for a sample, redacted, and for a while."""

import contextlib
import json
import stat
import urllib.request

import pytest

from pointsman.routing.assign import sticky_u
from pointsman.store.bodies import read_bodies
from support.gateway import variant
from support.said_server import Said, said_server
from support.serving import serving, until, with_admin

PROMPT = "the colour of my front door"
SECRETS = ("joe@example.com", "4111 1111 1111 1111", "sk-proj-abcdefghijklmnopqrst", "DE89 3704 0044 0532 0130 00", "KD-2231-77")
ASKED = f"{PROMPT}: {', '.join(SECRETS)}"
ANSWER = f"It is green, {', '.join(SECRETS)}."


def say(_path, _headers, body):
    """The answer to everything; streamed, each word is torn in two."""
    if not json.loads(body).get("stream"):
        message = {"role": "assistant", "content": ANSWER}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        usage = {"prompt_tokens": 9, "completion_tokens": 9}
        reply = {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice], "usage": usage}
        return Said(200, "application/json", [json.dumps(reply).encode()])
    pieces = [ANSWER[n : n + 3] for n in range(0, len(ANSWER), 3)]
    deltas = [{"index": 0, "delta": {"content": piece}, "finish_reason": None} for piece in pieces]
    deltas.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [f"data: {json.dumps({'id': 'x', 'model': 'm', 'choices': [delta]})}\n\n".encode() for delta in deltas]
    usage = {"prompt_tokens": 9, "completion_tokens": 9}  # with it, no other request's stream is read as a whole
    events.append(f"data: {json.dumps({'id': 'x', 'model': 'm', 'choices': [], 'usage': usage})}\n\n".encode())
    return Said(200, "text/event-stream", [*events, b"data: [DONE]\n\n"])


def ask(running, path="/v1/chat/completions", **more):
    """The decision's id."""
    body = json.dumps({"model": "m", "max_tokens": 50, "messages": [{"role": "user", "content": ASKED}], **more}).encode()
    with urllib.request.urlopen(urllib.request.Request(running.base_url + path, data=body), timeout=20) as reply:
        assert reply.read()
        return reply.headers["x-pointsman-decision"]


@pytest.fixture
def config():
    with said_server(say) as url:
        yield lambda **store: with_admin({"variants": {"m": variant(url)}, "store": store}, access_log="access.jsonl", tenants={})


def test_without_being_asked_nothing_anybody_said_is_kept(tmp_path, config):
    with serving(tmp_path, config()) as running:
        for more in ({}, {"stream": True}):
            ask(running, **more)
        until(lambda: len(running.rows("decision")) == 2, "two records")
        assert running.stop() == 0
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.name != "pointsman.yaml"]
    assert (tmp_path / ".pointsman" / "ledger.sqlite") in kept
    assert not [path for path in kept if "bodies" in path.name]
    for path in kept:
        for words in (PROMPT, "It is green", *SECRETS):
            assert words.encode() not in path.read_bytes(), path


def test_what_is_kept_is_redacted_in_every_protocol_streamed_or_not(tmp_path, config):
    """No secret is in any file, though a stream's events tear each of them in pieces."""
    given = config(bodies={"sample": 1.0, "patterns": [r"KD-\d{4}-\d\d"]})
    path = tmp_path / ".pointsman" / "bodies.sqlite"
    with serving(tmp_path, given) as running:
        asked = [
            ask(running, where, stream=stream) for where in ("/v1/chat/completions", "/v1/messages") for stream in (False, True)
        ]
        rows = until(lambda: len(found := list(read_bodies(path))) == 4 and found, "four rows")
        assert running.metric("pointsman_kept_bodies_total") == 4
        assert running.metric("pointsman_dropped_bodies_total") == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        files = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        assert running.stop() == 0
    assert {row.decision for row in rows} == set(asked)
    hidden = "‹email›, ‹card›, ‹key›, ‹iban›, ‹pattern›"
    for row in rows:
        assert (row.route, row.variant, row.tenant, row.cut) == ("m", "m", "anybody", False)
        assert json.loads(row.request)["messages"][0]["content"] == f"{PROMPT}: {hidden}"
        (choice,) = json.loads(row.answer)["choices"]
        assert [part["text"] for part in choice["parts"]] == [f"It is green, {hidden}."]
    for secret in SECRETS:
        assert secret.encode() not in files, secret


def test_half_of_the_requests_are_drawn_by_their_ids_and_old_ones_are_deleted(tmp_path, config):
    """Anybody can tell afterwards who was drawn; a gateway that starts again deletes what has grown old."""
    path = tmp_path / ".pointsman" / "bodies.sqlite"
    with serving(tmp_path, config(bodies={"sample": 0.5})) as running:
        asked = [ask(running) for _ in range(60)]
        assert running.stop() == 0
    drawn = {decision for decision in asked if sticky_u("bodies", decision) < 0.5}
    assert {row.decision for row in read_bodies(path)} == drawn
    assert 10 <= len(drawn) <= 50
    with serving(tmp_path, config(bodies={"sample": 0.5, "retention_days": 1e-6})) as running:
        until(lambda: not list(read_bodies(path)), "nothing left")
        assert len(running.rows("decision")) == 60
        assert running.stop() == 0
    assert PROMPT.encode() not in path.read_bytes()


def test_only_the_named_routes_are_drawn_and_a_bad_pattern_is_refused_at_a_reload(tmp_path, config):
    given = config(bodies={"sample": 1.0, "routes": ["kept"]})
    given["routes"] = {"kept": {"variant": "m"}, "m": {"variant": "m"}}
    with serving(tmp_path, given) as running:
        ask(running)
        kept = ask(running, model="kept")
        given["store"]["bodies"]["patterns"] = ["(a+)+"]
        running.write(given)
        status, said = running.admin("/reload", method="POST")
        assert status >= 400
        assert "store.bodies.patterns[0]" in json.dumps(said)
        assert running.health()["snapshot"] == running.snapshot
        assert running.stop() == 0
    assert [row.decision for row in read_bodies(tmp_path / ".pointsman" / "bodies.sqlite")] == [kept]


@pytest.mark.parametrize("bodies", [{"patterns": ["("]}, {"routes": ["nowhere"]}, {"redact": ["emails"]}, {"sample": 0}])
def test_what_cannot_be_meant_is_refused_before_anybody_is_served(tmp_path, config, bodies):
    with contextlib.ExitStack() as opened, pytest.raises(AssertionError, match=r"store\.bodies"):
        opened.enter_context(serving(tmp_path, config(bodies=bodies)))
