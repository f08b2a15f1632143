"""From sightings to evidence, and a log that leads to the same steps again."""

import msgspec
import numpy as np
import pytest

from pointsman.core.verdict import Fail
from pointsman.rollout.history import Logged, encode_sightings, follow, moved_entry, replay
from pointsman.rollout.machine import step
from pointsman.rollout.sightings import (
    BIT,
    PairSighting,
    RatingSighting,
    RequestSighting,
    Sightings,
    decoded_flags,
    rating_of,
    sighting_of,
)
from pointsman.rollout.state import State
from pointsman.rollout.witness import Witness
from support.rollouts import plan
from support.served import attempt, failure, served

PLAN = plan(
    phases=[{"step": 0.2, "hold": "1s", "min_units": 10}, {"step": 0.5, "hold": "1s", "min_units": 10}],
    guardrails={"error_rate": {}, "cost": {}},
    signals={"sample_ratio": {}},
    caps={"consecutive_failures": 1000},
)


def traffic(seed, n=1200, *, candidate_errors=0.05, control_errors=0.05, weight=0.2):
    dice = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        unit = f"u{i // 2}"
        mine = bool(np.random.default_rng([seed, i // 2]).random() < weight)
        failed = dice.random() < (candidate_errors if mine else control_errors)
        cost = float(dice.lognormal())
        rows.append(RequestSighting(i * 0.01, unit, mine, weight, BIT["failed"] if failed else 0, 0.5, None, cost))
    return rows


def portions(rows, seed):
    dice = np.random.default_rng(seed)
    at = 0
    while at < len(rows):
        size = int(dice.integers(1, 60))
        yield Sightings(tuple(rows[at : at + size]))
        at += size


def test_how_often_one_looks_changes_no_bit_of_the_evidence():
    """Given the same sightings committed in the same portions, looks between commits leave no trace."""
    looked, blind = Witness(PLAN), Witness(PLAN)
    for number, portion in enumerate(portions(traffic(1), 5)):
        for witness in (looked, blind):
            witness.take(portion)
        looked.evidence()
        if number % 4 == 0:
            looked.commit()
            blind.commit()
    assert msgspec.json.encode(looked.evidence()) == msgspec.json.encode(blind.evidence())
    assert looked.tally == blind.tally


@pytest.mark.parametrize("candidate, control, harmful", [(0.4, 0.02, True), (0.02, 0.4, False), (0.05, 0.05, False)])
def test_the_side_that_is_worse_is_the_one_that_is_blamed(candidate, control, harmful):
    """With sides swapped anywhere on the way, a bad candidate would pass and a good one be rolled back."""
    witness = Witness(PLAN)
    witness.take(Sightings(tuple(traffic(2, 4000, candidate_errors=candidate, control_errors=control))))
    verdict = witness.evidence().judgements["error_rate"].verdict
    assert isinstance(verdict, Fail) is harmful


def test_a_unit_seen_on_both_sides_at_one_share_counts_for_neither():
    witness = Witness(PLAN)
    rows = [RequestSighting(1.0, "u", True, 0.2, 0), RequestSighting(2.0, "u", False, 0.2, BIT["failed"])]
    witness.take(Sightings(tuple(rows)))
    assert witness.tally.crossed == 1
    assert witness.evidence().candidate_units == 1


def test_a_unit_that_the_ramp_moved_is_no_contradiction():
    witness = Witness(PLAN)
    witness.take(Sightings((RequestSighting(1.0, "u", False, 0.2, 0), RequestSighting(2.0, "u", True, 0.5, 0))))
    assert witness.tally.crossed == 0


def test_a_rating_is_no_request_and_ends_no_run_of_failures():
    """Given failures of the candidate one after the other with ratings among them, the outage is seen all the same."""
    witness = Witness(plan(guardrails={"satisfaction": {}}, phases=PLAN.phases, caps={"consecutive_failures": 5}))
    for i in range(40):
        mine = i % 2 == 0
        row = RequestSighting(float(i), f"u{i}", mine, 0.5, BIT["failed"] if mine else 0)
        witness.take(Sightings((row,), (RatingSighting(float(i), f"u{i}", mine, 0.5, 1.0),)))
    assert witness.evidence().cap_breach
    assert witness.tally.ratings == 40
    assert witness.tally.requests == 40


def test_the_first_look_is_at_nothing_and_says_so():
    evidence = Witness(PLAN).evidence()
    assert evidence.candidate_units == 0
    assert evidence.last_candidate_s is None
    assert {type(j.verdict).__name__ for j in evidence.judgements.values()} == {"Unknown"}


def run(rows, seed):
    """A rollout as the controller would carry it out; its log."""
    witness, state, log, now_s = Witness(PLAN), State(), [], 0.0
    for portion in portions(rows, seed):
        witness.take(portion)
        now_s = max(now_s, portion.requests[-1].time_s)
        evidence = witness.evidence()
        moved = step(PLAN, state, evidence, now_s, None)
        if moved.state.version == state.version:
            continue
        log.append(Logged("seen", b"{}", encode_sightings(witness.pending)))
        log.append(Logged("moved", msgspec.json.encode(moved_entry(now_s, moved, evidence))))
        follow(witness, state, moved.state)
        state = moved.state
    return log, state


@pytest.mark.parametrize("errors", [0.02, 0.05, 0.5])
def test_a_log_leads_to_the_same_steps_bit_for_bit(errors):
    log, state = run(traffic(7, 6000, candidate_errors=errors), 3)
    again = replay(PLAN, log)
    assert log
    assert again.state == state
    assert again.differences == ()


def test_a_log_that_was_altered_does_not_lead_where_it_says():
    """Given a rollback that was made a promotion, or rows that were taken out, the replay names the step."""
    log, _ = run(traffic(7, 6000, candidate_errors=0.5), 3)
    last = log[-1].data.replace(b"roll_back", b"promote").replace(b"rolled_back", b"running")
    assert replay(PLAN, [*log[:-1], Logged("moved", last)]).differences
    rows = [Logged("seen", b"{}", encode_sightings(Sightings())) if e.kind == "seen" else e for e in log]
    assert replay(PLAN, rows).differences


def seen(**changes):
    usual = {"variant": "new", "propensity": 0.2, "unit": "u", "attempts": (attempt("new"),)}
    return sighting_of(served(1, **{**usual, **changes}), "old", "new", 1.0)


def test_a_candidate_that_was_replaced_by_a_fallback_has_failed():
    """Its failure is its own, and neither time nor cost of the fallback is put on its account."""
    row = seen(variant="old", chosen="new", fell_back=True, attempts=(attempt("new", failure=failure()), attempt("old")))
    assert row.candidate
    assert {"failed", "fell_back"} <= decoded_flags(row.flags)
    assert row.latency_s is None
    assert row.cost_usd is None


def test_a_candidate_nobody_dares_to_ask_has_failed():
    """Given an open breaker, no attempt was made, and the request counts against it."""
    assert decoded_flags(seen(attempts=(), status=503).flags) == {"failed"}
    assert "failed" in decoded_flags(seen(variant="old", chosen="new", fell_back=True, attempts=(attempt("old"),)).flags)


def test_what_the_client_did_wrong_or_left_says_nothing():
    assert seen(attempts=(attempt("new", failure=failure("client_fault")),)) is None
    assert seen(unit=None) is None
    assert seen(variant="third") is None
    assert decoded_flags(seen(status=499, attempts=()).flags) == set()


def test_flags_of_an_answer():
    assert decoded_flags(seen(finish="length").flags) == {"truncated"}
    assert decoded_flags(seen(finish="content_filter").flags) == {"refused"}
    assert decoded_flags(seen(attempts=(attempt("new", failure=failure("timeout")),)).flags) == {"failed", "timed_out"}
    assert seen().weight == 0.2
    assert seen(variant="old", propensity=0.8).weight == pytest.approx(0.2)


def test_pairs_count_for_the_side_that_alone_is_flawed():
    """Lost, won, and neither where both or none are flawed; costs are summed for the day."""
    witness = Witness(plan())
    flaws = [("", "refused"), ("", "refused"), ("empty", ""), ("empty", "empty"), ("", "")]
    rows = [PairSighting(float(i), f"u{i}", b, c, 0.5, 1.0, 2.0, 0.1, 0.2) for i, (b, c) in enumerate(flaws)]
    witness.take(Sightings(pairs=tuple(rows)))
    shadow = witness.tally.shadow
    assert (shadow.lost, shadow.won) == (2, 1)
    assert shadow.candidate_flaws == {"refused": 2, "empty": 1}
    assert shadow.day_usd == pytest.approx(1.0)
    witness.take(Sightings(pairs=(PairSighting(86_401.0, "v", "", "", candidate_cost_usd=0.3),)))
    assert witness.tally.shadow.day_usd == pytest.approx(0.3)
    assert witness.tally.shadow.usd == pytest.approx(1.3)


def test_a_word_on_a_fallbacks_answer_or_another_route_is_not_the_candidates():
    from pointsman.core.feedback import Rated

    usual = {"at_s": 1.0, "score": 0.0, "route": "r", "variant": "new", "unit": "u", "propensity": 0.2, "fell_back": False}
    assert rating_of(Rated(**usual), "r", "old", "new", 1.0).weight == 0.2
    for changes in ({"fell_back": True}, {"route": "s"}, {"unit": None}, {"variant": "third"}):
        assert rating_of(Rated(**{**usual, **changes}), "r", "old", "new", 1.0) is None
