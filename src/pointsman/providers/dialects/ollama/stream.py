"""A streamed reply of Ollama's API, lines of JSON: read from a provider, written to a client."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    ChatRequest,
    Delta,
    Failed,
    Finished,
    FinishReason,
    Image,
    Media,
    PartDelta,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Text,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolCallStarted,
    UsageSeen,
)
from pointsman.core.usage import Usage
from pointsman.providers.assemble import merge_usage
from pointsman.providers.dialects.ollama.failure import error_fields
from pointsman.providers.dialects.ollama.message import Wire, read_call, write_calls
from pointsman.providers.dialects.ollama.reply import (
    LINE,
    finish_of,
    finish_word,
    read_usage,
    say,
    seconds_of,
    time_text,
    write_usage,
)
from pointsman.providers.dialects.ollama.wire import Line, Turn
from pointsman.providers.http_failure import cut_short, in_band_failure
from pointsman.providers.json_body import decode_reply, json_line
from pointsman.providers.sse import LineReader

__all__ = ["Reader", "Writer"]


class Reader:
    """Reads one streamed reply. Whole is a stream whose last line says that it is done."""

    def __init__(self) -> None:
        self._lines = LineReader()
        self._first: str | None = None
        self._started = False
        self._calls = 0
        self._over = False

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas completed by `data`. Raises `ProviderError` (malformed) for a line that is not one."""
        deltas: list[Delta] = []
        for line in self._lines.feed(data):
            self._line(line, deltas)
        return deltas

    def close(self) -> list[Delta]:
        """The end of the stream: `Failed` unless it was whole."""
        deltas: list[Delta] = []
        self._line(self._lines.close(), deltas)
        if not self._over:
            self._over = True
            deltas.append(Failed(cut_short()))
        return deltas

    def _line(self, line: bytes, deltas: list[Delta]) -> None:
        if self._over or not line.strip():
            return
        wire = decode_reply(LINE, line, "a line of the stream")
        if wire.error is not None:
            self._over = True
            deltas.append(Failed(in_band_failure(msgspec.json.decode(line))))
            return
        if not self._started:
            self._started, self._first = True, wire.created_at
            deltas.append(Started(model=wire.model, created_s=seconds_of(wire.created_at)))
        if (said := wire.said) is not None:
            self._say(said, deltas)
        if wire.done:
            self._end(wire, deltas)

    def _say(self, said: Turn, deltas: list[Delta]) -> None:
        if said.thinking:
            deltas.append(ReasoningDelta(text=said.thinking))
        if said.content:
            deltas.append(TextDelta(said.content))
        deltas += (PartDelta(Image(media=Media(data=image))) for image in said.images or ())
        for wire in said.tool_calls or ():
            call = read_call(wire, self._first, self._calls)
            deltas.append(ToolCallStarted(index=self._calls, id=call.id, name=call.name))
            deltas.append(ToolCallDelta(index=self._calls, arguments=call.arguments))
            self._calls += 1

    def _end(self, wire: Line, deltas: list[Delta]) -> None:
        self._over = True
        if (usage := read_usage(wire)) is not None:
            deltas.append(UsageSeen(usage))
        deltas.append(Finished(reason=finish_of(wire, called=self._calls > 0), raw=wire.done_reason))


class Writer:
    """Writes one streamed reply. A tool call has to be whole here, so its pieces are held until the next thing is said."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._head: Wire = {"model": request.model, "created_at": time_text(None)}
        self._call: ToolCallStarted | None = None
        self._arguments: list[str] = []
        self._finish = FinishReason.UNKNOWN
        self._usage: Usage | None = None
        self._failed = False

    def feed(self, delta: Delta) -> bytes:
        """Bytes for this delta. How it ended and what it cost stand in the last line."""
        if self._failed:
            return b""
        match delta:
            case Started():
                self._head = {"model": delta.model or self._request.model, "created_at": time_text(delta.created_s)}
                return b""
            case UsageSeen(usage):
                self._usage = merge_usage(self._usage, usage)
                return b""
            case Failed(failure):
                self._failed = True
                return msgspec.json.encode(error_fields(failure, in_band=True)) + b"\n"
            case _ if delta.choice != 0:
                return b""
            case ToolCallDelta(arguments=arguments):
                self._arguments.append(arguments)
                return b""
            case _:
                return self._called() + self._said(delta)

    def close(self) -> bytes:
        """The line that says it is done; nothing after a failure."""
        if self._failed:
            return b""
        end = {"done": True, "done_reason": finish_word(self._finish), **write_usage(self._usage)}
        return self._called() + self._line({"role": "assistant", "content": ""}, end)

    def _said(self, delta: Delta) -> bytes:
        match delta:
            case TextDelta(text) | RefusalDelta(text) | PartDelta(part=Text(text=text)) if text:
                return self._line({"role": "assistant", "content": text})
            case ReasoningDelta(text=text) if text:
                return self._line({"role": "assistant", "content": "", "thinking": text})
            case PartDelta(part=Image(media=media)) if media.data:
                return self._line({"role": "assistant", "content": "", "images": [media.data]})
            case ToolCallStarted():
                self._call = delta
            case Finished(reason=reason):
                self._finish = reason
            case _:
                pass
        return b""

    def _called(self) -> bytes:
        """The call held so far, now that it is whole."""
        started, self._call = self._call, None
        arguments, self._arguments = "".join(self._arguments), []
        if started is None:
            return b""
        call = ToolCall(id=started.id, name=started.name, arguments=arguments or "{}")
        return self._line({"role": "assistant", "content": "", "tool_calls": write_calls([call], "message", [])})

    def _line(self, message: Wire, end: Wire | None = None) -> bytes:
        return json_line({**self._head, **say(message, self._request), **(end or {"done": False})}) + b"\n"
