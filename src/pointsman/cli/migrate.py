"""`pointsman migrate`: move live traffic from one variant to another, and rehearse it first."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.cli.migrate_live import LIVE_COMMANDS
from pointsman.cli.options import json_option
from pointsman.cli.output import EXIT_CODES, print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.rollout.plan import Plan
    from pointsman.rollout.simulate.result import Result

__all__ = ["command"]


@click.group(epilog=with_example("pointsman migrate rehearse migration.yaml --runs 5 --scenario errors_2x"))
def command() -> None:
    """Move live traffic from one variant to another, and rehearse it first."""


for _live in LIVE_COMMANDS:
    command.add_command(_live)


@command.command(epilog=with_example("pointsman migrate rehearse migration.yaml --runs 5 --scenario aa --scenario errors_2x"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--runs", type=click.IntRange(1), default=20, show_default=True, help="Rollouts of each scenario.")
@click.option("--seed", type=click.IntRange(0), default=7, show_default=True, help="The same seed gives the same rollouts.")
@click.option("--scenario", "scenarios", multiple=True, help="Only this scenario; repeat for several. All if not given.")
@click.option("--seed-rules", is_flag=True, help="Also judge by the usual thresholds on five minutes, to compare.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page for whoever decides to this file.")
@json_option
def rehearse(
    file: Path, runs: int, seed: int, scenarios: tuple[str, ...], seed_rules: bool, html: Path | None, as_json: bool
) -> int:
    """Run a migration many times on simulated traffic before any user is touched.

    The same state machine and the same checks decide that will decide the real rollout, in virtual
    time, over scenarios with good and bad candidates. The exit code is 2 if a harmless candidate was
    rolled back more often than the plan allows, or a harmful one ever reached everybody; 3 if evidence
    for a promotion never came.
    """
    from pointsman.app.rehearse import load_plan, rehearsal_document, rehearse_all, write_rehearsal_page
    from pointsman.report.rehearsal import rehearsal_verdict

    plan = load_plan(file)
    if seed_rules and scenarios and "guide_rule" not in scenarios:
        scenarios = (*scenarios, "guide_rule")
    results = rehearse_all(plan, scenarios, runs, seed, _tell)
    if as_json:
        print_json(rehearsal_document(results, seed))
    else:
        _show(plan, results, seed)
    if html is not None:
        write_rehearsal_page(html, plan, results, seed)
        say(f"wrote {html}")
    return EXIT_CODES[rehearsal_verdict(plan, results)]


@command.command(
    epilog=with_example(
        "pointsman migrate plan --route support --from old --to new --reason deprecation --requests-per-minute 60 --dry-run"
    )
)
@click.option("--route", required=True, help="The route whose traffic moves.")
@click.option("--from", "from_", required=True, help="Variant in service.")
@click.option("--to", required=True, help="Variant that may take its place.")
@click.option("--reason", required=True, help="cost, performance, capability, vendor_risk, deprecation, scale, privacy, …")
@click.option("--requests-per-minute", type=click.FloatRange(0, min_open=True), required=True, help="Mean over a week.")
@click.option("--requests-per-unit", type=click.FloatRange(1), default=3.0, show_default=True, help="Per conversation or user.")
@click.option("--error-rate", type=click.FloatRange(0, 1, min_open=True, max_open=True), default=0.01, show_default=True)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("migration.yaml"),
    show_default=True,
    help="File to write.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@json_option
def plan(
    *,
    route: str,
    from_: str,
    to: str,
    reason: str,
    requests_per_minute: float,
    requests_per_unit: float,
    error_rate: float,
    out: Path,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Write a migration.yaml whose steps are large enough for the traffic to show a bad candidate."""
    import msgspec

    from pointsman.app.migration_plan import propose, write_plan
    from pointsman.rollout.plan import Traffic

    traffic = Traffic(requests_per_minute=requests_per_minute, requests_per_unit=requests_per_unit, error_rate=error_rate)
    proposal = propose(route, from_, to, reason, traffic)
    if not dry_run:
        write_plan(proposal.plan, out, force=force)
    if as_json:
        document = {"plan": msgspec.to_builtins(proposal.plan), "notes": proposal.notes, "reason_questioned": proposal.questioned}
        print_json({**document, "file": None if dry_run else str(out)})
        return
    for phase in proposal.plan.phases:
        share = f"{phase.sample:.0%} mirrored" if phase.kind == "shadow" else f"{phase.weight:.0%} of users"
        click.echo(
            f"{phase.kind:9s} {share:14s} at least {phase.shadow or phase.hold}{', asks a person' if phase.approval else ''}"
        )
    for note in proposal.notes:
        say(f"- {note}")
    if not dry_run:
        say(f"wrote {out}; now rehearse it: pointsman migrate rehearse {out}")


def _tell(name: str, done: int) -> None:
    if done == 1:
        say(f"rehearsing {name} …")


def _show(plan: Plan, results: dict[str, Result], seed: int) -> None:
    from pointsman.report.rehearsal import HEADS, rehearsal_lines, rehearsal_rows
    from pointsman.report.terminal import Column, open_console, print_table

    console, rows = open_console(), rehearsal_rows(results)
    shown = [n for n, head in enumerate(HEADS) if head != "Units exposed"]  # the sentences below say it
    columns = [
        Column(
            head=HEADS[n],
            cells=tuple(r[n] for r in rows),
            right=0 < n < shown[-1],
            wraps=n == shown[-1],
            least={0: 19, shown[-1]: 12}.get(n),
        )
        for n in shown
    ]
    print_table(console, f"{plan.route}: {plan.from_} → {plan.to}", columns)
    console.print()
    for line in rehearsal_lines(plan, results, seed):
        console.print(line)
