"""A selection on a terminal: who, at what price, why, and what speaks against it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pointsman.report import format as fmt
from pointsman.report import selection_lines as said
from pointsman.report.terminal import Column, packed, print_table
from pointsman.selection.needs_words import needs_words
from pointsman.selection.select import Choice, Selection

__all__ = ["print_selection", "print_tree"]

_LEAST_NAME = 24
_SCORE = (
    "Score: how far it meets your wishes by their weights, 0 to 1; in brackets with everything unsure turned out badly, or well. "
    "First in: how often it comes first when weights and scores are varied within what is unsure. Range: the bill with a quarter "
    "less or more volume. Grown: a month's bill in twelve months. Open: how many facts are left to verify."
)


def print_selection(s: Selection, console: Console, *, tree: bool = False) -> None:
    """Shortlist, reasons, robustness, what to verify, who is out, and the guide's tree (its path only if asked)."""
    _heading(s, console)
    _shortlist(s, console)
    for choice in s.shortlist:
        _why(choice, console)
    _robustness(s, console)
    _section(console, "Verify before you rely on it", said.verify_lines(s))
    _section(console, "Pareto front", said.beaten_lines(s))
    _section(console, "Refused", [f"{fmt.count(n)} × {word}: {examples}" for n, word, examples in said.refused_rows(s)])
    _section(console, "Not refused, and no finalist", s.sifted)
    print_tree(s, console, path=tree)
    _section(console, *said.use_case_lines(s))
    _section(console, "Parts of the work the guide gives to different models", said.role_lines(s))


def _heading(s: Selection, console: Console) -> None:
    console.print(Text(said.scope(s), style="dim"))
    console.print(Text(said.headline(s), style="bold"))
    if tie := said.near_tie(s):
        console.print(Text(tie, style="bold"))
    for note in s.notes:
        console.print(Text(f"! {fmt.plain(note)}", style="yellow"))
    _section(console, "Needs", needs_words(s.requirements, s.wishes))


def _shortlist(s: Selection, console: Console) -> None:
    """One table, or as many narrower ones as the terminal needs: no fact is left out for want of room."""
    if not s.shortlist:
        return
    first = s.robustness.first_place
    ids = [c.ranked.candidate.id for c in s.shortlist]
    offer = Column(head="Offer", cells=tuple(fmt.plain(i) for i in ids), least=_LEAST_NAME)
    values = (
        Column(head="Score", cells=tuple(f"{c.ranked.score.value:.2f}" for c in s.shortlist), right=True),
        Column(head="First in", cells=tuple(said.share(first.get(i)) for i in ids), right=True),
        Column(head="A request", cells=tuple(said.per_request(c) for c in s.shortlist), right=True),
        Column(head="A month", cells=tuple(said.month(c) for c in s.shortlist), right=True),
        Column(head="Range", cells=tuple(said.month_range(c) for c in s.shortlist)),
        Column(head="Grown", cells=tuple(said.grown(c) for c in s.shortlist), right=True),
        Column(head="Open", cells=tuple(str(len(c.ranked.to_verify)) for c in s.shortlist), right=True),
    )
    for k, group in enumerate(packed(offer, values, console.width, _LEAST_NAME)):
        print_table(console, "" if k else "Shortlist", (offer, *group))
    console.print(Text(_SCORE, style="dim"))
    if said.says_ability(s):
        console.print(Text(said.ABILITY, style="dim"))


def _why(choice: Choice, console: Console) -> None:
    console.print()
    console.print(Text(fmt.plain(choice.ranked.candidate.id), style="bold"))
    _bullets(console, choice.why)


def _robustness(s: Selection, console: Console) -> None:
    _section(console, "How sure is the first place", said.robustness_lines(s))
    if s.robustness.separator is not None:
        question = fmt.plain(s.robustness.separator.question)
        console.print(Padding(Text(f"The one question: {question}", style="bold"), (0, 0, 0, 2)))


def print_tree(s: Selection, console: Console, *, path: bool = True) -> None:
    """The guide's answer on the day; with the questions and answers that led there if asked."""
    _section(console, "The guide's decision tree", [*(said.tree_steps(s) if path else ()), *said.leaf_lines(s)])
    _section(console, "Conflicts with it", s.guidance.conflicts)
    if path:
        _section(console, "Other rules of the guide that apply", s.guidance.rules)


def _section(console: Console, title: str, lines: Iterable[str]) -> None:
    found = list(lines)
    if not found:
        return
    console.print()
    console.print(Text(title, style="bold underline"))
    _bullets(console, found)


def _bullets(console: Console, lines: Iterable[str]) -> None:
    grid = Table.grid(padding=(0, 1))
    for line in lines:
        grid.add_row(" •", Text(fmt.plain(line)))
    console.print(grid)
