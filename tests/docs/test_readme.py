"""The README's first screen: short, with both commands, and with what the demo really prints."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from generator.blocks import plain

from support.command import pointsman
from support.docs import REPOSITORY


@pytest.fixture(scope="module")
def first_screen() -> str:
    return (REPOSITORY / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]


def test_it_has_fewer_than_100_words(first_screen: str):
    """Code and prints apart."""
    prose = re.sub(r"^```.*?^```", "", first_screen, flags=re.MULTILINE | re.DOTALL)
    assert len(prose.split()) < 100


def test_it_shows_the_two_commands(first_screen: str):
    """And the Makefile has them."""
    targets = (REPOSITORY / "Makefile").read_text()
    for target in ("demo", "test"):
        assert re.search(rf"^make {target}\b", first_screen, re.MULTILINE)
        assert re.search(rf"^{target}:", targets, re.MULTILINE)


def test_it_prints_what_the_demo_prints(first_screen: str, tmp_path: Path):
    """The lines in its text block stand, together, at the head of the demo's output."""
    (shown,) = re.findall(r"^```text\n(.*?)^```", first_screen, re.MULTILINE | re.DOTALL)
    ran = pointsman("demo", "--bakeoff-only", cwd=tmp_path, env={"COLUMNS": "80"})
    assert ran.code == 0
    head = plain("".join(ran.out.splitlines(keepends=True)[:12]))
    assert plain(shown.replace("…\n", "")) in head
