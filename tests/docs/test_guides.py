"""Every command and file that the guides show is run, and prints what they say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml
from generator.blocks import blocks_of, plain, refresh, run_page, same

from support.docs import REPOSITORY, WRITTEN, title

RUN = [page for page in WRITTEN if "<!-- run" in page.read_text(encoding="utf-8")]
_FENCE = re.compile(r"^(?P<before>.*)\n```(?P<language>\w+)$", re.MULTILINE)


@pytest.mark.parametrize("page", RUN, ids=title)
def test_a_page_does_what_it_says(page: Path, tmp_path: Path):
    """Its commands, run in an empty folder one after the other, exit and print as shown; `make docs` renews outputs."""
    for outcome in run_page(page.read_text(encoding="utf-8"), tmp_path):
        where = f"{title(page)}:{outcome.block.line}"
        assert outcome.code == outcome.block.exit_code, f"{where} exits with {outcome.code}:\n{outcome.printed}"
        if outcome.shown is not None:
            shown = outcome.shown.text
            assert same(shown, outcome.printed), f"{where} prints\n{plain(outcome.printed)}\nand shows\n{plain(shown)}"


@pytest.mark.parametrize("page", WRITTEN, ids=title)
def test_no_command_or_file_is_shown_that_is_not_used(page: Path):
    """A block of shell, YAML, JSON, CSV or Python stands under a mark, so that nothing is shown untried."""
    found = _FENCE.finditer(page.read_text(encoding="utf-8"))
    tried = ("sh", "yaml", "json", "csv", "toml", "python")
    assert [m["language"] for m in found if m["language"] in tried and not m["before"].startswith("<!-- ")] == []


@pytest.mark.parametrize("page", WRITTEN, ids=title)
def test_every_bakeoff_shown_keeps_the_schema(page: Path):
    """What a reader copies into an editor is not marked there as wrong."""
    folder = REPOSITORY / "src/pointsman/app/schemas"
    schemas = {n: jsonschema_rs.validator_for(json.loads((folder / n).read_text())) for n in (e.name for e in folder.iterdir())}
    for block in blocks_of(page.read_text(encoding="utf-8")):
        name = Path(block.argument or "").name
        if block.kind != "file" or not name.endswith(".yaml"):
            continue
        document = yaml.safe_load(block.text)
        kind = (
            "eval" if "variants" in document and "tests" in document else "pointsman" if name == "pointsman.yaml" else "scripts"
        )
        if "task" in document:  # needs, not a script
            kind = "requirements"
        if "phases" in document:
            kind = "migration"
        schemas[f"{kind}.schema.json"].validate(document)


def test_an_output_that_differs_is_noticed_and_renewed(tmp_path: Path):
    """Given a page whose output is stale, its text is not the same as what is printed, and `refresh` puts that in."""
    page = tmp_path / "page.md"
    stale = "<!-- run -->\n```sh\nprintf 'one\\ntwo\\nthree\\n'\n```\n\n<!-- prints -->\n```text\none\n2\n…\n```\n"
    page.write_text(stale)
    assert not same("one\n2\n…\n", "one\ntwo\nthree\n")
    assert refresh(page) == stale.replace("2\n", "two\n")
    page.write_text(stale.replace("run -->", "run: exit 3 -->"))
    with pytest.raises(RuntimeError, match="exit 0"):
        refresh(page)


def test_what_differs_from_run_to_run_is_not_compared():
    """Ids and times of a run, and nothing else."""
    assert same("demo-20261124-003834-1a2b\n", "demo-20270101-000000-ffff\n")
    assert same("x · 2026-11-24 00:31 UTC · 142 ms\n", "x · 2027-01-01 12:00 UTC · 1.04 s\n")
    assert not same("latency 142 ms\n", "latency 143 ms\n")
    assert same("a\n…\nc\n", "a\nb\nb\nc\n")
    assert not same("a\n…\nc\n", "a\nb\n")
