"""Values made for a JSON Schema are accepted by it."""

import jsonschema_rs
import pytest

from pointsman.providers.scripted.from_schema import value_of

TREE = {
    "$ref": "#/$defs/node",
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["name"],
            "additionalProperties": False,
        }
    },
}


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"type": "integer", "minimum": 3, "maximum": 9, "multipleOf": 3},
        {"type": "integer", "exclusiveMinimum": 5, "exclusiveMaximum": 7},
        {"type": "integer", "maximum": -5},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
        {"type": "number", "multipleOf": 0.5, "minimum": 1, "maximum": 3},
        {"type": "boolean"},
        {"type": "null"},
        {"type": ["null", "integer"]},
        {"const": {"a": [1]}},
        {"enum": ["red", None, 3]},
        {"type": "string", "minLength": 30, "maxLength": 31},
        {"type": "string", "maxLength": 2},
        {"type": "string", "pattern": "^[A-Z]{2}-\\d{4}$"},
        {"type": "string", "pattern": "^[a-f0-9]+@x\\.com$"},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2, "maxItems": 2},
        {"type": "array", "maxItems": 0},
        {"type": "object", "required": ["x"]},
        {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 3},
        {"anyOf": [{"type": "null"}, {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}]},
        {"oneOf": [{"type": "integer"}, {"type": "string"}]},
        {
            "allOf": [
                {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"properties": {"b": {"type": "string", "format": "date"}}, "required": ["b"]},
            ]
        },
        TREE,
    ],
    ids=str,
)
def test_the_schema_accepts_its_value(schema):
    """Fifty seeds each, with formats checked."""
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    for seed in range(50):
        value = value_of(schema, (seed,))
        assert validator.is_valid(value), value


def test_geminis_capital_types_are_understood():
    """Its own schema dialect writes types in capitals."""
    value = value_of({"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}, "required": ["n"]}, (1,))
    assert isinstance(value["n"], int)


def test_the_same_key_gives_the_same_value():
    """And another key another one."""
    schema = {"type": "integer", "minimum": 0, "maximum": 10**9}
    assert value_of(schema, (1,)) == value_of(schema, (1,)) != value_of(schema, (2,))
