"""One step of a rollout: (plan, state, evidence, command, now) → what happens next. Pure.

When several things could happen, the first of these does:

    roll back   a guardrail failed, a limit was crossed, a person said so; in every phase, waiting or not
    abort       a person said so; also after a promotion, as long as the rollout is not closed
    pause       a person said so
    hold        a guardrail or signal asks for it, or nothing arrives
    promote     the phase has lasted, enough units came, every guardrail passed, and who must approve has

Rolled back and aborted are final: a second attempt is a new rollout with a new salt and its own error
budget. What is not known holds; it never promotes and never rolls back.
"""

from __future__ import annotations

import msgspec

from pointsman.core.estimate import Unknown
from pointsman.core.verdict import Fail, Pass
from pointsman.rollout.check import Judgement
from pointsman.rollout.plan import Plan, seconds
from pointsman.rollout.state import Action, Command, Evidence, State, Transition, weight_of

__all__ = ["step"]


def step(plan: Plan, state: State, evidence: Evidence, now_s: float, command: Command | None = None) -> Transition:
    """What follows from the evidence at `now_s`, seconds since the rollout began."""
    if state.status in ("rolled_back", "aborted", "closed"):
        return _stay(plan, state, f"the rollout is {state.status.replace('_', ' ')}")
    if reason := _rollback_reason(plan, evidence, command):
        return _moved(plan, state, "roll_back", reason, status="rolled_back")
    if command == "abort":
        return _moved(plan, state, "abort", "aborted by a person", status="aborted")
    if state.status == "completed":
        return _closing(plan, state, command)
    if command == "pause" or (state.paused and command != "resume"):
        return _pause(plan, state)
    if state.paused:
        return _moved(plan, state, "resume", "resumed by a person", paused=False)
    if command == "promote":
        return _promote(plan, state, now_s, "promoted by a person")
    if (held := _hold(plan, state, evidence, now_s)) is not None:
        return held
    if missing := _missing(plan, state, evidence, now_s):
        return _stay(plan, state, missing)
    if plan.phases[state.phase].approval and command != "approve":
        return _ask(plan, state)
    return _promote(plan, state, now_s, "every condition is met")


def _rollback_reason(plan: Plan, evidence: Evidence, command: Command | None) -> str:
    for name in plan.guardrails:
        judgement = evidence.judgements.get(name)
        if judgement is not None and isinstance(judgement.verdict, Fail):
            return f"{name}: {judgement.verdict.reason}"
    if evidence.cap_breach:
        return evidence.cap_breach
    return "rolled back by a person" if command == "rollback" else ""


def _closing(plan: Plan, state: State, command: Command | None) -> Transition:
    if command == "close":
        return _moved(plan, state, "close", "closed by a person", status="closed")
    return _stay(plan, state, "the candidate serves everybody; close when nothing speaks against it")


def _pause(plan: Plan, state: State) -> Transition:
    if state.paused:
        return _stay(plan, state, "paused by a person")
    return _moved(plan, state, "pause", "paused by a person", paused=True)


def _hold(plan: Plan, state: State, evidence: Evidence, now_s: float) -> Transition | None:
    """Enter a hold, stay in it, or leave it; None if there is none."""
    if reason := _hold_reason(plan, state, evidence, now_s):
        if state.held and state.receding_since_s is None:
            return _stay(plan, state, reason)
        return _moved(plan, state, "hold", reason, held=True, receding_since_s=None)
    if not state.held:
        return None
    if any(j.log_e > 0.0 for j in _asking(plan, evidence)):  # leaving takes more than not being asked to hold
        return _stay(plan, state, "held until the evidence of harm has gone")
    if state.receding_since_s is None:
        return _moved(plan, state, "stay", "the evidence of harm has gone", receding_since_s=now_s)
    if now_s - state.receding_since_s < seconds(plan.cool_down):
        return _stay(plan, state, "cooling down")
    return _moved(plan, state, "resume", "the evidence of harm has stayed away", held=False, receding_since_s=None)


def _hold_reason(plan: Plan, state: State, evidence: Evidence, now_s: float) -> str:
    for name, judgement in evidence.judgements.items():
        if judgement.rung == "hold" or (name in plan.signals and isinstance(judgement.verdict, Fail)):
            return f"{name}: asks to hold"
    since = max(state.entered_s, evidence.last_candidate_s or 0.0)
    if now_s - since > seconds(plan.no_traffic):
        return f"nothing from the candidate for {plan.no_traffic}; is there traffic?"
    return ""


def _asking(plan: Plan, evidence: Evidence) -> list[Judgement]:
    return [j for n, j in evidence.judgements.items() if n in plan.guardrails and j.rung in ("warn", "hold")]


def _missing(plan: Plan, state: State, evidence: Evidence, now_s: float) -> str:
    """What is not yet there for a promotion; empty if nothing is."""
    phase = plan.phases[state.phase]
    if now_s - state.entered_s < phase.least_s:
        return "the phase has not lasted long enough"
    if phase.kind == "shadow":
        return _not_passed(evidence, [n for n in plan.guardrails if n == "quality"])
    if evidence.candidate_units < phase.min_units:
        return f"{evidence.candidate_units} of {phase.min_units} units have had the candidate"
    return _not_passed(evidence, list(plan.guardrails))


def _not_passed(evidence: Evidence, names: list[str]) -> str:
    for name in names:
        judgement = evidence.judgements.get(name)
        if judgement is None or not isinstance(judgement.verdict, Pass):
            why = judgement.verdict.reason if judgement and isinstance(judgement.verdict, Unknown) else "not judged"
            return f"{name}: {why}"
    return ""


def _ask(plan: Plan, state: State) -> Transition:
    if state.asked:
        return _stay(plan, state, "waiting for approval")
    return _moved(plan, state, "ask", "every condition is met; a person must approve", asked=True)


def _promote(plan: Plan, state: State, now_s: float, reason: str) -> Transition:
    if state.phase + 1 == len(plan.phases):
        return _moved(plan, state, "complete", reason, status="completed")
    return _moved(plan, state, "promote", reason, phase=state.phase + 1, entered_s=now_s, asked=False, held=False)


def _moved(plan: Plan, state: State, action: Action, reason: str, **changes: object) -> Transition:
    new = msgspec.structs.replace(state, version=state.version + 1, **changes)
    return Transition(state=new, weight=weight_of(plan, new), action=action, reason=reason)


def _stay(plan: Plan, state: State, reason: str) -> Transition:
    return Transition(state=state, weight=weight_of(plan, state), action="stay", reason=reason)
