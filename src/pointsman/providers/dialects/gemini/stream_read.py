"""A stream of GenerateContentResponse chunks → deltas; as events (`alt=sse`) or as the items of one JSON list."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    Delta,
    Failed,
    Finished,
    FinishReason,
    LogprobsDelta,
    PartDelta,
    Reasoning,
    ReasoningDelta,
    Started,
    Text,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageSeen,
)
from pointsman.core.usage import Usage
from pointsman.providers.assemble import merge_usage
from pointsman.providers.dialects.gemini.failure import in_band
from pointsman.providers.dialects.gemini.finish_reason import read_finish_reason
from pointsman.providers.dialects.gemini.names import FINISH_REASONS, enum_name
from pointsman.providers.dialects.gemini.partial_args import PartialArg, PartialArguments
from pointsman.providers.dialects.gemini.parts_read import arguments_text, read_part
from pointsman.providers.dialects.gemini.reply import (
    ABSENT,
    RESPONSE,
    Candidate,
    ReplyIds,
    Response,
    beside_content,
    created_s,
    logprobs_of,
)
from pointsman.providers.dialects.gemini.usage import ledger
from pointsman.providers.http_failure import cut_short
from pointsman.providers.json_array import JsonArrayReader
from pointsman.providers.json_body import decode_reply
from pointsman.providers.sse import SseReader

__all__ = ["StreamReader"]


class _Call(msgspec.Struct, frozen=True, rename="camel"):
    id: str | None = None
    name: str | None = None
    args: msgspec.Raw = ABSENT
    partial_args: tuple[PartialArg, ...] = ()
    will_continue: bool = False


class _CallPart(msgspec.Struct, frozen=True, rename="camel"):
    function_call: _Call | None = None
    thought_signature: str | None = None


_CALL_PART = msgspec.json.Decoder(_CallPart)


class StreamReader:
    """Reads one streamed response."""

    def __init__(self) -> None:
        self._framing: SseReader | JsonArrayReader | None = None
        self._started = False
        self._failed = False
        self._blocked = False
        self._usage: Usage | None = None
        self._candidates: dict[int, _CandidateReader] = {}

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas completed by `data`."""
        if self._framing is None:
            data = data.lstrip()
            if not data:
                return []
            self._framing = JsonArrayReader() if data[:1] in (b"[", b"{") else SseReader()
        if isinstance(self._framing, JsonArrayReader):
            return self._read(self._framing.feed(data))
        return self._read([event.data for event in self._framing.feed(data)])

    def close(self) -> list[Delta]:
        """The end of the stream; a `Failed` unless every candidate had said why it stopped."""
        found: list[Delta] = []
        if isinstance(self._framing, SseReader):
            found = self._read([event.data for event in self._framing.close()])
        done = [c.finished for c in self._candidates.values()]
        if not self._failed and not self._blocked and not (done and all(done)):
            self._failed = True
            found.append(Failed(cut_short()))
        return found

    def _read(self, chunks: list[bytes]) -> list[Delta]:
        found: list[Delta] = []
        for chunk in chunks:
            if not self._failed:
                self._chunk(decode_reply(RESPONSE, chunk, "chunk"), found)
        return found

    def _chunk(self, chunk: Response, found: list[Delta]) -> None:
        if chunk.error is not None:
            self._failed = True
            found.append(Failed(in_band({"error": chunk.error})))
            return
        if not self._started:
            self._started = True
            found.append(Started(id=chunk.response_id, model=chunk.model_version, created_s=created_s(chunk.create_time)))
        for number, candidate in enumerate(chunk.candidates or ()):
            self._candidate(number if candidate.index is None else candidate.index, chunk).read(candidate, found)
        if chunk.blocked is not None and not self._candidates and not self._blocked:
            self._blocked = True
            found.append(Finished(reason=FinishReason.CONTENT_FILTER, raw=chunk.blocked))
        usage = None if chunk.usage_metadata is None else ledger(chunk.usage_metadata)
        if usage is None:
            return
        now = merge_usage(self._usage, usage)
        if now != self._usage:
            self._usage = now
            found.append(UsageSeen(now))

    def _candidate(self, index: int, chunk: Response) -> _CandidateReader:
        known = self._candidates.get(index)
        if known is None:
            known = self._candidates[index] = _CandidateReader(index, chunk.response_id)
        return known


class _CandidateReader:
    def __init__(self, index: int, reply_id: str | None) -> None:
        self.finished = False
        self._choice = index
        self._ids = ReplyIds(reply_id, index)
        self._calls = 0
        self._partial: PartialArguments | None = None

    def read(self, candidate: Candidate, found: list[Delta]) -> None:
        if (logprobs := logprobs_of(candidate)) is not None:
            found.append(LogprobsDelta(logprobs, self._choice))
        for raw in candidate.parts:
            self._part(raw, found)
        found += [PartDelta(part, self._choice) for part in beside_content(candidate)]
        reason = enum_name(candidate.finish_reason, FINISH_REASONS)
        if reason is not None and not self.finished:
            self._end_partial(found)
            self.finished = True
            ours = read_finish_reason(reason, called_tools=self._calls > 0)
            found.append(Finished(reason=ours, raw=reason, choice=self._choice))

    def _part(self, raw: msgspec.Raw, found: list[Delta]) -> None:
        call = decode_reply(_CALL_PART, raw, "part")
        if call.function_call is not None:
            self._call(call.function_call, call.thought_signature, found)
            return
        self._end_partial(found)
        match read_part(raw, "part", self._ids, decode_reply):
            case Text(text=text, signature=signature):
                if text:
                    found.append(TextDelta(text, self._choice))
                if signature is not None:
                    # The text goes out as it comes; its proof follows as a part without text.
                    found.append(PartDelta(Text(text="", signature=signature), self._choice))
            case Reasoning(text=text):
                if text:
                    found.append(ReasoningDelta(text=text, choice=self._choice))
            case part:
                found.append(PartDelta(part, self._choice))

    def _call(self, call: _Call, signature: str | None, found: list[Delta]) -> None:
        """A call comes whole, or (with `partialArgs`) begins with its name, goes on with pieces, and ends with `{}`."""
        if call.name is None:
            self._more(call, found)
            return
        self._end_partial(found)
        call_id = self._ids.of_call(call.id, call.name, "")
        found.append(ToolCallStarted(index=self._calls, id=call_id, name=call.name, signature=signature, choice=self._choice))
        self._calls += 1
        if call.will_continue or call.partial_args:
            self._partial = PartialArguments()
            self._more(call, found)
        else:
            self._arguments("{}" if bytes(call.args) == b"null" else arguments_text(call.args), found)

    def _more(self, call: _Call, found: list[Delta]) -> None:
        if self._partial is None:
            return
        for piece in call.partial_args:
            self._partial.add(piece)
        if not call.will_continue:
            self._end_partial(found)

    def _end_partial(self, found: list[Delta]) -> None:
        if self._partial is not None:
            text = self._partial.text()
            self._partial = None
            self._arguments(text, found)

    def _arguments(self, text: str, found: list[Delta]) -> None:
        found.append(ToolCallDelta(index=self._calls - 1, arguments=text, choice=self._choice))
