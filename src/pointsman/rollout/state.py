"""Where a rollout stands, what is known of it, and what may happen to it."""

from __future__ import annotations

from typing import Literal

import msgspec

from pointsman.rollout.check import Judgement
from pointsman.rollout.plan import Plan

__all__ = ["Action", "Command", "Evidence", "State", "Status", "Transition", "weight_of"]

Status = Literal["running", "completed", "rolled_back", "aborted", "closed"]
Command = Literal["approve", "pause", "resume", "promote", "rollback", "abort", "close"]
Action = Literal["stay", "hold", "resume", "pause", "ask", "promote", "complete", "roll_back", "abort", "close"]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A rollout at one moment. Times are seconds since it began."""

    status: Status = "running"
    phase: int = 0
    entered_s: float = 0.0
    paused: bool = False
    """By a person; only a person resumes."""
    held: bool = False
    """By evidence; goes on when the evidence has receded for the cool-down."""
    receding_since_s: float | None = None
    asked: bool = False
    """A person has been asked to approve leaving this phase."""
    version: int = 0
    """Raised with every transition that changes anything."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine decides on."""

    judgements: dict[str, Judgement]
    candidate_units: int = 0
    """Units that were given the candidate in this phase."""
    last_candidate_s: float | None = None
    """When the candidate last answered anybody, or a shadow pair came in."""
    cap_breach: str = ""
    """Which limit without statistics was crossed; empty for none."""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """What follows: the new state, the candidate's share of new units, and why."""

    state: State
    weight: float
    action: Action
    reason: str


def weight_of(plan: Plan, state: State) -> float:
    """Share of new units that get the candidate."""
    match state.status:
        case "rolled_back" | "aborted":
            return 0.0
        case "completed" | "closed":
            return 1.0
        case "running":
            return plan.phases[state.phase].weight
