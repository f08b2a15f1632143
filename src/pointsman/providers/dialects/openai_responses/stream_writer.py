"""A streamed reply of the Responses API, written to a client: each item opened, filled and closed, all of it numbered."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    ChatRequest,
    Delta,
    Failed,
    Finished,
    FinishReason,
    LogprobsDelta,
    Opaque,
    Part,
    PartDelta,
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
from pointsman.core.failure import Failure
from pointsman.core.usage import Usage
from pointsman.providers.assemble import merge_usage
from pointsman.providers.dialects.openai_responses.items import FIELDS, annotations_of, is_own_item
from pointsman.providers.dialects.openai_responses.response import envelope, finished, item_id, message_item, status_of
from pointsman.providers.dialects.openai_responses.usage import write_usage
from pointsman.providers.dialects.openai_responses.write_items import Wire, call_item, id_of
from pointsman.providers.http_failure import code_to_write
from pointsman.providers.json_body import fields_under, json_line
from pointsman.providers.logprobs import content_tokens

__all__ = ["Writer"]


class Writer:
    """Writes one streamed reply. The protocol has one choice, so deltas of others say nothing in it."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._number = 0
        self._response: Wire | None = None
        self._items: list[_Open] = []
        self._calls: dict[int, _OpenCall] = {}
        self._finish: FinishReason | None = None
        self._logprobs: list[msgspec.Raw] = []
        """Of the text that comes next."""
        self._usage: Usage | None = None
        self._failed = False

    def feed(self, delta: Delta) -> bytes:
        """Bytes for this delta. How it ended and what it cost are held back for the last event."""
        if self._failed:
            return b""
        match delta:
            case Started():
                return self._begin(delta)
            case UsageSeen(usage):
                self._usage = merge_usage(self._usage, usage)
                return b""
            case Failed(failure):
                return self._opened() + self._fail(failure)
            case _ if delta.choice != 0:
                return b""
            case Finished(reason=reason):
                self._finish = reason
                return self._opened() + self._close_all()
            case _:
                return self._opened() + self._said(delta)

    def close(self) -> bytes:
        """The event that ends the response; nothing after a failure."""
        if self._failed:
            return b""
        head = self._opened() + self._close_all()
        finish = self._finish or FinishReason.UNKNOWN
        assert self._response is not None
        status, _ = status_of(finish)
        response = finished(self._response, finish, self._usage, [i.item for i in self._items])
        return head + self._event(f"response.{status}", response=response)

    def _begin(self, started: Started) -> bytes:
        if self._response is not None:
            return b""
        self._response = envelope(self._request, reply_id=started.id, model=started.model, created_s=started.created_s)
        return self._event("response.created", response=self._response) + self._event(
            "response.in_progress", response=self._response
        )

    def _opened(self) -> bytes:
        return self._begin(Started()) if self._response is None else b""

    def _said(self, delta: Delta) -> bytes:
        match delta:
            case TextDelta(text):
                return self._text(text) if text else b""
            case RefusalDelta(text):
                return self._refusal(text)
            case ReasoningDelta():
                return self._thought(delta)
            case ToolCallStarted():
                return self._call(delta)
            case ToolCallDelta(index=index, arguments=arguments):
                return self._calls[index].add(self, arguments) if index in self._calls and arguments else b""
            case PartDelta(part):
                return self._part(part)
            case LogprobsDelta(logprobs):
                self._logprobs += content_tokens(logprobs)
                return b""
            case _:
                return b""

    def _text(self, text: str) -> bytes:
        message, head = self._message()
        logprobs, self._logprobs = self._logprobs, []
        return head + message.text(self, text, logprobs)

    def _refusal(self, text: str) -> bytes:
        message, head = self._message()
        return head + message.refusal(self, text)

    def _message(self, own: Wire | None = None) -> tuple[_OpenMessage, bytes]:
        """The open message; a new one if there is none, or if what comes has fields of its own."""
        last = self._items[-1] if self._items else None
        if isinstance(last, _OpenMessage) and not last.closed and not own:
            return last, b""
        head = self._close_all()
        message = _OpenMessage(len(self._items), self._new_id("msg"), own or {})
        return message, head + self._add(message)

    def _thought(self, delta: ReasoningDelta) -> bytes:
        last = self._items[-1] if self._items else None
        head = b""
        if not isinstance(last, _OpenThought) or last.closed:
            head = self._close_all()
            last = _OpenThought(len(self._items), delta.id or self._new_id("rs"))
            head += self._add(last)
        return head + last.add(self, delta)

    def _call(self, started: ToolCallStarted) -> bytes:
        head = b"".join(i.close(self) for i in self._items if not isinstance(i, _OpenCall))
        call = _OpenCall(len(self._items), self._new_id("fc"), started)
        self._calls[started.index] = call
        return head + self._add(call)

    def _part(self, part: Part) -> bytes:
        match part:
            case Text():
                return self._whole_text(part)
            case Opaque(raw=json) if is_own_item(part):
                head = self._close_all()
                whole = _Open(len(self._items), msgspec.json.decode(json, type=dict[str, object]))
                return head + self._add(whole) + whole.close(self)
            case Refusal(text=text):
                return self._refusal(text)
            case _:
                return b""

    def _whole_text(self, part: Text) -> bytes:
        """A text that came at once, or (without words) what is said of the text before it only once it has been said."""
        own: Wire = {**fields_under(part.extra, FIELDS)}
        message, head = self._message(own if part.text else None)
        message.item |= own
        said = head + (self._text(part.text) if part.text else b"")
        annotations = annotations_of(part.citations)
        return said if annotations is None else said + message.cite(self, annotations)

    def _add(self, item: _Open) -> bytes:
        self._items.append(item)
        return self._event("response.output_item.added", output_index=item.position, item=item.item)

    def _close_all(self) -> bytes:
        return b"".join(i.close(self) for i in self._items)

    def _fail(self, failure: Failure) -> bytes:
        """The response's own end for the worse; usage is told even so, for it is billed even so."""
        self._failed = True
        assert self._response is not None
        error = {"code": code_to_write(failure, in_band=True), "message": failure.message}
        ended = {**self._response, "status": "failed", "error": error, "output": [i.item for i in self._items]}
        return self._event("response.failed", response={**ended, "usage": write_usage(self._usage)})

    def _new_id(self, prefix: str) -> str:
        assert self._response is not None
        return item_id(prefix, self._response["id"], len(self._items))

    def _event(self, kind: str, **fields: object) -> bytes:
        body = json_line({"type": kind, "sequence_number": self._number, **fields})
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"

    emit = _event


class _Open:
    """An item of the output while it is being written."""

    def __init__(self, position: int, item: Wire) -> None:
        self.position = position
        self.item = item
        self.closed = False

    @property
    def where(self) -> Wire:
        return {"item_id": self.item.get("id"), "output_index": self.position}

    def close(self, writer: Writer) -> bytes:
        if self.closed:
            return b""
        self.closed = True
        last = self.finish(writer)
        return last + writer.emit("response.output_item.done", output_index=self.position, item=self.item)

    def finish(self, writer: Writer) -> bytes:  # noqa: ARG002  # a whole item has nothing left to say
        return b""


class _OpenMessage(_Open):
    def __init__(self, position: int, message_id: str, own: Wire) -> None:
        super().__init__(position, {**message_item(message_id, "in_progress"), **own})
        self._content: list[Wire] = []
        self._pieces: list[str] = []
        self._part: Wire | None = None
        self._logprobs: list[msgspec.Raw] = []

    def text(self, writer: Writer, text: str, logprobs: list[msgspec.Raw]) -> bytes:
        head = self._open(writer, "output_text", {"text": "", "annotations": [], "logprobs": []})
        self._pieces.append(text)
        self._logprobs += logprobs
        return head + writer.emit("response.output_text.delta", **self._here, delta=text, logprobs=logprobs)

    def refusal(self, writer: Writer, text: str) -> bytes:
        head = self._open(writer, "refusal", {"refusal": ""})
        self._pieces.append(text)
        return head + writer.emit("response.refusal.delta", **self._here, delta=text)

    def cite(self, writer: Writer, citations: msgspec.Raw) -> bytes:
        if self._part is None or self._part["type"] != "output_text":
            return b""
        annotations = msgspec.json.decode(citations, type=list[msgspec.Raw])
        self._part["annotations"] = annotations
        return b"".join(
            writer.emit("response.output_text.annotation.added", **self._here, annotation_index=i, annotation=a)
            for i, a in enumerate(annotations)
        )

    @property
    def _here(self) -> Wire:
        return {**self.where, "content_index": len(self._content)}

    def _open(self, writer: Writer, kind: str, empty: Wire) -> bytes:
        if self._part is not None and self._part["type"] == kind:
            return b""
        head = self._close_part(writer)
        self._part = {"type": kind, **empty}
        return head + writer.emit("response.content_part.added", **self._here, part=self._part)

    def _close_part(self, writer: Writer) -> bytes:
        part = self._part
        if part is None:
            return b""
        field = "text" if part["type"] == "output_text" else "refusal"
        part[field] = "".join(self._pieces)
        more: Wire = {"logprobs": self._logprobs} if field == "text" else {}
        part |= more
        kind = "response.output_text.done" if field == "text" else "response.refusal.done"
        done = writer.emit(kind, **self._here, **{field: part[field]}, **more)
        done += writer.emit("response.content_part.done", **self._here, part=part)
        self._content.append(part)
        self._pieces, self._part, self._logprobs = [], None, []
        return done

    def finish(self, writer: Writer) -> bytes:
        last = self._close_part(writer)
        self.item = {**self.item, "content": self._content, "status": "completed"}
        return last


class _OpenThought(_Open):
    def __init__(self, position: int, thought_id: str) -> None:
        super().__init__(position, {"id": thought_id, "type": "reasoning", "summary": []})
        self._pieces: list[str] = []
        self._encrypted: str | None = None

    def add(self, writer: Writer, delta: ReasoningDelta) -> bytes:
        said = b""
        if delta.text:
            if not self._pieces:
                part = {"type": "summary_text", "text": ""}
                said = writer.emit("response.reasoning_summary_part.added", **self._here, part=part)
            self._pieces.append(delta.text)
            said += writer.emit("response.reasoning_summary_text.delta", **self._here, delta=delta.text)
        self._encrypted = delta.encrypted or self._encrypted
        if delta.id:
            self.item["id"] = delta.id
        self.item |= fields_under(delta.extra, FIELDS)
        return said + (self.close(writer) if delta.closes else b"")

    @property
    def _here(self) -> Wire:
        return {**self.where, "summary_index": 0}

    def finish(self, writer: Writer) -> bytes:
        done = b""
        if self._pieces:
            part = {"type": "summary_text", "text": "".join(self._pieces)}
            done = writer.emit("response.reasoning_summary_text.done", **self._here, text=part["text"])
            done += writer.emit("response.reasoning_summary_part.done", **self._here, part=part)
            self.item["summary"] = [part]
        if self._encrypted is not None:
            self.item["encrypted_content"] = self._encrypted
        return done


class _OpenCall(_Open):
    def __init__(self, position: int, call_id: str, started: ToolCallStarted) -> None:
        call = ToolCall(id=started.id, name=started.name, arguments="", extra=started.extra)
        super().__init__(position, call_item(call, id=id_of(call, call_id), status="in_progress"))
        self._pieces: list[str] = []

    def add(self, writer: Writer, arguments: str) -> bytes:
        self._pieces.append(arguments)
        return writer.emit("response.function_call_arguments.delta", **self.where, delta=arguments)

    def finish(self, writer: Writer) -> bytes:
        arguments = "".join(self._pieces) or "{}"
        self.item = {**self.item, "arguments": arguments, "status": "completed"}
        return writer.emit("response.function_call_arguments.done", **self.where, arguments=arguments)
