"""`reference/cli.md`: every command's own help."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import click

from generator.markdown import anchor, page
from pointsman.cli import main as cli

__all__ = ["commands", "example_of", "pages"]

_WIDTH = 100


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that `pointsman` lists, groups before what stands in them, by its full name."""
    for name in cli.COMMANDS:
        yield from _below(f"pointsman {name}", importlib.import_module(f"pointsman.cli.{name}").command)


def example_of(command: click.Command) -> str | None:
    """The example that the command's help ends with."""
    _, found, example = (command.epilog or "").partition("Example:")
    return " ".join(example.split()) if found else None


def pages() -> dict[str, str]:
    """The page, by its path below `reference`."""
    found = list(commands())
    contents = "\n".join(f"- [`{name}`](#{anchor(name)})" for name, _ in found)
    parts = [f"## {name}\n\n```text\n{_help(name, command)}\n```" for name, command in found]
    talk = (
        "Data goes to stdout, talk to stderr. `--json` prints one document; see [documents](json.md). "
        "Exit codes: [exit-codes](exit-codes.md)."
    )
    return {"cli.md": page("Commands", talk, contents, *parts)}


def _below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    yield name, command
    if isinstance(command, click.Group):
        for part in command.commands.values():
            yield from _below(f"{name} {part.name}", part)


def _help(name: str, command: click.Command) -> str:
    settings = {"help_option_names": ["-h", "--help"], "terminal_width": _WIDTH, "max_content_width": _WIDTH}
    text = command.get_help(click.Context(command, info_name=name, **settings))  # type: ignore[arg-type]  # plain settings, by name
    return "\n".join(line.rstrip() for line in text.strip().splitlines())
