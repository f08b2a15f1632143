"""A run as tables for a terminal: they fit its width, and say everything without colour too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TextIO

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pointsman.core.estimate import Measured
from pointsman.core.verdict import VerdictName
from pointsman.evals.outcome import Outcome
from pointsman.evals.result import Comparison, RunResult
from pointsman.report import format as fmt
from pointsman.report.words import (
    OUTCOME_WORD,
    VERDICT_MARK,
    VERDICT_WORD,
    comparison_unit,
    cost_total,
    criterion_unit,
    headline,
    notices,
    open_questions,
    scope,
    verdict_lines,
)

__all__ = ["Column", "open_console", "packed", "print_comparisons", "print_run", "print_table"]

_GAP = 2
"""Characters between columns: one of padding, one that Rich draws as the divider."""
_LEAST_NAME = 12
_STYLE: dict[VerdictName, str] = {"pass": "bold green", "fail": "bold red", "unknown": "bold yellow"}


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column of a table. Its width is that of its widest cell, as far as the terminal allows."""

    head: str
    cells: tuple[str | Text, ...]
    right: bool = False
    least: int | None = None
    """It may be cut in the middle down to this width; None keeps it whole."""
    wraps: bool = False
    """It may be wrapped instead of cut."""
    optional: bool = False
    """Left out where there is no room."""

    @property
    def width(self) -> int:
        """Characters its widest cell takes."""
        return max(len(self.head), *(len(c) for c in self.cells), 0)


def open_console(file: TextIO | None = None, width: int | None = None) -> Console:
    """A console on `file` (standard output if None). Colour only on a terminal, and not where NO_COLOR is set."""
    return Console(file=file, width=width, highlight=False, emoji=False, markup=False, soft_wrap=False)


def print_run(result: RunResult, console: Console) -> None:
    """Headline, variants, comparisons, criteria, then what is open and what to look out for."""
    console.print(Text(f"{fmt.plain(result.name)} · {scope(result)}", style="dim"))
    console.print(Text(headline(result), style="bold"))
    for verdict, words in verdict_lines(result):
        console.print(_verdict(verdict, VERDICT_WORD[verdict]) + Text(f": {words}" if words else ""))
    _lines(console, "", "!", notices(result))
    _print_variants(result, console)
    print_comparisons(console, result.comparisons)
    _print_criteria(result, console)
    _lines(console, "What is open, and what would settle it", "•", open_questions(result))
    _lines(console, "Pitfalls", "•", (f"{c.item}: {fmt.plain(c.why)}" for c in result.pitfalls if c.answer == "fail"))


def print_comparisons(console: Console, comparisons: Sequence[Comparison]) -> None:
    """One table for each baseline: a bake-off's candidates, or a run against an earlier one."""
    for baseline in dict.fromkeys(c.baseline for c in comparisons):
        rows = [c for c in comparisons if c.baseline == baseline]
        columns = (
            _names("Candidate", [c.candidate for c in rows]),
            Column(head="Metric", cells=tuple(fmt.plain(c.metric) for c in rows)),
            Column(head="Difference", cells=tuple(fmt.measured(c.difference, comparison_unit(c.metric)) for c in rows)),
            Column(head="Verdict", cells=tuple(_verdict(c.verdict) for c in rows)),
            Column(head="Evidence", cells=tuple(_evidence(c) for c in rows), optional=True),
            Column(head="Why", cells=tuple(fmt.plain(c.reason) for c in rows), wraps=True, least=30, optional=True),
        )
        print_table(console, f"Against {fmt.plain(baseline)}", columns)


def _print_variants(result: RunResult, console: Console) -> None:
    name = _names("Variant", [v.name for v in result.variants])
    values = (
        _measured("Quality", [(v.quality, fmt.SHARE) for v in result.variants]),
        *_outcomes(result),
        _measured("Error rate", [(v.error_rate, fmt.SHARE) for v in result.variants]),
        _measured("Latency p50", [(v.latency_s.p50, None) for v in result.variants]),
        _measured("Latency p95", [(v.latency_s.p95, None) for v in result.variants]),
        _measured("First token p50", [(v.ttft_s.p50, None) for v in result.variants]),
        _measured("Cost per request", [(v.cost.per_request_usd, fmt.DOLLARS) for v in result.variants]),
        Column(head="Spent", cells=tuple(cost_total(v.cost) for v in result.variants), right=True),
    )
    for k, group in enumerate(packed(name, values, console.width)):
        print_table(console, "" if k else "Variants", (name, *group))


def _outcomes(result: RunResult) -> list[Column]:
    """How many trials ended in each way of going wrong that was seen."""
    seen = [o for o in Outcome if o is not Outcome.CORRECT and any(v.outcomes.get(o) for v in result.variants)]
    return [
        Column(
            head=OUTCOME_WORD[o].capitalize(), cells=tuple(fmt.count(v.outcomes.get(o, 0)) for v in result.variants), right=True
        )
        for o in seen
    ]


def _print_criteria(result: RunResult, console: Console) -> None:
    if not result.criteria:
        return
    rows = result.criteria
    columns = (
        _names("Variant", [c.variant for c in rows]),
        Column(
            head="Criterion", cells=tuple(f"{fmt.plain(c.criterion)} {fmt.plain(c.limit)}" for c in rows), wraps=True, least=24
        ),
        Column(head="Measured", cells=tuple(fmt.measured(c.measured, criterion_unit(c)) for c in rows)),
        Column(head="Verdict", cells=tuple(_verdict(c.verdict) for c in rows)),
        Column(head="Why", cells=tuple(fmt.plain(c.reason) for c in rows), wraps=True, least=30, optional=True),
    )
    print_table(console, "Criteria", columns)


def packed(name: Column, columns: Sequence[Column], width: int, least_name: int = _LEAST_NAME) -> list[list[Column]]:
    """Columns in groups, each of which fits beside the name; all in one if the name may be cut to its least for that."""
    if _needed((name, *columns)) <= width:
        return [list(columns)]
    room = width - max(least_name, min(name.width, width // 3))
    groups: list[list[Column]] = [[]]
    for column in columns:
        used = sum(c.width + _GAP for c in groups[-1])
        if groups[-1] and used + column.width + _GAP > room:
            groups.append([])
        groups[-1].append(column)
    return groups


def print_table(console: Console, title: str, columns: Sequence[Column]) -> None:
    """A titled table that fits the console: optional columns go first, then cells are cut."""
    kept, widths = _fitted(columns, console.width)
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, _GAP - 1, 0, 0), header_style="bold")
    for column, width in zip(kept, widths, strict=True):
        table.add_column(column.head, justify="right" if column.right else "left", width=width, no_wrap=not column.wraps)
    for row in zip(*(_cells(c, w) for c, w in zip(kept, widths, strict=True)), strict=True):
        table.add_row(*row)
    console.print()
    if title:
        console.print(Text(title, style="bold underline"))
    console.print(table)


def _fitted(columns: Sequence[Column], width: int) -> tuple[list[Column], list[int]]:
    """The columns there is room for, and how wide each may be."""
    kept = list(columns)
    while _needed(kept) > width and any(c.optional for c in kept):
        kept.remove(next(c for c in reversed(kept) if c.optional))
    widths = [c.width for c in kept]
    for i in sorted((i for i, c in enumerate(kept) if c.least is not None), key=lambda i: not kept[i].wraps):
        over = sum(widths) + _GAP * (len(kept) - 1) - width
        if over > 0:
            widths[i] = max(min(kept[i].least or 0, widths[i]), widths[i] - over)
    return kept, widths


def _needed(columns: Sequence[Column]) -> int:
    least = (min(c.width, c.least) if c.least is not None else c.width for c in columns)
    return sum(least) + _GAP * (len(columns) - 1)


def _cells(column: Column, width: int) -> list[Text]:
    if column.least is None or column.wraps:
        return [c if isinstance(c, Text) else Text(c) for c in column.cells]
    return [Text(fmt.short(str(c), width)) for c in column.cells]


def _names(head: str, names: Iterable[str]) -> Column:
    return Column(head=head, cells=tuple(fmt.plain(n) for n in names), least=_LEAST_NAME)


def _measured(head: str, values: Iterable[tuple[Measured, fmt.Unit | None]]) -> Column:
    return Column(head=head, cells=tuple(fmt.measured(m, unit) for m, unit in values))


def _verdict(name: VerdictName, word: str | None = None) -> Text:
    return Text(f"{VERDICT_MARK[name]} {word or name}", style=_STYLE[name])


def _evidence(c: Comparison) -> str:
    return fmt.p_value(c.p_value) if c.p_adjusted is None else f"{fmt.p_value(c.p_adjusted)} adjusted"


def _lines(console: Console, title: str, mark: str, lines: Iterable[str]) -> None:
    grid = Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row(mark, Text(line))
    if not grid.row_count:
        return
    if title:
        console.print()
        console.print(Text(title, style="bold underline"))
    console.print(grid)
