"""Responses as they stand on the wire, and the connection's state after them."""

import asyncio
import gc
import logging
import weakref

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from pointsman.gateway.reply_writer import ReplyWriter


class Transport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.written = []
        self.closed = False

    def write(self, data):
        self.written.append(bytes(data))

    def close(self):
        self.closed = True


def cycle_of(transport, *, method="POST", keep_alive=True):
    log = logging.getLogger("test")
    cycle = RequestResponseCycle(
        scope={"type": "http", "method": method}, transport=transport, flow=FlowControl(transport), logger=log, access_logger=log,
        access_log=False, default_headers=[], message_event=asyncio.Event(), expect_100_continue=False, keep_alive=keep_alive,
        on_response=lambda: None,
    )  # fmt: skip
    cycle.send = ReplyWriter(cycle).send
    return cycle


def start(*headers, status=200):
    return {"type": "http.response.start", "status": status, "headers": list(headers)}


def body(data, *, more=False):
    return {"type": "http.response.body", "body": data, "more_body": more}


def sent(cycle, *messages):
    async def send():
        for message in messages:
            await cycle.send(message)

    asyncio.run(send())
    return cycle.transport.written


def test_head_and_body_of_known_length_leave_together():
    cycle = cycle_of(Transport())
    assert sent(cycle, start((b"content-length", b"2"), (b"x-a", b"b c")), body(b"hi")) == [
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: b c\r\n\r\nhi"
    ]
    assert cycle.response_complete
    assert not cycle.transport.closed


def test_a_body_of_unknown_length_goes_in_chunks_and_ends_with_an_empty_one():
    pieces = sent(cycle_of(Transport()), start(), body(b"0123456789abcdef", more=True), body(b"", more=True), body(b"z"))
    assert pieces == [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n",
        b"1\r\nz\r\n0\r\n\r\n",
    ]


def test_a_client_that_wants_no_keep_alive_is_told_and_closed():
    cycle = cycle_of(Transport(), keep_alive=False)
    (data,) = sent(cycle, start((b"content-length", b"0"), status=404), body(b""))
    assert data == b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    assert cycle.transport.closed


def test_an_answer_to_head_has_no_body():
    (data,) = sent(cycle_of(Transport(), method="HEAD"), start((b"content-length", b"2")), body(b"hi"))
    assert data.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("value", [b"a\r\nset-cookie: x", b"a\nb", b"a\rb"])
def test_a_header_with_a_line_end_never_leaves(value):
    cycle = cycle_of(Transport())
    with pytest.raises(RuntimeError, match="line end"):
        sent(cycle, start((b"x-a", value)))
    assert cycle.transport.written == []


@pytest.mark.parametrize("data", [b"h", b"hi!"])
def test_a_body_of_another_length_than_stated_is_a_fault(data):
    with pytest.raises(RuntimeError, match="not as long"):
        sent(cycle_of(Transport()), start((b"content-length", b"2")), body(data))


def test_nothing_is_sent_to_a_client_that_left():
    cycle = cycle_of(Transport())
    cycle.disconnected = True
    assert sent(cycle, start(), body(b"x")) == []


def test_a_finished_response_leaves_no_cycle_for_the_garbage_collector():
    cycle = cycle_of(Transport())
    sent(cycle, start(), body(b"x"))
    gc.disable()
    try:
        seen = weakref.ref(cycle)
        del cycle
        assert seen() is None
    finally:
        gc.enable()
