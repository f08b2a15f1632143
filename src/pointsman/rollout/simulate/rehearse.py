"""One whole rollout in virtual time, decided by the machine and the checks that decide a real one."""

from __future__ import annotations

from copy import copy
from typing import Any

import msgspec
import numpy as np

from pointsman.rollout.caps import CapState, watch_caps
from pointsman.rollout.check import CHECKS, Check
from pointsman.rollout.machine import step
from pointsman.rollout.observations import Seen
from pointsman.rollout.plan import Plan, built_checks
from pointsman.rollout.simulate.guide_rule import GuideRule
from pointsman.rollout.simulate.scenario import Scenario
from pointsman.rollout.simulate.traffic import SimulatedTraffic
from pointsman.rollout.state import Evidence, State, Transition

__all__ = ["Rehearsed", "rehearse"]

_FIRST_LOOK_S = 900.0
"""Looks grow from here, threefold each. Evidence is read at every event all the same: a look bounds what is drawn in vain."""
_OVERDUE_LOOK_S = 21_600.0
_PATIENCE = 2.0
"""A rollout that takes more than so many times its planned duration is called unfinished."""


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """How one rehearsed rollout went."""

    ended: str
    """`completed`, `rolled_back`, or `unfinished` where evidence for a promotion never came."""
    reason: str
    phase: int
    duration_s: float
    """To the breach, or to the end."""
    requests: int
    """Requests simulated, mirrored ones included."""
    candidate_requests: int
    """Answers users got from the candidate, up to the breach if there was one."""
    candidate_units: int
    shadow_pairs: int
    spent_usd: float
    """The candidate's cost to users' requests."""


class _Tally:
    """Counts while a rehearsal runs."""

    def __init__(self) -> None:
        self.requests = self.candidate_requests = self.candidate_units = self.shadow_pairs = 0
        self.newest_unit = -1
        self.units_in_phase = 0
        self.last_candidate_s: float | None = None

    def take(self, seen: Seen, until_s: float) -> None:
        """Count what happened up to `until_s`."""
        rows = seen.requests
        assert rows is not None
        self.requests += len(rows)
        at = np.flatnonzero(rows.candidate & (rows.time_s <= until_s))
        before = np.maximum.accumulate(np.concatenate([[self.newest_unit], rows.unit[:-1]])) if len(rows) else rows.unit
        units = int(np.count_nonzero((rows.unit > before)[at]))
        self.candidate_requests += len(at)
        self.candidate_units += units
        self.units_in_phase += units
        self.newest_unit = max(self.newest_unit, int(rows.unit.max())) if len(rows) else self.newest_unit
        ends = [float(rows.time_s[at[-1]])] if len(at) else []
        if seen.pairs is not None and len(seen.pairs):
            self.shadow_pairs += int(np.count_nonzero(seen.pairs.time_s <= until_s))
            ends.append(float(seen.pairs.time_s[-1]))
        self.last_candidate_s = max(ends) if ends else self.last_candidate_s


def rehearse(plan: Plan, scenario: Scenario, rng: np.random.Generator) -> Rehearsed:
    """Run the plan once on simulated traffic. The same generator state gives the same rollout."""
    plan, checks, columns = _instruments(plan, scenario)
    horizon_s = _PATIENCE * sum(p.least_s for p in plan.phases)
    traffic = SimulatedTraffic(plan.traffic, scenario, columns, rng, horizon_s)
    states: dict[str, Any] = {name: check.start() for name, check in checks.items()}
    caps, state, tally = CapState(), State(), _Tally()
    now_s, look_s = 0.0, _FIRST_LOOK_S
    approvals = any(p.approval for p in plan.phases)
    while state.status == "running" and now_s < horizon_s:
        end_s = _next_look(plan, state, now_s, look_s)
        seen = _draw(plan, state, traffic, now_s, end_s)
        states = {name: check.observe(states[name], seen) for name, check in checks.items()}
        caps = watch_caps(plan.caps, caps, seen)
        judgements = {name: check.judge(states[name]) for name, check in checks.items()}
        breaches = [j.breached_at_s for n, j in judgements.items() if n in plan.guardrails and j.breached_at_s is not None]
        breaches += [caps.breached_at_s] if caps.breached_at_s is not None else []
        before = copy(tally)
        tally.take(seen, end_s)
        evidence = Evidence(
            judgements=judgements,
            candidate_units=tally.units_in_phase,
            last_candidate_s=tally.last_candidate_s,
            cap_breach=caps.reason,
        )
        moved = step(plan, state, evidence, end_s, "approve" if approvals and state.asked else None)
        if moved.state.phase != state.phase:
            tally.units_in_phase, look_s = 0, _FIRST_LOOK_S
        state, now_s, look_s = moved.state, end_s, look_s * 3.0
        if state.status == "rolled_back":  # only a rollback that happened spares users the rest of the look
            tally = before
            tally.take(seen, min(breaches))
            return _result(state, moved, tally, min(breaches), caps)
    return _result(state, None, tally, now_s, caps)


def _instruments(plan: Plan, scenario: Scenario) -> tuple[Plan, dict[str, Check], frozenset[str]]:
    """The plan, its checks and the columns they read."""
    if scenario.by_guide:
        plan = msgspec.structs.replace(plan, guardrails={"guide_rule": None}, signals={})
        return plan, {"guide_rule": GuideRule()}, frozenset({"failed", "rating"})
    checks = built_checks(plan)
    return plan, checks, frozenset({CHECKS.load(n).reads for n in checks} | {"failed"})


def _next_look(plan: Plan, state: State, now_s: float, look_s: float) -> float:
    """The next moment at which the machine is asked: a look later, but not past the end of the phase, and often from there."""
    due = state.entered_s + plan.phases[state.phase].least_s
    return min(now_s + look_s, due) if now_s < due else now_s + _OVERDUE_LOOK_S


def _draw(plan: Plan, state: State, traffic: SimulatedTraffic, start_s: float, end_s: float) -> Seen:
    phase = plan.phases[state.phase]
    if phase.kind == "shadow":
        return traffic.shadow(start_s, end_s, phase.sample)
    return traffic.ramp(start_s, end_s, phase.weight)


def _result(state: State, last: Transition | None, tally: _Tally, at_s: float, caps: CapState) -> Rehearsed:
    return Rehearsed(
        ended="unfinished" if state.status == "running" else state.status,
        reason=last.reason if last is not None else "",
        phase=state.phase,
        duration_s=at_s,
        requests=tally.requests,
        candidate_requests=tally.candidate_requests,
        candidate_units=tally.candidate_units,
        shadow_pairs=tally.shadow_pairs,
        spent_usd=caps.spent_usd,
    )
