"""Anything at all sent to a running gateway or said by its providers: an answer of the protocol, no fault, no hang."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest

from support.corpus import ERRORS, PATHS, REPLIES, REQUESTS, STREAMS
from support.error_shapes import assert_error
from support.gateway import Running, gateway, variant
from support.mutations import mutated, mutated_stream, pieces_of
from support.raw_client import connect, read_all, request
from support.said_server import Said, said_server
from support.wire import dialect_of

SLOW = [pytest.mark.slow, pytest.mark.timeout(1200)]
NAMES = list(PATHS)
OTHERS = (
    "/v1/embeddings",
    "/v1/messages/count_tokens",
    "/v1/models",
    "/v1beta/models/m:countTokens",
    "/health",
    "/ready",
    "/nope",
    "/",
)
METHODS = ("POST", "POST", "POST", "GET", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "PROPFIND")
ODD_HEADERS = (
    "content-encoding: gzip",
    "content-type: text/plain",
    "content-type: \xff",
    "authorization: Bearer",
    "authorization: \xe9\xe9",
    "x-pointsman-conversation: \xff" + "x" * 2000,
    "traceparent: 00-zz",
    "expect: 100-continue",
    "accept-encoding: br",
    "cookie: a=b",
)
ODD_PATHS = (
    "%00",
    "%ff%fe",
    "%2e%2e/%2e%2e/etc/passwd",
    "//",
    "?key=%ff&alt=sse",
    "?alt=json",
    "#x",
    "%",
    "é".encode().decode("latin-1"),
)


def config(url: str, **more: Any) -> dict[str, Any]:
    """A route per pair of protocols: `m` and the gateway's own defaults for bodies that keep their model."""
    variants = {name: variant(url, name) for name in NAMES}
    routes = {name: {"variant": name, "retries": 0} for name in NAMES}
    routes["m"] = {"policy": {"weighted": {"weights": dict.fromkeys(NAMES, 1)}}, "retries": 0}
    return {"variants": variants, "routes": routes, "gateway": {"body_timeout_s": 2, "header_timeout_s": 2, **more}}


def open_breakers(served: Running) -> None:
    """What one case broke is not the next one's concern."""
    for target in served.app.snapshot.targets.values():
        target.breaker._close()
        target.breaker._in_a_row = 0
    for ring in served.maker._rings.values():
        if ring is not None:
            ring.worked(1)
            ring._free_at_s = [float("-inf")]


class Asking:
    """One connection that is opened again when it was closed, as it should be, or not at all."""

    def __init__(self, served: Running) -> None:
        self._served = served
        self._open = self._new()

    def _new(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._served.base_url.removeprefix("http://"), timeout=20)

    def close(self) -> None:
        self._open.close()

    def ask(self, path: str, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type, body; a body that was broken off ends with what came of it."""
        self._open.request("POST", path, body, {"content-type": "application/json"})
        response = self._open.getresponse()
        try:
            said = response.read()
        except http.client.IncompleteRead as cut:
            said = cut.partial
            response.close()
            self._open.close()
        if response.will_close:
            self._open.close()
            self._open = self._new()
        return response.status, response.headers["content-type"], said


def check(dialect: str, status: int, content_type: str, body: bytes) -> str:
    """What came is the protocol's; says which kind."""
    if status >= 400:
        assert content_type == "application/json"
        assert_error(dialect, status, body)
        return "refused"
    assert status == 200
    if content_type == "application/json":
        json.loads(body)
        return "whole"
    assert content_type == "text/event-stream"
    return "stream"


def say_well(path: str, headers: Mapping[str, str], body: bytes) -> Said:
    """A sound answer, streamed if that was asked for, whatever else the request says."""
    name = dialect_of(path.partition("?")[0]) or "openai_chat"
    if b'"stream":true' in body or ":stream" in path:
        return Said(200, "text/event-stream", STREAMS[name])
    return Said(200, "application/json", REPLIES[name])


@pytest.fixture(scope="module")
def served():
    """In front of sound providers."""
    with said_server(say_well) as url, gateway(config(url)) as running:
        yield running


@pytest.mark.parametrize("cases", [400, pytest.param(10_000, marks=SLOW)])
def test_damaged_requests_over_http(served, cases):
    """Each protocol's requests, mutated, to every protocol's provider."""
    rng, tally = random.Random(20261201), Counter[str]()
    with contextlib.closing(Asking(served)) as asking:
        for case in range(cases):
            name = rng.choice(NAMES)
            body = mutated(rng, rng.choice(REQUESTS[name]))
            path = PATHS[name].replace("generateContent", rng.choice(("generateContent", "streamGenerateContent?alt=sse")))
            try:
                tally[check(name, *asking.ask(path, body))] += 1
            except Exception as error:
                raise AssertionError(f"case {case}, {path}: {body[:2000]!r}") from error
            assert served.app.faults == 0, (case, path, body)
    assert min(tally.values()) > cases / 50, tally
    assert len(tally) == 3


@pytest.mark.parametrize("cases", [400, pytest.param(10_000, marks=SLOW)])
def test_damaged_answers_over_http(cases):
    """Providers that say nonsense, whole and streamed, cut or not, to clients of every protocol."""
    rng, tally = random.Random(20261202), Counter[str]()
    answer = Said(200, "application/json", [])
    with (
        said_server(lambda path, headers, body: answer) as url,
        gateway(config(url)) as running,
        contextlib.closing(Asking(running)) as asking,
    ):
        for case in range(cases):
            name, target, stream = rng.choice(NAMES), rng.choice(NAMES), rng.random() < 0.6
            status, media = 200, rng.choice(("application/json", "application/json", "text/html", ""))
            if rng.random() < 0.1:
                body, status = mutated(rng, rng.choice(ERRORS)), rng.choice((400, 401, 404, 429, 500, 503, 529))
            elif stream:
                body, media = mutated_stream(rng, rng.choice(STREAMS[target])), "text/event-stream"
            else:
                body = mutated(rng, rng.choice(REPLIES[target]))
            headers = {"x-request-id": "r\xff", "x-ratelimit-odd": "\t1", "retry-after": rng.choice(("0", "-3", "nan", "9e99"))}
            answer = Said(status, media, pieces_of(rng, body), headers, cut=rng.random() < 0.2)
            ask = json.loads(REQUESTS[name][0]) | ({} if name == "gemini" else {"model": target, "stream": stream})
            verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
            path = f"/v1beta/models/{target}:{verb}" if name == "gemini" else PATHS[name]
            open_breakers(running)
            try:
                tally[check(name, *asking.ask(path, json.dumps(ask).encode()))] += 1
            except Exception as error:
                raise AssertionError(f"case {case}, {name} to {target}: {answer!r}") from error
            assert running.app.faults == 0, (case, name, target, answer)
    assert min(tally.values()) > cases / 50, tally
    assert len(tally) == 3


def random_request(rng: random.Random) -> bytes:
    """Something like HTTP, or not at all."""
    if rng.random() < 0.1:
        return rng.randbytes(rng.randint(1, 300))
    name = rng.choice(NAMES)
    path = rng.choice((PATHS[name], PATHS[name], *OTHERS)) + (rng.choice(ODD_PATHS) if rng.random() < 0.2 else "")
    body = rng.randbytes(rng.randint(0, 200)) if rng.random() < 0.4 else rng.choice(REQUESTS[name])
    headers = tuple(h for h in ODD_HEADERS if rng.random() < 0.1)
    head = [f"{rng.choice(METHODS)} {path} HTTP/1.{rng.choice('1110')}", "host: x", *headers]
    match rng.randrange(10):
        case 0:
            head += ["transfer-encoding: chunked", f"content-length: {len(body)}"]
        case 1:
            head += ["transfer-encoding: chunked"]
        case 2:
            head += ["transfer-encoding: chunked"]
            body = b"%x;a=b\r\n%b\r\n0\r\nt: v\r\n\r\n" % (len(body), body)
        case 3:
            head += [f"content-length: {rng.choice(('-1', 'x', '0x5', '1e3', '5, 5', '99999999999999999999'))}"]
        case 4:
            head += [f"content-length: {len(body) + rng.choice((-5, 5))}"]
        case _:
            head += [f"content-length: {len(body)}"]
    data = "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body
    if rng.random() < 0.2:
        at = rng.randrange(len(data))
        data = data[:at] + rng.randbytes(rng.randint(0, 4)) + data[at + rng.randint(0, 3) :]
    return data * rng.choice((1, 1, 1, 2, 3))


@pytest.mark.parametrize("cases", [400, pytest.param(10_000, marks=SLOW)])
def test_random_bytes_on_every_endpoint(served, cases):
    """Each connection gets an answer of HTTP or its end; the next one finds all in order, and nothing stays behind."""
    rng = random.Random(20261203)
    for case in range(cases):
        data = random_request(rng)
        with connect(served.base_url) as sock:
            said = b""
            with contextlib.suppress(ConnectionError):  # it may be dropped while we still speak
                sock.sendall(data)
                sock.shutdown(1)  # no more will come, so nobody waits for a body's end
            try:
                said = read_all(sock)
            except TimeoutError:
                pytest.fail(f"case {case} hangs: {data!r}")
        assert not said or said.startswith(b"HTTP/1.1 "), (case, data, said[:200])
        assert b"HTTP/1.1 500" not in said, (case, data, said)
        assert b"Internal Server Error" not in said, (case, data, said)
        assert served.app.faults == 0, (case, data)
    with connect(served.base_url) as sock:
        sock.sendall(request("/health", method="GET", headers=("connection: close",)))
        assert read_all(sock).startswith(b"HTTP/1.1 200 OK")
    assert served.app.in_flight == 0
