"""What the `pointsman cost` commands share: their options, and the way from options to a price sheet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pointsman.catalog.load import Catalog
    from pointsman.catalog.price_sheet import PriceSheet
    from pointsman.core.usage import Usage
    from pointsman.cost.workload import Workload

__all__ = [
    "NUMBER",
    "load_options",
    "model_options",
    "print_table",
    "sheet_for",
    "token_options",
    "usage_of",
    "workload_of",
]

F = TypeVar("F", bound=Callable[..., Any])


class ExactNumber(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
    """An exact number; 0.1 stays 0.1."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is not a number", param, ctx)
        if not number.is_finite():
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


NUMBER = ExactNumber()
_COUNT = click.IntRange(0)

_TOKENS = (
    ("--input", "input_tokens", "Text tokens read at the full price, without those from or into a cache."),
    ("--output", "output_tokens", "Tokens written and shown, without reasoning and audio."),
    ("--cache-read", "cache_read_tokens", "Tokens read from the provider's cache; not counted in --input."),
    ("--cache-write", "cache_write_tokens", "Tokens written to the cache with its default life; not in --input."),
    ("--cache-write-1h", "cache_write_1h_tokens", "Tokens written to the cache for an hour."),
    ("--reasoning", "reasoning_tokens", "Tokens thought and not shown, billed as output; not in --output."),
    ("--audio-in", "input_audio_tokens", "Audio tokens read."),
    ("--audio-out", "output_audio_tokens", "Audio tokens written."),
    ("--image-in", "input_image_tokens", "Image tokens read."),
    ("--image-out", "output_image_tokens", "Image tokens written."),
)


def model_options(command: F) -> F:
    """The model, who serves it, when, and in which mode."""
    for option in (
        click.option("--as-of", "as_of", metavar="ISO", help="Day or time of the call, UTC; now by default."),
        click.option("--mode", help="batch, flex, priority or fast, where a price is published."),
        click.option("--batch", is_flag=True, help="Short for --mode batch."),
        click.option("--provider", help="Who serves it; its maker by default."),
    ):
        command = option(command)
    return click.argument("model")(command)


def token_options(command: F) -> F:
    """What one request reads and writes."""
    for flag, name, text in reversed(_TOKENS):
        shown = name in ("input_tokens", "output_tokens")
        command = click.option(flag, name, type=_COUNT, default=0 if shown else None, show_default=shown, help=text)(command)
    return command


def load_options(command: F) -> F:
    """How many requests, and how they grow."""
    for option in (
        click.option(
            "--spread", type=NUMBER, default="0.25", show_default=True, help="How far the volume may be off, as a share."
        ),
        click.option("--peak", type=NUMBER, default="10", show_default=True, help="Busiest moment over the daily average."),
        click.option("--growth", type=NUMBER, default="1", show_default=True, help="Volume in twelve months over today's."),
        click.option("--requests-per-day", "per_day", type=NUMBER, required=True, help="Average over a month."),
    ):
        command = option(command)
    return command


def sheet_for(model: str, provider: str | None, as_of: str | None) -> tuple[PriceSheet, Catalog]:
    """The price sheet that the options name, and the catalogue it was found in."""
    from pointsman.app.catalog import open_catalog, price_of
    from pointsman.app.cost import parse_moment

    catalog = open_catalog()
    return price_of(catalog, model, provider, parse_moment(as_of)), catalog


def usage_of(tokens: dict[str, int | None]) -> Usage:
    """What one request reads and writes."""
    from pointsman.core.usage import Usage

    return Usage(**tokens)  # type: ignore[arg-type]  # the options are named as its fields


def workload_of(usage: Usage, per_day: Decimal, growth: Decimal, peak: Decimal, spread: Decimal) -> Workload:
    """How many such requests, and how they grow."""
    from pointsman.cost.workload import Workload

    return Workload.uniform(per_day, usage, growth_ratio=growth, peak_factor=peak, volume_spread_ratio=spread)


def print_table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A plain table, the first column to the left and numbers to the right."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
