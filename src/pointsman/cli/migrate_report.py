"""`pointsman migrate report`: the story of a migration, from its log."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.cli.options import json_option
from pointsman.cli.output import EXIT_CODES, print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.app.migrate import Desk
    from pointsman.app.postmortem import Told

__all__ = ["leave_files", "report"]


@click.command("report", epilog=with_example("pointsman migrate report --html postmortem.html"))
@click.argument("migration", required=False)
@click.option("--config", type=click.Path(path_type=Path), help="pointsman.yaml; by default the nearest one.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the page to this file.")
@click.option("--md", type=click.Path(path_type=Path, dir_okay=False), help="Write it as Markdown to this file.")
@click.option(
    "--patch", type=click.Path(path_type=Path, dir_okay=False), help="Write what pointsman.yaml needs afterwards to this file."
)
@json_option
def report(
    migration: str | None, config: Path | None, html: Path | None, md: Path | None, patch: Path | None, as_json: bool
) -> int:
    """What a migration came to: what was done when and by whom, the evidence, figures, what is left to tidy up.

    Without an id the newest one, also while it runs. All of it is read from the log, which is taken
    again step by step; a log that was changed, or that does not follow from itself, is said to be so.
    The exit code is 0 if the candidate reached everybody, 2 if it went back, 3 while it is under way.
    """
    from pointsman.app.migrate import Desk
    from pointsman.app.postmortem import postmortem_document, tell, write_postmortem

    desk = Desk(config)
    told = tell(desk, desk.chosen(migration))
    write_postmortem(told.story, told.aftermath, html=html, markdown=md, patch=patch)
    for written in (html, md, patch):
        if written is not None:
            say(f"wrote {written}")
    if as_json:
        print_json(postmortem_document(told.story, told.aftermath))
    else:
        _show(told)
    status = told.story.state.status
    return EXIT_CODES["pass" if status in ("completed", "closed") else "fail" if status != "running" else "unknown"]


def leave_files(desk: Desk, migration: str) -> None:
    """What a closed migration leaves in the working folder: its post-mortem, and the patch if there is one."""
    from pointsman.app.postmortem import tell, write_postmortem

    told = tell(desk, desk.chosen(migration))
    html, md, patch = (Path(f"{migration}.{ending}") for ending in ("html", "md", "patch"))
    write_postmortem(told.story, told.aftermath, html=html, markdown=md, patch=patch if told.aftermath.patch else None)
    say(f"wrote {html} and {md}" + (f"; tidy up with: patch -p0 < {patch}" if told.aftermath.patch else ""))


def _show(told: Told) -> None:
    from pointsman.report.postmortem import figures, headline, step_rows
    from pointsman.report.terminal import Column, open_console, print_table

    console = open_console()
    console.print(headline(told.story), style="bold")
    rows = step_rows(told.story.steps)
    heads = ("After", "What", "Share", "Why", "Who")
    columns = [
        Column(head=head, cells=tuple(row[n] for row in rows), wraps=n == 3, least=24 if n == 3 else None)
        for n, head in enumerate(heads)
    ]
    console.print()
    print_table(console, f"steps of {told.aftermath.migration}", columns)
    console.print()
    for what, much in figures(told.story):
        console.print(f"{what}: {much}")
    for line in told.aftermath.to_do:
        console.print(f"- {line}")
    if told.aftermath.patch:
        from pointsman.app.cleanup import without_keys

        console.print("\n" + without_keys(told.aftermath.patch).rstrip(), soft_wrap=True)
