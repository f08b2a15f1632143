"""How a trial's ending becomes one outcome."""

from __future__ import annotations

from typing import Any

import pytest

from pointsman.core.chat import FinishReason
from pointsman.core.failure import ConfigError, FailureClass
from pointsman.evals.outcome import Outcome
from pointsman.evals.refusals import looks_refused
from pointsman.evals.scorer import Score
from pointsman.evals.scorer_set import NamedScorer, ScorerSet
from pointsman.evals.scoring import build_scorers, judge
from pointsman.providers.provider import Answer
from support.replies import answered, case, failed, reply

NUMERIC = build_scorers(["numeric"])
LENGTH = FinishReason.LENGTH


def outcome(target: object, text: str, finish: FinishReason = FinishReason.STOP, scorers: ScorerSet = NUMERIC) -> Outcome:
    return judge(case(target), answered(text, finish), scorers).outcome


@pytest.mark.parametrize("kind", FailureClass)
def test_every_failure_has_an_outcome_and_only_a_filters_refusal_is_the_models(kind):
    judged = judge(case("1"), failed(kind, "because"), NUMERIC)
    expected = {FailureClass.TIMEOUT: Outcome.TIMEOUT, FailureClass.CONTENT_POLICY: Outcome.REFUSED}
    assert judged.outcome == expected.get(kind, Outcome.PROVIDER_ERROR)
    assert judged.score == (0.0 if kind is FailureClass.CONTENT_POLICY else None)
    assert "because" in (judged.reason or "")


def test_right_wrong_and_unreadable():
    assert outcome("5", "It is 5.") == Outcome.CORRECT
    assert outcome("5", "It is 6.") == Outcome.WRONG
    assert outcome("5", "It is five.") == Outcome.BAD_FORMAT
    assert outcome("5", "") == Outcome.BAD_FORMAT
    assert outcome(None, "It is 5.") == Outcome.UNSCORED
    assert outcome("five", "It is 5.") == Outcome.UNSCORED


def test_an_answer_cut_off_is_a_truncation_unless_its_value_was_settled_before():
    """The value counts if it was there and marked; the last number so far is not the answer."""
    assert outcome("5", "", LENGTH) == Outcome.TRUNCATED
    assert outcome("5", "First we add 2 and", LENGTH) == Outcome.TRUNCATED
    assert outcome("5", "The answer is 6. To check this, we", LENGTH) == Outcome.WRONG
    assert outcome("5", "The answer is 5. To check this, we", LENGTH) == Outcome.CORRECT
    assert outcome("50", "The answer is 5", LENGTH) == Outcome.TRUNCATED
    assert outcome("C", "ANSWER: B\nBecause", LENGTH, build_scorers(["choice"])) == Outcome.WRONG
    assert outcome("C", "Option B is wrong as", LENGTH, build_scorers(["choice"])) == Outcome.TRUNCATED
    assert judge(case("5"), answered("we", LENGTH), NUMERIC).score == 0.0


def test_a_refusal_counts_as_one_only_where_no_right_answer_was_given():
    sorry = "I'm sorry, but I can't help with that."
    assert outcome("5", sorry) == Outcome.REFUSED
    assert outcome("5", f"{sorry} But the answer is 5.") == Outcome.CORRECT
    assert outcome("5", "", FinishReason.CONTENT_FILTER) == Outcome.REFUSED
    assert outcome("5", "It is 6", FinishReason.REFUSAL) == Outcome.REFUSED
    marked = Answer(exchange=answered("").exchange, reply=reply("", refusal="No."))
    assert judge(case("5"), marked, NUMERIC).reason == "the model refused: No."


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't assist with that request.",
        "I’m sorry, I can’t help with that.",
        "Sorry, but I cannot provide instructions for making explosives.",
        "I cannot fulfill this request.",
        "As an AI language model, I cannot generate such content.",
        "I apologize, but I'm not able to help with that.",
        "Unfortunately, I am unable to assist with this.",
        "I must decline to answer.",
        "I won't write that.",
        "This request violates our policies.",
    ],
)
def test_common_refusals_are_noticed(text):
    assert looks_refused(reply(text)) is not None


@pytest.mark.parametrize(
    "text",
    [
        "I can't help but notice that the sum is 5.",
        "I cannot determine the answer from the passage.",
        "I'm sorry for your loss. Here is the letter you asked for.",
        "The model said: I'm sorry, but I can't help with that.",
        "I can't find an error in this code.",
        "I will not be late: 5 pm.",
        "Sorry, the answer is 5.",
        "I don't know.",
        "",
    ],
)
def test_answers_that_only_sound_like_refusals_are_answers(text):
    assert looks_refused(reply(text)) is None


class Broken:
    """A scorer with a bug."""

    def score(self, *_: Any) -> Score:
        raise ZeroDivisionError("oh")


def test_a_scorer_that_raises_leaves_the_trial_unscored_with_the_reason():
    broken = ScorerSet([NamedScorer(name="mine", plugin="mine", version=1, options={}, weight=None, scorer=Broken())])
    judged = judge(case("5"), answered("5"), broken)
    assert (judged.outcome, judged.score) == (Outcome.UNSCORED, None)
    assert judged.reason == "mine raised ZeroDivisionError: oh"


def test_without_weights_the_first_scorer_decides_and_the_others_are_reported():
    scorers = build_scorers(["numeric", "exact", {"similarity": {"metric": "levenshtein"}}])
    judged = judge(case("5"), answered("It is 5"), scorers)
    assert (judged.outcome, judged.score, judged.read) == (Outcome.CORRECT, 1.0, "5")
    assert judged.scores == {"numeric": 1.0, "exact": 0.0, "similarity": pytest.approx(1 / 7)}


def test_with_weights_the_score_is_their_mean_and_all_must_be_right():
    scorers = build_scorers([{"numeric": {}, "weight": 3}, {"exact": {}, "weight": 1}, "refusal"])
    part = judge(case("5"), answered("It is 5"), scorers)
    assert (part.outcome, part.score) == (Outcome.WRONG, 0.75)
    assert judge(case("5"), answered("5"), scorers).outcome == Outcome.CORRECT
    assert "refusal" not in part.scores  # it could not judge: the target is no expectation


def test_a_graded_score_keeps_its_value_below_the_threshold():
    scorers = build_scorers([{"similarity": {"metric": "token_f1", "threshold": 0.9}}])
    judged = judge(case("red green blue"), answered("red green"), scorers)
    assert (judged.outcome, judged.score) == (Outcome.WRONG, pytest.approx(0.8))


def test_two_settings_of_one_scorer_need_names():
    with pytest.raises(ConfigError, match="two scorers are called 'exact'"):
        build_scorers(["exact", {"exact": {"ignore_case": True}}])
    assert build_scorers(["exact", {"exact": {"ignore_case": True}, "as": "loose"}]).names == ("exact", "loose")


def test_the_fingerprint_follows_what_scores_not_how_it_was_written():
    plain = build_scorers(["exact"]).fingerprint
    assert build_scorers([{"exact": {"strip": True}}]).fingerprint == plain
    assert build_scorers([{"exact": {"strip": False}}]).fingerprint != plain
    assert build_scorers([{"exact": None, "weight": 1}]).fingerprint != plain


@pytest.mark.parametrize(
    "entries, message",
    [
        ([], "no scorer is given"),
        (["exct"], "there is no scorer called 'exct'"),
        ([{"exact": {"ignorecase": True}}], "no option 'ignorecase'"),
        ([{"exact": {"strip": "yes"}}], "Expected `bool`"),
        ([{"exact": ["strip"]}], "Expected `object`"),
        ([{"exact": {}, "numeric": {}}], "an entry names one scorer"),
        ([{"exact": {}, "weight": 0}], "a weight is a number above 0"),
        ([{"exact": {"after": "a", "field": "b"}}], "exclude each other"),
        ([{"pattern": {"pattern": "("}}], "is not a regular expression"),
        ([{"pattern": {"pattern": "(a)(b)", "mode": "compare"}}], "several groups"),
        ([{"numeric": {"rtol": -1}}], "not negative"),
        ([{"numeric": {"markers": [""]}}], "marker"),
        ([{"json_schema": {"schema": {"type": "nonsense"}}}], "is not a JSON Schema"),
        ([{"json_schema": {"schema": {"$ref": "https://example.com/s.json"}}}], "nothing is fetched"),
        ([{"similarity": {"threshold": 0}}], "share above 0"),
        ([{"choice": {"letters": "AA"}}], "different letters"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_reason(entries, message):
    with pytest.raises(ConfigError, match=message):
        build_scorers(entries)
