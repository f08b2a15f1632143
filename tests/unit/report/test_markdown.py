"""The pull-request comment: tables hold, and nothing in it is markup of a stranger's making."""

from __future__ import annotations

import re

import pytest

from pointsman.report.markdown import escaped, run_markdown
from support.results import NASTY, RUNS, rich_run


@pytest.mark.parametrize("name", RUNS)
def test_every_row_of_a_table_has_as_many_cells_as_its_head(name):
    tables = re.findall(r"(?:^\|.*\n?)+", run_markdown(RUNS[name]()), flags=re.MULTILINE)
    assert tables
    for table in tables:
        cells = {len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()}
        assert len(cells) == 1, table


def test_the_only_html_is_ours():
    assert set(re.findall(r"<[^>]*>", run_markdown(RUNS["nasty"]()))) == {"<details>", "<summary>", "</summary>", "</details>"}


@pytest.mark.parametrize("nasty", NASTY)
def test_a_strangers_text_cannot_format_link_or_notify(nasty):
    said = escaped(nasty)
    assert not re.search(r"(?<!\\)[`*_\[\]|<>]", said)
    assert not re.search(r"@\w", said)
    assert not re.search(r"(?<!&)#\d", said)
    assert "\n" not in said


def test_a_link_does_not_become_one():
    assert (
        escaped("see https://evil.example/x and www.evil.example")
        == "see https:&#8203;//evil.example/x and w&#8203;ww.evil.example"
    )


def test_the_comment_says_what_was_found():
    said = run_markdown(rich_run())
    assert said.startswith("### ❌ fail: gsm8k\n\n**Of 3 variants, gpt4 does best: better than mixtral by 25.2 points")
    assert "63.6 % \\[61.0, 66.2\\], n = 1,302" in said
    assert "| gpt4 | mixtral | quality | +25.2 points \\[+22.4, +28.0\\], n = 1,302 | p &lt; 0.001, adjusted | ✅ pass |" in said
    assert said.index("### ") < said.index("<details>")
    assert "1,319 cases see only differences above 3.1 points" in said


def test_an_unfinished_run_warns():
    assert "> [!WARNING]\n> Not finished: 2,638 trials missing (interrupted)." in run_markdown(RUNS["empty"]()).replace("\\", "")
