"""Exact: what is the same, and which part counts."""

from __future__ import annotations

import pytest

from support.replies import is_right, score


@pytest.mark.parametrize(
    "options, target, answer, right",
    [
        ({}, "Paris", " Paris\n", True),
        ({"strip": False}, "Paris", "Paris ", False),
        ({}, "Paris", "paris", False),
        ({"ignore_case": True}, "STRASSE", "straße", True),
        ({"strip_final_period": True}, "e.g.", "e.g.", True),
        ({"strip_final_period": True}, "Paris", "Paris.", True),
        ({"strip_quotes": True}, "'x'", '"x"', True),
        ({"normalise": True}, "ﬁne  day", "fine\nday", True),
        ({}, ["no", "nope"], "nope", True),
        ({}, 42, "42", True),
        ({}, True, "true", True),
        # The last mark counts: chains of thought repeat the format they were asked for.
        ({"after": "ANSWER:"}, "B", "I shall end with ANSWER: X.\nANSWER: B", True),
        ({"after_pattern": r"(?i)answer\s*:"}, "B", "answer : A\nAnswer: B", True),
        ({"after": "ANSWER:"}, "B", "B", None),
        ({"field": "a"}, "1", 'Sure: {"a": 1}', True),
        ({"field": "a"}, '{"b":null}', '{"a": {"b": null}}', True),
        ({"field": "a", "field_as": "python"}, "{'b': None}", '{"a": {"b": null}}', True),
        ({"field": "a"}, "x", '{"b": 1}', None),
    ],
)
def test_exact(options, target, answer, right):
    assert is_right(score("exact", options, target, answer)) is right
