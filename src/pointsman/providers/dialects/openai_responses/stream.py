"""A streamed reply of the Responses API, read from a provider."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    ChatReply,
    Choice,
    Delta,
    Failed,
    Finished,
    FinishReason,
    LogprobsDelta,
    Opaque,
    PartDelta,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageSeen,
)
from pointsman.providers.assemble import deltas_of
from pointsman.providers.dialects.openai_responses.items import (
    DIALECT,
    arguments_of,
    call_part,
    decode_item,
    message_parts,
    reasoning_part,
)
from pointsman.providers.dialects.openai_responses.reply import choice_of
from pointsman.providers.dialects.openai_responses.response import finish_of
from pointsman.providers.dialects.openai_responses.usage import read_usage
from pointsman.providers.dialects.openai_responses.wire import Event, Item, Response, present
from pointsman.providers.http_failure import cut_short, in_band_failure, malformed
from pointsman.providers.instant import instant_s
from pointsman.providers.json_body import decode_reply
from pointsman.providers.logprobs import of_content
from pointsman.providers.sse import SseEvent, SseReader
from pointsman.providers.token_ledger import told_tier

__all__ = ["Reader"]

_EVENT = msgspec.json.Decoder(Event)
_RESPONSE = msgspec.json.Decoder(Response)
_TERMINAL = ("response.completed", "response.incomplete", "response.failed", "response.done", "response.cancelled")
_THOUGHT_DELTAS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.reasoning.delta")


class Reader:
    """Reads one streamed reply. Whole is a stream with one of the events that end a response.

    Each item is taken from its pieces as they come; what a server did not send in pieces is taken
    from the finished item, and if it sent no item either, from the finished response.
    """

    def __init__(self) -> None:
        self._events = SseReader()
        self._started = False
        self._failed = False
        self._over = False
        self._spoken: set[tuple[int, str]] = set()
        """Which output items have had text, a refusal, arguments or thoughts in pieces."""
        self._calls: dict[int, int] = {}
        """Position of the item → index of the call."""
        self._refused = False
        self._latest: int | None = None
        """The item that began last."""

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas completed by `data`. Raises `ProviderError` (malformed) for an event that is not one."""
        deltas: list[Delta] = []
        for event in self._events.feed(data):
            self._event(event, deltas)
        return deltas

    def close(self) -> list[Delta]:
        """The end of the stream: `Failed` unless it was whole."""
        deltas: list[Delta] = []
        for event in self._events.close():
            self._event(event, deltas)
        if not self._over and not self._failed:
            self._failed = True
            deltas.append(Failed(cut_short()))
        return deltas

    def _event(self, sse: SseEvent, deltas: list[Delta]) -> None:
        if self._over or not sse.data.strip() or sse.data.strip() == b"[DONE]":
            return
        event = decode_reply(_EVENT, sse.data, "an event of the stream")
        kind = event.type or sse.event
        if kind in _TERMINAL:
            self._end(kind, event, deltas)
        elif self._failed:
            return  # only the response's own end, which may bring usage, counts after an error
        elif kind == "error" or (not event.type and b'"error"' in sse.data):
            self._failed = True
            deltas.append(Failed(in_band_failure(msgspec.json.decode(sse.data))))
        elif not self._started and present(event.response):
            self._start(_response(event.response), deltas)
        else:
            self._piece(kind, event, deltas)

    def _start(self, response: Response, deltas: list[Delta]) -> None:
        if not self._started:
            self._started = True
            created_s = instant_s(response.created_at)
            deltas.append(Started(id=str(response.id) if response.id else None, model=response.model, created_s=created_s))

    def _piece(self, kind: str, event: Event, deltas: list[Delta]) -> None:
        at = event.output_index
        match kind:
            case "response.output_text.delta":
                if event.logprobs and (logprobs := of_content(event.logprobs)) is not None:
                    deltas.append(LogprobsDelta(logprobs))
                self._text(at, "text", event.delta, deltas)
            case "response.function_call_arguments.delta":
                self._arguments(at, event.delta, deltas)
            case "response.refusal.delta":
                self._text(at, "refusal", event.delta, deltas)
            case "response.reasoning_summary_part.added" if event.summary_index > 0:
                deltas.append(ReasoningDelta(text="\n\n"))
            case _ if kind in _THOUGHT_DELTAS:
                self._text(at, "thought", event.delta, deltas)
            case "response.output_item.added" if present(event.item):
                self._added(at, event.item, deltas)
            case "response.output_item.done" if present(event.item):
                self._done(at, event.item, deltas)
            case _:
                pass  # the rest repeats what deltas and items say, or is news of hosted tools

    def _text(self, at: int, what: str, text: object, deltas: list[Delta]) -> None:
        if not isinstance(text, str):
            raise malformed(f"a {what} delta of the stream holds no text")
        if not text:
            return
        self._spoken.add((at, what))
        if what == "text":
            deltas.append(TextDelta(text))
        elif what == "refusal":
            self._refused = True
            deltas.append(RefusalDelta(text))
        else:
            deltas.append(ReasoningDelta(text=text))

    def _arguments(self, at: int, text: object, deltas: list[Delta]) -> None:
        if isinstance(text, str) and text and at in self._calls:
            self._spoken.add((at, "arguments"))
            deltas.append(ToolCallDelta(index=self._calls[at], arguments=text))

    def _added(self, at: int, raw_item: msgspec.Raw, deltas: list[Delta]) -> None:
        item = decode_item(raw_item, decode_reply, "item")
        if item.type == "function_call" and at not in self._calls:
            index = self._calls[at] = len(self._calls)
            call = call_part(item, raw_item, at)
            deltas.append(ToolCallStarted(index=index, id=call.id, name=call.name, extra=call.extra))
            self._arguments(at, arguments_of(item), deltas)
        elif item.type == "reasoning":
            self._latest = at
            deltas.append(ReasoningDelta(id=item.id))
        else:
            self._latest = at

    def _done(self, at: int, raw_item: msgspec.Raw, deltas: list[Delta]) -> None:
        item = decode_item(raw_item, decode_reply, "item")
        match item.type:
            case "function_call":
                self._added(at, raw_item, deltas)
                if (at, "arguments") not in self._spoken:
                    self._arguments(at, arguments_of(item), deltas)
            case "message":
                self._message_done(at, item, raw_item, deltas)
            case "reasoning":
                self._thought_done(at, reasoning_part(item, raw_item, decode_reply, "item"), deltas)
            case _:
                self._spoken.add((at, "item"))
                deltas.append(PartDelta(Opaque(dialect=DIALECT, kind=item.type or "unknown", raw=raw_item)))

    def _thought_done(self, at: int, thought: Reasoning, deltas: list[Delta]) -> None:
        """What ends a thought. Some servers send it only after the answer began; then it can bring nothing but news."""
        text = "" if (at, "thought") in self._spoken else thought.text
        self._spoken.add((at, "thought"))
        if text or thought.encrypted or self._latest == at:
            deltas.append(ReasoningDelta(text=text, encrypted=thought.encrypted, id=thought.id, extra=thought.extra, closes=True))

    def _message_done(self, at: int, item: Item, raw_item: msgspec.Raw, deltas: list[Delta]) -> None:
        """What the pieces left out: annotations, or everything where a server sends messages whole."""
        pieces = not self._spoken.isdisjoint({(at, "text"), (at, "refusal")})
        for part in message_parts(item, raw_item, decode_reply, "item"):
            if not pieces:
                self._spoken.add((at, "text"))
                deltas.append(PartDelta(msgspec.structs.replace(part, extra=None)))
            elif isinstance(part, Text):
                extra = {k: v for k, v in (part.extra or {}).items() if not k.endswith(".id")} or None
                if part.citations is not None or extra is not None:
                    deltas.append(PartDelta(Text(text="", citations=part.citations, extra=extra)))

    def _end(self, kind: str, event: Event, deltas: list[Delta]) -> None:
        response = _response(event.response) if present(event.response) else Response()
        self._start(response, deltas)
        self._over = True
        if not self._spoken and not self._calls and response.output:
            deltas += (
                d for d in deltas_of(ChatReply(choices=(_bare(choice_of(response)),))) if not isinstance(d, Started | Finished)
            )
        if (usage := read_usage(response.usage, told_tier(response.service_tier))) is not None:
            deltas.append(UsageSeen(usage))
        if self._failed:
            return
        if kind in ("response.failed", "response.cancelled") or response.error is not None:
            self._failed = True
            error = response.error or {"code": "server_error", "message": f"the provider ended the stream with {kind}"}
            deltas.append(Failed(in_band_failure(error)))
            return
        if kind == "response.incomplete" and response.status is None:
            response.status = "incomplete"
        elif response.status in (None, "in_progress"):
            response.status = "completed"
        deltas.append(self._finish(response))

    def _finish(self, response: Response) -> Finished:
        called = bool(self._calls) or any(b'"function_call"' in bytes(i) for i in response.output or ())
        reason, word = finish_of(response, called=called, refused=self._refused)
        return Finished(reason=reason, raw=word)


def _response(raw: msgspec.Raw) -> Response:
    return decode_reply(_RESPONSE, raw, "the response in an event of the stream")


def _bare(choice: Choice) -> Choice:
    """The choice without item ids, which pieces of a stream do not carry either."""
    parts = tuple(msgspec.structs.replace(p, extra=None) for p in choice.parts)
    return Choice(parts=parts, finish=FinishReason.UNKNOWN)
