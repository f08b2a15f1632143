"""`pointsman regress`: has a hosted model changed in silence?"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.cli.options import json_option, runs_option
from pointsman.cli.output import EXIT_CODES, EXIT_ERROR, print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.app.regress import Look, Watch
    from pointsman.app.run_dir import RunDir

__all__ = ["command"]


@click.command(
    name="regress",
    short_help="Rerun a pinned bake-off: has a hosted model changed in silence?",
    epilog=with_example("pointsman regress eval.yaml --margin 0.02"),
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="eval.yaml")
@click.option("--pin", metavar="RUN", help="Compare with this run from now on; by default the first run becomes the pin.")
@click.option(
    "--margin", type=click.FloatRange(0, 1), default=0.02, show_default=True, help="Loss of quality that is still acceptable."
)
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Chance of ever accusing a model that has not become worse, over all looks.",
)
@click.option("--every-s", type=click.FloatRange(1), help="Look again so many seconds after each look began, until it fails.")
@click.option(
    "--rollback", is_flag=True, help="If a variant fails to which a migration has moved traffic, ask the gateway to send it back."
)
@click.option("--looks", type=click.IntRange(1), help="With --every-s: end after so many looks.")
@runs_option
@json_option
def command(
    *,
    file: Path,
    pin: str | None,
    margin: float,
    alpha: float,
    every_s: float | None,
    rollback: bool,
    looks: int | None,
    runs: Path,
    as_json: bool,
) -> int:
    """Run FILE's test set again and compare it, case by case, with the run that is pinned.

    The first call pins what it finds. Each later one asks everything anew (nothing comes from the
    answer cache) and says whether a variant has become worse. Call it from cron, or leave it running
    with --every-s; however often it looks, one that has not become worse is accused with chance --alpha.
    """
    from pointsman.app.config import find_project as project_of
    from pointsman.app.config import load_eval, load_project
    from pointsman.app.regress import Watch
    from pointsman.app.run_dir import find_run

    spec = load_eval(file, load_project(project_of(file.parent), os.environ), os.environ)
    runs.mkdir(parents=True, exist_ok=True)
    watch = Watch(runs, spec.name)
    if pin is not None:
        watch.pin(find_run(runs, pin))
        say(f"pinned {watch.pinned}")
    return asyncio.run(_looking(watch, file, margin, alpha, every_s, looks, rollback=rollback, as_json=as_json))


async def _looking(
    watch: Watch,
    file: Path,
    margin: float,
    alpha: float,
    every_s: float | None,
    looks: int | None,
    *,
    rollback: bool,
    as_json: bool,
) -> int:
    loop, done = asyncio.get_running_loop(), 0
    while True:
        began_s = loop.time()
        code = await _look(watch, file, margin, alpha, rollback=rollback, as_json=as_json)
        done += 1
        if every_s is None or code in (EXIT_ERROR, EXIT_CODES["fail"]) or done == looks:
            return code
        await asyncio.sleep(max(0.0, began_s + every_s - loop.time()))


async def _look(watch: Watch, file: Path, margin: float, alpha: float, *, rollback: bool, as_json: bool) -> int:
    from pointsman.app.regress import look_at, look_document

    directory, stopped = await _rerun(watch, file, quiet=as_json)
    if stopped is not None:
        say(f"stopped: {stopped}; this look does not count")
        return EXIT_ERROR
    if watch.pinned is None:
        watch.pin(directory)
        if as_json:
            print_json({"run": directory.path.name, "pinned": directory.path.name, "look": 0, "verdict": "pass", "variants": {}})
        else:
            say(f"pinned {directory.path.name}: later calls are compared with it")
        return 0
    look = look_at(watch, directory, margin=margin, alpha=alpha)
    watch.remember(look)
    if rollback and look.verdict == "fail":
        await asyncio.to_thread(_send_back, look, file)
    if as_json:
        print_json(look_document(look))
    else:
        _show(look, watch)
    return EXIT_CODES[look.verdict]


def _send_back(look: Look, file: Path) -> None:
    """Tell the migrations that moved traffic to a variant which has become worse."""
    from pointsman.app.config import find_project
    from pointsman.app.migrate import Desk
    from pointsman.app.regress import migrations_to

    desk = Desk(find_project(file.resolve().parent))
    for finding, migration in migrations_to(look, desk.store.in_force()):
        why = f"regress, look {look.number}: {finding.reason}"
        answer = desk.ask(migration, "rollback", why, "pointsman regress")
        say(f"{migration.id}: {answer or 'nobody has answered yet; the command waits for a gateway'}")


async def _rerun(watch: Watch, file: Path, *, quiet: bool) -> tuple[RunDir, str | None]:
    """Everything asked anew. An answer from the cache would hide the very change that is looked for."""
    import msgspec

    from pointsman.app.conclusion import conclude_run
    from pointsman.app.prepare import prepare
    from pointsman.app.show import save_reports
    from pointsman.app.work import Work
    from pointsman.cli.progress import Progress

    prepared = await prepare(file, runs=watch.runs, environment=os.environ)
    prepared.spec = msgspec.structs.replace(prepared.spec, cache=None)
    for warning in prepared.wiring.warnings:
        say(f"warning: {warning}")
    work = Work(prepared)
    if quiet:
        stopped = await work.run()
    else:
        async with Progress(work):
            stopped = await work.run()
    save_reports(prepared.directory, conclude_run(prepared.directory, prepared.tallies, prepared.dataset))
    return prepared.directory, None if stopped is None else stopped.reason


def _show(look: Look, watch: Watch) -> None:
    from pointsman.report import format as fmt
    from pointsman.report.terminal import Column, open_console, print_table

    console = open_console()
    rows = look.findings
    columns = [
        Column(head="Variant", cells=tuple(fmt.plain(f.variant) for f in rows), least=8),
        Column(head="Now − pinned", cells=tuple(fmt.measured(f.difference, fmt.POINTS) for f in rows)),
        Column(head="Lost", cells=tuple(f"{f.lost:,}" for f in rows), right=True),
        Column(head="Won", cells=tuple(f"{f.won:,}" for f in rows), right=True),
        Column(head="Verdict", cells=tuple(f.verdict for f in rows)),
        Column(head="Why", cells=tuple("; ".join((f.reason, *f.changed)) for f in rows), wraps=True, least=24),
    ]
    print_table(console, f"look {look.number} at {look.run}, pinned {look.pinned}", columns)
    console.print(f"\nreport: {watch.runs / look.run / 'report.html'}", style="dim", soft_wrap=True)
