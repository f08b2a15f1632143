"""Damaged bodies and streams through every reader and every writer: an answer, or a failure with a class; nothing else."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import pytest

from pointsman.core.chat import ChatReply, ChatRequest, user_says
from pointsman.core.failure import FailureClass, ProviderError
from pointsman.gateway.endpoints import find_endpoint, read_asked, request_start
from pointsman.gateway.relay import StreamFacts, renamed
from pointsman.gateway.wire_errors import error_in_stream
from pointsman.providers.assemble import Assembler, deltas_of
from pointsman.providers.dialect import DIALECTS, Dialect
from pointsman.providers.estimated_usage import estimated_usage, estimated_usage_of_cut_reply
from support.corpus import ERRORS, PATHS, REPLIES, REQUESTS, STREAMS
from support.mutations import mutated, mutated_stream, pieces_of
from support.shared import SHARED
from support.wire import interactions

CLIENT = {name: DIALECTS.load(name) for name in PATHS}
PROVIDER = {name: DIALECTS.load(name) for name in DIALECTS.names() if name in PATHS or name == "ollama"}
ASKED = ChatRequest(model="m", messages=(user_says("hi"),), stream=True, stream_usage=True)
LARGEST_RECORDING = 20_000


def recorded() -> tuple[dict[str, list[bytes]], dict[str, list[bytes]], dict[str, list[bytes]]]:
    """Requests, replies and streams: our own, and the recordings where they are at hand."""
    requests, replies, streams = ({k: list(v) for k, v in ours.items()} for ours in (REQUESTS, REPLIES, STREAMS))
    if (SHARED / "data" / "wire").exists():
        for x in interactions():
            if x.dialect in CLIENT and len(x.body) + len(x.request) < LARGEST_RECORDING:
                if x.request.startswith(b"{"):
                    requests[x.dialect].append(x.request)
                if x.ok and x.body:
                    (streams if x.streamed else replies)[x.dialect].append(x.body)
    return requests, replies, streams


CORPUS = recorded()


def fast_or_slow(fast: int, slow: int) -> Any:
    """The same cases in two volumes."""
    return pytest.mark.parametrize("cases", [fast, pytest.param(slow, marks=[pytest.mark.slow, pytest.mark.timeout(3000)])])


def fits(text: bytes) -> Any:
    """Strict JSON, as the other side would read it."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text.decode("utf-8"), parse_constant=refuse)


def ask(name: str, body: bytes, tally: Counter[str]) -> None:
    """What the gateway does with a request before it is sent."""
    path = PATHS[name]
    endpoint = find_endpoint(path)
    assert endpoint is not None
    try:
        request_start(body)
        read_asked(endpoint, body, path, b"")
        request = CLIENT[name].read_request(body, path)
    except ProviderError as error:
        blame(error)
        tally["refused"] += 1
        return
    tally["read"] += 1
    if name != "gemini":
        fits(renamed(body, "other"))
    estimated_usage(request, ChatReply(choices=()))
    for target in PROVIDER.values():
        try:
            wire = target.write_request(request)
        except ProviderError as error:
            blame(error)
            continue
        fits(wire.body)
        assert wire.path.startswith("/")


def blame(error: ProviderError) -> None:
    """What is wrong with a request is its sender's fault, and is said."""
    assert error.failure.kind is FailureClass.CLIENT_FAULT, error.failure
    assert error.failure.message


def show(name: str, body: bytes, tally: Counter[str]) -> None:
    """What the gateway does with a whole reply."""
    try:
        reply = PROVIDER[name].read_reply(body)
    except ProviderError as error:
        tally["failed"] += 1
        tell(error.failure)
        return
    tally["read"] += 1
    estimated_usage(ASKED, reply)
    for client in CLIENT.values():
        fits(client.write_reply(reply, ASKED).body)
        stream(client, deltas_of(reply))


def tell(failure: Any) -> None:
    """A failure in each client's words, whole and in a stream."""
    for client in CLIENT.values():
        said = client.write_failure(failure)
        assert 400 <= said.status < 600
        fits(said.body)
        error_in_stream(client, "m", failure).decode("utf-8")


def stream(client: Dialect, deltas: Any) -> None:
    writer = client.stream_writer(ASKED)
    text = b"".join([*(writer.feed(d) for d in deltas), writer.close()])
    for line in text.decode("utf-8").split("\n"):
        if line.startswith("data: ") and line != "data: [DONE]":
            fits(line[6:].encode())


def forward(name: str, pieces: list[bytes], tally: Counter[str]) -> None:
    """What the gateway does with a stream: translated to each client, and passed through."""
    assembler, deltas, failure = Assembler(), [], None
    reader = PROVIDER[name].stream_reader()
    try:
        for piece in pieces:
            deltas += reader.feed(piece)
        deltas += reader.close()
    except ProviderError as error:
        failure = error.failure
    for delta in deltas:
        assembler.add(delta)
    failure = failure or assembler.failure
    tally["read" if failure is None else "failed"] += 1
    if failure is not None:
        tell(failure)
    estimated_usage_of_cut_reply(ASKED, assembler.reply())
    for client in CLIENT.values():
        stream(client, deltas)
    facts = StreamFacts(PROVIDER[name], b"".join(pieces))
    assert (facts.failure is None) == facts.whole


@fast_or_slow(1_000, 50_000)
def test_a_damaged_request_is_read_or_refused_as_the_clients_fault(cases: int) -> None:
    rng, tally = random.Random(20261124), Counter[str]()
    for case in range(cases):
        name = rng.choice(list(CLIENT))
        body = mutated(rng, rng.choice(CORPUS[0][name]))
        try:
            ask(name, body, tally)
        except Exception as error:
            raise AssertionError(f"case {case}, {name}: {body[:3000]!r}") from error
    assert min(tally["refused"], tally["read"]) > cases / 10, tally


@fast_or_slow(500, 20_000)
def test_a_damaged_reply_is_read_or_classified(cases: int) -> None:
    rng, tally = random.Random(20261125), Counter[str]()
    for case in range(cases):
        name = rng.choice(list(CLIENT))
        body = mutated(rng, rng.choice(CORPUS[1][name]))
        try:
            show(name, body, tally)
        except Exception as error:
            raise AssertionError(f"case {case}, {name}: {body[:3000]!r}") from error
    assert min(tally["failed"], tally["read"]) > cases / 10, tally


@fast_or_slow(500, 30_000)
def test_a_damaged_stream_is_read_or_classified(cases: int) -> None:
    rng, tally = random.Random(20261126), Counter[str]()
    for case in range(cases):
        name = rng.choice(list(CLIENT))
        pieces = pieces_of(rng, mutated_stream(rng, rng.choice(CORPUS[2][name])))
        try:
            forward(name, pieces, tally)
        except Exception as error:
            raise AssertionError(f"case {case}, {name}: {pieces!r}") from error
    assert min(tally["failed"], tally["read"]) > cases / 10, tally


@fast_or_slow(500, 10_000)
def test_a_damaged_error_has_a_class(cases: int) -> None:
    rng = random.Random(20261127)
    for _ in range(cases):
        body = mutated(rng, rng.choice(ERRORS))
        headers = {"retry-after": rng.choice(["", "1", "-1", "9" * 400, "nan", "inf", "Wed, 99 Foo", "1e999"])}
        for target in PROVIDER.values():
            tell(target.classify(rng.choice([400, 401, 404, 418, 429, 500, 529, 599, 999]), headers, body))
