"""Every recorded reply, told in every protocol: what it means stays, or a loss names what is gone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pointsman.core.chat import ChatReply, ChatRequest, Delta, user_says
from pointsman.core.failure import ProviderError
from pointsman.providers.assemble import Assembler, deltas_of
from pointsman.providers.dialect import DIALECTS, Dialect
from support.meaning import changed, reply_facts
from support.shared import needs_shared
from support.streams import deltas_in, streamed, written
from support.wire import Recorded, interactions

pytestmark = needs_shared("data/wire")

TARGETS = ["openai_chat", "openai_responses", "anthropic_messages", "gemini"]
ASKED = ChatRequest(model="m", messages=(user_says("hi"),), stream=True, stream_usage=True)
FAILED_DESPITE_200 = 3  # a filtered prompt, and two streams that end in an error


def is_stream(recorded: Recorded) -> bool:
    return recorded.streamed or (recorded.dialect == "gemini" and ":stream" in recorded.path)


def deltas(recorded: Recorded) -> list[Delta] | None:
    """What a recorded stream says, None if it reports a failure."""
    found = deltas_in(DIALECTS.load(str(recorded.dialect)), [recorded.body])
    assembler = Assembler()
    for delta in found:
        assembler.add(delta)
    return found if assembler.failure is None else None


def reply_of(recorded: Recorded) -> ChatReply | None:
    """The recorded reply in our form; None if it tells a failure."""
    try:
        if not is_stream(recorded):
            return DIALECTS.load(str(recorded.dialect)).read_reply(recorded.body)
    except ProviderError:
        return None
    said = deltas(recorded)
    return None if said is None else whole(said)


def whole(said: list[Delta]) -> ChatReply:
    assembler = Assembler()
    for delta in said:
        assembler.add(delta)
    return assembler.reply()


ANSWERS = [r for r in interactions() if r.ok and r.dialect is not None and r.body.strip()]
BY_SOURCE = {name: [r for r in ANSWERS if r.dialect == name] for name in DIALECTS.names()}


def told(reply: ChatReply, target: Dialect) -> Iterator[tuple[bool, ChatReply]]:
    """The reply as clients of `target` read it, whole and (True) as a stream made of it."""
    yield False, target.read_reply(target.write_reply(reply, ASKED).body)
    yield True, streamed(target, written(target, list(deltas_of(reply)), ASKED))


def problem(reply: ChatReply, after: ChatReply, target: Dialect, *, stream: bool) -> str:
    """How the facts that changed differ from the losses that are named; empty if they agree.

    A stream may keep more than a whole reply (the order of parts), so a loss too many is none of its faults.
    A model nobody named is the one that was asked for.
    """
    losses = {loss.field for loss in target.lost_in_reply(reply, streamed=stream)}
    gone = changed(reply_facts(reply), reply_facts(after)) - ({"reply.model"} if reply.model is None else set())
    silent, needless = gone - losses, set() if stream else losses - gone
    return f"silently gone: {sorted(silent)}, needlessly named: {sorted(needless)}" if silent or needless else ""


@pytest.mark.parametrize("target_name", TARGETS)
@pytest.mark.parametrize("source_name", BY_SOURCE)
def test_no_recorded_reply_loses_anything_in_silence(source_name: str, target_name: str) -> None:
    """Told whole, exactly the named losses are gone; told as a stream, also delta by delta as it came, nothing beyond them."""
    target = DIALECTS.load(target_name)
    problems: dict[str, str] = {}
    for recorded in BY_SOURCE[source_name]:
        if (reply := reply_of(recorded)) is not None:
            passed_on = [(True, streamed(target, written(target, deltas(recorded) or (), ASKED)))] if is_stream(recorded) else []
            for stream, after in [*told(reply, target), *passed_on]:
                if found := problem(reply, after, target, stream=stream):
                    problems[f"{recorded.name} stream={stream}"] = found
    assert problems == {}


def silent(before: ChatReply, after: ChatReply, losses: set[str]) -> list[str]:
    """What is not as it was although no loss names it; a model nobody named is the one that was asked for."""
    gone = changed(reply_facts(before), reply_facts(after)) - ({"reply.model"} if before.model is None else set())
    return sorted(gone - losses)


@pytest.mark.parametrize("target_name", TARGETS)
@pytest.mark.parametrize("source_name", BY_SOURCE)
def test_a_recorded_reply_comes_back_from_every_protocol(source_name: str, target_name: str) -> None:
    """There, read there, written back in its own protocol and read again: all but what was named on either way is as it was."""
    source, target = DIALECTS.load(source_name), DIALECTS.load(target_name)
    problems: dict[str, list[str]] = {}
    for recorded in BY_SOURCE[source_name]:
        if (reply := reply_of(recorded)) is None:
            continue
        there = target.read_reply(target.write_reply(reply, ASKED).body)
        back = source.read_reply(source.write_reply(there, ASKED).body)
        lost = {loss.field for loss in (*target.lost_in_reply(reply), *source.lost_in_reply(there))}
        streamed_back = streamed(source, written(source, deltas_of(there), ASKED))
        lost_streamed = lost | {loss.field for loss in source.lost_in_reply(there, streamed=True)}
        if found := [*silent(reply, back, lost), *(f"stream: {s}" for s in silent(reply, streamed_back, lost_streamed))]:
            problems[recorded.name] = found
    assert problems == {}
