"""What of a provider's reply the client's protocol cannot say.

A reply has been paid for when this is known, so such losses are always reported and never a reason to
refuse. Their names tell the kind of thing that is gone (`reply.text.citations`), not its place, so that
there are few of them and a stream has the same ones as a whole reply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec

from pointsman.core.chat import (
    Audio,
    ChatReply,
    Choice,
    File,
    FinishReason,
    Image,
    Loss,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Video,
)
from pointsman.core.usage import Usage

__all__ = ["NO_PLACE", "Lost", "ReplyForm", "handed_on", "kind_of", "lost_in_reply"]

NO_PLACE = "the client's protocol has no place for it"
_KINDS: dict[type, str] = {
    Text: "text",
    Reasoning: "reasoning",
    Refusal: "refusal",
    ToolCall: "tool_call",
    Image: "image",
    Audio: "audio",
    Video: "video",
    File: "file",
}

_NONE: frozenset[str] = frozenset()

Lost = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyForm:
    """What a protocol can say in a reply."""

    dialect: str
    lost_of: Callable[[Part], Lost]
    """What of one part is lost, as names under `reply.` and reasons, fields of other protocols left aside."""
    finish: Mapping[FinishReason, FinishReason] = field(default_factory=dict)
    """The reason that is told in place of one the protocol has no word for."""
    stop_sequence: bool = False
    """Whether the stop sequence that was met is told."""
    logprobs: bool = False
    choices: bool = False
    """Whether there can be more than one."""
    order: tuple[str, ...] = ()
    """The order in which a whole reply puts the kinds of its parts, if it does not keep the model's."""
    once: frozenset[str] = frozenset()
    """Of what (`text.citations`, `audio`) a whole choice can hold but one."""
    lost_of_choice: Callable[[Choice], Lost] = lambda choice: ()  # noqa: ARG005  # most have no more to tell
    """What is lost for reasons no single part shows."""
    extra: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By the dialect of a reply, the fields beside our form that are handed on to clients of this protocol."""
    uncounted: Mapping[str, str] = field(default_factory=dict)
    """Counts of usage that are told only as part of another, and of which."""
    demands_counts: bool = False
    """Whether totals nobody reported have to be written as 0."""


def lost_in_reply(reply: ChatReply, form: ReplyForm, *, streamed: bool) -> tuple[Loss, ...]:
    """Each kind of loss once, in the order in which it is met; empty for nearly every reply.

    `streamed`: it is told as a stream, which hands on no field beside our form.
    """
    found: dict[str, str] = {}
    choices = reply.choices
    if len(choices) > 1 and not form.choices:
        found["choices"] = "the client's protocol has one answer alone"
        choices = choices[:1]
    for choice in choices:
        for name, why in _lost_of_choice(choice, form):
            found.setdefault(name, why)
    kept = {} if streamed else handed_on(reply, form)
    for name, value in reply.extra.items():
        if name not in kept and bytes(value) != b"null":
            found[f"extra.{name}"] = "only the provider's protocol has this field"
    found.update(_lost_of_usage(reply.usage, form))
    return tuple(Loss(f"reply.{name}", why) for name, why in found.items())


def handed_on(reply: ChatReply, form: ReplyForm) -> dict[str, msgspec.Raw]:
    """The fields beside our form that mean the same to clients of this protocol."""
    if not reply.extra:
        return {}
    names = form.extra.get(reply.extra_from or form.dialect, _NONE)
    return {name: value for name, value in reply.extra.items() if name in names}


def kind_of(part: Part) -> str:
    """The name of a part's kind in losses."""
    return f"opaque.{part.dialect}.{part.kind}" if isinstance(part, Opaque) else _KINDS.get(type(part), "part")


def _lost_of_choice(choice: Choice, form: ReplyForm) -> Iterator[tuple[str, str]]:
    kept: list[str] = []
    held: set[str] = set()
    for part in choice.parts:
        kind = kind_of(part)
        lost = dict(form.lost_of(part))
        yield from lost.items()
        yield from _lost_extra(part, kind, form.dialect)
        for name in _nameable(part, kind) & form.once - lost.keys():
            if name in held:
                yield name, "the client's protocol holds one of them in an answer"
            held.add(name)
        if kind not in lost and _says(part):
            kept.append(kind)
    yield from form.lost_of_choice(choice)
    if form.order and not _is_in_order(kept, form.order):
        yield "order", "the client's protocol does not say what came before what"
    if choice.finish in form.finish:
        yield "finish", f"the client's protocol has no word for {choice.finish.value}"
    if choice.stop_sequence is not None and not form.stop_sequence:
        yield "stop_sequence", NO_PLACE
    if choice.logprobs is not None and not form.logprobs:
        yield "logprobs", NO_PLACE


def _lost_extra(part: Part, kind: str, dialect: str) -> Iterator[tuple[str, str]]:
    """Fields only another protocol has. An id is none: only its issuer knows it."""
    for name in part.extra or ():
        if not name.startswith(f"{dialect}.") and not name.endswith(".id"):
            yield f"{kind}.extra.{name}", "only its own protocol has this field"


def _says(part: Part) -> bool:
    return not isinstance(part, Text | Reasoning | Refusal) or bool(part.text)


def _nameable(part: Part, kind: str) -> set[str]:
    named = {kind}
    if isinstance(part, Text):
        named |= {f"{kind}.{name}" for name in ("citations", "signature") if getattr(part, name) is not None}
    return named


def _is_in_order(kinds: list[str], order: tuple[str, ...]) -> bool:
    places = [order.index(kind) if kind in order else len(order) for kind in kinds]
    return all(a <= b for a, b in pairwise(places))


def _lost_of_usage(usage: Usage | None, form: ReplyForm) -> Iterator[tuple[str, str]]:
    usage = usage or Usage()
    for name, told_in in form.uncounted.items():
        if getattr(usage, name):
            yield f"usage.{name}", f"told as part of {told_in}"
    if form.demands_counts:
        for name in ("total_input_tokens", "total_output_tokens"):
            if getattr(usage, name) is None:
                yield f"usage.{name}", "the client's protocol demands this count, and the provider gave none: it is written as 0"
