"""What every scorer keeps, ours and any that is added."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.chat import ChatReply, OutputFormat
from pointsman.core.failure import ConfigError
from pointsman.evals.scorer import SCORERS, BadFormat, Judgement, Refused, Score, Scorer, Unscored
from pointsman.evals.scorer_set import build_scorers
from support.replies import case, reply

MEGABYTE = 1_000_000
KINDS = (Score, BadFormat, Refused, Unscored)
# Texts that make careless patterns or parsers slow, deep or wrong.
HARD = {
    "empty": "",
    "spaces": " \n\t" * 300,
    "emoji": "😀👩‍👩‍👧‍👦🇫🇷" * 50,
    "control characters": "\x00\x01\x7f\ufffe\u2028",
    "lone surrogate": "answer is \ud800",
    "mojibake": "caf\ufffd \xc3\xa9 answer: \xff",
    "growing lower case": "İ answer is 5 " * 100,
    "digits": "1" * MEGABYTE,
    "groups": "12," * (MEGABYTE // 3),
    "full groups": "123," * (MEGABYTE // 4),
    "powers": "1e" * (MEGABYTE // 2),
    "huge power": "the answer is 1e999999999",
    "division by zero": "the answer is 1/0",
    "slashes": "1/" * (MEGABYTE // 2),
    "braces": "{" * MEGABYTE,
    "brackets": "[1," * (MEGABYTE // 3),
    "fences": "```json\n" * (MEGABYTE // 8),
    "tags": "<answer>" * (MEGABYTE // 8),
    "open fields": '"answer": "' * (MEGABYTE // 11),
    "backslashes": '"answer":"' + "\\" * MEGABYTE,
    "marks": "answer is " * (MEGABYTE // 10),
    "boxes": "\\boxed{" * (MEGABYTE // 7),
    "letters": "(A) (B) " * (MEGABYTE // 8),
    "stars": "*" * MEGABYTE,
    "minuses": "-" * MEGABYTE,
    "apologies": "I'm sorry, " * (MEGABYTE // 11),
}


def build(name: str, options: dict[str, Any] | None = None) -> Scorer:
    return build_scorers([{name: SCORERS.load(name).example.options if options is None else options}]).scorers[0].scorer


def judged(scorer: Scorer, target: object, text: str | ChatReply) -> Judgement:
    schema = OutputFormat(kind="json_schema", schema=msgspec.Raw(b'{"type": "object"}'))
    return scorer.score(case(target, output=schema), reply(text) if isinstance(text, str) else text)


@pytest.mark.parametrize("name", SCORERS.names())
def test_its_example_scores_as_stated(name):
    example = SCORERS.load(name).example
    judgement = judged(build(name), example.target, example.answer)
    assert isinstance(judgement, Score)
    assert judgement.value == pytest.approx(example.value)


@pytest.mark.parametrize("text", HARD.values(), ids=HARD)
@pytest.mark.parametrize("name", SCORERS.names())
def test_no_answer_makes_it_raise_or_hang(name, text):
    example = SCORERS.load(name).example
    scorer = build(name)
    started_s = time.process_time()
    for target in (example.target, "5", ["x", 3], {"a": 1}, True):
        judgement = judged(scorer, target, text)
        assert isinstance(judgement, KINDS)
        if isinstance(judgement, Score):
            assert 0 <= judgement.value <= 1
            assert len(judgement.read or "") <= 1000
    assert time.process_time() - started_s < 5


@pytest.mark.parametrize("name", SCORERS.names())
def test_a_reply_without_a_choice_is_no_right_answer(name):
    judgement = judged(build(name), SCORERS.load(name).example.target, ChatReply(choices=()))
    assert isinstance(judgement, BadFormat)


@pytest.mark.parametrize("name", sorted(set(SCORERS.names()) - {"refusal"}))
def test_without_a_target_it_cannot_judge(name):
    judgement = judged(build(name), None, SCORERS.load(name).example.answer)
    assert isinstance(judgement, Unscored)
    assert "target" in judgement.reason


def test_a_refusal_scorer_that_looks_at_targets_cannot_judge_without_one():
    assert isinstance(judged(build("refusal", {}), None, "Hello"), Unscored)


@pytest.mark.parametrize("name", SCORERS.names())
@settings(max_examples=60, deadline=None)
@given(
    text=st.text(max_size=300), target=st.one_of(st.none(), st.text(max_size=20), st.integers(), st.lists(st.text(max_size=5)))
)
def test_the_same_answer_always_gets_the_same_judgement(name, text, target):
    first = judged(build(name), target, text)
    assert isinstance(first, KINDS)
    assert judged(build(name), target, text) == first


@pytest.mark.parametrize("name", SCORERS.names())
def test_an_unknown_option_is_refused_by_name(name):
    with pytest.raises(ConfigError, match="no_such_option"):
        build(name, {**SCORERS.load(name).example.options, "no_such_option": 1})


@pytest.mark.parametrize("name", SCORERS.names())
def test_it_says_in_one_sentence_what_it_does_and_each_option_has_a_default_or_is_needed(name):
    plugin = SCORERS.load(name)
    assert plugin.summary.endswith(".")
    assert plugin.version >= 1
    assert msgspec.structs.fields(plugin.options)
