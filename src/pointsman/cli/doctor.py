"""`pointsman doctor`: is everything in order?"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click
import msgspec

from pointsman.cli.options import json_option, runs_option
from pointsman.cli.output import EXIT_ERROR, print_json, with_example

__all__ = ["command"]

_MARK = {"pass": ("✓", "green"), "fail": ("✗", "red"), "unknown": ("·", "dim")}


@click.command(
    name="doctor",
    short_help="Check configuration, keys, reach, clock, disk; say what to do about each.",
    epilog=with_example("pointsman doctor --offline"),
)
@click.option("--offline", is_flag=True, help="Do not look at providers or local servers.")
@click.option("--providers", is_flag=True, help="List the providers this version knows, and what each needs.")
@runs_option
@json_option
def command(offline: bool, providers: bool, runs: Path, as_json: bool) -> int:
    """Check versions, configuration, keys, reach, clock and disk; say what to do about each.

    Exits with 1 if something will not work. No key is shown, and none is sent.
    """
    if providers:
        return _providers(as_json)
    from pointsman.app.doctor import examine, overall

    findings = asyncio.run(examine(Path.cwd(), runs, os.environ, reach=not offline))
    verdict = overall(findings)
    if as_json:
        print_json({"verdict": verdict, "findings": findings})
    else:
        from rich.text import Text

        from pointsman.report.terminal import open_console

        console = open_console()
        for finding in findings:
            mark, colour = _MARK[finding.state]
            console.print(Text(f"{mark} ", style=colour) + Text(f"{finding.area:9}{finding.subject}: {finding.detail}"))
            if finding.advice:
                console.print(Text(f"           → {finding.advice}", style="dim"))
    return EXIT_ERROR if verdict == "fail" else 0


def _providers(as_json: bool) -> int:
    from pointsman.providers.provider_row import load_provider, provider_names

    rows = {name: load_provider(name) for name in provider_names()}
    if as_json:
        print_json({name: msgspec.to_builtins(row) for name, row in rows.items()})
        return 0
    from rich.table import Table

    from pointsman.report.terminal import open_console

    table = Table("provider", "protocol", "key", box=None)
    for name, row in rows.items():
        table.add_row(name, row.dialect, " or ".join(row.key_env) or ("none" if not row.key_required else "yes"))
    open_console().print(table)
    return 0
