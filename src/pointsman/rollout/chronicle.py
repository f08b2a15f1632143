"""The story of a live rollout, told from its log: what was done when and by whom, and how the evidence grew.

Nothing is remembered beside the log: the story is the log's steps taken again, so it cannot say anything
else than what happened, and a log that does not follow from itself says so in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from pointsman.rollout.check import Judgement
from pointsman.rollout.history import Logged, Moved, Retracer
from pointsman.rollout.plan import Plan
from pointsman.rollout.state import Evidence, State, weight_of
from pointsman.rollout.witness import Tally

__all__ = ["Chronicle", "Chronicler", "Confirmed", "Point", "Told"]

_MOST_POINTS = 400


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence at one moment, in seconds since the rollout began."""

    at_s: float
    share: dict[str, float]
    """By check, ln E as a share of what a rollback needs: 1 rolls back, 0 and below is no evidence of harm."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was done."""

    at_s: float
    action: str
    reason: str
    weight: float
    actor: str = ""
    why: str = ""


class Confirmed(msgspec.Struct, frozen=True, kw_only=True):
    """When all replicas were seen to obey."""

    at_s: float
    weight: float
    after_s: float
    """From the order to the last replica's report."""
    replicas: int


class Chronicle(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, up to now."""

    plan: Plan
    state: State
    weight: float
    lasted_s: float
    steps: tuple[Told, ...]
    points: tuple[Point, ...]
    judgements: dict[str, Judgement]
    tally: Tally
    spent_usd: float
    confirmed: tuple[Confirmed, ...]
    leaked: int
    """Requests that reached the candidate after it was sent back, on replicas that had not heard."""
    differences: tuple[str, ...]
    """Where the log does not follow from itself; none if it is sound."""


class Chronicler:
    """Reads a log as it grows."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._again = Retracer(plan)
        self._steps: list[Told] = []
        self._points: list[Point] = []
        self._skip = 1
        self._confirmed: list[Confirmed] = []
        self._leaked = 0
        self._last_s = 0.0
        self._seen = 0

    def take(self, at_s: float, entry: Logged) -> None:
        """The next entry of the log, which was written `at_s` seconds after the rollout began."""
        self._last_s = max(self._last_s, at_s)
        moved = self._again.take(entry)
        if moved is not None:
            self._steps.append(_told(moved))
            self._note(moved.now_s)
        elif entry.kind == "seen":
            self._seen += 1
            if self._seen % self._skip == 0:
                self._note(at_s)
        elif entry.kind != "started":
            self._aside(at_s, entry.kind, msgspec.json.decode(entry.data))

    def story(self) -> Chronicle:
        """What has been told so far."""
        evidence = self._again.witness.evidence()
        return Chronicle(
            plan=self._plan,
            state=self._again.state,
            weight=weight_of(self._plan, self._again.state),
            lasted_s=self._last_s,
            steps=tuple(self._steps),
            points=tuple(self._points),
            judgements=evidence.judgements,
            tally=self._again.witness.tally,
            spent_usd=self._again.witness.spent_usd,
            confirmed=tuple(self._confirmed),
            leaked=self._leaked,
            differences=tuple(self._again.differences),
        )

    def _aside(self, at_s: float, kind: str, said: Mapping[str, Any]) -> None:
        if kind == "applied":
            found = Confirmed(at_s=at_s, weight=said["weight"], after_s=said["after_s"], replicas=said["replicas"])
            self._confirmed.append(found)
        elif kind == "leak":
            self._leaked += said["requests"]
        elif kind == "refused":
            asked, why = str(said["command"]), str(said["why"])
            told = Told(
                at_s=at_s,
                action=f"{asked} refused",
                reason=str(said["answer"]),
                weight=self._weight,
                actor=said["actor"],
                why=why,
            )
            self._steps.append(told)
        elif kind == "unconfirmed":
            reason = f"replicas {said['replicas']} do not confirm it"
            self._steps.append(Told(at_s=at_s, action="unconfirmed", reason=reason, weight=said["weight"]))

    @property
    def _weight(self) -> float:
        return weight_of(self._plan, self._again.state)

    def _note(self, at_s: float) -> None:
        self._points.append(_point(at_s, self._again.witness.evidence()))
        if len(self._points) > _MOST_POINTS:  # half of them tell the same story
            self._points = self._points[1::2]
            self._skip *= 2


def _told(moved: Moved) -> Told:
    to = moved.transition
    return Told(at_s=moved.now_s, action=to.action, reason=to.reason, weight=to.weight, actor=moved.actor, why=moved.why)


def _point(at_s: float, evidence: Evidence) -> Point:
    judged = evidence.judgements.items()
    return Point(at_s=at_s, share={n: j.log_e / j.log_threshold if j.log_threshold > 0.0 else 0.0 for n, j in judged})
