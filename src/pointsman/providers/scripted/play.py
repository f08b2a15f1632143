"""Sending a reply at the scripted pace, with the fault that was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from pointsman.core.chat import (
    ChatReply,
    ChatRequest,
    Delta,
    Failed,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from pointsman.providers.assemble import deltas_of
from pointsman.providers.dialect import Dialect, HttpReply
from pointsman.providers.scripted.faults import Fault
from pointsman.providers.scripted.ledger import Ended
from pointsman.providers.scripted.prose import count_tokens, pieces
from pointsman.providers.scripted.wire import Headers, Wire
from pointsman.providers.sse import SseReader

__all__ = ["Performance", "emissions", "header_list"]

_BURST = 16
"""Tokens sent in one go where the script sets no pace."""

_CUTS = frozenset({"cut", "cut-clean", "stall", "malformed", "error-in-stream"})


def emissions(reply: ChatReply) -> Iterator[tuple[Delta, int]]:
    """The reply token by token, each step with the output tokens it carries; they sum to its usage."""
    for delta in deltas_of(reply):
        match delta:
            case TextDelta(text, choice):
                yield from ((TextDelta(piece, choice), 1) for piece in pieces(text))
            case RefusalDelta(text, choice):
                yield from ((RefusalDelta(piece, choice), 1) for piece in pieces(text))
            case ToolCallDelta(index=index, arguments=arguments, choice=choice):
                for piece in pieces(arguments):
                    yield ToolCallDelta(index=index, arguments=piece, choice=choice), 1
            case ToolCallStarted():
                yield delta, count_tokens(delta.name)
            case _:
                yield delta, 0


class Performance:
    """One reply on its way. Afterwards it says how it ended and how much of it was sent."""

    def __init__(
        self,
        wire: Wire,
        dialect: Dialect,
        request: ChatRequest,
        reply: ChatReply,
        *,
        output_tokens: int,
        fault: Fault | None,
        headers: Headers,
    ) -> None:
        self._wire = wire
        self._dialect = dialect
        self._request = request
        self._reply = reply
        self._output_tokens = output_tokens
        self._fault = fault
        self._headers = list(headers)
        self.ended: Ended = "ok"
        self.tokens_sent = 0
        self.began = False
        """Whether the client got anything of the answer itself, so that its thoughts are billed too."""

    async def stream(self, ttft_s: float, total_s: float, *, json_array: bool = False) -> None:
        """Send it as a stream; `json_array` sends Gemini's events as one JSON list instead of SSE."""
        steps = list(emissions(self._reply))
        tokens = sum(n for _, n in steps)
        pace_s = (total_s - ttft_s) / tokens if tokens > 0 else 0.0
        if self._fault is not None and self._fault.name == "slow":
            pace_s = self._fault.per_token_s
        content_type = "application/json" if json_array else self._dialect.stream_content_type
        if not await self._opening(ttft_s, content_type):
            return
        writer = self._dialect.stream_writer(self._request)
        shape = _JsonArray() if json_array else _AsIs()
        pacer = _Pacer(pace_s)
        for delta, count in steps:
            if count and self._fault is not None and not await self._struck(self._fault, shape, pacer):
                return
            if count and self.tokens_sent and not await self._waited(await pacer.wait_s(count)):
                return
            await self._sent(shape.shaped(writer.feed(delta)), count)
            if self._wire.gone:
                self.ended = "client_gone"
                return
        if self._fault is not None and not await self._struck(self._fault, shape, pacer, at_end=True):
            return
        no_end = self._fault is not None and self._fault.name == "no-done"
        await self._wire.write(b"" if no_end else shape.shaped(writer.close()) + shape.end(), more=False)
        self.began = self.began or not self._wire.gone  # an answer without a word has been thought about all the same
        self._note_gone()

    async def whole(self, ttft_s: float, total_s: float) -> None:
        """Send it as one response."""
        made = self._dialect.write_reply(self._reply, self._request)
        fault = self._fault
        headers = [*self._headers, *header_list(made)]
        if fault is not None and fault.name == "slow":
            total_s = ttft_s + fault.per_token_s * self._output_tokens
        if fault is not None and fault.name == "late":
            await self._whole_late(fault, made, headers)
        elif not await self._waited(total_s):
            return
        elif fault is not None and fault.name in _CUTS:
            await self._whole_cut(fault, made, headers)
        else:
            await self._wire.reply(made.status, headers, made.body)
            self._billed_whole()
        self._note_gone()

    async def _whole_late(self, fault: Fault, made: HttpReply, headers: list[tuple[bytes, bytes]]) -> None:
        await self._wire.start(made.status, [*headers, (b"content-length", str(len(made.body)).encode())])
        await self._wire.write(b"")
        if await self._waited(fault.for_s):
            await self._wire.write(made.body, more=False)
            self._billed_whole()

    async def _whole_cut(self, fault: Fault, made: HttpReply, headers: list[tuple[bytes, bytes]]) -> None:
        half = made.body[: len(made.body) // 2]
        self._billed_whole()
        if fault.name in ("malformed", "cut-clean"):
            await self._wire.reply(made.status, headers, half)
            self.ended = "ok" if fault.name == "malformed" else "cut"
            return
        await self._wire.start(made.status, [*headers, (b"content-length", str(len(made.body)).encode())])
        await self._wire.write(half)
        if fault.name == "stall":
            if await self._waited(fault.for_s):
                await self._wire.write(made.body[len(half) :], more=False)
            return
        self.ended = "cut"
        await self._wire.reset()

    def _billed_whole(self) -> None:
        """An answer that is not streamed exists whole before its first byte is sent."""
        if not self._wire.gone:
            self.began = True
            self.tokens_sent = self._output_tokens

    async def _opening(self, ttft_s: float, content_type: str) -> bool:
        headers = [*self._headers, (b"content-type", content_type.encode()), (b"cache-control", b"no-cache")]
        late = self._fault is not None and self._fault.name == "late"
        if not late and not await self._waited(ttft_s):
            return False
        await self._wire.start(200, headers)
        if late and self._fault is not None:
            await self._wire.write(b"")
            return await self._waited(self._fault.for_s)
        return True

    async def _struck(self, fault: Fault, shape: _AsIs, pacer: _Pacer, *, at_end: bool = False) -> bool:
        """Play the fault if its place has come; False if the stream is over. A short answer meets it at its end."""
        if fault.name not in _CUTS or (self.tokens_sent < fault.after_tokens and not at_end):
            return True
        self._fault = None  # it strikes once
        match fault.name:
            case "stall":
                stayed = await self._waited(fault.for_s)
                pacer.restart()
                return stayed
            case "malformed":
                await self._wire.write(shape.malformed(self._dialect.stream_content_type))
                return True
            case "cut":
                self.ended = "cut"
                await self._wire.reset()
            case "cut-clean":
                self.ended = "cut"
                await self._wire.write(b"", more=False)
            case _:
                self.ended = "error"
                writer = self._dialect.stream_writer(self._request)
                failed = writer.feed(Failed(fault.failure(self._dialect.name))) + writer.close()
                await self._wire.write(shape.shaped(failed) + shape.end(), more=False)
        self._note_gone()
        return False

    async def _sent(self, data: bytes, tokens: int) -> None:
        if data:
            await self._wire.write(data)
        if tokens and not self._wire.gone:
            self.began = True
            self.tokens_sent += tokens

    async def _waited(self, seconds: float | None) -> bool:
        stayed = await self._wire.wait(seconds)
        self._note_gone()
        return stayed

    def _note_gone(self) -> None:
        if self._wire.gone and self.ended == "ok":
            self.ended = "client_gone"


def header_list(made: HttpReply) -> list[tuple[bytes, bytes]]:
    """Headers of a reply as the server sends them; a missing content type is JSON."""
    headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in made.headers.items()]
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", b"application/json"))
    return headers


class _Pacer:
    """When the next token is due, counted from the first, so that small delays do not add up."""

    def __init__(self, pace_s: float) -> None:
        self._pace_s = pace_s
        self._clock = asyncio.get_running_loop().time
        self._unpaced = 0
        self.restart()

    def restart(self) -> None:
        """After a pause: what comes next is not late."""
        self._due_s = self._clock()

    async def wait_s(self, tokens: int) -> float:
        """Seconds until these tokens are due. Without a pace it lets other requests in now and then."""
        if self._pace_s > 0:
            self._due_s += self._pace_s * tokens
            return self._due_s - self._clock()
        self._unpaced += 1
        if self._unpaced % _BURST == 0:
            await asyncio.sleep(0)
        return 0.0


class _AsIs:
    """The stream as the dialect writes it."""

    def shaped(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""

    def malformed(self, content_type: str) -> bytes:
        return b'{"scripted": "broken\n' if "ndjson" in content_type else b'data: {"scripted": "broken\n\n'


class _JsonArray(_AsIs):
    """Gemini without `alt=sse`: the same events as the items of one list."""

    def __init__(self) -> None:
        self._reader = SseReader()
        self._any = False

    def shaped(self, data: bytes) -> bytes:
        out = b""
        for event in self._reader.feed(data):
            out += (b",\r\n" if self._any else b"[") + event.data
            self._any = True
        return out

    def end(self) -> bytes:
        return b"]" if self._any else b"[]"

    def malformed(self, content_type: str) -> bytes:
        del content_type
        return b',\r\n{"scripted": "broken'
