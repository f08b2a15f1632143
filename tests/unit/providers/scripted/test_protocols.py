"""Every protocol the server speaks, read by our own client side of the same protocol."""

import http.client
import json

import pytest

from pointsman.core.chat import ChatRequest, Failed, FinishReason, user_says
from pointsman.core.failure import FailureClass, ProviderError
from pointsman.providers.assemble import Assembler
from pointsman.providers.dialect import DIALECTS
from support.scripted_server import scripted_server

BASE_PATHS = {
    "openai_chat": "/v1",
    "openai_responses": "/v1",
    "anthropic_messages": "/v1",
    "gemini": "/v1beta",
    "ollama": "/api",
}
QUESTION = "Name a city, any city at all."


@pytest.fixture(scope="module")
def server():
    """One server, with a model that thinks and one that does not."""
    with scripted_server(scripts={"default": {"output_tokens": 30}}, seed=2) as running:
        yield running


def path_of(server, dialect, request):
    """The written request and the path on which the server answers it."""
    written = dialect.write_request(request)
    base = BASE_PATHS[dialect.name]
    known = written.path if written.path.startswith(base) else base + written.path
    return written, known


def send(server, name, *, stream=False, fault=None, repeat="0"):
    """Status, headers and whole body of one request, written by the dialect itself."""
    dialect = DIALECTS.load(name)
    request = ChatRequest(model="m", messages=(user_says(QUESTION),), max_output_tokens=100, stream=stream)
    written, path = path_of(server, dialect, request)
    headers = {**written.headers, **dialect.auth_headers("k"), "x-scripted-repeat": repeat, "content-type": "application/json"}
    if fault:
        headers["x-scripted-fault"] = fault
    connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=5)
    try:
        connection.request("POST", path, written.body, headers)
        response = connection.getresponse()
        return response.status, {k.lower(): v for k, v in response.getheaders()}, response.read()
    finally:
        connection.close()


def streamed(name, data):
    """The stream, put together."""
    reader, assembler = DIALECTS.load(name).stream_reader(), Assembler()
    for delta in [*reader.feed(data), *reader.close()]:
        assembler.add(delta)
        if isinstance(delta, Failed):
            break
    return assembler


@pytest.mark.parametrize("name", BASE_PATHS)
def test_whole_and_streamed_say_the_same_and_bill_the_same(server, name):
    """Text, end and usage, and what the ledger counted."""
    server.post("/_scripted/reset")
    dialect = DIALECTS.load(name)
    whole = dialect.read_reply(send(server, name)[2])
    assembler = streamed(name, send(server, name, stream=True)[2])
    pieces = assembler.reply()
    assert assembler.failure is None
    assert pieces.text == whole.text != ""
    assert pieces.finish is whole.finish is FinishReason.STOP
    assert (whole.usage.total_input_tokens, whole.usage.output_tokens) == (8, 30)
    assert (pieces.usage.total_input_tokens, pieces.usage.output_tokens) == (8, 30)
    ledger = server.ledger()
    assert (ledger["requests"], ledger["input_tokens"], ledger["output_tokens"]) == (2, 16, 60)


CLASSES = {
    "400": FailureClass.CLIENT_FAULT,
    "401": FailureClass.AUTH,
    "403": FailureClass.AUTH,
    "404": FailureClass.HARD_DOWN,
    "429": FailureClass.RATE_LIMIT,
    "500": FailureClass.TRANSIENT,
    "502-html": FailureClass.TRANSIENT,
    "503": FailureClass.TRANSIENT,
    "529": FailureClass.TRANSIENT,
    "quota": FailureClass.QUOTA,
    "content_filter": FailureClass.CONTENT_POLICY,
    "context_too_long": FailureClass.CONTEXT_TOO_LONG,
}


@pytest.mark.parametrize("name", BASE_PATHS)
@pytest.mark.parametrize("fault", CLASSES)
def test_an_error_is_read_back_as_what_was_meant(server, name, fault):
    """In each protocol's own shape, with its wait where it names one."""
    status, headers, data = send(server, name, fault=f"{fault};retry_after=3" if fault == "429" else fault)
    failure = DIALECTS.load(name).classify(status, headers, data)
    assert failure.kind is CLASSES[fault]
    assert failure.retry_after_s == (3 if fault == "429" else None)


@pytest.mark.parametrize("name", BASE_PATHS)
def test_a_page_of_html_is_no_reply(server, name):
    """Although its status says success."""
    with pytest.raises(ProviderError) as caught:
        DIALECTS.load(name).read_reply(send(server, name, fault="html")[2])
    assert caught.value.failure.kind is FailureClass.MALFORMED


@pytest.mark.parametrize("name", BASE_PATHS)
@pytest.mark.parametrize("fault", ["cut-clean;after=5", "error-in-stream;after=5"])
def test_a_stream_that_ends_early_never_looks_whole(server, name, fault):
    """The reader reports a failure after the tokens that came."""
    assembler = streamed(name, send(server, name, stream=True, fault=fault)[2])
    assert assembler.failure is not None
    assert assembler.failure.kind is FailureClass.TRANSIENT
    assert len(assembler.reply().text) == 20


@pytest.mark.parametrize("name", BASE_PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_the_end_of_an_answer_is_told_in_each_protocol(server, name, stream):
    """Cut by the limit; a refusal, where the protocol has a word for it, is no plain stop."""
    data = send(server, name, stream=stream, fault="truncation")[2]
    reply = streamed(name, data).reply() if stream else DIALECTS.load(name).read_reply(data)
    assert (reply.finish, reply.usage.output_tokens) == (FinishReason.LENGTH, 15)


@pytest.mark.parametrize("name", BASE_PATHS)
@pytest.mark.parametrize("stream", [False, True])
def test_missing_usage_is_missing_where_the_protocol_can_leave_it_out(server, name, stream):
    """Anthropic's replies must have the field, so there it says zero."""
    data = send(server, name, stream=stream, fault="no-usage")[2]
    usage = (streamed(name, data).reply() if stream else DIALECTS.load(name).read_reply(data)).usage
    if name == "anthropic_messages":
        assert (usage.input_tokens, usage.output_tokens) == (0, 0)
    else:
        assert usage is None


def test_gemini_streams_a_list_without_sse(server):
    """One JSON list, item by item, when `alt=sse` is not asked for."""
    body = json.dumps({"contents": [{"role": "user", "parts": [{"text": QUESTION}]}]})
    connection = http.client.HTTPConnection(server.base_url.removeprefix("http://"), timeout=5)
    connection.request("POST", "/v1beta/models/m:streamGenerateContent", body, {"x-goog-api-key": "k"})
    response = connection.getresponse()
    items = json.loads(response.read())
    connection.close()
    assert response.headers["content-type"] == "application/json"
    assert len(items) > 20
    assert items[-1]["candidates"][0]["finishReason"] == "STOP"
