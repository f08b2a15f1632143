"""Every command's help ends with an example, the example runs, and the overview says of it what it says itself."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pytest
from generator.command_page import commands, example_of

from pointsman.catalog.refresh import SOURCE_KEYS
from pointsman.cli.main import COMMANDS
from support.command import pointsman
from support.docs import read

ALL = dict(commands())
EVAL = """\
name: NAME
tests: tests.jsonl
variants:
  good: {provider: scripted, model: good, script: {quality: 0.95}}
  fair: {provider: scripted, model: fair, script: {quality: 0.9}}
baseline: good
scorers: [exact]
criteria: {quality: {margin: 0.05}}
"""

MIGRATION = """\
route: support
from: old
to: new
traffic: {requests_per_minute: 20}
phases: [{shadow: 1d}, {step: 0.1, hold: 1d}, {holdback: 0.05, hold: 1d}]
"""

GATEWAY = """\
variants:
  old: {provider: up, model: old, base_url: "http://127.0.0.1:9/v1"}
  new: {provider: up, model: new, base_url: "http://127.0.0.1:9/v1", price: {input: 1, output: 2}}
routes:
  support: {variant: old}
"""
VERBS = ("status", "report", "approve", "pause", "resume", "promote", "rollback", "abort", "close")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples name: an eval.yaml, two runs, a mirror of price lists, a migration.yaml."""
    folder = tmp_path_factory.mktemp("examples")
    rows = [{"id": str(n), "input": f"say {n}", "target": str(n)} for n in range(200)]
    (folder / "tests.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("before", "after"):
        (folder / "eval.yaml").write_text(EVAL.replace("NAME", name))
        assert pointsman("eval", cwd=folder).code in (0, 2, 3)
        next((folder / "runs").glob(f"{name}-*")).rename(folder / "runs" / name)
    (folder / "mirror").mkdir()
    for source in SOURCE_KEYS:  # a list that suddenly names nothing is refused, which is what the gate is for
        (folder / "mirror" / f"{source}.json").write_text("{}")
    (folder / "migration.yaml").write_text(MIGRATION)
    return folder


def migrating(folder: Path, verb: str) -> None:
    """A gateway's configuration, and for the verbs over a migration one that has begun."""
    (folder / "pointsman.yaml").write_text(GATEWAY)
    if verb in VERBS:
        assert pointsman("migrate", "start", "migration.yaml", cwd=folder).code == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_says_what_the_command_says_of_itself(name: str):
    """`pointsman --help` lists commands without importing them, so its sentences are copies."""
    command = ALL[f"pointsman {name}"]
    first = " ".join((command.help or "").split("\n\n")[0].split())
    assert COMMANDS[name] == (command.short_help or first)


@pytest.mark.parametrize("name", ALL)
def test_help_ends_with_an_example_of_this_very_command(name: str, tmp_path: Path):
    """One real line to copy."""
    example = example_of(ALL[name])
    assert example, f"{name} has no example"
    assert example.split()[: len(name.split())] == name.split()
    shown = " ".join(read("reference/cli.md").partition(f"\n## {name}\n")[2].partition("\n```\n")[0].split())
    assert shown.endswith(f"Example: {example}")


@pytest.mark.parametrize("name", ALL)
def test_the_example_runs(name: str, prepared: Path, tmp_path: Path):
    """In a folder that has the files it names, it ends with a verdict and not with an error."""
    folder = tmp_path / "here"
    shutil.copytree(prepared, folder)
    example = example_of(ALL[name])
    assert example is not None
    if name.startswith("pointsman migrate "):
        migrating(folder, name.split()[2])
    ran = pointsman(*shlex.split(example)[1:], cwd=folder, env={"POINTSMAN_CACHE": str(tmp_path / "cache")})
    assert ran.code in (0, 2, 3), ran.err
    assert ran.out or ran.err
