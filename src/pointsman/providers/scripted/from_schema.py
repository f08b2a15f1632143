"""A seeded value that a JSON Schema accepts."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

from pointsman.providers.scripted.dice import roll
from pointsman.providers.scripted.prose import prose

__all__ = ["value_of"]

_MAX_DEPTH = 12
_FORMATS = {
    "date-time": "2026-01-15T09:30:00Z",
    "date": "2026-01-15",
    "time": "09:30:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "7d9f2c1e-3b4a-4c5d-8e6f-0123456789ab",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "duration": "PT1H",
}


def value_of(schema: object, key: tuple[object, ...]) -> object:
    """A value for `schema`, the same for the same key.

    Understands types, enum, const, properties, items, prefixItems, `$ref` within the schema, anyOf,
    oneOf (its first branch that is not null), allOf of objects, bounds of numbers, lengths and counts,
    and common formats. Of `pattern` it understands character classes, escapes and counts, no
    groups. Optional properties are left out below twelve levels, so recursive schemas end.
    """
    return _Writer(schema, key).value(schema, 0)


class _Writer:
    def __init__(self, root: object, key: tuple[object, ...]) -> None:
        self._root = root
        self._key = key
        self._count = 0

    def value(self, schema: object, depth: int) -> object:
        if not isinstance(schema, dict):
            return self._text({})
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return schema["enum"][int(self._u() * len(schema["enum"]))]
        kind = _type_of(schema)
        if kind in ("object", "array"):
            return self._object(schema, depth) if kind == "object" else self._array(schema, depth)
        return _SCALARS[kind](self, schema) if kind in _SCALARS else self._text(schema)

    def _u(self) -> float:
        self._count += 1
        return roll("schema", *self._key, self._count)

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        for _ in range(_MAX_DEPTH):
            if "$ref" in schema:
                schema = {**self._pointed(schema["$ref"]), **{k: v for k, v in schema.items() if k != "$ref"}}
            elif branches := (schema.get("anyOf") or schema.get("oneOf")):
                rest = {k: v for k, v in schema.items() if k not in ("anyOf", "oneOf")}
                schema = {**rest, **_first_real(branches)}
            elif "allOf" in schema:
                schema = self._merged(schema)
            else:
                return schema
        return schema

    def _merged(self, schema: dict[str, Any]) -> dict[str, Any]:
        merged = {k: v for k, v in schema.items() if k != "allOf"}
        for part in schema["allOf"]:
            found = self._resolved(part)
            properties = {**merged.get("properties", {}), **found.get("properties", {})}
            required = [*merged.get("required", []), *found.get("required", [])]
            merged |= found
            if properties:
                merged |= {"properties": properties, "required": required}
        return merged

    def _pointed(self, reference: str) -> dict[str, Any]:
        found: Any = self._root
        for step in reference.lstrip("#").strip("/").split("/") if reference not in ("#", "#/") else ():
            found = found.get(step.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
        return found if isinstance(found, dict) else {}

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, object]:
        required = schema.get("required", [])
        properties = schema.get("properties", {})
        names = [n for n in properties if n in required or depth < _MAX_DEPTH // 3]
        made = {
            n: self.value(properties[n], depth + 1) for n in [*names, *(r for r in required if r not in names)] if n in properties
        }
        made |= {n: self._text({}) for n in required if n not in made}
        extra = schema.get("additionalProperties", True)
        while len(made) < schema.get("minProperties", 0):
            made[f"key_{len(made)}"] = self.value(extra, depth + 1) if isinstance(extra, dict) else self._text({})
        return made

    def _array(self, schema: dict[str, Any], depth: int) -> list[object]:
        made = [self.value(s, depth + 1) for s in schema.get("prefixItems", [])]
        low = schema.get("minItems", 0)
        wanted = low if depth >= _MAX_DEPTH // 3 else max(low, min(1 + int(self._u() * 2), schema.get("maxItems", 2)))
        while len(made) < wanted:
            item = self.value(schema.get("items", {}), depth + 1)
            for _ in range(64):  # draws of a small set repeat; 64 tries find a new one or there is none
                if not schema.get("uniqueItems") or item not in made:
                    break
                item = self.value(schema.get("items", {}), depth + 1)
            made.append(item)
        return made

    def _integer(self, schema: dict[str, Any]) -> int:
        low, high = _bounds(schema, 1.0)
        step = int(schema.get("multipleOf", 1)) or 1
        first, last = -(-int(low) // step), int(high) // step
        return (first + int(self._u() * (max(first, last) - first + 1))) * step

    def _number(self, schema: dict[str, Any]) -> float:
        if "multipleOf" in schema:
            step = schema["multipleOf"]
            low, high = _bounds(schema, step)
            first = -(-low // step)
            return float((first + int(self._u() * (high // step - first + 1))) * step)
        low, high = _bounds(schema, 0.001)
        return min(high, max(low, round(low + self._u() * (high - low), 3)))

    def _boolean(self, _schema: dict[str, Any]) -> bool:
        return self._u() < 0.5

    def _null(self, _schema: dict[str, Any]) -> None:
        return None

    def _text(self, schema: dict[str, Any]) -> str:
        if schema.get("format") in _FORMATS:
            return _FORMATS[schema["format"]]
        if "pattern" in schema:
            return _matching(schema["pattern"], self._u)
        low, high = schema.get("minLength", 0), schema.get("maxLength")
        text = prose(self._u(), max(2, -(-low // 4) + 1))
        text = text if len(text) >= low else text + "a" * (low - len(text))
        return text if high is None else text[:high]


_SCALARS: dict[str, Callable[[_Writer, dict[str, Any]], object]] = {
    "integer": _Writer._integer,  # noqa: SLF001  # the writer's own methods, by type name
    "number": _Writer._number,  # noqa: SLF001  # as above
    "boolean": _Writer._boolean,  # noqa: SLF001  # as above
    "null": _Writer._null,  # noqa: SLF001  # as above
}


def _type_of(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema or "prefixItems" in schema else "string"
    return str(kind).lower()  # Gemini writes its types in capitals


def _first_real(branches: list[Any]) -> dict[str, Any]:
    real = [b for b in branches if isinstance(b, dict)]
    return next((b for b in real if b.get("type") != "null"), real[0] if real else {})


def _bounds(schema: dict[str, Any], step: float) -> tuple[float, float]:
    low = schema.get("minimum")
    high = schema.get("maximum")
    if (above := schema.get("exclusiveMinimum")) is not None:
        low = above + step if low is None else max(low, above + step)
    if (below := schema.get("exclusiveMaximum")) is not None:
        high = below - step if high is None else min(high, below - step)
    if low is None:
        low = 0 if high is None or high >= 0 else high - 100
    return low, low + 100 if high is None else high


_CLASSES = {"d": string.digits, "w": string.ascii_lowercase, "s": " ", "D": "a", "W": "-", "S": "a"}


def _matching(pattern: str, u: Callable[[], float]) -> str:
    out: list[str] = []
    body = pattern.removeprefix("^").removesuffix("$")
    at = 0
    while at < len(body):
        letters, at = _letters(body, at)
        count, at = _repeats(body, at)
        out.extend(letters[int(u() * len(letters))] for _ in range(count))
    return "".join(out)


def _letters(body: str, at: int) -> tuple[str, int]:
    letter = body[at]
    if letter == "\\" and at + 1 < len(body):
        return _CLASSES.get(body[at + 1], body[at + 1]), at + 2
    if letter == "[" and (end := body.find("]", at + 2)) > 0:
        return _class(body[at + 1 : end]), end + 1
    return ("a" if letter == "." else letter), at + 1


def _class(inside: str) -> str:
    if inside.startswith("^"):
        return "".join(c for c in string.ascii_lowercase if c not in _class(inside[1:])) or "-"
    letters, at = "", 0
    while at < len(inside):
        if inside[at] == "\\" and at + 1 < len(inside):
            letters, at = letters + _CLASSES.get(inside[at + 1], inside[at + 1]), at + 2
        elif at + 2 < len(inside) and inside[at + 1] == "-":
            letters, at = letters + "".join(map(chr, range(ord(inside[at]), ord(inside[at + 2]) + 1))), at + 3
        else:
            letters, at = letters + inside[at], at + 1
    return letters or "a"


def _repeats(body: str, at: int) -> tuple[int, int]:
    if at >= len(body):
        return 1, at
    if body[at] in "+*?":
        return (0 if body[at] == "?" else 2), at + 1
    if body[at] == "{" and (end := body.find("}", at)) > 0 and body[at + 1 : end].partition(",")[0].isdigit():
        return int(body[at + 1 : end].partition(",")[0]), end + 1
    return 1, at
