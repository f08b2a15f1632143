"""`pointsman report`: a run, shown again from its journal."""

from __future__ import annotations

from pathlib import Path

import click

from pointsman.cli.options import json_option, runs_option
from pointsman.cli.output import EXIT_CODES, print_json, say, with_example

__all__ = ["command"]


@click.command(
    name="report",
    short_help="Show a run again: terminal, HTML, Markdown, JSON.",
    epilog=with_example("pointsman report latest --html report.html"),
)
@click.argument("run", default="latest")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the page to this file.")
@click.option("--md", type=click.Path(path_type=Path, dir_okay=False), help="Write Markdown, as for a pull request.")
@runs_option
@json_option
def command(run: str, html: Path | None, md: Path | None, runs: Path, as_json: bool) -> int:
    """Show a run again: RUN is its folder, its id, the beginning of its id, or `latest`.

    Everything is computed anew from the journal, so a run that was killed or moved can be shown too.
    """
    from pointsman.app.conclusion import conclude_run
    from pointsman.app.run_dir import find_run
    from pointsman.app.show import show_run, write_html, write_markdown

    directory = find_run(runs, run)
    result = conclude_run(directory)
    if html is not None:
        write_html(html, result)
        say(f"wrote {html}")
    if md is not None:
        write_markdown(md, result)
        say(f"wrote {md}")
    if as_json:
        from pointsman.report.document import run_document

        print_json(run_document(result))
    elif html is None and md is None:
        show_run(result, directory)
    return EXIT_CODES[result.verdict]
