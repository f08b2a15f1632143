"""Who gets the candidate of a migration, and who keeps what they had."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.failure import ConfigError
from pointsman.routing.features import Features
from pointsman.routing.policies.rollout import BASIS, Options, Rollout, basis_points


class Notes(dict):
    """A memory in which everything is old if `old` says so."""

    old = False

    def recall(self, conversation, *, however_old):
        return self.get(conversation) if however_old or not self.old else None

    def note(self, conversation, note):
        self[conversation] = note


def rollout(weight, memory=None, **more):
    return Rollout(Options(baseline="old", candidate="new", weight=weight, **more), memory)


def asked(conversation=0, *, continues=False, named=False):
    return Features(body_bytes=1, stream=False, conversation=conversation, continues=continues, named=named)


@given(u=st.floats(0, 1, exclude_max=True), low=st.floats(0, 1), high=st.floats(0, 1))
def test_raising_the_share_moves_units_to_the_candidate_only(u, low, high):
    low, high = sorted((low, high))
    if rollout(low).choose(asked(), u).variant == "new":
        assert rollout(high).choose(asked(), u).variant == "new"


@given(u=st.floats(0, 1, exclude_max=True), shares=st.lists(st.floats(0, 1), min_size=1, max_size=6), continues=st.booleans())
def test_a_conversation_keeps_its_side_and_its_chance_whatever_the_share_becomes(u, shares, continues):
    """Given any path of shares, also down to nothing, a remembered conversation is answered as it was at first."""
    memory = Notes()
    first = rollout(shares[0], memory).choose(asked(7, continues=continues), u)
    for share in shares:
        assert rollout(share, memory).choose(asked(7, continues=True), u) == first


def test_a_conversation_from_before_the_rollout_stays_with_the_baseline_and_counts_for_neither():
    """It has answers in it and nobody remembers it; its share of 0 says that chance had no part in it."""
    decision = rollout(0.99).choose(asked(7, continues=True), 0.0)
    assert (decision.variant, decision.propensity) == ("old", 1.0)
    assert rollout(0.99, stay=False).choose(asked(7, continues=True), 0.0).variant == "new"


def test_an_old_note_holds_for_those_who_are_surely_the_same_conversation():
    """A beginning that comes again after a day is another conversation, unless the client named it or it goes on."""
    memory = Notes({7: 0})
    memory.old = True
    policy = rollout(1.0, memory)
    assert policy.choose(asked(7, named=True), 0.5).variant == "old"
    assert policy.choose(asked(7, continues=True), 0.5).variant == "old"
    assert policy.choose(asked(7), 0.5).variant == "new"


def test_live_conversations_move_where_the_plan_says_so():
    memory = Notes({7: 0})
    assert rollout(1.0, memory, move_live=True).choose(asked(7, continues=True), 0.5).variant == "new"


@given(weight=st.floats(0, 1))
@settings(max_examples=20, deadline=None)
def test_the_share_it_reports_is_the_one_it_gives(weight):
    """To a basis point, and never nothing for something."""
    assert rollout(weight).weight == basis_points(weight) / BASIS
    assert abs(rollout(weight).weight - weight) <= 1 / BASIS
    assert (rollout(weight).weight > 0) == (weight > 0)


def test_both_sides_must_differ():
    with pytest.raises(ConfigError, match="baseline"):
        Rollout(Options(baseline="a", candidate="a", weight=0.5))
