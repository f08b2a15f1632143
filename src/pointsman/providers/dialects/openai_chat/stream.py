"""A streamed reply of Chat Completions, read from a provider."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import (
    Audio,
    Delta,
    Failed,
    Finished,
    FinishReason,
    LogprobsDelta,
    Media,
    Opaque,
    Part,
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
from pointsman.core.usage import Usage
from pointsman.providers.call_ids import derived_call_id
from pointsman.providers.dialects.openai_chat.finish import finish_of
from pointsman.providers.dialects.openai_chat.message import (
    DIALECT,
    arguments_text,
    content_parts,
    signature_of,
    thoughts_in,
    visible_thought,
)
from pointsman.providers.dialects.openai_chat.usage import read_usage
from pointsman.providers.dialects.openai_chat.wire import AudioSaid, Call, Chunk, Custom, Said, WireChoice, WireUsage, present
from pointsman.providers.http_failure import cut_short, in_band_failure, reported_failure
from pointsman.providers.instant import instant_s
from pointsman.providers.json_body import decode_reply, raw
from pointsman.providers.media import join_base64
from pointsman.providers.sse import SseReader
from pointsman.providers.token_ledger import told_tier

__all__ = ["Reader"]

_CHUNK = msgspec.json.Decoder(Chunk)
_CUSTOM = msgspec.json.Decoder(Custom)
_DONE = b"[DONE]"


class Reader:
    """Reads one streamed reply.

    Whole is a stream in which every choice that began gave its finish reason, or that ended with
    `[DONE]`; anything else was cut.
    """

    def __init__(self) -> None:
        self._events = SseReader()
        self._choices: dict[int, _ChoiceReader] = {}
        self._started: Started | None = None
        self._usage: Usage | None = None
        self._tier: str | None = None
        self._over = False

    def feed(self, data: bytes) -> list[Delta]:
        """The deltas completed by `data`. Raises `ProviderError` (malformed) for a chunk that is not one."""
        deltas: list[Delta] = []
        for event in self._events.feed(data):
            self._event(event.data, deltas)
        return deltas

    def close(self) -> list[Delta]:
        """The end of the stream: `Failed` unless it was whole."""
        deltas: list[Delta] = []
        for event in self._events.close():
            self._event(event.data, deltas)
        if not self._over and not self._all_finished():
            self._over = True
            deltas.append(Failed(cut_short()))
        return deltas

    def _all_finished(self) -> bool:
        return bool(self._choices) and all(c.finished for c in self._choices.values())

    def _event(self, data: bytes, deltas: list[Delta]) -> None:
        said = data.strip()
        if self._over or not said:
            return
        if said == _DONE:
            self._done(deltas)
            return
        chunk = decode_reply(_CHUNK, data, "a chunk of the stream")
        if chunk.choices or chunk.id:
            self._start(chunk, deltas)
        for choice in chunk.choices or ():
            self._choice(choice, deltas)
        self._tier = told_tier(chunk.service_tier) or self._tier
        self._see_usage(chunk.usage or (chunk.x_groq.usage if chunk.x_groq else None), deltas)
        self._see_error(chunk, data, deltas)

    def _start(self, chunk: Chunk, deltas: list[Delta]) -> None:
        if self._started is not None:
            return
        self._started = Started(
            id=str(chunk.id) if chunk.id else None,
            model=chunk.model or None,
            created_s=instant_s(chunk.created),
        )
        deltas.append(self._started)

    def _choice(self, wire: WireChoice, deltas: list[Delta]) -> None:
        number = wire.index if wire.index is not None and wire.index >= 0 else 0
        choice = self._choices.get(number)
        if choice is None:
            choice = self._choices[number] = _ChoiceReader(number, self._started.id if self._started else None)
        choice.read(wire, deltas)

    def _see_usage(self, wire: WireUsage | None, deltas: list[Delta]) -> None:
        usage = read_usage(wire, self._tier) if wire is not None else None
        if usage is not None and usage != self._usage:  # many servers repeat it in every chunk
            self._usage = usage
            deltas.append(UsageSeen(usage))

    def _see_error(self, chunk: Chunk, data: bytes, deltas: list[Delta]) -> None:
        failure = None
        if chunk.error is not None or (chunk.choices is None and chunk.usage is None):
            # Beside OpenAI's `error`, some servers send a bare {"message": …}; a chunk that reports nothing is let pass.
            failure = reported_failure(msgspec.json.decode(data))
        elif (error := next((c.error for c in chunk.choices or () if c.error is not None), None)) is not None:
            failure = in_band_failure(error)
        if failure is not None:
            self._over = True
            deltas.append(Failed(failure))

    def _done(self, deltas: list[Delta]) -> None:
        self._over = True
        if not self._choices:
            deltas.append(Failed(cut_short("the stream ended without a single choice")))
        for choice in self._choices.values():
            choice.done(deltas)


class _ChoiceReader:
    """What one choice has said so far, as far as it decides how to read the rest."""

    def __init__(self, number: int, reply_id: str | None) -> None:
        self._number = number
        self._reply_id = reply_id
        self._calls: list[_CallReader] = []
        self._by_index: dict[int, _CallReader] = {}
        self._sound: list[AudioSaid] = []
        self._thought_index: int | None = None
        self._refused = False
        self.finished = False

    def read(self, wire: WireChoice, deltas: list[Delta]) -> None:
        said = wire.delta
        if present(wire.logprobs):
            deltas.append(LogprobsDelta(wire.logprobs, self._number))
        if said is not None:
            self._thoughts(said, deltas)
            self._content(said, deltas)
            for number, call in enumerate(said.tool_calls or ()):
                # Gemini's compatible endpoint may sign the message instead of its first call.
                self._call(call, None if number else signature_of(said.extra_content), deltas)
            if said.function_call is not None:
                self._call(Call(index=0, function=said.function_call), None, deltas)
            if said.audio is not None:
                self._sound.append(said.audio)
        if wire.finish_reason and not self.finished and wire.error is None:
            self._finish(wire.finish_reason, wire.stop_reason, deltas)

    def done(self, deltas: list[Delta]) -> None:
        """The stream says it is whole though this choice gave no reason for its end."""
        if not self.finished:
            self._finish(None, None, deltas)

    def _thoughts(self, said: Said, deltas: list[Delta]) -> None:
        details = said.reasoning_details
        if not details:
            if text := visible_thought(said):
                deltas.append(ReasoningDelta(text=text, choice=self._number))
            return
        thoughts = thoughts_in(said)
        deltas += (_thought_delta(shown, self._number, closes=False) for shown in thoughts[: -len(details)])
        for detail, thought in zip(details, thoughts[-len(details) :], strict=True):
            if detail.index != self._thought_index and self._thought_index is not None:
                deltas.append(ReasoningDelta(closes=True, choice=self._number))
            # A signature or an encrypted thought ends its block; without either, the next entry goes on with it.
            closes = thought.signature is not None or thought.encrypted is not None
            self._thought_index = None if closes else detail.index
            deltas.append(_thought_delta(thought, self._number, closes=closes))

    def _content(self, said: Said, deltas: list[Delta]) -> None:
        number = self._number
        annotations = said.annotations if present(said.annotations) and bytes(said.annotations) != b"[]" else None
        signature = None if said.tool_calls else signature_of(said.extra_content)
        if isinstance(said.content, list):
            deltas += (_part_delta(part, number) for part in content_parts(said.content, decode_reply, "delta"))
        elif signature is not None or (annotations is not None and said.content):
            deltas.append(PartDelta(Text(text=said.content or "", citations=annotations, signature=signature), number))
        elif annotations is not None:
            deltas.append(PartDelta(Text(text="", citations=annotations), number))
        elif said.content:
            deltas.append(TextDelta(said.content, number))
        if said.refusal:
            self._refused = True
            deltas.append(RefusalDelta(said.refusal, number))
        if said.images:
            deltas += (PartDelta(part, number) for part in content_parts(said.images, decode_reply, "delta.images"))

    def _call(self, wire: Call, signature: str | None, deltas: list[Delta]) -> None:
        call = self._find_call(wire)
        if call is None:
            call = _CallReader(len(self._calls), self._number, self._reply_id)
            self._calls.append(call)
            if wire.index is not None:
                self._by_index[wire.index] = call
        call.read(wire, signature, deltas)

    def _find_call(self, wire: Call) -> _CallReader | None:
        """The call this piece goes on with; None if it begins one.

        The index decides. But Gemini's compatible endpoint sends whole calls without one, or all under
        index 0, so a name beside another id begins a new call; and a piece with neither index nor
        name belongs to the latest.
        """
        name = wire.function.name if wire.function else None
        found = self._by_index.get(wire.index) if wire.index is not None else None
        if wire.index is None and self._calls and not (name and wire.function and _begins(wire, self._calls[-1])):
            found = self._calls[-1]
        if found is not None and name and wire.id and found.id is not None and wire.id != found.id:
            return None
        return found

    def _finish(self, word: str | None, met: object, deltas: list[Delta]) -> None:
        self.finished = True
        for call in self._calls:
            call.close(deltas)
        if self._sound:
            deltas.append(PartDelta(_joined_sound(self._sound), self._number))
        reason = finish_of(word, called=bool(self._calls), refused=self._refused)
        sequence = met if isinstance(met, str) and reason is FinishReason.STOP else None
        reason = FinishReason.STOP_SEQUENCE if sequence else reason
        deltas.append(Finished(reason=reason, raw=word, stop_sequence=sequence, choice=self._number))


def _begins(wire: Call, latest: _CallReader) -> bool:
    """Whether a piece without an index begins a call: it has a name, and either an id of its own or whole arguments."""
    return bool(wire.id and wire.id != latest.id) or (not wire.id and latest.named)


class _CallReader:
    """One tool call. It starts when its name is known; arguments that come earlier wait for it."""

    def __init__(self, position: int, choice: int, reply_id: str | None) -> None:
        self._position = position
        self._choice = choice
        self._reply_id = reply_id
        self._held: list[str] = []
        self._custom: list[Custom] = []
        self._signature: str | None = None
        self.id: str | None = None
        self.named = False

    def read(self, wire: Call, signature: str | None, deltas: list[Delta]) -> None:
        self.id = self.id or wire.id or None
        self._signature = self._signature or signature_of(wire.extra_content) or signature
        if present(wire.custom):
            self._custom.append(decode_reply(_CUSTOM, wire.custom, "a custom tool call"))
        function = wire.function
        if function is None:
            return
        if function.name and not self.named:
            self._start(function.name, deltas)
        if text := arguments_text(function):
            if self.named:
                deltas.append(ToolCallDelta(index=self._position, arguments=text, choice=self._choice))
            else:
                self._held.append(text)

    def close(self, deltas: list[Delta]) -> None:
        """Custom calls, which only this protocol has, arrive whole; a call whose name never came keeps its arguments."""
        if self._custom:
            custom = {"name": "".join(c.name or "" for c in self._custom), "input": "".join(c.input or "" for c in self._custom)}
            whole = raw({"id": self.id, "type": "custom", "custom": custom})
            deltas.append(PartDelta(Opaque(dialect=DIALECT, kind="custom", raw=whole), self._choice))
        elif not self.named and (self._held or self.id):
            self._start("", deltas)

    def _start(self, name: str, deltas: list[Delta]) -> None:
        self.named = True
        call_id = self.id = self.id or derived_call_id(self._reply_id, self._choice, self._position, name)
        deltas.append(
            ToolCallStarted(index=self._position, id=call_id, name=name, signature=self._signature, choice=self._choice)
        )
        deltas += (ToolCallDelta(index=self._position, arguments=text, choice=self._choice) for text in self._held)
        self._held.clear()


def _thought_delta(thought: Reasoning, choice: int, *, closes: bool) -> ReasoningDelta:
    return ReasoningDelta(
        text=thought.text,
        signature=thought.signature,
        encrypted=thought.encrypted,
        id=thought.id,
        choice=choice,
        closes=closes,
        extra=thought.extra,
    )


def _part_delta(part: Part, choice: int) -> Delta:
    match part:
        case Text(text=text):
            return TextDelta(text, choice)
        case Reasoning():
            return _thought_delta(part, choice, closes=False)
        case _:
            return PartDelta(part, choice)


def _joined_sound(pieces: list[AudioSaid]) -> Audio:
    data = join_base64([p.data for p in pieces if p.data])
    name = next((p.id for p in pieces if p.id), "")
    transcript = "".join(p.transcript for p in pieces if p.transcript)
    return Audio(media=Media(data=data) if data else Media(file_id=name), transcript=transcript or None)
