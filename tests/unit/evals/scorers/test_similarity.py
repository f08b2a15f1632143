"""Likeness of texts against figures worked out by hand and by brute force."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.evals.scorer import Score
from pointsman.evals.text_overlap import levenshtein_similarity, rouge_l, token_f1
from support.replies import score


def longest_common(a: list[str], b: list[str]) -> int:
    """The textbook table."""
    rows = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            rows[i + 1][j + 1] = rows[i][j] + 1 if x == y else max(rows[i][j + 1], rows[i + 1][j])
    return rows[-1][-1]


@given(st.lists(st.sampled_from("abc"), max_size=80), st.lists(st.sampled_from("abc"), max_size=80))
def test_rouge_l_is_that_of_the_textbook_table(a, b):
    expected = 2 * longest_common(a, b) / (len(a) + len(b)) if a and b else float(a == b)
    assert rouge_l(" ".join(a), " ".join(b)) == pytest.approx(expected)
    assert rouge_l(" ".join(b), " ".join(a)) == pytest.approx(expected)


def test_rouge_l_of_lins_example():
    """Lin (2004) §3.1: "police killed the gunman" against "police kill the gunman" and "the gunman kill police"."""
    assert rouge_l("police kill the gunman", "police killed the gunman") == 3 / 4
    assert rouge_l("the gunman kill police", "police killed the gunman") == 2 / 4


def test_token_f1_leaves_articles_case_and_punctuation_out():
    assert token_f1("The Eiffel Tower!", "eiffel tower") == 1.0
    assert token_f1("red green", "red green blue") == pytest.approx(0.8)
    assert token_f1("a a b", "a b b") == pytest.approx(2 * 1 / 3)


def test_empty_texts():
    for measure in (rouge_l, token_f1, levenshtein_similarity):
        assert measure("", "") == 1.0
        assert measure("x", "") == 0.0


def test_languages_without_spaces_are_compared_by_character():
    assert rouge_l("今日は雨", "今日は晴") == 0.75


def test_levenshtein():
    assert levenshtein_similarity("kitten", "sitting") == pytest.approx(1 - 3 / 7)


def test_the_best_of_several_targets_counts():
    judgement = score("similarity", {"metric": "rouge_l", "threshold": 0.9}, ["no", "yes it is"], "Yes it is.")
    assert judgement == Score(value=1.0, correct=True, read="Yes it is.", settled=False)
