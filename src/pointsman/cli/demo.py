"""`pointsman demo`: the whole story, offline."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.cli.options import json_option
from pointsman.cli.output import print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.app.demo_live import Moved
    from pointsman.app.run_dir import RunDir
    from pointsman.evals.result import RunResult

__all__ = ["command"]


@click.command(
    name="demo",
    short_help="The whole story on this machine, offline and without a key.",
    epilog=with_example("pointsman demo --bakeoff-only --dir demo"),
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Where to write it.",
)
@click.option("--bakeoff-only", is_flag=True, help="Stop after the bake-off: no gateway, no traffic.")
@json_option
def command(folder: Path, bakeoff_only: bool, as_json: bool) -> int:
    """A model is to be shut down: which of three may take its place, and how does traffic get there?

    Select, bake-off, rehearsal, then live: a gateway with clients that hold conversations, a bad
    candidate that is sent back, a good one that comes to serve everybody, and what is told of both
    afterwards. The models are scripted (no key, no network, no cost), everything else is real. The exit
    code is 0 whatever the verdicts: it is only a demo.
    """
    from pointsman.app.demo import write_demo
    from pointsman.app.run_dir import RunDir

    spec = write_demo(folder)
    if not (as_json or bakeoff_only):
        _selected()
    directory = RunDir(asyncio.run(_bakeoff(spec, folder, quiet=as_json)))
    result = _concluded(directory, folder)
    if as_json:
        from pointsman.report.document import run_document

        print_json(run_document(result))
        return 0
    from pointsman.app.show import show_run

    show_run(result, directory)
    if not bakeoff_only:
        _rehearsed(folder)
        asyncio.run(_live(folder))
    say(f"\nopen {folder / 'report.html'}; then read {spec}, change it, and run it yourself:")
    say(f"  {_own_name()} eval {spec} --runs {folder / 'runs'}")
    return 0


async def _bakeoff(spec: Path, folder: Path, *, quiet: bool) -> Path:
    from pointsman.app.prepare import prepare
    from pointsman.app.show import show_forecast
    from pointsman.app.work import Work

    prepared = await prepare(spec, runs=folder / "runs", environment={})
    if not quiet:
        show_forecast(prepared.forecast(), to_stderr=True)
    await Work(prepared).run()
    return prepared.directory.path


def _concluded(directory: RunDir, folder: Path) -> RunResult:
    from pointsman.app.conclusion import conclude_run
    from pointsman.app.show import save_reports, write_html

    result = conclude_run(directory)
    save_reports(directory, result)
    write_html(folder / "report.html", result)
    return result


def _selected() -> None:
    """What the catalogue says of real models for the same work."""
    from pointsman.app.select import choose, load_requirements

    profile = "customer_support_chatbot"
    chosen = choose(load_requirements(None, profile, {}))
    click.echo(f"Select: real models for such work (pointsman select --profile {profile})")
    names = ", ".join(choice.ranked.candidate.id for choice in chosen.shortlist)
    click.echo(f"  {names}\n  (of {chosen.considered:,} offers, as of {chosen.as_of}; the demo goes on with scripted ones)\n")


def _rehearsed(folder: Path) -> None:
    """The migration in virtual time, before anybody is touched."""
    from pointsman.app.demo import write_plan
    from pointsman.app.rehearse import load_plan, rehearse_all, write_rehearsal_page
    from pointsman.report.rehearsal import rehearsal_lines

    file = write_plan(folder)
    plan = load_plan(file)
    seed, scenarios = 7, ("aa", "errors_2x", "errors_5x", "cost_1.5x", "guide_rule")
    results = rehearse_all(plan, scenarios, 5, seed)
    write_rehearsal_page(folder / "rehearsal.html", plan, results, seed)
    click.echo(f"\nRehearsal: the plan for real users, on simulated traffic (pointsman migrate rehearse {file})")
    for line in rehearsal_lines(plan, results, seed):
        click.echo(f"  {line}")
    click.echo(f"  a page for whoever decides: {folder / 'rehearsal.html'}")


async def _live(folder: Path) -> None:
    """Real traffic on a real gateway: one migration that must fail, one that must not."""
    import msgspec

    from pointsman.app.demo_live import Traffic, gateway, migrate

    letters = [msgspec.json.decode(line)["input"] for line in (folder / "letters.jsonl").read_bytes().splitlines()[:200]]
    click.echo("\nLive: two workers, six clients that hold conversations (pointsman serve, migrate start)")
    async with gateway(folder) as url, Traffic(url, letters) as traffic:
        await asyncio.sleep(1.0)  # conversations have begun before anything moves
        for candidate in ("tiny", "swift"):
            click.echo(f"  classic → {candidate}")
            moved = await migrate(folder, candidate, traffic, lambda line: click.echo(f"    {line}"))
            _postmortem(folder, moved)


def _postmortem(folder: Path, moved: Moved) -> None:
    from pointsman.app.migrate import Desk
    from pointsman.app.postmortem import tell, write_postmortem
    from pointsman.report.postmortem import headline

    migration = moved.migration
    told = tell(Desk(folder / "pointsman.yaml"), migration)
    page = folder / f"postmortem-{migration.candidate}.html"
    write_postmortem(told.story, told.aftermath, html=page, markdown=None, patch=None)
    met, sides = told.story.tally.candidate_units, moved.changed_sides
    back = f", {moved.sent_back} sent back by the rollback" if moved.sent_back else ""
    click.echo(f"    {headline(told.story)}")
    click.echo(f"    {met:,} conversations had {migration.candidate}, {sides} changed sides in mid-life{back}; see {page}")


def _own_name() -> str:
    """How to call this command again: by name if it is on the path, else as it was called."""
    import shutil
    import sys

    return "pointsman" if shutil.which("pointsman") else sys.argv[0]
