"""A stream of Messages events → deltas."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    Delta,
    Failed,
    Finished,
    Opaque,
    PartDelta,
    ReasoningDelta,
    RefusalDelta,
    Started,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageSeen,
)
from pointsman.providers.dialects.anthropic_messages.blocks_read import NAME
from pointsman.providers.dialects.anthropic_messages.failure import in_band
from pointsman.providers.dialects.anthropic_messages.reply import StopDetails
from pointsman.providers.dialects.anthropic_messages.stop_reason import read_stop_reason
from pointsman.providers.dialects.anthropic_messages.usage import WireUsage, ledger, merged
from pointsman.providers.http_failure import cut_short
from pointsman.providers.json_body import decode_reply, kept_fields, raw
from pointsman.providers.sse import SseEvent, SseReader

__all__ = ["StreamReader"]


class _Message(msgspec.Struct, frozen=True):
    id: str | None = None
    model: str | None = None
    usage: WireUsage | None = None


class _Delta(msgspec.Struct, frozen=True):
    type: str = ""
    text: str = ""
    thinking: str = ""
    signature: str | None = None
    partial_json: str = ""
    citation: dict[str, object] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    stop_details: StopDetails | None = None


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    index: int = 0
    delta: _Delta | None = None
    message: _Message | None = None
    usage: WireUsage | None = None
    content_block: msgspec.Raw = msgspec.Raw(b"null")


class _Kind(msgspec.Struct, frozen=True):
    type: str = ""


class _Block(msgspec.Struct, frozen=True):
    type: str
    id: str = ""
    name: str = ""
    text: str = ""
    thinking: str = ""
    signature: str | None = None
    data: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")


_EVENT = msgspec.json.Decoder(_Event)
_BLOCK = msgspec.json.Decoder(_Block)
_CALL_NAMED = frozenset({"type", "id", "name", "input"})
_OBJECT = msgspec.json.Decoder(dict[str, object])
_KIND = msgspec.json.Decoder(_Kind)
_USED = frozenset({"message_start", "message_delta", "content_block_start", "content_block_delta"})


class StreamReader:
    """Reads one streamed message. Pings and events newer than this code are passed over."""

    def __init__(self) -> None:
        self._sse = SseReader()
        self._open: dict[int, _Open] = {}
        self._calls = 0
        self._has_content = False
        self._usage: WireUsage | None = None
        self._id: str | None = None
        self._started = False
        self._finished = False
        self._failed = False

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas completed by `data`."""
        return self._read(self._sse.feed(data))

    def close(self) -> list[Delta]:
        """The end of the stream; a `Failed` if no stop reason had come."""
        found = self._read(self._sse.close())
        if not self._finished and not self._failed:
            self._failed = True
            found.append(Failed(cut_short()))
        return found

    def _read(self, events: list[SseEvent]) -> list[Delta]:
        found: list[Delta] = []
        for event in events:
            if not self._failed:
                self._event(event.data, found)
        return found

    def _event(self, data: bytes, found: list[Delta]) -> None:
        event = _event(data)
        match event.type:
            case "content_block_delta" if event.delta is not None:
                self._block_delta(event.index, event.delta, data, found)
            case "content_block_start":
                self._block_start(event, found)
            case "content_block_stop":
                if (block := self._open.pop(event.index, None)) is not None:
                    block.stop(found)
            case "message_start" if event.message is not None:
                self._message_start(event.message, found)
            case "message_delta":
                self._message_delta(event, found)
            case "message_stop":
                self._stop(found)
            case "error":
                self._failed = True
                found.append(Failed(in_band(decode_reply(_OBJECT, data, "error"))))

    def _message_start(self, message: _Message, found: list[Delta]) -> None:
        """The first one starts the reply. Proxies repeat it (same id: nothing new) or splice in a second
        answer after breaking off the first; that one starts anew and voids what came before.
        """
        anew = self._has_content and message.id != self._id
        if anew or not self._started:
            self._open.clear()
            self._has_content = self._finished = False
            self._started, self._id = True, message.id
            self._usage = None
            found.append(Started(id=message.id, model=message.model))
        self._saw_usage(message.usage, found)

    def _message_delta(self, event: _Event, found: list[Delta]) -> None:
        delta = event.delta
        if delta is not None and delta.stop_reason is not None and not self._finished:
            self._close_blocks(found)
            if delta.stop_details is not None and delta.stop_details.explanation:
                found.append(RefusalDelta(delta.stop_details.explanation))
            self._finished = True
            found.append(
                Finished(reason=read_stop_reason(delta.stop_reason), raw=delta.stop_reason, stop_sequence=delta.stop_sequence)
            )
        self._saw_usage(event.usage, found)

    def _stop(self, found: list[Delta]) -> None:
        if not self._finished:
            self._close_blocks(found)
            self._finished = True
            found.append(Finished(reason=read_stop_reason(None)))

    def _saw_usage(self, usage: WireUsage | None, found: list[Delta]) -> None:
        if usage is None:
            return
        now = merged(self._usage, usage)
        if now != self._usage:
            self._usage = now
            found.append(UsageSeen(ledger(now)))

    def _block_start(self, event: _Event, found: list[Delta]) -> None:
        block = decode_reply(_BLOCK, event.content_block, "content_block")
        self._has_content = True
        match block.type:
            case "text":
                opened: _Open = _Open()
                if block.text:
                    found.append(TextDelta(block.text))
            case "thinking":
                opened = _OpenThinking()
                found.append(ReasoningDelta(text=block.thinking, signature=block.signature or None))
            case "redacted_thinking":
                opened = _Open()
                found.append(ReasoningDelta(encrypted=block.data, closes=True))
            case "tool_use":
                opened = _OpenCall(self._calls, bytes(block.input))
                extra = kept_fields(event.content_block, _CALL_NAMED, f"{NAME}.")
                found.append(ToolCallStarted(index=self._calls, id=block.id, name=block.name, extra=extra))
                self._calls += 1
            case _:
                opened = _OpenOpaque(block.type, decode_reply(_OBJECT, event.content_block, "content_block"))
        if (before := self._open.get(event.index)) is not None:
            before.stop(found)
        self._open[event.index] = opened

    def _block_delta(self, index: int, delta: _Delta, data: bytes, found: list[Delta]) -> None:
        block = self._open.get(index)
        self._has_content = True
        if isinstance(block, _OpenOpaque):
            block.add(delta, data)
            return
        match delta.type:
            case "text_delta":
                if delta.text:
                    found.append(TextDelta(delta.text))
            case "input_json_delta":
                if delta.partial_json and isinstance(block, _OpenCall):
                    block.empty = False
                    found.append(ToolCallDelta(index=block.number, arguments=delta.partial_json))
            case "thinking_delta":
                found.append(ReasoningDelta(text=delta.thinking))
            case "signature_delta":
                found.append(ReasoningDelta(signature=delta.signature))
            case "citations_delta":
                if block is not None and delta.citation is not None:
                    block.citations.append(delta.citation)

    def _close_blocks(self, found: list[Delta]) -> None:
        for index in sorted(self._open):
            self._open[index].stop(found)
        self._open.clear()


def _event(data: bytes) -> _Event:
    """The event; one of a kind we do not use may look however it likes."""
    try:
        return _EVENT.decode(data)
    except (ValueError, RecursionError):
        kind = decode_reply(_KIND, data, "event").type
        return decode_reply(_EVENT, data, kind) if kind in _USED else _Event(type=kind)


class _Open:
    """A block that has begun: text, or one that needs nothing at its end."""

    def __init__(self) -> None:
        self.citations: list[dict[str, object]] = []

    def stop(self, found: list[Delta]) -> None:
        # The text has long been shown, so its citations follow it as a part without text.
        if self.citations:
            found.append(PartDelta(Text(text="", citations=raw(self.citations))))


class _OpenThinking(_Open):
    def stop(self, found: list[Delta]) -> None:
        found.append(ReasoningDelta(closes=True))


class _OpenCall(_Open):
    def __init__(self, number: int, given: bytes) -> None:
        super().__init__()
        self.number = number
        self.empty = True
        self._given = given

    def stop(self, found: list[Delta]) -> None:
        # A call without arguments streams nothing, or one empty piece: its arguments are the object it began with.
        if self.empty:
            found.append(ToolCallDelta(index=self.number, arguments=self._given.decode("utf-8", "replace")))


class _OpenOpaque(_Open):
    """A block only Anthropic has; its deltas are put together and it is handed on whole."""

    def __init__(self, kind: str, members: dict[str, object]) -> None:
        super().__init__()
        self._kind = kind
        self._members = members
        self._json: list[str] = []

    def add(self, delta: _Delta, data: bytes) -> None:
        if delta.type == "input_json_delta":
            self._json.append(delta.partial_json)
            return
        changes = decode_reply(_OBJECT, data, "event").get("delta")
        for name, value in changes.items() if isinstance(changes, dict) else ():
            if name != "type":
                old = self._members.get(name)
                self._members[name] = old + value if isinstance(old, str) and isinstance(value, str) else value

    def stop(self, found: list[Delta]) -> None:
        if text := "".join(self._json):
            self._members["input"] = _json_or_text(text)
        part = Opaque(dialect=NAME, kind=self._kind, raw=raw(self._members))
        found.append(PartDelta(part))


def _json_or_text(text: str) -> object:
    try:
        return _OBJECT.decode(text)
    except (ValueError, RecursionError):
        return {"INVALID_JSON": text}
