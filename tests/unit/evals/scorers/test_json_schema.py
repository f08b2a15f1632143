"""JSON that keeps a schema: how it may be wrapped, and what of it must be right."""

from __future__ import annotations

import msgspec
import pytest

from pointsman.core.chat import OutputFormat
from pointsman.evals.extract_json import field_text, first_json
from pointsman.evals.scorer import BadFormat, Score, Unscored
from support.replies import is_right, score

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}}
LENIENT = {"schema": SCHEMA, "mode": "lenient"}


@pytest.mark.parametrize(
    "answer, strict, lenient",
    [
        ('{"n": 1}', True, True),
        (' \n{"n": 1}\n', True, True),
        ('```json\n{"n": 1}\n```', None, True),
        ('Here: {"n": 1}. Done.', None, True),
        ('<answer>{"n": 1}</answer>', None, True),
        ('Not {this}, not [that], but {"n": 1}', None, True),
        ('{"n": 1, "s": "two\nlines"}', None, True),
        ('First {"n": 1}, then {"m": 2}', None, True),
        ('{"n": "1"}', None, None),
        ('{"n": 1', None, None),
        ("{}", None, None),
        ("n = 1", None, None),
    ],
)
def test_strict_and_lenient(answer, strict, lenient):
    assert is_right(score("json_schema", {"schema": SCHEMA}, None, answer)) is strict
    assert is_right(score("json_schema", LENIENT, None, answer)) is lenient


def test_what_breaks_the_schema_is_named():
    judgement = score("json_schema", {"schema": SCHEMA}, None, '{"n": "1"}')
    assert isinstance(judgement, BadFormat)
    assert judgement.reason.startswith("breaks the schema at /n:")


@pytest.mark.parametrize(
    "compare, target, right",
    [
        ("fields", {"n": 1}, True),
        ("fields", {"n": 1.0}, True),
        ("fields", {"n": True}, False),
        ("fields", {"n": 2}, False),
        ("fields", {"m": 1}, False),
        ("equal", {"n": 1}, False),
        ("equal", {"s": "x", "n": 1}, True),
    ],
)
def test_values_against_the_target(compare, target, right):
    assert is_right(score("json_schema", {"schema": SCHEMA, "compare": compare}, target, '{"n": 1, "s": "x"}')) is right


def test_partial_credit_is_the_share_of_right_fields():
    options = {"schema": SCHEMA, "compare": "fields", "partial": True, "threshold": 0.5}
    judgement = score("json_schema", options, {"n": 1, "s": "y"}, '{"n": 1, "s": "x"}')
    assert isinstance(judgement, Score)
    assert (judgement.value, judgement.correct) == (0.5, True)


def test_the_cases_own_schema_is_used_where_none_is_given():
    asked = OutputFormat(kind="json_schema", schema=msgspec.Raw(b'{"type": "array"}'))
    assert is_right(score("json_schema", {}, None, "[1]", output=asked)) is True
    assert is_right(score("json_schema", {}, None, "{}", output=asked)) is None
    assert isinstance(score("json_schema", {}, None, "{}"), Unscored)


def test_dropping_newlines_joins_what_was_broken():
    broken = '{"n": 1\n2}'
    assert is_right(score("json_schema", LENIENT, None, broken)) is None
    assert is_right(score("json_schema", {**LENIENT, "drop_newlines": True}, None, broken)) is True


def test_fenced_json_goes_before_json_in_prose():
    found = first_json('As in {"n": 0}:\n```json\n{"n": 1}\n```')
    assert found is not None
    assert found.value == {"n": 1}


@pytest.mark.parametrize(
    "text, value",
    [
        ('"answer": "18"', "18"),
        ('"answer": 18, "x": 1', "18"),
        ("'answer': 'a \"b\" c'}", 'a "b" c'),
        ('"answer": "cut off', "cut off"),
        (r'"answer": "say \"hi\""', r"say \"hi\""),
        ('"answer": "1", "answer": "2"', "2"),
        ('"answers": "1"', None),
        ("answer", None),
    ],
)
def test_a_field_of_what_is_almost_json(text, value):
    assert field_text(text, "answer") == value
