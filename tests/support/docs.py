"""Where the documentation is, for the tests that hold pages and code together."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"

PAGES = sorted(DOCS.rglob("*.md"))
WRITTEN = [p for p in PAGES if p.parent.name not in ("reference", "decisions", "log")]
"""Pages written by hand for users."""


def read(path: str) -> str:
    """A page by its path below `docs`."""
    return (DOCS / path).read_text(encoding="utf-8")


def title(page: Path) -> str:
    """How a page is called in a test's name."""
    return os.path.relpath(page, REPOSITORY)
