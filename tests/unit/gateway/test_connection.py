"""What HTTP allows and what it does not, on connections that are written and read by hand."""

import json
import time

import pytest

from support.gateway import gateway, variant
from support.raw_client import answers, connect, read_all, request
from support.scripted_server import scripted_server

ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
CLOSE = ("connection: close",)
HEALTH = request("/health", method="GET", headers=CLOSE)


@pytest.fixture(scope="module")
def upstream():
    with scripted_server(seed=3, script={"output_tokens": 20}) as running:
        yield running


def config(upstream, **limits):
    return {
        "variants": {
            "m": variant(upstream.base_url),
            "hang": variant(upstream.base_url, model="m+hang"),
            "long": variant(upstream.base_url, model="m+slow-stream;seconds=1"),
        },
        "gateway": limits,
    }


@pytest.fixture(scope="module")
def served(upstream):
    """Ordinary limits, but for a small head and a small body."""
    with gateway(config(upstream, max_header_bytes=8192, max_body_bytes=100_000)) as running:
        yield running


@pytest.fixture(scope="module")
def hasty(upstream):
    """All patience is short."""
    with gateway(
        config(upstream, header_timeout_s=0.3, body_timeout_s=0.3, write_timeout_s=0.4, keep_alive_s=0.3, max_connections=8)
    ) as running:
        yield running


def talk(served, *sent):
    """What comes back, up to the end of the connection."""
    with connect(served.base_url) as sock:
        for piece in sent:
            sock.sendall(piece)
        return list(answers(read_all(sock)))


def refused(found, status, code):
    [answer] = found
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["error"]["code"] == code
    assert answer.json["error"]["message"]


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"garbage\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /health HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n",
        request(body=b"{}", headers=("content-length: 2", "transfer-encoding: chunked")),
        request(body=b"{}", headers=("content-length: 2", "content-length: 3")),
        request(body=b"{}", headers=("content-length: -1",)),
        request(body=b"{}", headers=("content-length: 99999999999999999999999999",)),
        request(body=b"2\r\n{}\r\n0\r\n\r\n", headers=("transfer-encoding: xchunked",)),
        request(body=b"2\r\n{}\r\n0\r\n\r\n", headers=("transfer-encoding: chunked, identity",)),
        request(body=b"zz\r\n{}\r\n0\r\n\r\n", headers=("transfer-encoding: chunked",)),
        request(body=b"2\r\n{}0\r\n\r\n", headers=("transfer-encoding: chunked",)),
    ],
)
def test_what_is_not_http_is_answered_in_json_and_ends_the_connection(served, sent):
    """Also what two servers could read as two different requests."""
    refused(talk(served, sent), 400, "bad_request")


def test_garbage_behind_a_request_takes_nothing_from_its_answer(served):
    [answer] = talk(served, request(body={**ASK, "stream": True}) + b"\0\0garbage")
    assert answer.status == 200
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_a_broken_chunk_behind_a_head_ends_its_own_request(served):
    """The head was served already; nobody waits for the rest of a body that cannot come."""
    head = request(headers=("transfer-encoding: chunked",))
    with connect(served.base_url) as sock:
        sock.sendall(head + b"5\r\nhello\r\n")
        until(lambda: served.app.in_flight)
        sock.sendall(b"zz\r\n")
        refused(list(answers(read_all(sock))), 400, "bad_request")
    until(lambda: not served.app.in_flight)


def test_nobody_is_asked_to_continue_what_was_refused(served):
    refused(talk(served, request(headers=("expect: 100-continue", "transfer-encoding: chunked")) + b"zz\r\n"), 400, "bad_request")


@pytest.mark.parametrize(
    "sent",
    [
        [b"GET /health HTTP/1.1\r\na: " + b"a" * 9000 + b"\r\n\r\n"],
        [b"GET /health HTTP/1.1\r\n", *[b"a%d: b\r\n" % i for i in range(2000)]],
        [b"GET /" + b"a" * 9000],
    ],
)
def test_a_head_is_no_larger_than_it_may_be(served, sent):
    """In one piece or in many, whole or without end."""
    refused(talk(served, b"".join(sent)), 431, "request_header_fields_too_large")


def test_a_large_body_does_not_count_as_a_head(served):
    [answer] = talk(served, request(body={**ASK, "user": "x" * 90_000}, headers=CLOSE))
    assert answer.status == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large_is_told_so(served, chunked):
    body = b"x" * 150_000
    framed = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    found = talk(served, request(body=framed, headers=(*CLOSE, *(("transfer-encoding: chunked",) if chunked else ()))))
    refused(found, 413, "invalid_request")


def test_a_body_without_end_is_cut(served):
    """Also after its answer: a client that goes on sending is not listened to for ever."""
    with connect(served.base_url) as sock:
        sock.sendall(request("/nothing", headers=("transfer-encoding: chunked",)))
        send_until_cut(sock, [b"2000\r\n" + b"x" * 0x2000 + b"\r\n"] * 1000)


def test_trailers_change_nothing(served):
    body = json.dumps(ASK).encode()
    framed = b"%x\r\n%b\r\n0\r\nauthorization: Bearer other\r\n\r\n" % (len(body), body)
    [answer] = talk(served, request(body=framed, headers=(*CLOSE, "transfer-encoding: chunked")))
    assert answer.status == 200


def test_requests_in_one_piece_are_answered_in_order(served):
    asks = [request("/health", method="GET"), request(body=ASK), request("/nope", method="GET"), HEALTH]
    assert [a.status for a in talk(served, b"".join(asks))] == [200, 200, 404, 200]


def test_nobody_piles_up_requests(served):
    """A piece of 64 kB holds two thousand of the smallest; whoever sends them is not waited on."""
    assert len(talk(served, request("/v1/models", method="GET") * 1000)) <= 33


@pytest.mark.parametrize("upgrade", ["h2c", "websocket"])
@pytest.mark.parametrize("whole", [True, False])
def test_an_offer_to_speak_another_protocol_is_not_taken_up(served, upgrade, whole):
    """Java's HttpClient makes it with its first request, and its body must not be lost."""
    ask = request(body=ASK, headers=("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {upgrade}", "HTTP2-Settings: AAMA"))
    sent = [ask + HEALTH] if whole else [ask[:-20], ask[-20:], HEALTH]
    with connect(served.base_url) as sock:
        for piece in sent:
            sock.sendall(piece)
            time.sleep(0.02)  # so that the pieces arrive as pieces
        first, second = answers(read_all(sock))
    assert (first.status, second.status) == (200, 200)
    assert first.json["choices"]


def test_a_balancer_may_ask_for_the_head_of_what_it_gets(served):
    with connect(served.base_url) as sock:
        sock.sendall(request("/health", method="HEAD", headers=CLOSE))
        said = read_all(sock)
    assert said.startswith(b"HTTP/1.1 200 OK\r\n")
    assert said.endswith(b"\r\n\r\n")


def test_a_client_that_says_nothing_is_let_go(hasty):
    refused(talk(hasty), 408, "request_timeout")


def test_a_head_that_trickles_is_let_go(hasty):
    """One byte now and then does not keep a connection."""
    with connect(hasty.base_url) as sock:
        head = request("/health", method="GET", headers=("a: " + "b" * 5000,))
        send_until_cut(sock, [bytes([byte]) for byte in head], every_s=0.01)


def test_a_body_that_trickles_is_told_so(hasty):
    refused(talk(hasty, request(headers=("content-length: 100",)) + b"{"), 408, "request_timeout")


def test_a_connection_at_rest_is_closed(hasty):
    [answer] = talk(hasty, request("/health", method="GET"))
    assert answer.status == 200


def test_a_connection_at_work_is_not(hasty):
    """Neither the head's time nor keep-alive runs while an answer is being given."""
    [answer] = talk(hasty, request(body={**ASK, "model": "long", "stream": True}))
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_whoever_does_not_read_the_end_of_an_answer_is_cut_off(upstream):
    """A whole answer is written at once, and then nothing of ours waits for it."""
    big = {"default": {"output_tokens": 3_000_000}}
    with (
        scripted_server(scripts=big) as server,
        gateway({"variants": {"m": variant(server.base_url)}, "gateway": {"write_timeout_s": 0.4}}) as running,
        connect(running.base_url, receive_bytes=4096) as sock,
    ):
        sock.sendall(request(body=ASK))
        [served] = running.wait_for(1)
        assert served.status == 200
        connections = running.connections
        until(lambda: not connections())
        with pytest.raises(ValueError, match="half"):
            list(answers(read_all(sock)))


def test_more_clients_than_it_takes_are_told_so(hasty):
    until(lambda: not hasty.connections())
    socks = [connect(hasty.base_url) for _ in range(8)]
    until(lambda: len(hasty.connections()) == 8)
    refused(talk(hasty), 503, "too_many_connections")
    for sock in socks:
        sock.close()
    until(lambda: not hasty.connections())
    assert talk(hasty, HEALTH)[0].status == 200


def test_no_fault_of_our_own_was_met(served, hasty):
    """The last test of this file."""
    assert served.app.faults == hasty.app.faults == 0


def send_until_cut(sock, pieces, every_s=0.0):
    """Send all of it, which must not succeed."""

    def send():
        for piece in pieces:
            sock.sendall(piece)
            time.sleep(every_s)

    with pytest.raises(ConnectionError):
        send()


def until(condition, within_s=10.0):
    end_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.005)
