"""`pointsman demo`: the main job, offline."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from pointsman.cli.options import json_option
from pointsman.cli.output import print_json, say, with_example

__all__ = ["command"]


@click.command(
    name="demo",
    short_help="The whole story on this machine, offline and without a key.",
    epilog=with_example("pointsman demo --dir demo"),
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Where to write it.",
)
@json_option
def command(folder: Path, as_json: bool) -> int:
    """A model is to be shut down: which of three may take its place?

    Writes a test set and an eval.yaml, runs the bake-off on scripted models (no key, no network, no
    cost), and leaves report.html to open. The exit code is 0 whatever the verdict: it is only a demo.
    """
    from pointsman.app.conclusion import conclude_run
    from pointsman.app.demo import write_demo
    from pointsman.app.prepare import prepare
    from pointsman.app.show import save_reports, show_forecast, show_run, write_html
    from pointsman.app.work import Work

    spec = write_demo(folder)

    async def evaluate() -> Path:
        prepared = await prepare(spec, runs=folder / "runs", environment={})
        if not as_json:
            show_forecast(prepared.forecast(), to_stderr=True)
        await Work(prepared).run()
        return prepared.directory.path

    from pointsman.app.run_dir import RunDir

    directory = RunDir(asyncio.run(evaluate()))
    result = conclude_run(directory)
    save_reports(directory, result)
    write_html(folder / "report.html", result)
    if as_json:
        from pointsman.report.document import run_document

        print_json(run_document(result))
        return 0
    show_run(result, directory)
    say(f"\nopen {folder / 'report.html'}; then read {spec}, change it, and run it yourself:")
    say(f"  {_own_name()} eval {spec} --runs {folder / 'runs'}")
    return 0


def _own_name() -> str:
    """How to call this command again: by name if it is on the path, else as it was called."""
    import shutil
    import sys

    return "pointsman" if shutil.which("pointsman") else sys.argv[0]
