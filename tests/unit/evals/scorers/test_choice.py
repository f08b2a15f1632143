"""Choice: the letter an answer picks, and never one it did not."""

from __future__ import annotations

import pytest

from pointsman.evals.scorer import BadFormat, Unscored
from support.replies import is_right, read_of, score


@pytest.mark.parametrize(
    "answer",
    [
        "ANSWER: C",
        "**Answer:** C",
        "**Answer**: C",
        "Answer: (c)",
        "The answer is **C**.",
        "The correct answer is (C).",
        "The best answer among these is option C",
        "the answer choice is C. Generation of free radicals.",
        r"$\boxed{C}$",
        r"The final answer is $\boxed{\text{C}}$",
        '{"step_by_step_thinking": "A or B?", "answer_choice": "C"}',
        "{'answer_choice': 'C', 'why': \"broken",
        "answer is:\n\n**C**",
        "C",
        "(C)",
        "C) Paris",
        "C. Paris\n\nBecause it is the capital.",
        "I would go with option C.",
        "Answer: A\nWait, that is wrong.\nAnswer: C",
        "Answer: $LETTER, as asked.\n\nAnswer: C",
        "A) red\nB) green\nC) blue\nThe answer is C) blue",
        "The answer is C, B is wrong.",
    ],
)
def test_the_letter_is_read(answer):
    assert read_of(score("choice", {}, "C", answer)) == "C"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "I think it is a good question.",
        "Answer: I think so",
        "The answer is a bit unclear",
        "Answer: A person would say so",
        "A) red\nB) green\nC) blue\nD) black",
        "(A) is too small and (B) too large.",
        "Answer: A and C",
        "Answer: A, C",
        "The answer is (A) or (B).",
        "The answer is I, II and III.",
        "Here is each choice:\n(A) means rain\n(B) means snow",
    ],
)
def test_where_no_one_letter_is_picked_none_is_read(answer):
    assert isinstance(score("choice", {}, "A", answer), BadFormat)


def test_several_may_mean_the_first():
    assert is_right(score("choice", {"several": "first"}, "A", "Answer: A and C")) is True


def test_letters_are_those_the_case_has():
    assert read_of(score("choice", {}, "A", "Answer: E", choices=("x", "y"))) is None
    assert read_of(score("choice", {}, "E", "Answer: E", choices=("v", "w", "x", "y", "z"))) == "E"


@pytest.mark.parametrize(
    "answer, right",
    [("Yes", True), ("yes, because it rains", True), ("The answer is **yes**.", True), ("No.", False), ("Maybe", False)],
)
def test_options_in_words(answer, right):
    assert is_right(score("choice", {"labels": ["yes", "no", "maybe"]}, "yes", answer)) is right


@pytest.mark.parametrize("answer", ["not yes", "Yes and no", "Maybe not", "The answer is: yes and no", "yesterday"])
def test_words_that_turn_an_option_round_are_not_that_option(answer):
    assert isinstance(score("choice", {"labels": ["yes", "no", "maybe"]}, "yes", answer), BadFormat)


def test_an_options_text_is_as_good_as_its_letter():
    options = ("the red fox", "the red fox and the hen", "[0, 1]")
    assert read_of(score("choice", {}, "B", "The red fox and the hen.", choices=options)) == "B"
    assert read_of(score("choice", {}, "B", "The answer is the red fox.", choices=options)) == "A"
    assert read_of(score("choice", {}, "B", "The answer is [0, 1, 2].", choices=options)) is None


@pytest.mark.parametrize(
    "options, target, right",
    [
        ({}, "B", True),
        ({}, "(b)", True),
        ({}, "green", True),
        ({"target_is": "index"}, 1, True),
        ({"target_is": "position"}, "2", True),
        ({"target_is": "position"}, "1", False),
        ({}, ["A", "B"], True),
    ],
)
def test_what_a_target_may_be(options, target, right):
    assert is_right(score("choice", options, target, "Answer: B", choices=("red", "green"))) is right


def test_a_number_as_target_is_not_guessed_to_be_an_index():
    assert isinstance(score("choice", {}, 1, "Answer: B", choices=("red", "green")), Unscored)


def test_marked_only_reads_nothing_else():
    assert isinstance(score("choice", {"marked_only": True}, "C", "C) Paris"), BadFormat)
    assert is_right(score("choice", {"marked_only": True}, "C", "Answer: C")) is True
