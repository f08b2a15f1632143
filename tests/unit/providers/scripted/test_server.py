"""The scripted server on a real socket: every fault, and a ledger that is exact."""

import http.client
import json
import socket
import time
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from pointsman.providers.scripted.faults import FAULTS
from support.scripted_server import scripted_server

PRICE = {"input_usd_per_million": "0.15", "output_usd_per_million": "0.60"}
QUESTION = "What is the capital of France?"  # 30 characters: 8 tokens
INPUT_TOKENS = 8
OUTPUT_TOKENS = 40
SCRIPT = {"output_tokens": OUTPUT_TOKENS, "price": PRICE, "keys": {"sk-limited": {"requests_per_minute": 2}}}
SCRIPTS = {
    "default": SCRIPT,
    "paced": {"latency": {"ttft_s": 0.05, "tokens_per_s": 100}, "output_tokens": 20},
    "slow": {"latency": 30},
    "flaky": {"error": {"rate_limit": 0.3, "transient": 0.2}},
    "failing": {"faults": {"500": 0.25, "429;retry_after=7": 0.25}},
    "caching": {"cache_min_tokens": 5, "price": {**PRICE, "cache_read_usd_per_million": "0.075"}},
    "late": {"timeout": 1.0, "timeout_after_s": 0.05},
}


@pytest.fixture(scope="module")
def running():
    """One server for the module."""
    with scripted_server(scripts=SCRIPTS, seed=5) as server:
        yield server


@pytest.fixture
def server(running):
    """The server with an empty ledger."""
    running.post("/_scripted/reset")
    return running


def body_of(model="m", stream=False, **more):
    """A chat request."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": QUESTION}], "stream": stream, **more}).encode()


def open_request(server, body, *, fault=None, key="sk-a", headers=(), timeout=5):
    """Send a request; returns the connection."""
    connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=timeout)
    sent = {"authorization": f"Bearer {key}", "content-type": "application/json", **dict(headers)}
    if fault:
        sent["x-scripted-fault"] = fault
    connection.request("POST", "/v1/chat/completions", body, sent)
    return connection


def ask(server, body, **more):
    """Status, headers and whole body."""
    connection = open_request(server, body, **more)
    try:
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def chunks(data):
    """Decoded events of an OpenAI stream, without `[DONE]`."""
    return [json.loads(line[6:]) for line in data.decode().splitlines() if line.startswith("data: {")]


def text_of(events):
    """All visible text of a stream."""
    return "".join(c["delta"].get("content") or "" for e in events for c in e["choices"])


def wait_for(condition):
    """Until it holds, five seconds at most."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def row(server, **wanted):
    """The one ledger row with these values."""

    def rows():
        return [r for r in server.ledger()["rows"] if all(r[k] == v for k, v in wanted.items())]

    wait_for(rows)
    (found,) = rows()
    return found


def usd(input_tokens, output_tokens):
    """What the default price says."""
    return (Decimal("0.15") * input_tokens + Decimal("0.60") * output_tokens) / 1_000_000


ERRORS = {
    "400": 400, "401": 401, "403": 403, "404": 404, "429": 429, "500": 500, "502-html": 502, "503": 503, "529": 529,
    "quota": 429, "content_filter": 400, "context_too_long": 400,
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ERRORS)
def test_an_error_fault_is_an_error_response_that_costs_nothing(server, fault, stream):
    """Streamed or not, and with the protocol's own error object unless it is a proxy's page."""
    status, headers, data = ask(server, body_of(stream=stream), fault=fault)
    assert status == ERRORS[fault]
    if fault == "502-html":
        assert headers["content-type"].startswith("text/html")
    else:
        assert json.loads(data)["error"]["message"].startswith("scripted: ")
    booked = row(server, why=fault)
    assert (booked["ended"], booked["requests"], booked["input_tokens"], booked["usd"]) == ("error", 1, 0, "0")
    assert server.get("/_scripted/log")["requests"][0]["status"] == status


def test_quota_and_rate_limit_share_a_status_and_differ_in_code(server):
    """The trap for whoever retries every 429."""
    assert json.loads(ask(server, body_of(), fault="quota")[2])["error"]["code"] == "insufficient_quota"
    assert json.loads(ask(server, body_of(), fault="429")[2])["error"]["code"] != "insufficient_quota"


def test_retry_after_is_told_in_every_form(server):
    """Seconds, milliseconds, a date, or not at all."""
    seconds = ask(server, body_of(), fault="429;retry_after=7")[1]
    millis = ask(server, body_of(), fault="429;retry_after=1.5;as=ms")[1]
    date = ask(server, body_of(), fault="503;retry_after=100;as=date")[1]
    silent = ask(server, body_of(), fault="429;as=none")[1]
    assert seconds["retry-after"] == "7"
    assert (millis["retry-after-ms"], "retry-after" in millis) == ("1500", False)
    assert 90 <= parsedate_to_datetime(date["retry-after"]).timestamp() - time.time() <= 101
    assert not [name for name in silent if name.startswith("retry-after")]


@pytest.mark.parametrize("stream", [False, True])
def test_a_reset_comes_before_the_first_byte(server, stream):
    """As a connection error, not as an end of file."""
    with pytest.raises(ConnectionResetError):
        ask(server, body_of(stream=stream), fault="reset")
    assert row(server, why="reset")["usd"] == "0"


def test_html_with_status_200_looks_like_success(server):
    """A captive portal, a wrong base URL."""
    status, headers, data = ask(server, body_of(), fault="html")
    assert (status, headers["content-type"].split(";")[0], data[:9]) == (200, "text/html", b"<!DOCTYPE")


def read_until_broken(response):
    """What arrives before the connection breaks, and how it broke."""
    received = b""
    try:
        while piece := response.read1(65536):
            received += piece
    except (ConnectionResetError, http.client.IncompleteRead) as error:
        return received, error
    return received, None


def test_a_cut_breaks_the_stream_after_its_token(server):
    """By a reset; exactly the tokens that were sent are billed."""
    connection = open_request(server, body_of(stream=True), fault="cut;after=12")
    received, error = read_until_broken(connection.getresponse())
    connection.close()
    assert isinstance(error, ConnectionResetError)
    assert len(text_of(chunks(received))) == 12 * 4
    booked = row(server, why="cut")
    assert (booked["ended"], booked["input_tokens"], booked["output_tokens"]) == ("cut", INPUT_TOKENS, 12)
    assert Decimal(booked["usd"]) == usd(INPUT_TOKENS, 12)


def test_a_clean_cut_ends_without_finish(server):
    """The trap: the connection closes as if all were well."""
    _, _, data = ask(server, body_of(stream=True), fault="cut-clean;after=12")
    events = chunks(data)
    assert len(text_of(events)) == 48
    assert all(c["finish_reason"] is None for e in events for c in e["choices"])
    assert b"[DONE]" not in data
    assert row(server, why="cut-clean")["ended"] == "cut"


def test_a_whole_answer_is_cut_as_well(server):
    """Half a body, then a reset, or an end that looks clean."""
    connection = open_request(server, body_of(), fault="cut")
    received, error = read_until_broken(connection.getresponse())
    connection.close()
    assert isinstance(error, ConnectionResetError)
    assert received.startswith(b"{")
    status, _, data = ask(server, body_of(), fault="cut-clean")
    with pytest.raises(json.JSONDecodeError):
        json.loads(data)
    assert status == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_stall_is_silence_in_the_middle(server, stream):
    """Without an end in sight; when the client gives up, it pays for what came."""
    connection = open_request(server, body_of(stream=stream), fault="stall;after=3", timeout=0.4)
    response = connection.getresponse()
    with pytest.raises(TimeoutError):
        response.read()
    response.close()
    connection.close()
    booked = row(server, why="stall")
    assert (booked["ended"], booked["output_tokens"]) == ("client_gone", 3 if stream else OUTPUT_TOKENS)


def test_a_short_stall_passes(server):
    """The rest of the answer comes after it."""
    begin = time.monotonic()
    _, _, data = ask(server, body_of(stream=True), fault="stall;after=3;for_s=0.1")
    assert time.monotonic() - begin >= 0.1
    assert len(text_of(chunks(data))) >= OUTPUT_TOKENS * 4 - 4
    assert row(server, why="stall")["ended"] == "ok"


@pytest.mark.parametrize("stream", [False, True])
def test_a_hang_sends_nothing_and_bills_the_input(server, stream):
    """Not even headers."""
    connection = open_request(server, body_of(stream=stream), fault="hang", timeout=0.4)
    with pytest.raises(TimeoutError):
        connection.getresponse()
    connection.close()
    booked = row(server, why="hang")
    assert (booked["ended"], booked["bytes_sent"], booked["output_tokens"]) == ("client_gone", 0, 0)
    assert Decimal(booked["usd"]) == usd(INPUT_TOKENS, 0)


def test_a_late_answer_has_headers_but_no_token(server):
    """What only a first-token limit notices."""
    connection = open_request(server, body_of(stream=True), fault="late", timeout=0.4)
    response = connection.getresponse()
    assert response.status == 200
    with pytest.raises(TimeoutError):
        response.read(1)
    response.close()
    connection.close()
    assert row(server, why="late")["output_tokens"] == 0


def test_a_slow_drip_takes_its_time(server):
    """Token by token."""
    begin = time.monotonic()
    ask(server, body_of(stream=True, max_tokens=10), fault="slow;per_token_s=0.02")
    assert time.monotonic() - begin >= 0.17


def test_a_malformed_chunk_comes_amid_good_ones(server):
    """Everything else of the stream is whole."""
    _, _, data = ask(server, body_of(stream=True), fault="malformed;after=2")
    lines = [line[6:] for line in data.decode().splitlines() if line.startswith("data: ") and line != "data: [DONE]"]
    broken = [i for i, line in enumerate(lines) if not line.endswith("}")]
    assert len(broken) == 1
    good = [json.loads(line) for i, line in enumerate(lines) if i not in broken]
    assert len(text_of(good)) >= OUTPUT_TOKENS * 4 - 4
    with pytest.raises(json.JSONDecodeError):
        json.loads(ask(server, body_of(), fault="malformed")[2])


def test_an_error_in_the_stream_follows_good_tokens(server):
    """Nothing after it looks like success."""
    _, _, data = ask(server, body_of(stream=True), fault="error-in-stream;after=4")
    assert b'"error"' in data
    assert b"[DONE]" not in data
    assert b'"finish_reason":"stop"' not in data
    booked = row(server, why="error-in-stream")
    assert (booked["ended"], booked["output_tokens"]) == ("error", 4)
    assert ask(server, body_of(), fault="error-in-stream")[0] == 500


def test_a_stream_without_done_is_whole_but_for_it(server):
    """Some servers forget it."""
    _, _, data = ask(server, body_of(stream=True), fault="no-done")
    assert b"[DONE]" not in data
    assert chunks(data)[-1]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize(
    "fault, finish, tokens",
    [
        ("truncation", "length", OUTPUT_TOKENS // 2),
        ("content_filter;as=finish", "content_filter", OUTPUT_TOKENS // 2),
        ("empty", "stop", 0),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_faults_of_the_answer_itself(server, fault, finish, tokens, stream):
    """They change what is said and why it ends, and the bill follows."""
    _, _, data = ask(server, body_of(stream=stream), fault=fault)
    events = chunks(data) if stream else [json.loads(data)]
    assert [c["finish_reason"] for e in events for c in e["choices"] if c["finish_reason"]] == [finish]
    assert row(server, ended="ok")["output_tokens"] == tokens


def test_a_refusal_is_marked(server):
    """In the protocol's own field."""
    message = json.loads(ask(server, body_of(), fault="refusal")[2])["choices"][0]["message"]
    assert message["refusal"]


def test_no_usage_hides_what_the_ledger_counts(server):
    """The provider bills all the same."""
    reply = json.loads(ask(server, body_of(), fault="no-usage")[2])
    assert not reply.get("usage")
    assert Decimal(row(server, why="no-usage")["usd"]) == usd(INPUT_TOKENS, OUTPUT_TOKENS)


def test_prefill_is_refused_where_it_is_one(server):
    """A conversation that ends with the assistant."""
    prefilled = json.dumps(
        {"model": "m", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    ).encode()
    assert ask(server, prefilled, fault="no-prefill")[0] == 400
    assert ask(server, body_of(), fault="no-prefill")[0] == 200


def test_every_fault_is_played_somewhere_in_this_module():
    """So a new one cannot come without its test."""
    text = Path(__file__).read_text(encoding="utf-8")
    assert [name for name in FAULTS if f'"{name}' not in text] == []


def test_a_fault_can_stand_in_the_model_name(server):
    """Where a client lets nothing else through; the ledger knows the model by its name alone."""
    assert ask(server, body_of("gpt+429;retry_after=3"))[1]["retry-after"] == "3"
    assert ask(server, body_of("c4+ai"))[0] == 200
    assert set(server.ledger()["models"]) == {"gpt", "c4+ai"}


def test_an_armed_fault_strikes_the_next_requests_only(server):
    """As often as it was told, and only the model or key it was told."""
    server.arm("500", count=2)
    assert [ask(server, body_of())[0] for _ in range(3)] == [500, 500, 200]
    server.arm("503", model="b")
    server.arm("401", key="sk-b")
    assert ask(server, body_of())[0] == 200
    assert ask(server, body_of(), key="sk-b")[0] == 401
    assert ask(server, body_of("b"))[0] == 503
    assert server.get("/_scripted/faults")["armed"] == []


def test_a_fault_nobody_knows_is_refused_with_the_nearest(server):
    """In the header, and when it is armed."""
    status, _, data = ask(server, body_of(), fault="stal")
    assert (status, "did you mean 'stall'?" in json.loads(data)["error"]["message"]) == (400, True)
    with pytest.raises(Exception, match="400"):
        server.arm("stal")


def test_scripted_shares_of_errors_and_faults_strike_and_retries_get_through(server):
    """Each try has its own fate, so asking again helps."""
    for model, statuses in (("flaky", {200, 429, 500, 503}), ("failing", {200, 429, 500})):
        seen = [ask(server, body_of(model))[0] for _ in range(60)]
        assert set(seen) <= statuses
        assert 15 <= sum(s == 200 for s in seen) <= 45
    retry = [r for r in (ask(server, body_of("failing")) for _ in range(30)) if r[0] == 429]
    assert {headers["retry-after"] for _, headers, _ in retry} == {"7"}


def test_a_scripted_timeout_ends_as_one(server):
    """With 504 for a client more patient than the script."""
    assert ask(server, body_of("late"))[0] == 504
    assert row(server, model="late")["why"] == "timeout"


def test_a_key_runs_into_its_own_limit(server):
    """And is told when to come back; other keys go on."""
    assert [ask(server, body_of(), key="sk-limited")[0] for _ in range(3)] == [200, 200, 429]
    status, headers, _ = ask(server, body_of(), key="sk-limited")
    assert (status, 1 <= int(headers["retry-after"]) <= 30) == (429, True)
    assert ask(server, body_of())[0] == 200


def test_streaming_keeps_the_pace(server):
    """First token after its time, the rest at the scripted speed."""
    begin = time.monotonic()
    connection = open_request(server, body_of("paced", stream=True))
    response = connection.getresponse()
    response.read1(10)
    first = time.monotonic() - begin
    response.read()
    whole = time.monotonic() - begin
    connection.close()
    assert first >= 0.045
    assert whole >= 0.23
    begin = time.monotonic()
    ask(server, body_of("paced"))
    assert time.monotonic() - begin >= 0.24


def test_a_client_that_leaves_is_noticed_and_billed_for_what_it_got(server):
    """While it waits for the first token, and in the middle of a stream."""
    for body in (body_of("slow"), body_of("slow", stream=True)):
        connection = open_request(server, body)
        wait_for(lambda: server.ledger()["in_flight"] == 1)
        connection.close()
        wait_for(lambda: server.ledger()["in_flight"] == 0)
    booked = row(server, model="slow", ended="client_gone")
    assert (booked["requests"], booked["bytes_sent"], booked["input_tokens"]) == (2, 0, 2 * INPUT_TOKENS)
    connection = open_request(server, body_of(stream=True), fault="slow;per_token_s=0.01")
    response = connection.getresponse()
    response.read1(10)
    connection.sock and connection.sock.shutdown(socket.SHUT_RDWR)
    response.close()
    connection.close()
    assert 0 < row(server, why="slow", ended="client_gone")["output_tokens"] < OUTPUT_TOKENS


def test_the_ledger_adds_up_to_what_the_replies_said(server):
    """Tokens and dollars of many requests, streamed or not, by model, key and ending."""
    told_in = told_out = 0
    for i in range(30):
        stream = bool(i % 2)
        more = {"stream_options": {"include_usage": True}} if stream else {}
        _, _, data = ask(server, body_of(f"m{i % 3}", stream=stream, max_tokens=5 + i, **more), key=f"sk-{i % 2}")
        usage = chunks(data)[-1]["usage"] if stream else json.loads(data)["usage"]
        told_in, told_out = told_in + usage["prompt_tokens"], told_out + usage["completion_tokens"]
    ledger = server.ledger()
    assert (ledger["requests"], ledger["input_tokens"], ledger["output_tokens"]) == (30, told_in, told_out)
    assert Decimal(ledger["usd"]) == usd(told_in, told_out)
    for grouping in ("models", "keys", "ended"):
        assert sum(group["output_tokens"] for group in ledger[grouping].values()) == told_out
    assert len(ledger["keys"]) == 2
    assert ledger["in_flight"] == 0


def test_an_unpriced_model_has_no_dollars(server):
    """Unknown is not zero, also in the sum."""
    ask(server, body_of("paced"))
    ask(server, body_of())
    ledger = server.ledger()
    assert ledger["models"]["paced"]["usd"] is None
    assert ledger["usd"] is None
    assert ledger["models"]["m"]["usd"] == f"{usd(INPUT_TOKENS, OUTPUT_TOKENS):f}".rstrip("0")


def test_repeated_prefixes_are_read_from_the_cache(server):
    """A conversation that goes on pays less for what was said before."""
    first = [{"role": "user", "content": "x" * 400}]
    second = [*first, {"role": "assistant", "content": "ok"}, {"role": "user", "content": "y" * 40}]
    made = [
        json.loads(ask(server, json.dumps({"model": "caching", "messages": m}).encode())[2])["usage"] for m in (first, second)
    ]
    assert [(u["prompt_tokens"], u["prompt_tokens_details"]["cached_tokens"]) for u in made] == [(100, 0), (111, 100)]
    ledger = server.ledger()
    assert (ledger["input_tokens"], ledger["cache_read_tokens"]) == (111, 100)


def test_keys_are_nowhere_in_what_the_server_tells(server):
    """Neither in the ledger nor in the log."""
    ask(server, body_of(), key="sk-very-secret")
    told = json.dumps([server.ledger(), server.get("/_scripted/log")])
    assert "very-secret" not in told
    assert server.get("/_scripted/log")["requests"][0]["key"] is not None


def test_the_same_question_gets_the_same_answer_at_temperature_zero_and_another_otherwise(server):
    """Repeats of one prompt are samples unless sampling is off."""

    def say(**more):
        return json.loads(ask(server, body_of(**more))[2])["choices"][0]["message"]["content"]

    assert say(temperature=0) == say(temperature=0)
    assert say(temperature=1) != say(temperature=1)
    assert say(temperature=0) == text_of(chunks(ask(server, body_of(stream=True, temperature=0))[2]))


def test_known_questions_get_their_answer_with_the_models_quality(tmp_path):
    """The same cases are right over HTTP as in process."""
    from pointsman.providers.scripted.behaviour import behave
    from pointsman.providers.scripted.script import Script

    file = tmp_path / "answers.jsonl"
    rows = [{"id": f"q{i}", "input": f"How much is {i} + {i}?", "target": str(2 * i)} for i in range(40)]
    file.write_text("".join(json.dumps(r) + "\n" for r in rows))
    with scripted_server(script={"quality": 0.5}, answers=file, seed=5) as server:
        for r in rows:
            body = json.dumps({"model": "m", "messages": [{"role": "user", "content": r["input"]}]}).encode()
            said = json.loads(ask(server, body)[2])["choices"][0]["message"]["content"]
            here = behave(Script(quality=0.5), seed=5, model="m", case_id=r["id"], target=r["target"])
            assert said == here.text


def test_a_broken_request_is_the_clients_fault(server):
    """JSON that is none, and a body without messages."""
    for body in (b"{", b'{"model": "m"}', b"[]"):
        status, _, data = ask(server, body)
        assert status == 400
        assert json.loads(data)["error"]["message"]


def test_embeddings_are_unit_vectors_that_depend_on_the_text(server):
    """Deterministic, of the size asked for."""
    made = server.post("/v1/embeddings", {"model": "e", "input": ["a", "b", "a"], "dimensions": 64})
    a, b, again = (row["embedding"] for row in made["data"])
    assert a == again != b
    assert sum(x * x for x in a) == pytest.approx(1, abs=1e-5)
    assert made["usage"]["total_tokens"] == 3
    assert server.ledger()["models"]["e"]["input_tokens"] == 3


def test_what_it_does_not_know_is_404(server):
    """And a wrong method 405; health is health."""
    assert server.get("/health") == {"status": "ok"}
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("GET", "/_scripted/reset", 405),
        ("GET", "/v1/chat/completions", 404),
    ):
        connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=5)
        connection.request(method, path)
        assert connection.getresponse().status == status
        connection.close()


def test_one_connection_serves_many_requests(server):
    """Kept alive, with responses in order."""
    connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=5)
    for _ in range(20):
        connection.request("POST", "/v1/chat/completions", body_of(stream=True))
        assert b"[DONE]" in connection.getresponse().read()
    connection.close()
    assert server.ledger()["requests"] == 20
