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
