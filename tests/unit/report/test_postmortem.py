"""The post-mortem of a rollout that a real machine decided, told from a log as the controller writes it."""

import msgspec
import pytest

from pointsman.report.charts.timeline import evidence_chart, share_chart
from pointsman.report.postmortem import Aftermath, figures, headline, postmortem_markdown, postmortem_page
from pointsman.rollout.chronicle import Chronicler
from pointsman.rollout.history import Logged, encode_sightings, follow, moved_entry
from pointsman.rollout.machine import step
from pointsman.rollout.plan import Phase, Plan
from pointsman.rollout.sightings import RequestSighting, Sightings
from pointsman.rollout.state import State
from pointsman.rollout.witness import Witness

PLAN = Plan(
    route="support",
    from_="old",
    to="<new>",
    phases=(Phase(step=0.5, hold="1h", min_units=10), Phase(holdback=0.1, hold="1h", min_units=10)),
    guardrails={"error_rate": {}},
    signals={},
)
AFTER = Aftermath(migration="support-1", begun="2026-11-24 10:00 UTC", log_head="abc", broken_at=None)


def sighting(number, failed):
    mine = number % 2 == 0
    return RequestSighting(time_s=float(number), unit=f"u{number}", candidate=mine, weight=0.5, flags=1 if failed and mine else 0)


def log(failing, requests=400, command=None):
    """(when, entry) as a controller would write them."""
    witness, state, written = Witness(PLAN), State(), []
    for start in range(0, requests, 50):
        batch = Sightings(requests=tuple(sighting(n, failing) for n in range(start, start + 50)))
        witness.take(batch)
        now_s = float(start + 50)
        written.append((now_s, Logged("seen", b"{}", encode_sightings(batch))))
        witness.commit()
        given = command if start >= 200 else None
        evidence = witness.evidence()
        moved = step(PLAN, state, evidence, now_s, given)
        if moved.state.version != state.version:
            entry = moved_entry(now_s, moved, evidence, given, "ada" if given else "", "enough seen" if given else "")
            written.append((now_s, Logged("moved", msgspec.json.encode(entry))))
            follow(witness, state, moved.state)
            state = moved.state
            said = {"weight": moved.weight, "after_s": 0.25, "replicas": 2}
            written.append((now_s + 0.25, Logged("applied", msgspec.json.encode(said))))
    return written


def story(failing, **more):
    chronicler = Chronicler(PLAN)
    for at_s, entry in log(failing, **more):
        chronicler.take(at_s, entry)
    return chronicler.story()


def test_a_rollback_says_why_when_and_how_fast():
    told = story(failing=True)
    assert told.state.status == "rolled_back"
    assert told.differences == ()
    assert "was rolled back after" in headline(told)
    counted = dict(figures(told))
    assert counted["From the decision until every replica was seen to obey"] == "250 ms (2 replicas)"
    assert counted["Requests that still reached the candidate afterwards"] == "0"
    assert int(counted["Users or conversations that had the candidate"]) == told.tally.candidate_units > 0


def test_the_evidence_reaches_the_line_when_it_rolls_back_and_stays_below_when_nothing_is_wrong():
    bad, good = story(failing=True), story(failing=False)
    assert max(p.share["error_rate"] for p in bad.points) >= 1.0
    assert max(p.share["error_rate"] for p in good.points) < 1.0


def test_a_persons_command_is_told_with_who_and_why():
    told = story(failing=False, command="abort")
    (last,) = [s for s in told.steps if s.action == "abort"]
    assert (last.actor, last.why, last.weight) == ("ada", "enough seen", 0.0)
    assert "aborted by a person" in headline(told)


def test_the_page_is_whole_and_safe_and_shows_both_pictures():
    page = postmortem_page(story(failing=True), msgspec.structs.replace(AFTER, patch="--- a\n+++ b\n", to_do=("do <this>",)))
    assert "<new>" not in page
    assert "do &lt;this&gt;" in page
    assert page.count("<figure") == 2
    assert "the chain is whole" in page
    assert "to the last bit" in page


def test_a_log_that_was_changed_is_said_to_be():
    entries = log(failing=True)
    chronicler = Chronicler(PLAN)
    for at_s, entry in entries[1:]:  # what was seen first is gone
        chronicler.take(at_s, entry)
    told = chronicler.story()
    assert told.differences
    page = postmortem_page(told, msgspec.structs.replace(AFTER, broken_at=2))
    assert "event 2 does not follow" in page
    assert "not every step comes out" in page


def test_markdown_cannot_carry_markup_and_ends_with_what_is_to_do():
    text = postmortem_markdown(story(failing=True), msgspec.structs.replace(AFTER, to_do=("tell @everyone",)))
    assert "&lt;new&gt;" in text
    assert "- [ ] tell @&#8203;everyone" in text


def test_before_anything_was_seen_there_is_a_story_and_no_evidence():
    told = Chronicler(PLAN).story()
    assert evidence_chart(told) is None
    assert "is under way" in headline(told)
    assert "svg" in share_chart(told)
    assert "migration" in postmortem_page(told, AFTER).lower()


@pytest.mark.parametrize("requests", [50, 60_000])
def test_a_long_story_keeps_a_bounded_number_of_points(requests):
    told = story(failing=False, requests=requests)
    assert 1 <= len(told.points) <= 401
