"""Scripted models behind HTTP: OpenAI's, Anthropic's, Gemini's and Ollama's endpoints as one ASGI application.

| asked | is answered in the protocol of |
|---|---|
| `POST /v1/chat/completions`, `/v1/responses`, `/v1/embeddings`, `GET /v1/models` | OpenAI |
| `POST /v1/messages`, `/v1/messages/count_tokens` | Anthropic |
| `POST /v1beta/models/{model}:generateContent`, `:streamGenerateContent`, `:countTokens` | Gemini |
| `POST /api/chat` | Ollama |
| `GET /health`, `/_scripted/ledger`, `/_scripted/log`, `POST /_scripted/faults`, `/_scripted/reset` | the server itself |

A request may choose its fault (`x-scripted-fault`, or `model+fault` as its model), the repeat it is
(`x-scripted-repeat`) and the number of tool calls it wants (`x-scripted-tool-calls`).
"""

from __future__ import annotations

import asyncio
import traceback
from typing import Any
from urllib.parse import unquote

import msgspec

from pointsman.core.clock import SYSTEM_CLOCK, Clock
from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.ids import hash_bytes
from pointsman.providers.dialect import DIALECTS, Dialect, HttpReply
from pointsman.providers.scripted.api_key import api_key, key_name
from pointsman.providers.scripted.director import Director, Plan, Question
from pointsman.providers.scripted.ledger import Entry, Ledger
from pointsman.providers.scripted.own_endpoints import OwnEndpoints
from pointsman.providers.scripted.play import Performance, header_list
from pointsman.providers.scripted.wire import Headers, Wire

__all__ = ["ScriptedServer"]

_HTML = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body><h1>Welcome</h1></body></html>"
_BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"
_HTML_TYPE = (b"content-type", b"text/html; charset=utf-8")
_CHAT_PATHS = {
    "/v1/chat/completions": "openai_chat",
    "/v1/responses": "openai_responses",
    "/v1/messages": "anthropic_messages",
    "/api/chat": "ollama",
}
_REQUEST_ID = {"anthropic_messages": b"request-id"}
_KEPT_QUESTIONS = 512
_KEPT_BYTES = 16_384


class _Visit(msgspec.Struct, kw_only=True):
    """One chat request being served."""

    wire: Wire
    dialect: Dialect
    question: Question
    entry: Entry
    headers: dict[bytes, bytes]
    reply_headers: list[tuple[bytes, bytes]]
    key: str | None
    asked_fault: str | None
    json_array: bool


class ScriptedServer:
    """The ASGI application. It accepts any key."""

    def __init__(self, director: Director, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.director = director
        self.ledger = Ledger()
        self._clock = clock
        self._numbers = 0
        self._questions: dict[tuple[str, str, bytes], Question] = {}
        self._own = OwnEndpoints(director, self.ledger)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        wire = Wire(scope, receive, send)
        path: str = scope["path"]
        name = _CHAT_PATHS.get(path)
        json_array = False
        if name is None and path.endswith((":generateContent", ":streamGenerateContent")):
            name = "gemini"
            json_array = path.endswith(":streamGenerateContent") and b"alt=sse" not in scope["query_string"]
        if name is None or scope["method"] != "POST":
            await self._own.answer(wire, scope["method"], unquote(path), dict(scope["headers"]), await wire.body())
            return
        self.ledger.in_flight += 1
        try:
            await self._chat(wire, DIALECTS.load(name), scope, json_array=json_array)
        except Exception:  # noqa: BLE001  # a fault of our own must be seen by whoever runs the server, and end one request only
            traceback.print_exc()
            await wire.fail()
        finally:
            self.ledger.in_flight -= 1

    async def _chat(self, wire: Wire, dialect: Dialect, scope: dict[str, Any], *, json_array: bool) -> None:
        body = await wire.body()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        key = api_key(headers, scope["query_string"])
        self._numbers += 1
        entry = Entry(
            number=self._numbers,
            at_s=self._clock.wall_s(),
            protocol=dialect.name,
            model="",
            key=key_name(key),
            request_hash=hash_bytes(body),
            stream=False,
            headers=scope["headers"],
        )
        try:
            if wire.gone:
                return
            question = self._question(dialect, scope["path"], body)
            entry.model, entry.stream = question.model, question.request.stream
            asked = headers.get(b"x-scripted-fault")
            visit = _Visit(
                wire=wire,
                dialect=dialect,
                question=question,
                entry=entry,
                headers=headers,
                reply_headers=[(_REQUEST_ID.get(dialect.name, b"x-request-id"), b"req_scripted_%d" % entry.number)],
                key=key,
                asked_fault=asked.decode("latin-1") if asked is not None else None,
                json_array=json_array,
            )
            await self._serve(visit)
        except ProviderError as error:
            entry.ended, entry.why = "error", error.failure.kind.value
            await _refuse(wire, dialect, error.failure)
        except BaseException as error:
            # A fault of our own, or the server is being stopped: what was sent was sent, but it was not the whole.
            stopped = isinstance(error, asyncio.CancelledError)
            entry.ended, entry.why = ("cut", "stopped") if stopped else ("error", "internal")
            raise
        finally:
            if wire.gone and entry.ended == "ok":
                entry.ended = "client_gone"
            entry.status = wire.status
            entry.bytes_sent = wire.bytes_sent
            self.ledger.add(entry)

    def _question(self, dialect: Dialect, path: str, body: bytes) -> Question:
        """Read a request. Load tests and repeats send the same bytes over and over: those are read once."""
        said = (dialect.name, path, body)
        found = self._questions.get(said)
        if found is None:
            found = self.director.question(dialect.read_request(body, path))
            if len(body) <= _KEPT_BYTES:
                if len(self._questions) >= _KEPT_QUESTIONS:
                    self._questions.clear()
                self._questions[said] = found
        return found

    async def _serve(self, visit: _Visit) -> None:
        entry = visit.entry
        try:
            plan = self.director.plan(
                visit.question,
                key=visit.key,
                asked_fault=visit.asked_fault,
                repeat=_number(visit.headers, b"x-scripted-repeat"),
                calls=_number(visit.headers, b"x-scripted-tool-calls"),
                number=entry.number,
            )
        except ValueError as error:
            raise ProviderError(Failure(kind=FailureClass.CLIENT_FAULT, message=f"scripted: {error}", status=400)) from None
        if plan.fault is not None:
            entry.why = plan.fault.name
            if plan.fault.name == "hang" and not await visit.wire.wait(plan.fault.for_s):
                self._bill_input(visit, plan)
                return
        if plan.reply is None:
            await self._without_reply(visit, plan)
        else:
            await self._with_reply(visit, plan)

    async def _without_reply(self, visit: _Visit, plan: Plan) -> None:
        visit.entry.ended = "error"
        fault = plan.fault
        if fault is None:
            await self._scripted_failure(visit, plan)
        elif fault.name == "502-html":
            await visit.wire.reply(502, [_HTML_TYPE], _BAD_GATEWAY)
        elif fault.name == "html":
            await visit.wire.reply(200, [_HTML_TYPE], _HTML)
        elif fault.name == "reset":
            await visit.wire.reset()
        else:
            failure = fault.failure(visit.dialect.name)
            waits = [(k.encode(), v.encode()) for k, v in fault.headers(self._clock.wall_s()).items()]
            await _refuse(visit.wire, visit.dialect, failure, [*visit.reply_headers, *waits])

    async def _scripted_failure(self, visit: _Visit, plan: Plan) -> None:
        kind = plan.behaviour.failure or FailureClass.TRANSIENT
        visit.entry.why = kind.value
        timeout = kind is FailureClass.TIMEOUT
        if not await visit.wire.wait(plan.timeout_after_s if timeout else plan.behaviour.ttft_s):
            visit.entry.ended = "client_gone"
            return
        if kind is FailureClass.MALFORMED:
            await visit.wire.reply(200, [_HTML_TYPE], _HTML)
            return
        wait_s = 1.0 if kind is FailureClass.RATE_LIMIT else None
        failure = Failure(kind=kind, message=f"scripted: {kind.value}", retry_after_s=wait_s)
        await _refuse(visit.wire, visit.dialect, failure, visit.reply_headers)

    async def _with_reply(self, visit: _Visit, plan: Plan) -> None:
        reply, entry = plan.reply, visit.entry
        assert reply is not None
        usage = reply.usage
        assert usage is not None
        told = msgspec.structs.replace(reply, usage=None) if plan.fault is not None and plan.fault.name == "no-usage" else reply
        written = usage.output_tokens or 0
        show = Performance(
            visit.wire,
            visit.dialect,
            visit.question.request,
            told,
            output_tokens=written,
            fault=plan.fault,
            headers=visit.reply_headers,
        )
        timing = plan.behaviour.ttft_s, plan.behaviour.total_s(written + (usage.reasoning_tokens or 0))
        try:
            if visit.question.request.stream:
                await show.stream(*timing, json_array=visit.json_array)
            else:
                await show.whole(*timing)
        finally:
            entry.ended = show.ended
            self._bill_input(visit, plan)
            entry.output_tokens = show.tokens_sent
            entry.reasoning_tokens = (usage.reasoning_tokens or 0) if show.began else 0
            self.director.spent(entry.model, visit.key, entry.input_tokens + entry.output_tokens + entry.reasoning_tokens)

    def _bill_input(self, visit: _Visit, plan: Plan) -> None:
        usage = plan.reply.usage if plan.reply is not None else None
        if usage is not None:
            visit.entry.input_tokens = usage.input_tokens or 0
            visit.entry.cache_read_tokens = usage.cache_read_tokens or 0


async def _refuse(wire: Wire, dialect: Dialect, failure: Failure, headers: Headers = ()) -> None:
    made: HttpReply = dialect.write_failure(failure)
    own = list(headers)
    names = {name for name, _ in own}
    tells_wait = any(name.startswith(b"retry-after") for name in names) or failure.retry_after_s is None
    theirs = [(k, v) for k, v in header_list(made) if k not in names and not (tells_wait and k.startswith(b"retry-after"))]
    await wire.reply(failure.status or made.status, [*own, *theirs], made.body)


def _number(headers: dict[bytes, bytes], name: bytes) -> int | None:
    text = headers.get(name)
    if text is None:
        return None
    if not text.isdigit():
        raise ValueError(f"{name.decode()} must be a number")
    return int(text)
