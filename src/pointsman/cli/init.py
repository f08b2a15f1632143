"""`pointsman init`: the files to start from."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import click

from pointsman.cli.options import json_option
from pointsman.cli.output import print_json, say, with_example

__all__ = ["command"]


@click.command(
    name="init",
    short_help="Write the files to start from, after a few questions.",
    epilog=with_example("pointsman init --dir first --yes"),
)
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Where to write; here by default."
)
@click.option("--tests", type=click.Path(dir_okay=False), help="Your test set, if you have one (JSONL, CSV, YAML or Parquet).")
@click.option("--yes", is_flag=True, help="Ask nothing; take what is found.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.option("--dry-run", is_flag=True, help="Show the files; write nothing.")
@json_option
def command(folder: Path, tests: str | None, yes: bool, force: bool, dry_run: bool, as_json: bool) -> int:
    """Write pointsman.yaml, eval.yaml and a small test set for the keys and local servers found here."""
    from pointsman.app.doctor import local_servers
    from pointsman.app.init import candidates, starting_files, write_files
    from pointsman.providers.transport import Transport

    async def look() -> list[str]:
        async with Transport() as transport:
            return [f.subject for f in await local_servers(transport)]

    chosen = candidates(os.environ, asyncio.run(look()))
    asks = sys.stdin.isatty() and not yes and not as_json
    if asks:
        chosen = [c for c in chosen if click.confirm(f"use {c.provider} ({c.because}) with {c.model}?", default=True, err=True)]
        tests = (
            tests or click.prompt("your test set (empty for a small example)", default="", show_default=False, err=True) or None
        )
    files = starting_files(chosen, tests)
    if dry_run:
        if as_json:
            print_json(files)
        else:
            for name, content in files.items():
                click.echo(f"--- {name}\n{content}")
        return 0
    written = write_files(folder, files, force=force)
    if as_json:
        print_json({"written": [str(p) for p in written], "providers": [c.provider for c in chosen]})
        return 0
    for path in written:
        say(f"wrote {path}")
    say(f"next: pointsman eval {folder / 'eval.yaml'}")
    return 0
