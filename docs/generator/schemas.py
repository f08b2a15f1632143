"""JSON Schemas of the files users write, so that editors complete and check them as they type."""

from __future__ import annotations

import inspect
import json
from typing import Any

import msgspec

from generator.config_page import CRITERION_MEANINGS, FILES
from generator.struct_keys import about, keys
from pointsman.app.config import ProjectSpec
from pointsman.evals.criteria import COMPARED, CRITERIA
from pointsman.evals.scorer import SCORERS
from pointsman.evals.spec import EvalSpec
from pointsman.providers.local_provider import LOCAL
from pointsman.providers.provider_row import provider_names
from pointsman.providers.scripted.script import Script
from pointsman.rollout.plan import Plan
from pointsman.selection.requirements import Requirements

__all__ = ["schemas"]

Schema = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, str]:
    """File name → text, the same for the same code."""
    built = {
        "eval.schema.json": _eval(),
        "migration.schema.json": _schema(Plan, "migration.yaml"),
        "pointsman.schema.json": _schema(ProjectSpec, "pointsman.yaml"),
        "requirements.schema.json": _schema(Requirements, "requirements.yaml"),
        "scripts.schema.json": _schema(dict[str, Script | None], "A file of scripts: model name → script."),
    }
    return {name: json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n" for name, schema in built.items()}


def _eval() -> Schema:
    schema = _schema(EvalSpec, "eval.yaml")
    properties = schema["$defs"]["EvalSpec"]["properties"]
    names = dict.fromkeys([*CRITERIA, *COMPARED])
    properties["criteria"] = {
        "type": "object",
        "description": "Bounds, by what they bound.",
        "additionalProperties": False,
        "properties": {
            n: {"$ref": "#/$defs/CriterionSpec", "description": CRITERION_MEANINGS.get(n, f"{n} against the baseline")}
            for n in names
        },
    }
    schema["$defs"] |= _scorer_defs()
    properties["scorers"]["items"] = {"anyOf": [{"$ref": "#/$defs/ScorerName"}, {"$ref": "#/$defs/Scorer"}]}
    return schema


def _scorer_defs() -> Schema:
    entry: Schema = {
        "weight": {"type": "number", "exclusiveMinimum": 0, "description": "Its share in a weighted mean."},
        "as": {"type": "string", "description": "What its values are called."},
    }
    defs: Schema = {"ScorerName": {"anyOf": [{"enum": SCORERS.names()}, {"type": "string"}]}}
    for name in SCORERS.names():
        plugin = SCORERS.load(name)
        options = msgspec.json.schema(plugin.options)["$defs"]
        [option_schema] = options.values()
        _describe(option_schema, plugin.options)
        defs[f"{name}_options"] = option_schema
        entry[name] = {"anyOf": [{"$ref": f"#/$defs/{name}_options"}, {"type": "null"}], "description": plugin.summary}
    # Scorers of other packages are not known here, so a name that is not ours is let through.
    defs["Scorer"] = {"type": "object", "properties": entry}
    return defs


def _schema(kind: Any, title: str) -> Schema:
    schema = _tidied(msgspec.json.schema(kind))
    schema["$schema"], schema["title"] = _DIALECT, title
    if "VariantSpec" in schema.get("$defs", {}):
        _with_scripts(schema)
    structs = {struct.__name__: struct for sections in FILES.values() for _, struct in sections}
    for name in structs.keys() & schema["$defs"].keys():
        _describe(schema["$defs"][name], structs[name])
    return schema


def _tidied(schema: Any) -> Any:
    """Decimals may be numbers, as YAML writes them, where msgspec knows only JSON's text; docstrings lose their indent."""
    if isinstance(schema, list):
        return [_tidied(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "decimal":
        return {"type": ["number", "string"]}
    found = {key: _tidied(part) for key, part in schema.items()}
    if isinstance(text := found.get("description"), str):
        found["description"] = inspect.cleandoc(text)
    return found


def _with_scripts(schema: Schema) -> None:
    """A variant's script and provider, which its type leaves open."""
    schema["$defs"] |= _tidied(msgspec.json.schema(Script))["$defs"]
    variant = schema["$defs"]["VariantSpec"]["properties"]
    variant["script"] = {"anyOf": [{"$ref": "#/$defs/Script"}, {"type": "string"}, {"type": "null"}]}
    variant["provider"] = {"anyOf": [{"enum": sorted([*LOCAL.names(), *provider_names()])}, {"type": "string"}]}


def _describe(part: Schema, struct: type[msgspec.Struct]) -> None:
    part["description"] = about(struct)
    for key in keys(struct):
        if key.meaning:
            part["properties"][key.name]["description"] = key.meaning
