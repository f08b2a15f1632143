"""Patterns: found, absent, captured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.evals.scorer import Unscored
from support.replies import is_right, score


@pytest.mark.parametrize(
    "options, target, answer, right",
    [
        ({"pattern": "^yes"}, None, "yes", True),
        ({"pattern": "^yes"}, None, "No\nyes", True),
        ({"pattern": "^yes", "multiline": False}, None, "No\nyes", False),
        ({"pattern": "YES", "ignore_case": True}, None, "yes", True),
        ({"pattern": "as an AI", "expect": "absent"}, None, "Hello", True),
        ({"pattern": "as an AI", "expect": "absent"}, None, "Well, as an AI", False),
        ({"pattern": "{target}"}, "C++ (1.0)", "I use C++ (1.0).", True),
        ({"pattern": r"\b{target}\b"}, ["cat", "dog"], "a dog", True),
        ({"pattern": r"#(\d+)", "mode": "compare"}, "2", "#1 or #2", True),
        ({"pattern": r"#(\d+)", "mode": "compare", "pick": "first"}, "1", "#1 or #2", True),
        ({"pattern": r"#\d+", "mode": "compare"}, "#2", "#1 or #2", True),
        ({"pattern": r"#(\d+)", "mode": "compare"}, "2", "none", None),
        ({"pattern": "a.b", "dot_all": True}, None, "a\nb", True),
        ({"pattern": "x", "max_chars": 2}, None, "x12", False),
    ],
)
def test_pattern(options, target, answer, right):
    assert is_right(score("pattern", options, target, answer)) is right


def test_a_pattern_with_the_target_in_it_needs_one():
    assert isinstance(score("pattern", {"pattern": "{target}"}, None, "x"), Unscored)


@given(st.text("ab.*(\n", max_size=4), st.text("ab.*(\n", max_size=12), st.sampled_from(["found", "absent"]))
def test_the_bare_target_is_found_as_an_expression_of_it_would_be(target, answer, expect):
    """`{target}` alone is looked for without an expression; `(?:{target})` goes the long way to the same judgement."""
    short = score("pattern", {"pattern": "{target}", "expect": expect}, target, answer)
    assert short == score("pattern", {"pattern": "(?:{target})", "expect": expect}, target, answer)
