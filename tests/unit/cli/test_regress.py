"""`pointsman regress` as a user meets it."""

import json

import pytest

from support.command import pointsman

EVAL = """\
name: service
tests: cases.jsonl
variants:
  m: {provider: scripted, model: m, script: {quality: QUALITY, difficulty_correlation: 0.9}}
scorers: [exact]
"""


@pytest.fixture
def folder(tmp_path):
    rows = [{"id": str(n), "input": f"say {n}", "target": str(n)} for n in range(400)]
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write(tmp_path, 0.9)
    return tmp_path


def write(folder, quality, more=""):
    (folder / "eval.yaml").write_text(EVAL.replace("QUALITY", str(quality)) + more)


def test_the_first_run_is_pinned_an_equal_one_passes_and_a_worse_one_fails(folder):
    first = pointsman("regress", "eval.yaml", "--json", cwd=folder)
    assert first.code == 0
    pinned = json.loads(first.out)["pinned"]
    again = pointsman("regress", "eval.yaml", "--json", cwd=folder)
    told = json.loads(again.out)
    assert (again.code, told["verdict"], told["pinned"], told["look"]) == (0, "pass", pinned, 1)
    write(folder, 0.75)
    worse = pointsman("regress", "eval.yaml", cwd=folder)
    assert worse.code == 2
    assert "become worse by more than 2 points" in " ".join(worse.out.split())
    assert f"pinned {pinned}" in worse.out
    kept = [json.loads(line) for line in (folder / "runs" / "regress-service.jsonl").read_text().splitlines()]
    assert [record["type"] for record in kept] == ["pin", "look", "look"]
    assert kept[2]["variants"]["m"][0] > kept[2]["variants"]["m"][1]


def test_another_test_set_or_scorer_is_refused_with_what_to_do(folder):
    pointsman("regress", "eval.yaml", cwd=folder)
    with (folder / "cases.jsonl").open("a") as file:
        file.write('{"id": "new", "input": "say more", "target": "more"}\n')
    other = pointsman("regress", "eval.yaml", cwd=folder)
    assert other.code == 1
    assert "the test set is not what it was at the pin" in other.err
    assert "--pin service-" in other.err
    runs = (folder / "runs").glob("service-*/run.json")
    run = max(runs, key=lambda file: file.stat().st_mtime_ns).parent.name
    assert pointsman("regress", "eval.yaml", "--pin", run, cwd=folder).code == 0


def test_the_answer_cache_is_never_asked(folder):
    write(folder, 0.9, "cache: {}\n")
    pointsman("regress", "eval.yaml", cwd=folder)
    assert pointsman("regress", "eval.yaml", cwd=folder).code == 0
    assert not list(folder.rglob("answers.sqlite"))


def test_looks_can_repeat_by_themselves(folder):
    ran = pointsman("regress", "eval.yaml", "--every-s", "1", "--looks", "3", "--json", cwd=folder)
    assert ran.code == 0
    assert len((folder / "runs" / "regress-service.jsonl").read_text().splitlines()) == 3


def test_a_journal_that_something_else_changed_is_named(folder):
    (folder / "runs").mkdir()
    (folder / "runs" / "regress-service.jsonl").write_text("{}\n")
    ran = pointsman("regress", "eval.yaml", cwd=folder)
    assert ran.code == 1
    assert "regress-service.jsonl:1" in ran.err
