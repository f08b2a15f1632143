"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

__all__ = ["json_option", "runs_option"]

F = TypeVar("F", bound=Callable[..., Any])


def json_option(command: F) -> F:
    """`--json`: one document to stdout."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document to stdout.")(command)


def runs_option(command: F) -> F:
    """`--runs DIR`: where runs are kept."""
    return click.option(
        "--runs",
        type=click.Path(path_type=Path, file_okay=False),
        default=lambda: Path(os.environ.get("POINTSMAN_RUNS", "runs")),
        show_default="runs, or $POINTSMAN_RUNS",
        help="Folder that holds the runs.",
    )(command)
