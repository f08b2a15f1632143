"""How commands speak: data to stdout, talk to stderr, and the verdict as exit code."""

from __future__ import annotations

import sys
from typing import Any

import click
import msgspec

from pointsman.core.verdict import VerdictName

__all__ = ["EXIT_CODES", "EXIT_ERROR", "print_json", "say", "with_example"]

EXIT_ERROR = 1
EXIT_CODES: dict[VerdictName, int] = {"pass": 0, "fail": 2, "unknown": 3}


def print_json(document: Any) -> None:
    """One JSON document to stdout."""
    text = msgspec.json.format(msgspec.json.encode(document), indent=2)
    sys.stdout.write(text.decode() + "\n")


def say(message: str) -> None:
    """Talk for people, to stderr."""
    click.echo(message, err=True)


def with_example(example: str) -> str:
    """The epilogue every command's help ends with; tests run the example."""
    return f"\b\nExample:  {example}"
