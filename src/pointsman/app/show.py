"""Showing a run: to the terminal, and into its directory as HTML, Markdown and JSON."""

from __future__ import annotations

from pathlib import Path

import msgspec

from pointsman.app.regression import Regression
from pointsman.app.run_dir import RunDir
from pointsman.evals.forecast import Forecast
from pointsman.evals.result import RunResult
from pointsman.store.journal import write_whole

__all__ = ["save_reports", "show_forecast", "show_regression", "show_run", "write_html", "write_markdown"]


def write_html(path: Path, result: RunResult) -> None:
    """The whole report as one page. Raises `StorageError`."""
    from pointsman.report.html import run_page

    write_whole(path, run_page(result).encode())


def write_markdown(path: Path, result: RunResult) -> None:
    """The report for a pull request. Raises `StorageError`."""
    from pointsman.report.markdown import run_markdown

    write_whole(path, run_markdown(result).encode())


def save_reports(directory: RunDir, result: RunResult) -> None:
    """Write result.json, report.html and report.md. Raises `StorageError`."""
    from pointsman.report.document import run_document

    write_whole(directory.result, msgspec.json.format(msgspec.json.encode(run_document(result)), indent=2))
    write_html(directory.html, result)
    write_markdown(directory.markdown, result)


def show_run(result: RunResult, directory: RunDir) -> None:
    """The result as tables on stdout, and where the full report lies."""
    from pointsman.report.terminal import open_console, print_run

    console = open_console()
    print_run(result, console)
    place = directory.html if directory.html.exists() else directory.path
    console.print(f"\nreport: {place}", style="dim", soft_wrap=True)


def show_regression(found: Regression) -> None:
    """Two runs as a table on stdout, with the verdict in words."""
    from rich.text import Text

    from pointsman.report.terminal import open_console, print_comparisons

    console = open_console()
    console.print(Text(f"candidate: {found.candidate_run}\nbaseline:  {found.baseline_run}", style="dim"))
    print_comparisons(console, found.comparisons)
    for warning in found.warnings:
        console.print(Text(f"! {warning}", style="yellow"))
    console.print(Text(f"{found.verdict}: {found.reason}", style="bold"))


def show_forecast(forecast: Forecast, *, to_stderr: bool = False) -> None:
    """The plan in a few lines."""
    import sys

    from pointsman.report.forecast import print_forecast
    from pointsman.report.terminal import open_console

    print_forecast(forecast, open_console(sys.stderr if to_stderr else None))
