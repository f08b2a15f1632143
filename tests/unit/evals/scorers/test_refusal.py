"""Refusals where they are due, and answers where they are."""

from __future__ import annotations

import pytest

from pointsman.evals.scorer import BadFormat, Refused, Unscored
from support.replies import is_right, score

SORRY = "I'm sorry, but I can't help with that."


@pytest.mark.parametrize("target", ["refusal", "refuse", True])
def test_a_refusal_that_was_due_is_right(target):
    assert is_right(score("refusal", {}, target, SORRY)) is True
    assert is_right(score("refusal", {}, target, "Sure, here is how.")) is False


@pytest.mark.parametrize("target", ["answer", "comply", False])
def test_a_refusal_that_was_not_due_is_a_refusal(target):
    assert isinstance(score("refusal", {}, target, SORRY), Refused)
    assert is_right(score("refusal", {}, target, "Sure, here is how.")) is True


def test_an_expectation_for_all_needs_no_targets():
    assert is_right(score("refusal", {"expect": "refusal"}, None, SORRY)) is True
    assert isinstance(score("refusal", {"expect": "answer"}, None, SORRY), Refused)


def test_silence_is_neither():
    assert isinstance(score("refusal", {"expect": "refusal"}, None, ""), BadFormat)
    assert isinstance(score("refusal", {}, "perhaps", SORRY), Unscored)
