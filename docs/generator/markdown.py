"""The little Markdown the pages need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

__all__ = ["NOTICE", "anchor", "code", "page", "table"]

NOTICE = "<!-- Written by docs/generate.py from the code: `make docs`. Changes here are lost. -->"


def page(title: str, *parts: str) -> str:
    """A generated page; empty parts are left out."""
    return "\n\n".join([f"# {title}", NOTICE, *(p.strip("\n") for p in parts if p.strip())]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a bar inside a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def code(text: str) -> str:
    """Text as code, with a fence that is longer than any run of backticks in it."""
    fence = "`" * (max((len(run) for run in re.findall(r"`+", text)), default=0) + 1)
    return f"{fence}{text}{fence}" if len(fence) == 1 else f"{fence} {text} {fence}"


def anchor(heading: str) -> str:
    """The address GitHub gives a heading within its page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
