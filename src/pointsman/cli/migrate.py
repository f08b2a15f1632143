"""`pointsman migrate`: move live traffic from one variant to another, and rehearse it first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.cli.options import json_option
from pointsman.cli.output import EXIT_CODES, print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.app.rehearse import Result
    from pointsman.rollout.plan import Plan

__all__ = ["command"]


@click.group(epilog=with_example("pointsman migrate rehearse migration.yaml --runs 20"))
def command() -> None:
    """Move live traffic from one variant to another, and rehearse it first."""


@command.command(epilog=with_example("pointsman migrate rehearse migration.yaml --runs 20 --scenario aa --scenario errors_2x"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--runs", type=click.IntRange(1), default=20, show_default=True, help="Rollouts of each scenario.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="The same seed gives the same rollouts.")
@click.option("--scenario", "scenarios", multiple=True, help="Only this scenario; repeat for several. All if not given.")
@click.option("--seed-rules", is_flag=True, help="Also judge by the usual thresholds on five minutes, to compare.")
@json_option
def rehearse(file: Path, runs: int, seed: int, scenarios: tuple[str, ...], seed_rules: bool, as_json: bool) -> int:
    """Run a migration many times on simulated traffic before any user is touched.

    The same state machine and the same checks decide that will decide the real rollout, in virtual
    time, over scenarios with good and bad candidates. The exit code is 2 if a harmless candidate was
    rolled back more often than the plan allows, or a harmful one ever reached everybody; 3 if evidence
    for a promotion never came.
    """
    from pointsman.app.rehearse import load_plan, rehearsal_document, rehearse_all
    from pointsman.cli.migrate_output import rehearsal_verdict

    plan = load_plan(file)
    if seed_rules and scenarios and "guide_rule" not in scenarios:
        scenarios = (*scenarios, "guide_rule")
    results = rehearse_all(plan, scenarios, runs, seed, _tell)
    if as_json:
        print_json(rehearsal_document(results, seed))
    else:
        _show(plan, results, seed)
    return EXIT_CODES[rehearsal_verdict(plan, results)]


def _tell(name: str, done: int) -> None:
    if done == 1:
        say(f"rehearsing {name} …")


def _show(plan: Plan, results: dict[str, Result], seed: int) -> None:
    from pointsman.cli.migrate_output import HEADS, rehearsal_lines, rehearsal_rows
    from pointsman.report.terminal import Column, open_console, print_table

    console, rows, last = open_console(), rehearsal_rows(results), len(HEADS) - 1
    columns = [
        Column(head=h, cells=tuple(r[i] for r in rows), right=0 < i < last, wraps=i == last, least=12 if i in (0, last) else None)
        for i, h in enumerate(HEADS)
    ]
    print_table(console, f"{plan.route}: {plan.from_} → {plan.to}", columns)
    console.print()
    for line in rehearsal_lines(plan, results, seed):
        console.print(line)
