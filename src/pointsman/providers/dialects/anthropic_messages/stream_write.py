"""Deltas → a stream of Messages events, in the order the protocol promises.

One `message_start`; blocks one after the other with contiguous indexes, each started, filled and
stopped before the next; then one `message_delta` with the stop reason and the final usage, and
`message_stop`. An error is an `error` event, and nothing follows it.
"""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    ChatRequest,
    Delta,
    Failed,
    Finished,
    PartDelta,
    Reasoning,
    ReasoningDelta,
    Refusal,
    RefusalDelta,
    Started,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UsageSeen,
)
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.usage import Usage
from pointsman.providers.assemble import merge_usage
from pointsman.providers.dialects.anthropic_messages.blocks_write import is_own_citations, tool_id
from pointsman.providers.dialects.anthropic_messages.failure import error_body
from pointsman.providers.dialects.anthropic_messages.reply import message_id, own_fields, reply_blocks, stop_details
from pointsman.providers.dialects.anthropic_messages.stop_reason import write_stop_reason
from pointsman.providers.dialects.anthropic_messages.usage import wire_usage
from pointsman.providers.json_body import json_line

__all__ = ["StreamWriter"]

_JSON = msgspec.json.Decoder(msgspec.Raw)
_CITATIONS = msgspec.json.Decoder(list[msgspec.Raw])


class StreamWriter:
    """Writes the first choice of one streamed reply."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._out: list[bytes] = []
        self._opening: Started | None = None
        self._begun = False
        self._index = -1
        self._open: str | None = None
        self._calls = _CallQueue()
        self._refusal: list[str] = []
        self._usage: Usage | None = None
        self._finished: Finished | None = None
        self._over = False

    def feed(self, delta: Delta) -> bytes:
        """Events for this delta; empty if it says nothing here, or must wait its turn."""
        if self._over or getattr(delta, "choice", None):
            return b""
        match delta:
            case Started():
                # `message_start` reports the tokens read, so it waits for what comes next.
                self._opening = self._opening or delta
            case UsageSeen(usage):
                self._usage = merge_usage(self._usage, usage)
                self._begin()
            case Failed(failure):
                self._fail(failure)
            case Finished():
                self._begin()
                self._finished = delta
            case _:
                self._begin()
                self._content(delta)
        return self._flush()

    def close(self) -> bytes:
        """The ending; after a failure nothing, and without a finish an error, because a cut answer is not a whole one."""
        if self._over:
            return b""
        self._begin()
        end = self._finished
        reason = None if end is None else write_stop_reason(end.reason, end.raw)
        if end is None or reason is None:
            why = "the stream ended before the reply was finished" if end is None else "the model's answer ended in an error"
            self._fail(Failure(kind=FailureClass.TRANSIENT, message=why, phase="body", status=500))
            return self._flush()
        self._release_calls(everything=True)
        self._close_block()
        delta: dict[str, object] = {"stop_reason": reason, "stop_sequence": end.stop_sequence}
        if reason == "refusal":
            delta["stop_details"] = stop_details("".join(self._refusal))
        self._event("message_delta", delta=delta, usage=wire_usage(self._usage))
        self._event("message_stop")
        self._over = True
        return self._flush()

    def _content(self, delta: Delta) -> None:
        match delta:
            case TextDelta(text):
                if text:
                    self._into("text", {"type": "text", "text": ""})
                    self._delta({"type": "text_delta", "text": text})
            case ReasoningDelta():
                self._reasoning(delta)
            case RefusalDelta(text):
                self._refusal.append(text)
            case ToolCallStarted():
                self._calls.start(delta)
                self._release_calls()
            case ToolCallDelta():
                self._calls.add(delta)
                self._release_calls()
            case PartDelta(part):
                self._part(part)

    def _reasoning(self, delta: ReasoningDelta) -> None:
        if delta.encrypted is not None and delta.id is None:  # with an id it is OpenAI's, which clients cannot hand back
            self._whole_block({"type": "redacted_thinking", "data": delta.encrypted})
            return
        if delta.text or delta.signature:
            self._into("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        if delta.text:
            self._delta({"type": "thinking_delta", "thinking": delta.text})
        if delta.signature:
            self._delta({"type": "signature_delta", "signature": delta.signature})
        if delta.closes and self._open == "thinking":
            self._close_block()

    def _part(self, part: object) -> None:
        match part:
            case Text(text=text, citations=citations):
                self._content(TextDelta(text))
                if citations is not None and self._open == "text" and is_own_citations(citations):
                    for citation in _CITATIONS.decode(citations):
                        self._delta({"type": "citations_delta", "citation": citation})
            case ToolCall():
                number = self._calls.next_number
                self._content(ToolCallStarted(index=number, id=part.id, name=part.name, extra=part.extra))
                self._content(ToolCallDelta(index=number, arguments=part.arguments))
            case Refusal(text=text):
                self._refusal.append(text)
            case Reasoning():
                self._reasoning(
                    ReasoningDelta(text=part.text, signature=part.signature, encrypted=part.encrypted, id=part.id, closes=True)
                )
            case _:
                for block in reply_blocks((part,)):  # type: ignore[arg-type]  # whatever else a part is
                    self._whole_block(block)

    def _release_calls(self, *, everything: bool = False) -> None:
        for event in self._calls.ready(everything=everything):
            if isinstance(event, ToolCallStarted):
                self._close_block()
                block = {"type": "tool_use", "id": tool_id(event.id), "name": event.name, "input": {}}
                self._start(f"call {event.index}", block | own_fields(event.extra))
            else:
                self._delta({"type": "input_json_delta", "partial_json": event.arguments})

    def _begin(self) -> None:
        if self._begun:
            return
        self._begun = True
        opening = self._opening or Started()
        message: dict[str, object] = {
            "id": message_id(opening.id, self._request),
            "type": "message",
            "role": "assistant",
            "model": opening.model or self._request.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": wire_usage(self._usage),
        }
        self._event("message_start", message=message)

    def _into(self, kind: str, block: object) -> None:
        """Make `kind` the open block; what was open is stopped first."""
        if self._open != kind:
            self._release_calls(everything=True)
            self._close_block()
            self._start(kind, block)

    def _whole_block(self, block: object) -> None:
        self._into("whole", block)
        self._close_block()

    def _start(self, kind: str, block: object) -> None:
        self._index += 1
        self._open = kind
        self._event("content_block_start", index=self._index, content_block=block)

    def _delta(self, delta: object) -> None:
        self._event("content_block_delta", index=self._index, delta=delta)

    def _close_block(self) -> None:
        if self._open is not None:
            self._event("content_block_stop", index=self._index)
            self._open = None

    def _fail(self, failure: Failure) -> None:
        self._out.append(b"event: error\ndata: " + json_line(error_body(failure)) + b"\n\n")
        self._over = True

    def _event(self, kind: str, **members: object) -> None:
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), json_line({"type": kind, **members})))

    def _flush(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out


class _CallQueue:
    """Puts tool calls in a row, since other protocols may write several at once.

    The first call passes through as it comes. A later one waits until the arguments of the one before
    are a complete JSON text, or until nothing more can come.
    """

    def __init__(self) -> None:
        self._waiting: list[_Call] = []
        self._current: _Call | None = None
        self.next_number = 0

    def start(self, started: ToolCallStarted) -> None:
        self.next_number = max(self.next_number, started.index + 1)
        self._waiting.append(_Call(started))

    def add(self, delta: ToolCallDelta) -> None:
        calls = [*self._waiting, self._current] if self._current else self._waiting
        for call in calls:
            if call.started.index == delta.index and delta.arguments:
                call.unsent.append(delta)
                call.pieces.append(delta.arguments)
                return

    def ready(self, *, everything: bool) -> list[ToolCallStarted | ToolCallDelta]:
        """What may go out now, in order; with `everything`, all of it."""
        out: list[ToolCallStarted | ToolCallDelta] = []
        while True:
            if self._current is not None:
                out += self._current.unsent
                self._current.unsent = []
            if not self._waiting:
                self._current = None if everything else self._current
                return out
            if self._current is not None and not everything and not self._current.complete:
                return out
            self._current = self._waiting.pop(0)
            out.append(self._current.started)


class _Call:
    def __init__(self, started: ToolCallStarted) -> None:
        self.started = started
        self.unsent: list[ToolCallDelta] = []
        self.pieces: list[str] = []

    @property
    def complete(self) -> bool:
        """Whether the arguments are a whole JSON text. Asked only while another call waits."""
        if not self.pieces or not self.pieces[-1].rstrip().endswith("}"):
            return False
        try:
            _JSON.decode("".join(self.pieces))
        except (ValueError, RecursionError):
            return False
        return True
