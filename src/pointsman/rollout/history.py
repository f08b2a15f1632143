"""The log of a live rollout: what is written down of each step, and how the steps follow from it again.

A rollout is the sum of what was seen and what was commanded. Both are in the log, so the same machine and
checks, fed with it once more, must take every step as it was taken; that is how a controller goes on after
it was killed, and how anybody can check afterwards what it did.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from pointsman.rollout.machine import step
from pointsman.rollout.plan import Plan
from pointsman.rollout.sightings import Sightings
from pointsman.rollout.state import Command, Evidence, State, Transition
from pointsman.rollout.witness import Witness

__all__ = ["Logged", "Moved", "Replayed", "Retracer", "decode_sightings", "encode_sightings", "follow", "moved_entry", "replay"]

_PACK, _UNPACK = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Sightings)


class Logged(NamedTuple):
    """One entry as far as a replay needs it."""

    kind: str
    data: bytes
    rows: bytes | None = None


class Moved(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A step that changed something, with all it was decided on."""

    now_s: float
    transition: Transition
    evidence: msgspec.Raw
    command: Command | None = None
    actor: str = ""
    why: str = ""


class Replayed(NamedTuple):
    """Where a log leads, and where it does not follow from itself."""

    witness: Witness
    state: State
    last_s: float
    differences: tuple[str, ...]


def encode_sightings(sightings: Sightings) -> bytes:
    """Compressed, every float exact."""
    return zlib.compress(_PACK.encode(sightings), 6)


def decode_sightings(data: bytes) -> Sightings:
    """Read them back."""
    return _UNPACK.decode(zlib.decompress(data))


def moved_entry(
    now_s: float, transition: Transition, evidence: Evidence, command: Command | None = None, actor: str = "", why: str = ""
) -> Moved:
    """What is logged of a step."""
    raw = msgspec.Raw(msgspec.json.encode(evidence))
    return Moved(now_s=now_s, transition=transition, evidence=raw, command=command, actor=actor, why=why)


def follow(witness: Witness, before: State, after: State) -> None:
    """Tell the witness of a step that was logged."""
    witness.commit()
    if after.phase != before.phase:
        witness.entered_phase()


class Retracer:
    """Takes every step of a log again, entry by entry. A step that comes out otherwise, in any bit, is named."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._number = 0
        self.witness, self.state, self.last_s = Witness(plan), State(), 0.0
        self.differences: list[str] = []

    def take(self, entry: Logged) -> Moved | None:
        """The next entry; returns the step if it is one."""
        self._number += 1
        if entry.kind == "seen" and entry.rows is not None:
            self.witness.take(decode_sightings(entry.rows))
            self.witness.commit()
        return self._step(msgspec.json.decode(entry.data, type=Moved)) if entry.kind == "moved" else None

    def _step(self, moved: Moved) -> Moved:
        evidence = self.witness.evidence()
        if msgspec.json.encode(evidence) != bytes(moved.evidence):
            self.differences.append(f"event {self._number}: the evidence is another")
        again = step(self._plan, self.state, evidence, moved.now_s, moved.command)
        if msgspec.json.encode(again) != msgspec.json.encode(moved.transition):
            self.differences.append(f"event {self._number}: {again.action} in place of {moved.transition.action}")
        follow(self.witness, self.state, moved.transition.state)
        self.state, self.last_s = moved.transition.state, moved.now_s
        return moved


def replay(plan: Plan, entries: Iterable[Logged]) -> Replayed:
    """Where a whole log leads."""
    again = Retracer(plan)
    for entry in entries:
        again.take(entry)
    return Replayed(again.witness, again.state, again.last_s, tuple(again.differences))
