"""From a stream of deltas to one whole reply, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from pointsman.core.chat import (
    ChatReply,
    Choice,
    Delta,
    Failed,
    Finished,
    FinishReason,
    LogprobsDelta,
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
from pointsman.core.failure import Failure, ProviderError
from pointsman.core.usage import Usage
from pointsman.providers.logprobs import joined_logprobs

__all__ = ["Assembler", "assemble", "deltas_of", "merge_usage"]


def merge_usage(old: Usage | None, new: Usage) -> Usage:
    """Each field `new` reports replaces the old one; absent fields keep it. Counts are never added,
    because providers report running totals.
    """
    if old is None:
        return new
    fields = {f: v for f in new.__struct_fields__ if (v := getattr(new, f)) is not None}
    return msgspec.structs.replace(old, **fields)


class Assembler:
    """Collects deltas. `reply()` may be asked at any time, also of a stream that was cut."""

    def __init__(self) -> None:
        self._started = Started()
        self._choices: dict[int, _ChoiceInProgress] = {}
        self.usage: Usage | None = None
        self.failure: Failure | None = None

    def add(self, delta: Delta) -> None:
        """Take in one delta."""
        match delta:
            case TextDelta(text, choice):
                self._choice(choice).text(text)
            case ToolCallDelta(index=index, arguments=arguments, choice=choice):
                self._choice(choice).tool_arguments(index, arguments)
            case ToolCallStarted(choice=choice):
                self._choice(choice).tool_started(delta)
            case ReasoningDelta(choice=choice):
                self._choice(choice).reasoning(delta)
            case RefusalDelta(text, choice):
                self._choice(choice).refusal(text)
            case PartDelta(part, choice):
                self._choice(choice).part(part)
            case Finished(choice=choice):
                self._choice(choice).finished = delta
            case LogprobsDelta(logprobs, choice):
                self._choice(choice).logprobs.append(logprobs)
            case UsageSeen(usage):
                self.usage = merge_usage(self.usage, usage)
            case Started():
                self._started = delta
                self._choices.clear()  # the provider began its answer anew; what came before is void
            case Failed(failure):
                self.failure = failure

    def reply(self) -> ChatReply:
        """What has arrived so far, as a reply; a choice that never finished has finish `UNKNOWN`."""
        return ChatReply(
            id=self._started.id,
            model=self._started.model,
            created_s=self._started.created_s,
            choices=tuple(self._choices[i].build() for i in sorted(self._choices)),
            usage=self.usage,
        )

    def _choice(self, index: int) -> _ChoiceInProgress:
        found = self._choices.get(index)
        if found is None:
            found = self._choices[index] = _ChoiceInProgress()
        return found


class _ChoiceInProgress:
    """Parts in the order in which each began; text pieces are joined once, at the end."""

    def __init__(self) -> None:
        self._order: list[_TextRun | _ThoughtRun | _RefusalRun | _CallRun | Part] = []
        self._calls: dict[int, _CallRun] = {}
        self.logprobs: list[msgspec.Raw] = []
        self.finished: Finished | None = None

    def text(self, text: str) -> None:
        last = self._order[-1] if self._order else None
        if isinstance(last, _TextRun) and last.late is None:
            last.pieces.append(text)
        elif text:
            self._order.append(_TextRun([text]))

    def refusal(self, text: str) -> None:
        last = self._order[-1] if self._order else None
        if isinstance(last, _RefusalRun):
            last.pieces.append(text)
        else:
            self._order.append(_RefusalRun([text]))

    def reasoning(self, delta: ReasoningDelta) -> None:
        last = self._order[-1] if self._order else None
        if not isinstance(last, _ThoughtRun) or last.closed:
            last = _ThoughtRun()
            self._order.append(last)
        last.pieces.append(delta.text)
        last.signature = delta.signature or last.signature
        last.encrypted = delta.encrypted or last.encrypted
        last.id = delta.id or last.id
        if delta.extra:
            last.extra = {**(last.extra or {}), **delta.extra}
        last.closed = delta.closes

    def tool_started(self, delta: ToolCallStarted) -> None:
        run = _CallRun(delta)
        self._calls[delta.index] = run
        self._order.append(run)

    def tool_arguments(self, index: int, arguments: str) -> None:
        run = self._calls.get(index)
        if run is not None:  # arguments for a call that never began have no name to go under
            run.pieces.append(arguments)

    def part(self, part: Part) -> None:
        last = self._order[-1] if self._order else None
        if isinstance(last, _TextRun) and isinstance(part, Text) and not part.text:
            last.late = part  # what protocols say of a text only once it has been said
        else:
            self._order.append(part)

    def build(self) -> Choice:
        end = self.finished
        return Choice(
            parts=tuple(r.build() if isinstance(r, _Run) else r for r in self._order),
            finish=end.reason if end else FinishReason.UNKNOWN,
            finish_raw=end.raw if end else None,
            stop_sequence=end.stop_sequence if end else None,
            logprobs=joined_logprobs(self.logprobs),
        )


class _Run:
    def __init__(self, pieces: list[str] | None = None) -> None:
        self.pieces = pieces or []

    @property
    def joined(self) -> str:
        return "".join(self.pieces)

    def build(self) -> Part:
        raise NotImplementedError


class _TextRun(_Run):
    late: Text | None = None
    """An empty text that brought citations or a signature for the text before it."""

    def build(self) -> Part:
        return Text(text=self.joined) if self.late is None else msgspec.structs.replace(self.late, text=self.joined)


class _RefusalRun(_Run):
    def build(self) -> Part:
        return Refusal(text=self.joined)


class _ThoughtRun(_Run):
    def __init__(self) -> None:
        super().__init__()
        self.signature: str | None = None
        self.encrypted: str | None = None
        self.id: str | None = None
        self.extra: dict[str, msgspec.Raw] | None = None
        self.closed = False

    def build(self) -> Part:
        return Reasoning(text=self.joined, signature=self.signature, encrypted=self.encrypted, id=self.id, extra=self.extra)


class _CallRun(_Run):
    def __init__(self, start: ToolCallStarted) -> None:
        super().__init__()
        self._start = start

    def build(self) -> Part:
        start = self._start
        return ToolCall(id=start.id, name=start.name, arguments=self.joined or "{}", signature=start.signature, extra=start.extra)


def assemble(deltas: Iterable[Delta]) -> ChatReply:
    """The whole reply. Raises `ProviderError` if the stream reported a failure."""
    assembler = Assembler()
    for delta in deltas:
        assembler.add(delta)
    if assembler.failure is not None:
        raise ProviderError(assembler.failure)
    return assembler.reply()


def deltas_of(reply: ChatReply) -> Iterator[Delta]:
    """A whole reply as the stream that would have said it: `assemble(deltas_of(r))` has the same content."""
    yield Started(id=reply.id, model=reply.model, created_s=reply.created_s)
    for number, choice in enumerate(reply.choices):
        calls = 0
        if choice.logprobs is not None:
            yield LogprobsDelta(choice.logprobs, number)
        for part in choice.parts:
            match part:
                case Text(text=text, citations=None, signature=None, extra=None):
                    yield TextDelta(text, number)
                case Reasoning():
                    yield ReasoningDelta(
                        text=part.text,
                        signature=part.signature,
                        encrypted=part.encrypted,
                        id=part.id,
                        choice=number,
                        closes=True,
                        extra=part.extra,
                    )
                case Refusal(text=text):
                    yield RefusalDelta(text, number)
                case ToolCall():
                    yield ToolCallStarted(
                        index=calls, id=part.id, name=part.name, signature=part.signature, choice=number, extra=part.extra
                    )
                    yield ToolCallDelta(index=calls, arguments=part.arguments, choice=number)
                    calls += 1
                case _:
                    yield PartDelta(part, number)
        yield Finished(reason=choice.finish, raw=choice.finish_raw, stop_sequence=choice.stop_sequence, choice=number)
    if reply.usage is not None:
        yield UsageSeen(reply.usage)
