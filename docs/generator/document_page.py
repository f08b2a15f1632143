"""`reference/json.md`: the published JSON documents, from their schemas, and the line of a recorded answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from generator.markdown import code, page, table
from generator.struct_keys import keys
from pointsman import report
from pointsman.core.usage import Usage
from pointsman.providers.recorded_answer import RecordedAnswer

__all__ = ["pages", "schemas"]

Schema = dict[str, Any]


def schemas() -> dict[str, Schema]:
    """The published schemas by file name."""
    folder = Path(report.__file__).parent / "schemas"
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}


def pages() -> dict[str, str]:
    """The page, by its path below `reference`."""
    found = schemas()
    parts = [_document(name, schema) for name, schema in found.items()]
    shared: dict[str, Schema] = {}
    for schema in found.values():
        shared |= schema.get("$defs", {})
    definitions = [_definition(name, shared[name]) for name in sorted(shared)]
    return {"json.md": page("JSON documents", _COMMON, *parts, "## Shapes", *definitions, _recorded())}


_COMMON = (
    "What `--json` prints. A measured number is an object `{value, low, high, n, method, level}`, one that is not known "
    '`{"unknown": reason}`; a bound the evidence does not set is `null`. Money is a decimal string in US dollars, times are '
    "seconds. `doctor`, `init` and `eval --dry-run` print documents without a published schema."
)


def _document(name: str, schema: Schema) -> str:
    head = f"## {schema['title']}\n\n{schema['description']} Schema: `pointsman/report/schemas/{name}`."
    return f"{head}\n\n{_keys(schema)}"


def _definition(name: str, schema: Schema) -> str:
    text = schema.get("description", "")
    body = _keys(schema) if "properties" in schema else _type(schema)
    return f"### {name}\n\n{text}\n\n{body}" if text else f"### {name}\n\n{body}"


def _keys(schema: Schema) -> str:
    return table(("key", "type", "meaning"), [(code(path), kind, meaning) for path, kind, meaning in _walk(schema, "")])


def _walk(schema: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    required = schema.get("required", [])
    for name, inner in schema.get("properties", {}).items():
        here = f"{path}{name}"
        yield here, _type(inner) + ("" if name in required else ", may be absent"), inner.get("description", "")
        if "properties" in inner:
            yield from _walk(inner, f"{here}.")
        elif isinstance(items := inner.get("items"), dict) and "properties" in items:
            yield from _walk(items, f"{here}[].")


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "enum" in schema:
        return " or ".join(code(json.dumps(v)) for v in schema["enum"])
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return " or ".join(_type(s) for s in schema[several])
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema['items'])}" if "items" in schema else "list"
        case "object":
            inner = schema.get("additionalProperties")
            return f"{_type(inner)} by name" if isinstance(inner, dict) and inner else "object"
        case list() as names:
            return " or ".join(names)
        case None:
            return code(json.dumps(schema["const"])) if "const" in schema else "anything"
        case name:
            return str(name)


def _recorded() -> str:
    rows = [(code(k.name), k.kind, k.default, k.meaning) for k in keys(RecordedAnswer)]
    usage = [(code(k.name), k.default, k.meaning) for k in keys(Usage)]
    return (
        "## Recorded answers\n\nOne object a line, gzipped or not, for `provider: replay`; other keys are not read. "
        "[Replay recorded answers](../how-to/replay-recorded-answers.md) shows them in use.\n\n"
        + table(("key", "type", "default", "meaning"), rows)
        + "\n\n`usage` counts tokens, each once: what came from a cache is not also an input token.\n\n"
        + table(("key", "default", "meaning"), usage)
    )
