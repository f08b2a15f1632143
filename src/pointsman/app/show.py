"""Showing a run: to the terminal, and into its directory as HTML, Markdown and JSON."""

from __future__ import annotations

import msgspec

from pointsman.app.run_dir import RunDir
from pointsman.evals.forecast import Forecast
from pointsman.evals.result import RunResult
from pointsman.store.journal import write_whole

__all__ = ["save_reports", "show_forecast", "show_run"]


def save_reports(directory: RunDir, result: RunResult) -> None:
    """Write result.json, report.html and report.md. Raises `StorageError`."""
    from pointsman.report.document import run_document
    from pointsman.report.html import run_page
    from pointsman.report.markdown import run_markdown

    write_whole(directory.result, msgspec.json.format(msgspec.json.encode(run_document(result)), indent=2))
    write_whole(directory.html, run_page(result).encode())
    write_whole(directory.markdown, run_markdown(result).encode())


def show_run(result: RunResult, directory: RunDir) -> None:
    """The result as tables on stdout, and where the full report lies."""
    from rich.console import Console

    from pointsman.report.terminal import print_run

    console = Console()
    print_run(result, console)
    console.print(f"\nreport: {directory.html}", style="dim", highlight=False, soft_wrap=True)


def show_forecast(forecast: Forecast, *, to_stderr: bool = False) -> None:
    """The plan in a few lines."""
    from rich.console import Console

    from pointsman.report.forecast import print_forecast

    print_forecast(forecast, Console(stderr=to_stderr))
