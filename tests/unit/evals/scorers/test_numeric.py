"""Numeric: which number, and when two are the same."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.evals.numbers import first_number, last_number, only_number
from support.replies import is_right, read_of, score


@pytest.mark.parametrize(
    "text, value",
    [
        ("It costs $1,234.50.", "1234.50"),
        ("x = −15", "-15"),
        ("a loss of -$15", "-15"),
        ("a loss of $-15", "-15"),
        ("(-15)", "-15"),
        ("10-5", "5"),
        ("pages 3–5", "5"),
        ("16 - 3 = 13", "13"),
        ("**42**", "42"),
        ("it is 42.", "42"),
        (".5", "0.5"),
        ("1.5e3", "1500"),
        ("1.5 × 10^3", "1500"),
        (r"2 \times 10^{-2}", "0.02"),
        ("5×10⁵", "500000"),
        ("3/4", "3/4"),
        ("2 1/2 bolts", "5/2"),
        (r"$\frac{3}{4}$", "3/4"),
        (r"-\frac{3}{4}", "-3/4"),
        ("1{,}000", "1000"),
        ("1\u202f000", "1000"),
        ("₹1,00,000.50", "100000.50"),
        ("3,5", "5"),
        ("1,2,3", "3"),
        ("on 12/25/2020", "2020"),
        ("50 %", "50"),
        (r"\$20", "20"),
        ("12 kg", "12"),
        ("$\\boxed{18}$", "18"),
    ],
)
def test_the_last_number_as_people_write_it(text, value):
    number = last_number(text)
    assert number is not None
    assert Fraction(number.top) / Fraction(number.bottom) == Fraction(value)


@pytest.mark.parametrize("text", ["", "none", "x2", "GPT4", "v1.2.3", "twelve", "½"])
def test_digits_inside_words_and_versions_are_not_numbers(text):
    assert last_number(text) is None
    assert first_number(text) is None


@given(st.integers(-(10**30), 10**30), st.text(alphabet=" abc.,;", max_size=200), st.text(alphabet=" abc;\n", max_size=700))
def test_any_integer_is_found_whatever_words_stand_around_it(value, before, after):
    number = last_number(f"{before} {value} {after}")
    assert number is not None
    assert number.top == value
    assert first_number(f"{before} {value} {after}") == number


def test_only_a_text_that_is_one_number_is_one():
    assert only_number("18 dollars") is not None
    assert only_number("3 of 18") is None


@pytest.mark.parametrize(
    "options, target, answer, right",
    [
        ({}, "20", "$20.00", True),
        ({}, 18, "So 18.", True),
        ({}, "She has 3.\n#### 1,800", "1800", True),
        ({}, "0.5", "1/2", True),
        ({}, "0.1", "0.10000000000000000001", False),
        ({"rtol": 1e-6}, "0.1", "0.10000000000000000001", True),
        ({"atol": 0.5}, "3", "3.5", True),
        ({"atol": 0.5}, "3", "3.51", False),
        ({"rtol": 0.01}, "0", "0.001", False),
        ({"rtol": 0.1}, "5", "1/0", False),
        ({}, ["3", "4"], "4", True),
        ({"extract": "first"}, "3", "3 or 4", True),
        ({"extract": "last"}, "3", "3 or 4", False),
        # Marked, boxed, JSON: where an answer says which number it means.
        ({}, "18", "The answer is $18, for all 7 days.", True),
        ({}, "18", "#### 18\n\nThis took 3 steps.", True),
        ({}, "18", r"\boxed{18} after 3 steps", True),
        ({}, "18", r"first \boxed{3}, then \boxed{\text{18 kg}}", True),
        ({"extract": "marked"}, "18", "18", None),
        ({"extract": "boxed"}, "18", r"\boxed{18", None),
        ({"extract": "json", "field": "n"}, "18", '```json\n{"n": "18 apples, 3 bags", "m": 4}\n```', True),
        ({"extract": "json", "field": "n"}, "18", '{"why": "it\'s \\frac", "n": 18', True),
        ({"extract": ["json", "last"], "field": "n"}, "18", "18", True),
        # The last marker may be followed by nothing: then the one before counts.
        ({}, "18", "The answer is 18. Is this the answer? Yes, the answer is right.", True),
        # A whole target against prose: published harnesses read the last digits.
        ({"extract": "last"}, "3", "$3 more than with 1/3 pound", True),
        ({"extract": "last", "fractions": "yes"}, "3", "$3 more than with 1/3 pound", False),
        ({"extract": "last"}, "3/4", "it is 3/4", True),
        ({"percent": "ratio"}, "0.5", "50%", True),
        ({"percent": "ratio"}, "50%", "0.5", True),
        ({"percent": "either"}, "50", "50%", True),
        ({}, "0.5", "50%", False),
    ],
)
def test_numeric(options, target, answer, right):
    assert is_right(score("numeric", options, target, answer)) is right


def test_a_long_answer_is_read_at_its_end():
    prose = "Then we add 3 and 4 to it. " * 4000
    assert read_of(score("numeric", {"extract": "last"}, "1", f"{prose} In all 123,456.{' end' * 1000}")) == "123,456"
