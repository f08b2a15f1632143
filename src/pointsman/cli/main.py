"""The `pointsman` command: finds the subcommand's file, and turns errors into one clear message.

Help for the whole must not load what one command needs, so the commands are listed here with their
sentence, and imported when called; a test holds the sentences against the commands themselves.
"""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from pointsman import __version__
from pointsman.cli.output import EXIT_ERROR
from pointsman.core.failure import PointsmanError

__all__ = ["COMMANDS", "main"]

COMMANDS = {
    "demo": "The whole story on this machine, offline and without a key.",
    "init": "Write the files to start from, after a few questions.",
    "doctor": "Check configuration, keys, reach, clock, disk; say what to do about each.",
    "select": "Turn needs into a shortlist of two or three models, with reasons.",
    "catalog": "What models there are, what they can do, what they cost, when they end.",
    "cost": "What a call, a month or a year costs; when own cards pay; what would save.",
    "eval": "Measure variants on a test set: a bake-off.",
    "report": "Show a run again: terminal, HTML, Markdown, JSON.",
    "compare": "Compare two runs: a regression gate.",
    "regress": "Rerun a pinned bake-off: has a hosted model changed in silence?",
    "serve": "Serve the models of pointsman.yaml to OpenAI, Anthropic and Gemini clients.",
    "migrate": "Move live traffic from one variant to another, and rehearse it first.",
    "scripted": "Serve scripted models that speak the providers' protocols.",
}


class _Lazy(click.Group):
    """A group whose commands are imported on first use from `pointsman.cli.<name>`."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's signature
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"pointsman.cli.{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            ctx.fail(f"there is no command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example:  pointsman demo",
)
@click.version_option(__version__, prog_name="pointsman")
def _root() -> None:
    """Choose the right model for a task, prove it on your own data, switch traffic to it safely.

    Exit codes: 0 pass, 1 error, 2 fail or regression, 3 not enough evidence.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    # Most of what we make is freed by its last reference. Looking for cycles every 700 objects, as is the
    # default, costs 3 to 5 % of a run; every 20,000 it costs a few megabytes.
    gc.set_threshold(20_000, 20, 20)
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    try:
        code: Any = _root.main(args=None if arguments is None else list(arguments), prog_name="pointsman", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("stopped", err=True)
        return EXIT_ERROR
    except click.ClickException as error:
        error.show()
        return EXIT_ERROR  # click's own 2 would read as "fail or regression"
    except PointsmanError as error:
        click.echo(f"error: {error.message}", err=True)
        if error.hint:
            click.echo(f"  hint: {error.hint}", err=True)
        return EXIT_ERROR
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); what it wanted it has. Keep the interpreter from
        # complaining about the same pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    return code if isinstance(code, int) else 0
