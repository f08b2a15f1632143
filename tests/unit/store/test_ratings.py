"""Feedback and the request it is about."""

import contextlib
import sqlite3

import pytest

from pointsman.core.feedback import Feedback, Rated
from pointsman.store.ledger import Ledger
from pointsman.store.ratings import Ratings
from support.served import AT_S, served


@pytest.fixture
def ratings(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.append([served(1, unit="u", propensity=0.2, variant="new")])
        opened = Ratings(tmp_path / "ledger.sqlite")
        yield opened
        opened.close()


def feedback(decision="run0000001", **more):
    return Feedback(**{"decision": decision, "at_s": AT_S, "tenant": "acme", "score": 1.0, **more})


def kept(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as db:
        return db.execute("select decision, score, labels from feedback").fetchall()


def test_it_is_kept_with_what_the_request_was(ratings, tmp_path):
    rated = ratings.put(feedback(score=0.25, labels={"why": "slow"}))
    assert rated == Rated(at_s=AT_S, score=0.25, route="r", variant="new", unit="u", propensity=0.2, fell_back=False)
    assert kept(tmp_path) == [("run0000001", 0.25, '{"why":"slow"}')]


def test_a_later_word_takes_the_place_of_an_earlier_one(ratings, tmp_path):
    ratings.put(feedback(score=0.0))
    ratings.put(feedback(score=1.0))
    assert [score for _, score, _ in kept(tmp_path)] == [1.0]


def test_another_tenants_answer_and_one_nobody_knows_are_not_rated(ratings, tmp_path):
    assert ratings.put(feedback(tenant="other")) == "foreign"
    assert ratings.put(feedback("run0000009")) == "unknown"
    assert kept(tmp_path) == []
