"""`pointsman migrate rehearse` as a user meets it."""

import json

import pytest
from click.testing import CliRunner

from pointsman.cli.migrate import command

PLAN = """\
route: support
from: old
to: new
traffic: {requests_per_minute: 20}
phases: [{shadow: 1d}, {step: 0.1, hold: 1d}, {holdback: 0.05, hold: 1d}]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "migration.yaml"
    path.write_text(PLAN)
    return str(path)


def run(*arguments):
    return CliRunner().invoke(command, ["rehearse", *arguments], standalone_mode=False)


def test_one_json_document_goes_to_stdout(file):
    ran = run(file, "--runs", "1", "--scenario", "errors_5x", "--json")
    assert ran.return_value == 0
    assert set(json.loads(ran.stdout)["scenarios"]) == {"errors_5x"}


def test_people_read_a_table_and_what_it_means(file):
    ran = run(file, "--runs", "1", "--scenario", "errors_5x", "--seed-rules")
    assert "errors_5x" in ran.stdout
    assert "rolled back in 1 of 1" in ran.stdout
    assert "usual thresholds" in ran.stdout
    assert "Seed 7" in ran.stdout


def test_a_plan_whose_steps_are_too_small_for_its_traffic_is_not_enough_evidence(file):
    ran = run(file, "--runs", "1", "--scenario", "low_traffic")
    assert ran.return_value == 3
    assert "larger steps" in ran.stdout


def test_a_plan_is_written_that_a_rehearsal_takes(tmp_path):
    out = str(tmp_path / "m.yaml")
    arguments = ["plan", "--route", "r", "--from", "a", "--to", "b", "--reason", "newer", "--requests-per-minute", "2000"]
    ran = CliRunner().invoke(command, [*arguments, "--out", out], standalone_mode=False)
    assert ran.exception is None
    assert "seldom reason enough" in ran.stderr
    rehearsed = run(out, "--runs", "1", "--scenario", "dead", "--json")
    assert json.loads(rehearsed.stdout)["scenarios"]["dead"]["rolled_back"]["value"] == 1.0
    again = CliRunner().invoke(command, [*arguments, "--out", out], standalone_mode=False)
    assert "there already" in str(again.exception)


def test_a_dry_run_writes_nothing(tmp_path):
    out = tmp_path / "m.yaml"
    arguments = ["plan", "--route", "r", "--from", "a", "--to", "b", "--reason", "cost", "--requests-per-minute", "0.1"]
    ran = CliRunner().invoke(command, [*arguments, "--out", str(out), "--dry-run", "--json"], standalone_mode=False)
    assert json.loads(ran.stdout)["file"] is None
    assert not out.exists()
