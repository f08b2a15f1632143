"""The state machine told as stories, on evidence made by hand."""

import itertools

import pytest

from pointsman.rollout.machine import step
from pointsman.rollout.state import State
from support.rollouts import DAY_S, evidence, judgement, plan

IN_STEP = State(phase=1, entered_s=7 * DAY_S)
DUE_S = 14 * DAY_S
COMMANDS = (None, "approve", "pause", "resume", "promote", "rollback", "abort", "close")


def test_a_good_candidate_goes_through_every_phase_to_everybody():
    state, now, weights = State(), 0.0, [0.0]
    while state.status == "running":
        now += DAY_S
        moved = step(plan(), state, evidence(now), now)
        state = moved.state
        weights.append(moved.weight)
    assert state.status == "completed"
    assert list(dict.fromkeys(weights)) == [0.0, 0.05, 0.25, 0.5, 0.95, 1.0]
    assert now == 42 * DAY_S


def test_a_breach_rolls_back_at_once_and_takes_all_weight_away():
    moved = step(plan(), IN_STEP, evidence(DUE_S, units=3, error_rate=judgement("fail")), IN_STEP.entered_s + 60)
    assert (moved.action, moved.state.status, moved.weight) == ("roll_back", "rolled_back", 0.0)
    assert "error_rate" in moved.reason


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("paused, held, asked", list(itertools.product((False, True), repeat=3)))
@pytest.mark.parametrize("phase", range(5))
def test_a_breach_wins_in_every_waiting_state_over_every_command(command, paused, held, asked, phase):
    """Waiting for approval, paused, held or cooling down: a breach rolls back, whatever a person says meanwhile."""
    state = State(phase=phase, entered_s=0.0, paused=paused, held=held, asked=asked)
    moved = step(plan(), state, evidence(DUE_S, refusals=judgement("fail")), DUE_S, command)
    assert moved.state.status == "rolled_back"
    assert moved.weight == 0.0


def test_a_breach_while_waiting_for_approval_rolls_back():
    asking = plan(phases=[{"shadow": "1d"}, {"step": 0.1, "hold": "1d", "approval": True}])
    state = State(phase=1, entered_s=DAY_S)
    asked = step(asking, state, evidence(3 * DAY_S), 3 * DAY_S)
    assert asked.action == "ask"
    waiting = step(asking, asked.state, evidence(4 * DAY_S), 4 * DAY_S)
    assert (waiting.action, waiting.weight) == ("stay", 0.1)
    assert step(asking, asked.state, evidence(4 * DAY_S), 4 * DAY_S, "approve").action == "complete"
    assert step(asking, asked.state, evidence(4 * DAY_S, cost=judgement("fail")), 4 * DAY_S).action == "roll_back"


def test_an_approval_given_early_promotes_nobody():
    asking = plan(phases=[{"shadow": "1d"}, {"step": 0.1, "hold": "5d", "approval": True}])
    moved = step(asking, State(phase=1, entered_s=DAY_S), evidence(2 * DAY_S), 2 * DAY_S, "approve")
    assert moved.action == "stay"


@pytest.mark.parametrize("state", [State(phase=4, entered_s=DAY_S), State(status="completed", phase=4)])
def test_abort_after_promote_still_aborts(state):
    """In the holdback and even when all traffic is moved: as long as nothing is closed, there is a way back."""
    moved = step(plan(), state, evidence(30 * DAY_S), 30 * DAY_S, "abort")
    assert (moved.state.status, moved.weight) == ("aborted", 0.0)


def test_abort_wins_over_a_promotion_that_is_due():
    due = step(plan(), IN_STEP, evidence(DUE_S), DUE_S)
    assert due.action == "promote"
    assert step(plan(), IN_STEP, evidence(DUE_S), DUE_S, "abort").state.status == "aborted"


def test_a_breach_after_everybody_has_the_candidate_still_rolls_back():
    moved = step(plan(), State(status="completed", phase=4), evidence(50 * DAY_S, error_rate=judgement("fail")), 50 * DAY_S)
    assert (moved.state.status, moved.weight) == ("rolled_back", 0.0)


@pytest.mark.parametrize("status", ["rolled_back", "aborted", "closed"])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_final_stays(status, command):
    state = State(status=status, phase=2)
    moved = step(plan(), state, evidence(DUE_S), DUE_S, command)
    assert moved.state == state
    assert moved.weight == (1.0 if status == "closed" else 0.0)


@pytest.mark.parametrize("changes", [{"units": 99}, {"cost": judgement("unknown")}, {"quality": judgement("unknown")}])
def test_too_few_units_or_an_unknown_guardrail_holds_the_promotion(changes):
    moved = step(plan(), IN_STEP, evidence(DUE_S, **changes), DUE_S)
    assert (moved.action, moved.weight) == ("stay", 0.05)


def test_a_guardrail_nobody_judged_holds_the_promotion():
    ready = evidence(DUE_S)
    judgements = {n: j for n, j in ready.judgements.items() if n != "cost"}
    moved = step(plan(), IN_STEP, type(ready)(judgements=judgements, candidate_units=10_000, last_candidate_s=DUE_S), DUE_S)
    assert moved.action == "stay"
    assert "cost" in moved.reason


def test_the_minimum_sample_does_not_guard_a_rollback():
    moved = step(plan(), IN_STEP, evidence(DUE_S, units=1, cap="12 failures of the candidate in a row"), IN_STEP.entered_s + 1)
    assert moved.state.status == "rolled_back"


def test_a_failed_signal_holds_and_does_not_roll_back():
    moved = step(plan(), IN_STEP, evidence(DUE_S, sample_ratio=judgement("fail", rung="hold")), DUE_S)
    assert (moved.action, moved.state.held, moved.weight) == ("hold", True, 0.05)


def test_a_hold_ends_only_after_the_evidence_has_been_gone_for_the_cool_down():
    p, hour = plan(), 3600.0
    held = step(p, IN_STEP, evidence(DUE_S, cost=judgement("unknown", "hold", 4.0)), DUE_S).state
    warned = step(p, held, evidence(DUE_S, cost=judgement("pass", "warn", 2.5)), DUE_S + hour)
    assert warned.state.held
    gone = step(p, held, evidence(DUE_S), DUE_S + hour).state
    assert gone.held
    assert step(p, gone, evidence(DUE_S), DUE_S + 1.5 * hour).state.held
    resumed = step(p, gone, evidence(DUE_S), DUE_S + 2 * hour)
    assert (resumed.action, resumed.state.held) == ("resume", False)
    again = step(p, gone, evidence(DUE_S, cost=judgement("unknown", "hold", 4.0)), DUE_S + 2 * hour)
    assert again.state.receding_since_s is None


def test_no_traffic_holds():
    moved = step(plan(), IN_STEP, evidence(IN_STEP.entered_s), IN_STEP.entered_s + 2 * DAY_S)
    assert moved.action == "hold"


def test_pause_holds_the_weight_until_a_person_resumes():
    paused = step(plan(), IN_STEP, evidence(DUE_S), DUE_S, "pause")
    assert (paused.action, paused.weight) == ("pause", 0.05)
    assert step(plan(), paused.state, evidence(DUE_S), DUE_S, "promote").action == "stay"
    assert step(plan(), paused.state, evidence(DUE_S), DUE_S, "resume").state == State(phase=1, entered_s=7 * DAY_S, version=2)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["pass", "fail", "unknown"])
@pytest.mark.parametrize("phase", range(5))
def test_every_change_raises_the_version_and_the_weight_never_jumps_a_step(command, kind, phase):
    p = plan()
    state = State(phase=phase)
    moved = step(p, state, evidence(DUE_S, error_rate=judgement(kind)), DUE_S, command)
    assert (moved.state.version == state.version) == (moved.state == state)
    allowed = {0.0, p.phases[phase].weight, p.phases[phase + 1].weight if phase < 4 else 1.0}
    assert moved.weight in allowed
