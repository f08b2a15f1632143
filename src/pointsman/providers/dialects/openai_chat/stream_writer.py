"""A streamed reply of Chat Completions, written to a client."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    Audio,
    ChatRequest,
    Delta,
    Failed,
    Finished,
    Image,
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
from pointsman.core.usage import Usage
from pointsman.providers.assemble import merge_usage
from pointsman.providers.dialects.openai_chat.failure import error_fields
from pointsman.providers.dialects.openai_chat.finish import finish_word
from pointsman.providers.dialects.openai_chat.message import DIALECT, PART_FIELDS, annotations_of, call_fields
from pointsman.providers.dialects.openai_chat.reply import audio_fields, created_of, image_fields
from pointsman.providers.dialects.openai_chat.usage import write_usage
from pointsman.providers.json_body import fields_under, json_line
from pointsman.providers.logprobs import joined_logprobs

__all__ = ["Writer"]


class Writer:
    """Writes one streamed reply as Chat Completions chunks."""

    def __init__(self, request: ChatRequest) -> None:
        self._request = request
        self._head: dict[str, object] = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": request.model}
        self._begun: set[int] = set()
        self._refused: set[int] = set()
        self._thoughts: dict[int, int] = {}
        self._calls: dict[int, int] = {}
        """How many calls of a choice have begun."""
        self._logprobs: dict[int, list[msgspec.Raw]] = {}
        self._usage: Usage | None = None
        self._failed = False

    def feed(self, delta: Delta) -> bytes:
        """Bytes for this delta. Usage is held back to the end, where a client expects it."""
        if self._failed:
            return b""
        match delta:
            case TextDelta(text, choice):
                return self._say({"content": text}, choice) if text else b""
            case ToolCallDelta(index=index, arguments=arguments, choice=choice):
                return self._say({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]}, choice)
            case ToolCallStarted(choice=choice):
                self._calls[choice] = delta.index + 1
                call = ToolCall(id=delta.id, name=delta.name, arguments="", signature=delta.signature)
                return self._say({"tool_calls": [{"index": delta.index, **call_fields(call)}]}, choice)
            case ReasoningDelta(choice=choice):
                return self._say_thought(delta, choice)
            case RefusalDelta(text, choice):
                self._refused.add(choice)
                return self._say({"refusal": text}, choice)
            case PartDelta(part, choice):
                return self._say_part(part, choice)
            case Finished(reason=reason, choice=choice):
                word = finish_word(reason, refused=choice in self._refused)
                return self._say({}, choice, word)
            case LogprobsDelta(logprobs, choice):
                self._logprobs.setdefault(choice, []).append(logprobs)
                return b""
            case UsageSeen(usage):
                self._usage = merge_usage(self._usage, usage)
                return b""
            case Started():
                return self._start(delta)
            case Failed(failure):
                self._failed = True
                # Alone, as OpenAI sends it: the Vercel AI SDK takes whatever has `choices` for an ordinary chunk.
                return b"data: " + json_line({"error": error_fields(failure, in_band=True)}) + b"\n\n"

    def close(self) -> bytes:
        """Usage if the client asked for it, and `[DONE]`; nothing after a failure."""
        if self._failed:
            return b""
        usage = b""
        if self._usage is not None and self._request.stream_usage:
            usage = self._chunk([], usage=write_usage(self._usage))
        return usage + b"data: [DONE]\n\n"

    def _start(self, started: Started) -> bytes:
        self._head["id"] = started.id or ""
        self._head["created"] = created_of(started.created_s)
        self._head["model"] = started.model or self._request.model
        return b""

    def _say_thought(self, delta: ReasoningDelta, choice: int) -> bytes:
        index = self._thoughts.get(choice, 0)
        fields: dict[str, object] = {"reasoning_content": delta.text} if delta.text else {}
        own = fields_under(delta.extra, PART_FIELDS)
        if delta.signature or delta.encrypted or delta.id or own:
            kind = "reasoning.encrypted" if delta.encrypted else "reasoning.text"
            proof = {"signature": delta.signature, "data": delta.encrypted, "id": delta.id}
            fields["reasoning_details"] = [{"type": kind, **{k: v for k, v in proof.items() if v}, "index": index, **own}]
        if delta.closes:
            self._thoughts[choice] = index + 1
        return self._say(fields, choice) if fields else b""

    def _say_part(self, part: Part, choice: int) -> bytes:
        match part:
            case Text(text=text, citations=citations, signature=signature):
                fields: dict[str, object] = {"content": text}
                if (annotations := annotations_of(citations)) is not None:
                    fields["annotations"] = annotations
                if signature:
                    fields["extra_content"] = {"google": {"thought_signature": signature}}
                return self._say(fields, choice)
            case Image():
                return self._say({"images": [image_fields(part)]}, choice)
            case Audio():
                return self._say({"audio": audio_fields(part)}, choice)
            case Opaque(dialect=dialect, kind="custom", raw=raw) if dialect == DIALECT:
                index = self._calls[choice] = self._calls.get(choice, 0) + 1
                call = {"index": index - 1, **msgspec.json.decode(raw, type=dict[str, msgspec.Raw])}
                return self._say({"tool_calls": [call]}, choice)
            case Refusal(text=text):
                return self._say({"refusal": text}, choice)
            case _:
                return b""

    def _say(self, fields: dict[str, object], choice: int, finish: str | None = None) -> bytes:
        wire: dict[str, object] = {"index": choice, "delta": {**self._opening(choice), **fields}, "finish_reason": finish}
        if self._logprobs and (waiting := self._logprobs.pop(choice, None)):
            wire["logprobs"] = joined_logprobs(waiting)  # they go out beside the words they belong to
        return self._chunk([wire])

    def _opening(self, choice: int) -> dict[str, object]:
        """The first delta of a choice says whose words follow."""
        if choice in self._begun:
            return {}
        self._begun.add(choice)
        return {"role": "assistant"}

    def _chunk(self, choices: list[object], **more: object) -> bytes:
        return b"data: " + json_line({**self._head, "choices": choices, **more}) + b"\n\n"
