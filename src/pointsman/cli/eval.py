"""`pointsman eval`: a bake-off."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pointsman.cli.options import json_option, runs_option
from pointsman.cli.output import EXIT_CODES, EXIT_ERROR, print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.app.run_dir import RunDir
    from pointsman.app.work import Work
    from pointsman.core.verdict import VerdictName
    from pointsman.evals.result import RunResult

__all__ = ["command"]


@click.command(
    name="eval", short_help="Measure variants on a test set: a bake-off.", epilog=with_example("pointsman eval eval.yaml --json")
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), default="eval.yaml")
@click.option(
    "--resume",
    metavar="[RUN]",
    is_flag=False,
    flag_value="latest",
    help="Go on with a run (its folder, its id, or the latest): finished trials are not asked again.",
)
@click.option("--retry-errors", is_flag=True, help="With --resume: ask again where a provider error or a timeout was the end.")
@click.option("--rescore", metavar="RUN", help="Judge the stored answers of RUN with FILE's scorers and criteria; asks nobody.")
@click.option("--dry-run", is_flag=True, help="Show what it would ask for, cost and take; send nothing.")
@runs_option
@json_option
def command(
    file: Path, resume: str | None, retry_errors: bool, rescore: str | None, dry_run: bool, runs: Path, as_json: bool
) -> int:
    """Measure variants on a test set and say which is better, by how much, how surely, at what cost.

    FILE is an eval.yaml. Everything is journalled as it happens: Ctrl-C or a crash loses nothing, and
    --resume goes on.
    """
    if rescore is not None:
        return _rescore(file, rescore, runs, as_json)
    return _run(_evaluate(file, resume, retry_errors, dry_run, runs, as_json))


async def _evaluate(file: Path, resumed: str | None, retry_errors: bool, dry_run: bool, runs: Path, as_json: bool) -> int:
    from pointsman.app.conclusion import conclude_run
    from pointsman.app.prepare import prepare, resume
    from pointsman.app.run_dir import find_run
    from pointsman.app.show import show_forecast
    from pointsman.app.work import Work

    if resumed is not None:
        prepared = await resume(find_run(runs, resumed), environment=os.environ, retry_errors=retry_errors)
        if not as_json:
            say(f"going on with {prepared.directory.path}: {prepared.done} of {prepared.planned} trials are there")
    else:
        prepared = await prepare(file, runs=runs, environment=os.environ)
    forecast = prepared.forecast()
    if dry_run:
        await prepared.close()
        prepared.discard()
        if as_json:
            print_json(forecast)
        else:
            show_forecast(forecast)
        return 0
    if not as_json:
        show_forecast(forecast, to_stderr=True)
    for warning in prepared.wiring.warnings:
        say(f"warning: {warning}")
    stopped = await _work(Work(prepared), quiet=as_json)
    verdict = _show(prepared.directory, conclude_run(prepared.directory, prepared.tallies, prepared.dataset), as_json)
    if stopped:
        say(f"stopped: {stopped}")
        say(f"  hint: go on with `pointsman eval --resume {prepared.directory.path}`")
        return EXIT_ERROR
    return EXIT_CODES[verdict]


def _rescore(file: Path, source: str, runs: Path, as_json: bool) -> int:
    from pointsman.app.conclusion import conclude_run
    from pointsman.app.rescore import rescore
    from pointsman.app.run_dir import find_run

    directory = rescore(file, find_run(runs, source), runs=runs, environment=os.environ)
    return EXIT_CODES[_show(directory, conclude_run(directory), as_json)]


def _show(directory: RunDir, result: RunResult, as_json: bool) -> VerdictName:
    """Write the reports into the run's directory, and show the result."""
    from pointsman.app.show import save_reports, show_run

    save_reports(directory, result)
    if as_json:
        from pointsman.report.document import run_document

        print_json(run_document(result))
    else:
        show_run(result, directory)
    return result.verdict


async def _work(work: Work, *, quiet: bool) -> str | None:
    """Work with the bars up; the first Ctrl-C ends it gently, the second at once."""
    from pointsman.cli.progress import Progress

    loop = asyncio.get_running_loop()
    pressed = 0

    def interrupt() -> None:
        nonlocal pressed
        pressed += 1
        if pressed == 1:
            say("\nstopping: waiting for what is in flight (Ctrl-C again to give it up)")
            work.stop("interrupted")
        else:
            work.abort()

    gc.freeze()  # what is there now stays until the end; no use in going through it again and again
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupt)
    try:
        if quiet:
            stopped = await work.run()
        else:
            async with Progress(work):
                stopped = await work.run()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return None if stopped is None else stopped.reason


def _run(main: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.run(main)
    return uvloop.run(main)
