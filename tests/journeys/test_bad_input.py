"""What is wrong is said once, clearly, with file, place and remedy; and nothing finished is lost."""

from __future__ import annotations

import json
import os
import resource
import shutil
import tempfile
from pathlib import Path

import pytest

from support.bakeoff import write_bakeoff
from support.command import Ran, pointsman


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bakeoff(tmp_path, 50)
    return tmp_path


def edited(folder: Path, old: str, new: str) -> Ran:
    spec = (folder / "eval.yaml").read_text()
    assert old in spec
    (folder / "eval.yaml").write_text(spec.replace(old, new, 1))
    return pointsman("eval", "eval.yaml", cwd=folder)


def says(ran: Ran, *words: str) -> None:
    """One message with all of `words`, no traceback, exit code 1, and no half-made run."""
    assert ran.code == 1
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert ran.err.count("error:") == 1, ran.err
    for word in words:
        assert word in ran.err, ran.err


@pytest.mark.parametrize(
    "old, new, words",
    [
        ("seed: 5", "sead: 5", ("eval.yaml:{line}", "sead: unknown key", "did you mean `seed`")),
        ("seed: 5", "seed: five", ("eval.yaml:{line}", "seed: expected `int`, got `str` (got 'five')")),
        ("repeats: 1", "repeats: 0", ("eval.yaml:{line}", "repeats", ">= 1")),
        ("[exact]", "[exat]", ("eval.yaml:{line}", "exat", "did you mean 'exact'")),
        ("[exact]", "[{exact: {ignorecase: true}}]", ("eval.yaml:{line}", "scorers[0].exact", "ignorecase", "ignore_case")),
        ("[exact]", "[{pattern: {pattern: '('}}]", ("eval.yaml:{line}", "pattern")),
        ("baseline: old", "baseline: odl", ("eval.yaml:{line}", "baseline", "(got 'odl')", "old, new")),
        ("quality: {margin: 0.02}", "qualty: {margin: 0.02}", ("criteria.qualty", "did you mean `quality`")),
        ("quality: {margin: 0.02}", "latency_p95_s: {margin: 0.02}", ("criteria.latency_p95_s", "max")),
        ("tests: tests.jsonl", "tests: absent.jsonl", ("absent.jsonl",)),
        ("quality: 0.8\n", "quality: 1.8\n", ("variants.old", "quality")),
        ("quality: 0.8\n", "qualty: 0.8\n", ("variants.old", "qualty")),
        ("provider: scripted\n    model: old", "provider: opnai\n    model: old", ("variants.old", "opnai", "openai")),
        ("script: &like", "answers: x.jsonl\n    script: &like", ("variants.old", "answers")),
    ],
)
def test_a_mistake_in_eval_yaml_is_named_with_its_place(folder, old, new, words):
    ran = edited(folder, old, new)
    text = (folder / "eval.yaml").read_text()
    line = text[: text.index(new)].count("\n") + 1
    says(ran, *(word.replace("{line}", str(line)) for word in words))
    assert not list((folder / "runs").glob("*"))


def test_a_missing_key_names_the_variable(folder):
    write_bakeoff(
        folder, 5, spec="tests: tests.jsonl\nscorers: [exact]\nvariants:\n  a: {provider: anthropic, model: claude-haiku-4-5}\n"
    )
    says(pointsman("eval", "eval.yaml", cwd=folder), "eval.yaml:4", "variants.a", "ANTHROPIC_API_KEY")


def test_a_reference_to_an_unset_variable_names_line_and_key(folder):
    write_bakeoff(
        folder,
        5,
        spec="tests: tests.jsonl\nscorers: [exact]\nvariants:\n  a:\n    provider: openai\n    model: m\n    key: ${MY_KEY}\n",
    )
    says(pointsman("eval", "eval.yaml", cwd=folder), "eval.yaml:7", "variants.a.key", "MY_KEY is not set")


def test_a_malformed_line_of_a_long_test_set_is_named(folder):
    write_bakeoff(folder, 10_000)
    lines = (folder / "tests.jsonl").read_text().splitlines()
    lines[7340] = lines[7340][:-3]
    (folder / "tests.jsonl").write_text("\n".join(lines))
    says(pointsman("eval", "eval.yaml", cwd=folder), "tests.jsonl:7341")
    assert not list((folder / "runs").glob("*"))


def test_duplicate_ids_name_both_lines(folder):
    lines = (folder / "tests.jsonl").read_text().splitlines()
    lines[30] = lines[30].replace('"c30"', '"c3"')
    (folder / "tests.jsonl").write_text("\n".join(lines))
    says(pointsman("eval", "eval.yaml", cwd=folder), "c3", "4", "31")


def test_a_missing_target_column_is_said_before_anything_is_asked(folder):
    says(edited(folder, "tests: tests.jsonl", "tests: {file: tests.jsonl, target: answer}"), "answer", "tests.jsonl:1")


RAISING = """
from typing import Any
import msgspec
from pointsman.evals.scorer import Score, ScorerExample, ScorerPlugin

class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass

class Raising:
    def score(self, case: Any, reply: Any) -> Score:
        if case.id.endswith("7"):
            raise ZeroDivisionError("a scorer of the user's own went wrong")
        return Score(value=1.0, correct=True)

PLUGIN = ScorerPlugin(
    summary="raises",
    options=Options,
    build=lambda options: Raising(),
    example=ScorerExample(options={}, target="", answer="", value=1.0),
)
"""


def test_a_scorer_that_raises_leaves_its_trials_unscored_and_the_run_whole(folder):
    site = folder / "site"
    (site / "own_scorers-1.dist-info").mkdir(parents=True)
    (site / "own_scorers.py").write_text(RAISING)
    (site / "own_scorers-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: own-scorers\nVersion: 1\n")
    (site / "own_scorers-1.dist-info" / "entry_points.txt").write_text("[pointsman.evals.scorers]\nraising = own_scorers\n")
    spec = (folder / "eval.yaml").read_text().replace("[exact]", "[raising]")
    (folder / "eval.yaml").write_text(spec)
    ran = pointsman("eval", "eval.yaml", "--json", cwd=folder, env={"PYTHONPATH": str(site)})
    assert ran.code in (0, 3), ran.err
    outcomes = ran.document["variants"]["new"]["outcomes"]
    assert outcomes["unscored"] == 5
    assert outcomes["correct"] >= 40
    (journal,) = (folder / "runs").glob("*/journal.jsonl")
    reasons = {t["reason"] for t in map(json.loads, journal.read_text().splitlines()) if t["outcome"] == "unscored"}
    assert any("ZeroDivisionError" in r and "own went wrong" in r for r in reasons)


def test_a_full_disk_stops_the_run_and_the_rest_follows_when_there_is_room(folder):
    """Given a limit on the size of files in place of a full disk, what was written stays and can be gone on with."""
    write_bakeoff(folder, 2_000)
    limit = 900_000

    def fill_up() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    ran = pointsman("eval", "eval.yaml", cwd=folder, preexec_fn=fill_up)
    assert ran.code == 1
    assert "journal.jsonl: File too large" in ran.err
    assert "Traceback" not in ran.err
    (journal,) = (folder / "runs").glob("*/journal.jsonl")
    kept = journal.read_bytes()
    assert 0 < len(kept) <= limit
    assert all(json.loads(line) for line in kept.splitlines())
    again = pointsman("eval", "--resume", "--json", cwd=folder)
    assert again.document["finished"]
    assert journal.read_bytes().startswith(kept)
    assert journal.read_bytes().count(b"\n") == 4_000


def test_a_read_only_folder_is_one_clear_message(folder):
    place = Path(tempfile.mkdtemp())
    try:
        for name in ("eval.yaml", "tests.jsonl"):
            shutil.copy(folder / name, place / name)
        place.chmod(0o555)
        # Root may write anywhere, so be somebody else.
        options = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        try:
            ran = pointsman("eval", "eval.yaml", cwd=place, env={"PYTHONDONTWRITEBYTECODE": "1", "HOME": str(place)}, **options)
        except PermissionError:
            pytest.skip("the interpreter cannot be run by another user")
        if "No module named" in ran.err:
            pytest.skip("the environment cannot be read by another user")
        says(ran, "runs", "Permission denied", "--runs DIR")
    finally:
        place.chmod(0o755)
        shutil.rmtree(place)


@pytest.mark.parametrize(
    "arguments, words",
    [
        (("evaal",), ("Did you mean 'eval'",)),
        (("report", "nothing"), ("no runs match 'nothing'", "pointsman eval")),
        (("eval", "none.yaml"), ("none.yaml", "pointsman init")),
        (("eval", "--resume"), ("there are no runs",)),
        (("compare", "a"), ("RUN_B",)),
        (("eval", "--runs"), ("--runs",)),
    ],
)
def test_a_mistake_on_the_command_line_is_an_error_and_never_a_verdict(tmp_path, arguments, words):
    ran = pointsman(*arguments, cwd=tmp_path)
    assert ran.code == 1
    for word in words:
        assert word in ran.err
    assert "Traceback" not in ran.err
