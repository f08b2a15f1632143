"""What a benchmark found: on the screen, and as JSON and Markdown under `results/`."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Found", "Row", "save", "show"]

RESULTS = Path(__file__).parent / "results"


class Row(NamedTuple):
    """One contender's figures in the order of the columns; or why it has none."""

    name: str
    cells: Sequence[float | None] = ()
    figures: dict[str, object] | None = None
    why: str | None = None


class Found(NamedTuple):
    """A finished benchmark. `runs` holds every single measurement, `rows` their medians."""

    title: str
    columns: list[str]
    rows: list[Row]
    runs: list[dict[str, object]]
    notes: list[str]
    versions: dict[str, str]


def show(found: Found) -> None:
    """The table and the notes, on stdout."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=found.title, title_justify="left")
    table.add_column("")
    for column in found.columns:
        table.add_column(column, justify="right")
    for row in found.rows:
        table.add_row(row.name, *_cells(row, found.columns))
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for note in found.notes:
        console.print(f"  {note}", soft_wrap=True)
    console.print()


def save(name: str, found: Found, machine: dict[str, object], settings: dict[str, object]) -> Path:
    """Write `<date>-<name>.json` and `.md`; a later run of the same day replaces them. Returns the Markdown's path."""
    RESULTS.mkdir(exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    base = RESULTS / f"{now:%Y-%m-%d}-{name}"
    document = {
        "benchmark": name,
        "measured_at": now.isoformat(timespec="minutes"),
        "machine": machine,
        "versions": found.versions,
        "settings": settings,
        "medians": {row.name: row.figures or {"absent": row.why} for row in found.rows},
        "notes": found.notes,
        "runs": found.runs,
    }
    base.with_suffix(".json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    base.with_suffix(".md").write_text(_markdown(found, document))
    return base.with_suffix(".md")


def _markdown(found: Found, document: dict[str, object]) -> str:
    lines = [f"# {found.title}", "", f"Measured {document['measured_at']}.", ""]
    lines += ["| | " + " | ".join(found.columns) + " |", "|---" * (len(found.columns) + 1) + "|"]
    lines += [f"| {row.name} | " + " | ".join(_cells(row, found.columns)) + " |" for row in found.rows]
    lines += ["", *[f"- {note}" for note in found.notes], ""]
    for part in ("machine", "versions", "settings"):
        said = document[part]
        assert isinstance(said, dict)
        lines += [f"{part.capitalize()}: " + ", ".join(f"{k} {v}" for k, v in said.items()) + ".", ""]
    return "\n".join([*lines, "Every single run stands in the JSON file beside this one.", ""])


def _cells(row: Row, columns: list[str]) -> list[str]:
    if row.why is not None:
        return [f"not measured: {row.why}", *[""] * (len(columns) - 1)]
    return ["–" if cell is None else _text(cell) for cell in row.cells]


def _text(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}" if value < 1 else f"{value:.2f}"
