"""A bake-off from a file to a verdict, as a user runs it."""

from __future__ import annotations

import gzip
import json
import signal
import time
from pathlib import Path

import pytest

from support.bakeoff import write_bakeoff
from support.command import pointsman, start
from support.shared import SHARED, needs_shared

GSM8K = SHARED / "data" / "benchmarks" / "gsm8k"


def outcome_keys() -> set[str]:
    return {"correct", "wrong", "bad_format", "refused", "truncated", "provider_error", "timeout", "unscored"}


@needs_shared("data/benchmarks/gsm8k")
def test_one_command_tells_gpt4_from_mixtral_on_gsm8k(tmp_path):
    """Given the recorded answers of two real models, one `pointsman eval` gives the paired difference and the verdict."""
    # Given the test set and the answers in the shapes a user would have them
    with gzip.open(GSM8K / "test.jsonl.gz", "rt") as rows, (tmp_path / "test.jsonl").open("w") as out:
        for n, line in enumerate(rows):
            row = json.loads(line)
            out.write(
                json.dumps({"qid": str(n), "question": row["question"], "answer": row["answer"].rsplit("####", 1)[1].strip()})
                + "\n"
            )
    models = {"mixtral": "mixtral-8x7b_response", "gpt4": "gpt-4-1106-preview_response"}
    files = {name: (tmp_path / f"{name}.jsonl").open("w") for name in models}
    with gzip.open(GSM8K / "routellm_responses_mixtral_gpt4.jsonl.gz", "rt") as rows:
        for line in rows:
            row = json.loads(line)
            for name, column in models.items():
                files[name].write(json.dumps({"case_id": str(row["gsm8k_test_index"]), "output": row[column]}) + "\n")
    for file in files.values():
        file.close()
    (tmp_path / "eval.yaml").write_text(
        "name: gsm8k\n"
        "tests: {file: test.jsonl, id: qid, input: question, target: answer}\n"
        "variants:\n"
        "  mixtral: {provider: replay, model: mistral/mixtral-8x7b-instruct, answers: mixtral.jsonl}\n"
        "  gpt4:    {provider: replay, model: openai/gpt-4-1106-preview, answers: gpt4.jsonl}\n"
        "baseline: mixtral\nscorers: [{numeric: {extract: last}}]\n"
        "criteria: {quality: {margin: 0.02}}\nrepeats: 1\nconcurrency: 64\nbudget_usd: 5\nseed: 7\n"
    )
    # When the bake-off runs
    ran = pointsman("eval", "eval.yaml", "--json", cwd=tmp_path)
    # Then its counts are the correct ones (not the recorded 842 and 1130, whose labels are wrong on 49 rows)
    assert ran.code == 0, ran.err
    found = ran.document
    assert found["cases"] == 1319
    assert found["variants"]["mixtral"]["outcomes"]["correct"] == 839
    assert found["variants"]["gpt4"]["outcomes"]["correct"] == 1172
    assert set(found["variants"]["gpt4"]["outcomes"]) == outcome_keys()
    (quality,) = [c for c in found["comparisons"] if c["metric"] == "quality"]
    assert quality["difference"]["value"] == pytest.approx((1172 - 839) / 1319)
    assert quality["difference"]["low"] == pytest.approx(0.223, abs=0.001)
    assert quality["difference"]["high"] == pytest.approx(0.281, abs=0.001)
    assert quality["p_value"] < 1e-50
    assert quality["verdict"] == found["verdict"] == "pass"
    # And nothing is claimed about what was not recorded
    assert "unknown" in found["variants"]["gpt4"]["latency_s"]["p50"]
    assert "unknown" in found["variants"]["gpt4"]["cost_usd"]["total"]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    write_bakeoff(tmp_path, 400)
    return tmp_path


def test_the_directory_of_a_run_can_be_moved_and_shown(small):
    assert pointsman("eval", "eval.yaml", cwd=small).code == 0
    (run,) = (small / "runs").iterdir()
    for name in ("eval.yaml", "run.json", "cases.jsonl", "journal.jsonl", "result.json", "report.html", "report.md"):
        assert (run / name).stat().st_size > 0, name
    moved = small / "elsewhere" / "kept"
    moved.parent.mkdir()
    run.rename(moved)
    (small / "tests.jsonl").unlink()
    shown = pointsman("report", moved, "--json", cwd=small)
    assert shown.code == 0, shown.err
    assert shown.document == json.loads((moved / "result.json").read_text())


def test_a_second_run_of_the_same_seed_finds_the_same(small):
    first, second = (pointsman("eval", "eval.yaml", "--json", cwd=small).document for _ in range(2))
    for document in (first, second):
        for key in ("run", "started_s", "elapsed_s"):
            document.pop(key)
    assert first == second


def test_verdicts_decide_the_exit_code(small):
    spec = (small / "eval.yaml").read_text()
    for criteria, code in (
        ("{quality: {margin: 0.02}}", 0),
        ("{quality: {min: 0.95}}", 2),
        ("{quality: {min: 0.895}}", 3),
        ("{ttft_p95_s: {max: 1}, latency_p95_s: {max: 0.1}}", 2),
    ):
        (small / "eval.yaml").write_text(spec.replace("{quality: {margin: 0.02}}", criteria))
        assert pointsman("eval", "eval.yaml", "--json", cwd=small).code == code, criteria


def test_dry_run_forecasts_and_leaves_nothing(small):
    ran = pointsman("eval", "eval.yaml", "--dry-run", "--json", cwd=small)
    assert ran.code == 0
    assert ran.document["cases"] == 400
    assert ran.document["smallest_difference"]["value"] == pytest.approx(0.062, abs=0.002)
    assert not list((small / "runs").glob("*"))


def test_stored_answers_are_judged_again_without_asking(small):
    pointsman("eval", "eval.yaml", cwd=small)
    (run,) = (small / "runs").iterdir()
    (small / "strict.yaml").write_text(
        (small / "eval.yaml").read_text().replace("[exact]", "[{pattern: {pattern: '^never$', mode: match}}]")
    )
    ran = pointsman("eval", "strict.yaml", "--rescore", run, "--json", cwd=small)
    if ran.code == 1:
        pytest.fail(ran.err)
    assert ran.document["variants"]["new"]["outcomes"]["correct"] == 0
    assert ran.document["cases"] == 400


def test_compare_is_a_regression_gate(small):
    pointsman("eval", "eval.yaml", cwd=small)
    (small / "worse.yaml").write_text(
        (small / "eval.yaml").read_text().replace("quality: 0.9,", "quality: 0.6,").replace("name: small", "name: worse")
    )
    pointsman("eval", "worse.yaml", cwd=small)
    same = pointsman("compare", "small", "small", "--json", cwd=small)
    worse = pointsman("compare", "small", "worse", "--json", cwd=small)
    better = pointsman("compare", "worse", "small", "--json", "--variant", "new", cwd=small)
    assert (same.code, worse.code, better.code) == (0, 2, 0), worse.err
    assert worse.document["verdict"] == "fail"


def test_runs_scored_differently_are_not_compared(small):
    pointsman("eval", "eval.yaml", cwd=small)
    (small / "b.yaml").write_text(
        (small / "eval.yaml").read_text().replace("[exact]", "[{exact: {ignore_case: true}}]").replace("small", "b")
    )
    pointsman("eval", "b.yaml", cwd=small)
    ran = pointsman("compare", "small", "b", cwd=small)
    assert ran.code == 1
    assert "--rescore" in ran.err


def comparable(document: dict) -> dict:
    return {k: v for k, v in document.items() if k not in ("run", "started_s", "elapsed_s", "stopped_because")}


def killed_and_resumed(folder: Path, after_s: float) -> dict:
    """Start a run, kill it after a while, and go on with it to the end."""
    process = start("eval", "eval.yaml", "--runs", "killed", "--json", cwd=folder)
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    runs = list((folder / "killed").glob("*/run.json"))
    resumed = pointsman("eval", *(["--resume"] if runs else ["eval.yaml"]), "--runs", "killed", "--json", cwd=folder)
    assert resumed.code in (0, 2, 3), resumed.err
    (journal,) = (folder / "killed").glob("*/journal.jsonl") if runs else [max((folder / "killed").glob("*/journal.jsonl"))]
    keys = [(t["case_hash"], t["variant"], t.get("repeat", 0)) for t in map(json.loads, journal.read_text().splitlines())]
    assert len(keys) == len(set(keys)) == 2 * 400 * 3, "a finished trial was asked again, or one was lost"
    return comparable(resumed.document)


@pytest.mark.parametrize("rounds", [pytest.param(5, id="a few"), pytest.param(50, id="fifty", marks=pytest.mark.slow)])
def test_kill_9_at_any_moment_costs_no_finished_trial_and_changes_no_figure(tmp_path, rounds):
    """Given a run killed at a random moment and resumed, its report is that of a run nobody disturbed."""
    import random

    dice = random.Random(20261123)
    write_bakeoff(tmp_path, 400, repeats=3)
    began = time.perf_counter()
    undisturbed = comparable(pointsman("eval", "eval.yaml", "--json", cwd=tmp_path).document)
    whole_s = time.perf_counter() - began
    interrupted = 0
    for n in range(rounds):
        folder = tmp_path / f"round{n}"
        write_bakeoff(folder, 400, repeats=3)
        assert killed_and_resumed(folder, dice.uniform(0.1, whole_s)) == undisturbed
        interrupted += 1
    assert interrupted == rounds


def test_ctrl_c_keeps_what_is_finished_and_says_how_to_go_on(tmp_path):
    """Given a run that takes its time, the first Ctrl-C ends it gently with a report of what is there."""
    write_bakeoff(tmp_path, 60_000)
    process = start("eval", "eval.yaml", "--json", cwd=tmp_path)
    journal = None
    while journal is None or journal.stat().st_size < 100_000:
        time.sleep(0.05)
        journal = next((tmp_path / "runs").glob("*/journal.jsonl"), None)
        assert process.poll() is None, process.communicate()[1]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "stopping" in err
    assert "--resume" in err
    document = json.loads(out)
    assert not document["finished"]
    assert document["stopped_because"] == "interrupted"
    lines = journal.read_bytes().count(b"\n")
    assert lines == sum(sum(v["outcomes"].values()) for v in document["variants"].values())
    assert document["missing_trials"] == 120_000 - lines


def test_a_runs_folder_that_cannot_be_written_is_one_clear_message(small):
    (small / "file").write_text("")
    ran = pointsman("eval", "eval.yaml", "--runs", "file/runs", cwd=small)
    assert ran.code == 1
    assert "--runs DIR" in ran.err
    assert "Traceback" not in ran.err
