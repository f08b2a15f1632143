"""Deltas → a stream of GenerateContentResponse chunks as server-sent events.

Calls go out whole, because Gemini's clients expect them so; the last chunk carries the finish reasons
and the usage. An error is a chunk with `error`, and nothing follows it.
"""

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
from pointsman.providers.dialects.gemini.failure import error_body
from pointsman.providers.dialects.gemini.finish_reason import write_finish_reason
from pointsman.providers.dialects.gemini.logprobs import write_logprobs
from pointsman.providers.dialects.gemini.names import NAME
from pointsman.providers.dialects.gemini.parts_write import BESIDE_CONTENT
from pointsman.providers.dialects.gemini.reply import reply_parts
from pointsman.providers.dialects.gemini.usage import wire_usage
from pointsman.providers.json_body import json_line
from pointsman.providers.logprobs import joined_logprobs

__all__ = ["StreamWriter"]


class StreamWriter:
    """Writes one streamed reply."""

    def __init__(self, request: ChatRequest) -> None:
        self._model = request.model
        self._id: str | None = None
        self._open_calls: dict[tuple[int, int], tuple[ToolCallStarted, list[str]]] = {}
        self._finished: dict[int, Finished] = {}
        self._seen: set[int] = set()
        self._logprobs: dict[int, list[msgspec.Raw]] = {}
        self._usage: Usage | None = None
        self._over = False

    def feed(self, delta: Delta) -> bytes:
        """Chunks for this delta; empty if it says nothing here, or must wait until it is whole."""
        if self._over:
            return b""
        match delta:
            case TextDelta(text, choice):
                return self._parts(choice, Text(text=text)) if text else b""
            case ReasoningDelta(text=text, choice=choice):
                return self._parts(choice, Reasoning(text=text)) if text else b""
            case RefusalDelta(text, choice):
                return self._parts(choice, Refusal(text=text))
            case ToolCallStarted():
                self._seen.add(delta.choice)
                self._open_calls[delta.choice, delta.index] = (delta, [])
                return b""
            case ToolCallDelta():
                if (call := self._open_calls.get((delta.choice, delta.index))) is not None:
                    call[1].append(delta.arguments)
                return b""
            case PartDelta(part, choice):
                return self._parts(choice, part)
            case _:
                return self._event(delta)

    def close(self) -> bytes:
        """The last chunk; after a failure nothing, and without a finish an error, because a cut answer is not a whole one."""
        if self._over:
            return b""
        self._over = True
        if not self._finished:
            failure = Failure(kind=FailureClass.TRANSIENT, message="the stream ended before the reply was finished", phase="body")
            return _sse(error_body(failure))
        calls = b"".join(self._calls(choice) for choice in sorted(self._seen))
        ends = [self._end(choice) for choice in sorted(self._seen | self._finished.keys())]
        return calls + self._chunk(ends, usage=self._usage)

    def _event(self, delta: Delta) -> bytes:
        match delta:
            case Started(id=reply_id, model=model):
                self._id = reply_id or self._id
                self._model = model or self._model
            case UsageSeen(usage):
                self._usage = merge_usage(self._usage, usage)
            case LogprobsDelta(logprobs, choice):
                self._logprobs.setdefault(choice, []).append(logprobs)
            case Finished(choice=choice):
                self._finished[choice] = delta
                return self._calls(choice)
            case Failed(failure):
                self._over = True
                return _sse(error_body(failure))
        return b""

    def _end(self, choice: int) -> dict[str, object]:
        end = self._finished.get(choice) or Finished(reason=FinishReason.UNKNOWN)
        return {
            "content": {"role": "model", "parts": [{"text": ""}]},
            "finishReason": write_finish_reason(end.reason, end.raw),
            "index": choice,
            **self._waiting_logprobs(choice),
        }

    def _waiting_logprobs(self, choice: int) -> dict[str, object]:
        """They go out beside the next words of their choice, or with its end."""
        return write_logprobs(joined_logprobs(self._logprobs.pop(choice, ()))) if self._logprobs else {}

    def _calls(self, choice: int) -> bytes:
        """The calls of this choice that were waiting for the rest of their arguments."""
        keys = sorted(k for k in self._open_calls if k[0] == choice)
        whole = [self._open_calls.pop(k) for k in keys]
        parts = tuple(
            ToolCall(id=start.id, name=start.name, arguments="".join(pieces) or "{}", signature=start.signature)
            for start, pieces in whole
        )
        return self._candidate(choice, parts) if parts else b""

    def _parts(self, choice: int, *parts: Part) -> bytes:
        return self._calls(choice) + self._candidate(choice, parts)

    def _candidate(self, choice: int, parts: tuple[Part, ...]) -> bytes:
        self._seen.add(choice)
        wire = reply_parts(parts)
        beside = {p.kind: p.raw for p in parts if isinstance(p, Opaque) and p.dialect == NAME and p.kind in BESIDE_CONTENT}
        if not wire and not beside:
            return b""
        candidate = {"content": {"role": "model", "parts": wire}, "index": choice, **beside}
        return self._chunk([candidate | self._waiting_logprobs(choice)])

    def _chunk(self, candidates: list[dict[str, object]], usage: Usage | None = None) -> bytes:
        chunk: dict[str, object] = {"candidates": candidates, "modelVersion": self._model}
        if self._id is not None:
            chunk["responseId"] = self._id
        if usage is not None:
            chunk["usageMetadata"] = wire_usage(usage)
        return _sse(chunk)


def _sse(chunk: dict[str, object]) -> bytes:
    return b"data: %b\r\n\r\n" % json_line(chunk)
