"""Gemini's own schema language (a dialect of OpenAPI 3.0) → JSON Schema.

Types are in capitals or numbers, `nullable` stands beside a type instead of in it, and 64-bit integers
may be text. Requests also exist with plain JSON Schema in these fields; it passes unchanged.
"""

from __future__ import annotations

import msgspec

from pointsman.providers.dialects.gemini.names import SCHEMA_TYPES, camel, enum_name
from pointsman.providers.json_body import decode_request, raw

__all__ = ["json_schema"]

_OBJECT = msgspec.json.Decoder(dict[str, object])
_COUNTS = frozenset({"minItems", "maxItems", "minProperties", "maxProperties", "minLength", "maxLength"})
_MAPS = frozenset({"properties", "$defs", "defs", "definitions"})
_LISTS = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_ONE = frozenset({"items", "additionalProperties", "not"})


def json_schema(schema: msgspec.Raw, at: str) -> msgspec.Raw:
    """The schema as JSON Schema."""
    found = decode_request(_OBJECT, schema, at)
    converted = _converted(found)
    return schema.copy() if converted == found else raw(converted)


def _converted(schema: object) -> object:
    if not isinstance(schema, dict):
        return schema
    out: dict[str, object] = {}
    for spelled, value in schema.items():
        name = spelled if spelled.startswith("$") else camel(spelled)
        out[name] = _member(name, value)
    if out.pop("nullable", None) is True:
        kind = out.get("type")
        if isinstance(kind, str) and kind != "null":
            out["type"] = [kind, "null"]
            if isinstance(values := out.get("enum"), list) and None not in values:
                out["enum"] = [*values, None]
        elif isinstance(options := out.get("anyOf"), list):
            out["anyOf"] = [*options, {"type": "null"}]
    return out


def _member(name: str, value: object) -> object:
    if name == "type" and isinstance(value, str | int) and not isinstance(value, bool):
        return (enum_name(value, SCHEMA_TYPES) or "").lower()
    if name in _COUNTS and isinstance(value, str) and value.isdecimal():
        return int(value)
    if name in _MAPS and isinstance(value, dict):
        return {k: _converted(v) for k, v in value.items()}
    if name in _LISTS and isinstance(value, list):
        return [_converted(v) for v in value]
    return _converted(value) if name in _ONE else value
