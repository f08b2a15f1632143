"""Links between the project's own pages lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from generator.markdown import anchor

from support.docs import DOCS, PAGES, REPOSITORY, title

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
EVERY = [*sorted(REPOSITORY.glob("*.md")), *PAGES]


@pytest.mark.parametrize("page", EVERY, ids=title)
def test_a_pages_links_lead_to_files_and_headings(page: Path):
    """Only links within the project are looked at."""
    text = _CODE.sub("", _FENCED.sub("", page.read_text(encoding="utf-8")))
    assert [
        t for m in _LINK.finditer(text) if (t := m["target"]).partition(":")[0] not in ("http", "https") and not leads(page, t)
    ] == []


@pytest.mark.parametrize("page", [p for p in PAGES if p.parent.name not in ("decisions", "log")], ids=title)
def test_a_page_can_be_reached_from_the_index(page: Path):
    """Nobody finds a page that is linked nowhere."""
    index = DOCS / "index.md"
    linked = {(index.parent / m["target"].partition("#")[0]).resolve() for m in _LINK.finditer(index.read_text(encoding="utf-8"))}
    assert page == index or page.resolve() in linked


def leads(page: Path, target: str) -> bool:
    file, _, fragment = target.partition("#")
    path = (page.parent / file).resolve() if file else page
    if not path.exists() or not fragment:
        return path.exists()
    headings = _HEADING.findall(_FENCED.sub("", path.read_text(encoding="utf-8")))
    return fragment in {anchor(re.sub(r"[`*]", "", h)) for h in headings}
