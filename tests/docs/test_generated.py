"""What is generated is current, and says something about every key."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest
import yaml
from generator.config_page import CRITERION_MEANINGS, FILES
from generator.document_page import schemas as document_schemas
from generator.gateway_page import PATHS
from generator.pages import generated
from generator.struct_keys import keys

from pointsman.app.config import load_eval, load_project
from pointsman.app.demo import write_demo
from pointsman.app.init import Candidate, starting_files
from pointsman.cli.output import EXIT_CODES, EXIT_ERROR
from pointsman.core.failure import ConfigError
from pointsman.evals.criteria import COMPARED, CRITERIA
from pointsman.evals.scorer import SCORERS
from pointsman.gateway.endpoints import find_endpoint
from pointsman.providers.dialect import DIALECTS
from pointsman.providers.local_provider import LOCAL
from pointsman.providers.provider_row import provider_names
from pointsman.providers.recorded_answer import RecordedAnswer
from pointsman.providers.scripted.faults import FAULTS
from pointsman.providers.scripted.script_file import scripts_of
from support.docs import DOCS, REPOSITORY, read, title

STRUCTS = [(place, struct) for sections in FILES.values() for place, struct in sections]
STRUCTS += [("recorded answer", RecordedAnswer)]
STRUCTS += [(name, SCORERS.load(name).options) for name in SCORERS.names()]


@pytest.mark.parametrize("path", generated(), ids=title)
def test_a_generated_file_is_what_the_code_says_today(path: Path):
    """`make docs` brings it up to date."""
    assert path.read_text(encoding="utf-8") == generated()[path], "stale: run `make docs`"


def test_the_reference_holds_nothing_that_is_not_generated():
    """A page whose subject has gone would stay for ever."""
    there = {p for p in (DOCS / "reference").rglob("*") if p.is_file()}
    measured = {DOCS / "reference" / "clients.md"}  # written by `make test-clients`
    assert there == {p for p in generated() if DOCS in p.parents} | measured


@pytest.mark.parametrize("place, struct", STRUCTS, ids=[place for place, _ in STRUCTS])
def test_every_key_a_user_writes_has_a_meaning(place: str, struct: type[msgspec.Struct]):
    """The docstring below the field is its documentation."""
    assert [key.name for key in keys(struct) if not key.meaning] == []


@pytest.mark.parametrize("name", document_schemas())
def test_every_key_of_a_published_document_has_a_meaning(name: str):
    """A schema's properties carry descriptions, or refer to a shape that has one."""
    schema = document_schemas()[name]
    silent: list[str] = []

    def walk(part: dict, path: str) -> None:
        for key, inner in part.get("properties", {}).items():
            target = schema["$defs"][inner["$ref"].rpartition("/")[2]] if "$ref" in inner else inner
            if not (inner.get("description") or target.get("description")):
                silent.append(f"{path}{key}")
            walk(inner, f"{path}{key}.")

    walk(schema, "")
    for definition in schema.get("$defs", {}).values():
        walk(definition, "")
    assert silent == []


def test_the_reference_names_every_member():
    """Scorers, providers, protocols, faults, criteria, exit codes."""
    scorers, providers, faults, criteria = (read(f"reference/{n}.md") for n in ("scorers", "providers", "faults", "eval-yaml"))
    assert [n for n in SCORERS.names() if f"\n## {n}\n" not in scorers] == []
    for names in (provider_names(), DIALECTS.names(), LOCAL.names()):
        assert [n for n in names if f"\n| `{n}` |" not in providers] == []
    assert [n for n in FAULTS if f"\n| `{n}` |" not in faults] == []
    assert [n for n in (*CRITERIA, *COMPARED) if f"\n| `{n}` |" not in criteria] == []
    assert set(CRITERION_MEANINGS) == set(CRITERIA)
    codes = read("reference/exit-codes.md")
    assert [c for c in (*EXIT_CODES.values(), EXIT_ERROR) if f"\n| `{c}` |" not in codes] == []


def test_every_path_of_the_reference_is_served():
    """And Gemini's under the versions it names."""
    named = [part for paths, _ in PATHS for part in paths.replace("`", "").removeprefix("POST ").removeprefix("GET ").split(", ")]
    for path in named:
        whole = path if path.startswith("/") else f"/v1beta/models/NAME{path}"
        assert find_endpoint(whole) is not None, whole
    assert find_endpoint("/v1/models/NAME:generateContent") is not None


def schema_for(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads((REPOSITORY / "src/pointsman/app/schemas" / name).read_text()))


EVAL = {"tests": "t.jsonl", "variants": {"a": {"provider": "scripted", "model": "a"}}, "scorers": ["exact"]}
MISTAKES = {
    "unknown key": {"scorer": ["exact"]},
    "no scorer": {"scorers": []},
    "wrong type": {"repeats": "three"},
    "below its range": {"repeats": 0},
    "unknown criterion": {"criteria": {"qualty": {"min": 0.5}}},
    "unknown key in a test set": {"tests": {"file": "t.jsonl", "colum": "x"}},
    "unknown key in a price": {"variants": {"a": {"provider": "openai", "model": "m", "price": {"inputs": 1}}}},
    "unknown key in a script": {"variants": {"a": {"provider": "scripted", "model": "m", "script": {"qualty": 1}}}},
    "unknown option of a scorer": {"scorers": [{"exact": {"ignorecase": True}}]},
}


def test_the_schema_takes_what_we_write_ourselves(tmp_path: Path):
    """The demo's eval.yaml, and the files of init with and without a key."""
    validator = schema_for("eval.schema.json")
    validator.validate(yaml.safe_load(write_demo(tmp_path).read_text()))
    for chosen in ([], [Candidate("openai", "gpt-4o-mini", "$OPENAI_API_KEY is set")]):
        files = starting_files(chosen, None)
        validator.validate(yaml.safe_load(files["eval.yaml"]))
        schema_for("pointsman.schema.json").validate(yaml.safe_load(files["pointsman.yaml"]))
    validator.validate(EVAL)


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_the_schema_refuses_a_mistake_in_the_editor(mistake: dict):
    """An editor then marks what the command would refuse."""
    assert not schema_for("eval.schema.json").is_valid(EVAL | mistake)


@pytest.mark.parametrize("mistake", ["unknown key", "no scorer", "wrong type", "below its range", "unknown key in a price"])
def test_the_loader_refuses_the_same_mistakes(mistake: str, tmp_path: Path):
    """Schema and command agree."""
    path = tmp_path / "eval.yaml"
    path.write_text(yaml.safe_dump(EVAL | MISTAKES[mistake]))
    with pytest.raises(ConfigError):
        load_eval(path, load_project(None))


def test_the_schema_of_scripts_agrees_with_their_reader():
    """A file of scripts that one takes the other takes, and a misspelt key neither."""
    validator = schema_for("scripts.schema.json")
    good = {"default": {"quality": 0.9, "price": {"input_usd_per_million": 2.5, "output_usd_per_million": 10}}, "other": None}
    bad = {"default": {"qualty": 0.9}}
    validator.validate(good)
    assert set(scripts_of(good)) == {"default", "other"}
    assert not validator.is_valid(bad)
    with pytest.raises(ConfigError):
        scripts_of(bad)
