"""What a newcomer does first: the demo, init, doctor."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from support.command import pointsman
from support.scripted_server import scripted_server


@pytest.mark.timeout(400)
def test_the_demo_tells_the_whole_story_without_a_key_or_a_network(tmp_path):
    """Select, bake-off, rehearsal, then live: the bad candidate is sent back, the good one serves everybody."""
    ran = pointsman("demo", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("Select: ")
    for line in ("✓ pass: swift: every bound holds", "✗ fail: tiny: breaks quality", "✗ fail: grand: breaks latency_p95_s"):
        assert line in ran.out
    story = " ".join(ran.out.split())
    assert "A candidate that is no worse was rolled back in 0 of 5 rollouts" in story
    assert "tiny in place of classic was rolled back after" in story
    assert "swift in place of classic reached everybody and is closed" in story
    assert story.count(" 0 changed sides in mid-life") == 2
    pages = {p.name for p in (tmp_path / "demo").glob("*.html")}
    assert pages == {"report.html", "rehearsal.html", "postmortem-tiny.html", "postmortem-swift.html"}


def test_the_bakeoff_alone_leaves_its_report(tmp_path):
    ran = pointsman("demo", "--bakeoff-only", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[1].startswith("swift may replace classic: no worse within 3.0 points")
    page = (tmp_path / "demo" / "report.html").read_text()
    assert "swift may replace classic" in page
    assert "declared as synthetic" in page
    assert (tmp_path / "demo" / "eval.yaml").exists()


def test_the_demo_can_be_run_again_by_hand(tmp_path):
    shown = pointsman("demo", "--json", cwd=tmp_path).document
    ran = pointsman("eval", "demo/eval.yaml", "--json", cwd=tmp_path)
    assert ran.code == 0, ran.err
    assert ran.document["variants"] == shown["variants"]


def test_the_demo_measures_the_first_token_of_what_it_streams(tmp_path):
    """`stream: true` holds for models in this process too; the script's median of 0.4 s is found again."""
    shown = pointsman("demo", "--json", cwd=tmp_path).document
    assert shown["variants"]["classic"]["ttft_s"]["p50"]["value"] == pytest.approx(0.4, rel=0.15)


def test_init_without_a_key_writes_files_that_run_offline(tmp_path):
    assert pointsman("init", "--yes", "--dir", "first", cwd=tmp_path).code == 0
    assert sorted(p.name for p in (tmp_path / "first").iterdir()) == [
        ".pointsman",
        "eval.yaml",
        "pointsman.yaml",
        "tests.jsonl",
    ]
    ran = pointsman("eval", "--json", cwd=tmp_path / "first")
    assert ran.code == 3, ran.err  # three cases settle nothing, and it says so
    assert ran.document["comparisons"][0]["needed"] > 100


def test_init_names_the_providers_whose_keys_it_finds_and_never_a_key(tmp_path):
    env = {"OPENAI_API_KEY": "sk-of-mine", "ANTHROPIC_API_KEY": "sk-ant-mine"}
    ran = pointsman("init", "--yes", cwd=tmp_path, env=env)
    assert ran.code == 0, ran.err
    text = (tmp_path / "eval.yaml").read_text() + (tmp_path / "pointsman.yaml").read_text()
    assert "provider: openai" in text
    assert "provider: anthropic" in text
    assert "budget_usd" in text
    assert "mine" not in text + ran.err + ran.out
    dry = pointsman("eval", "--dry-run", "--json", cwd=tmp_path, env=env)
    assert dry.code == 0, dry.err
    assert all(float(v["high_usd"]) > 0 for v in dry.document["variants"])


def test_init_writes_over_nothing_unless_told_to(tmp_path):
    (tmp_path / "eval.yaml").write_text("mine\n")
    ran = pointsman("init", "--yes", cwd=tmp_path)
    assert ran.code == 1
    assert "eval.yaml already there" in ran.err
    assert "--force" in ran.err
    assert (tmp_path / "eval.yaml").read_text() == "mine\n"
    assert not (tmp_path / "pointsman.yaml").exists()
    assert pointsman("init", "--yes", "--force", cwd=tmp_path).code == 0


def findings(folder: Path, *arguments: str, **env: str) -> dict[tuple[str, str], dict]:
    ran = pointsman("doctor", "--json", *arguments, cwd=folder, env=env)
    assert "Traceback" not in ran.err
    return {(f["area"], f["subject"]): f for f in ran.document["findings"]}


def test_the_doctor_finds_an_empty_folder_in_order(tmp_path):
    ran = pointsman("doctor", "--offline", "--json", cwd=tmp_path)
    assert ran.code == 0
    assert ran.document["verdict"] == "pass"


def test_the_doctor_names_what_is_wrong_in_a_file_and_a_missing_key(tmp_path):
    (tmp_path / "pointsman.yaml").write_text("providers: {mistral: {}}\n")
    (tmp_path / "eval.yaml").write_text("tests: t.jsonl\nvariants: {}\nscorers: [exact]\nsead: 1\n")
    found = findings(tmp_path, "--offline")
    assert found["keys", "mistral"]["state"] == "fail"
    assert "MISTRAL_API_KEY" in found["keys", "mistral"]["advice"]
    (spec,) = [f for (area, subject), f in found.items() if area == "config" and subject.endswith("eval.yaml")]
    assert spec["state"] == "fail"
    assert "sead" in spec["detail"]
    assert pointsman("doctor", "--offline", cwd=tmp_path).code == 1


def test_the_doctor_reaches_a_server_and_reads_its_clock(tmp_path):
    with scripted_server() as server:
        (tmp_path / "pointsman.yaml").write_text(f"providers: {{mine: {{base_url: '{server.openai_url}'}}}}\n")
        found = findings(tmp_path)
    assert found["reach", "mine"]["state"] == "pass"
    assert "status 200" in found["reach", "mine"]["detail"]


def test_the_doctor_says_when_nobody_is_there(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    (tmp_path / "pointsman.yaml").write_text(f"providers: {{mine: {{base_url: 'http://127.0.0.1:{port}/v1'}}}}\n")
    found = findings(tmp_path)
    assert found["reach", "mine"]["state"] == "fail"
    assert "base_url" in found["reach", "mine"]["advice"]


def test_the_doctor_shows_no_key(tmp_path):
    ran = pointsman("doctor", "--offline", cwd=tmp_path, env={"OPENAI_API_KEY": "sk-very-secret"})
    assert "$OPENAI_API_KEY" in ran.out
    assert "very-secret" not in ran.out + ran.err


@pytest.mark.parametrize("arguments", [("--help",), ("eval", "--help"), ("--version",)])
def test_help_and_version_end_well(tmp_path, arguments):
    assert pointsman(*arguments, cwd=tmp_path).code == 0


def test_providers_are_listed_with_what_each_needs(tmp_path):
    rows = json.loads(pointsman("doctor", "--providers", "--json", cwd=tmp_path).out)
    assert rows["openai"]["key_env"] == ["OPENAI_API_KEY"]
    assert len(rows) >= 20
