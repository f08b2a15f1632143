"""`pointsman cost`: what a call, a month, a year costs; when own cards pay; whether the limits hold."""

from __future__ import annotations

from decimal import Decimal

import click

from pointsman.cli.cost_options import (
    NUMBER,
    load_options,
    model_options,
    print_table,
    sheet_for,
    token_options,
    usage_of,
    workload_of,
)
from pointsman.cli.cost_serving import breakeven, capacity, savings
from pointsman.cli.options import json_option
from pointsman.cli.output import print_json, say, with_example

__all__ = ["command"]


@click.group(
    short_help="What a call, a month or a year costs; when own cards pay; what would save.",
    epilog=with_example("pointsman cost call gpt-4o --input 1000 --output 500"),
)
def command() -> None:
    """What a call, a month or a year costs; when own cards pay; whether limits hold; what would save."""


@command.command(
    epilog=with_example("pointsman cost call gemini-1.5-pro --provider google --input 128001 --as-of 2024-10-01 --json")
)
@model_options
@token_options
@json_option
def call(
    model: str, *, provider: str | None, batch: bool, mode: str | None, as_of: str | None, as_json: bool, **tokens: int | None
) -> None:
    """The exact price of one call, line by line.

    Every token is given once, so what is read from a cache or written to it is not part of --input: give OpenAI's
    prompt_tokens less its cached_tokens, and Anthropic's input_tokens as they stand. Context tiers go by everything read.
    """
    from pointsman.core.units import usd_text
    from pointsman.cost.price import price_usage, priced_json

    sheet, _ = sheet_for(model, provider, as_of)
    usage = usage_of(tokens)
    priced = price_usage(sheet, usage, mode="batch" if batch else mode)
    read, written = usage.total_input_tokens, usage.total_output_tokens
    if as_json:
        print_json(priced_json(priced) | {"input_tokens_total": read, "output_tokens_total": written})
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("unit", "count", "USD per million", "USD"):
        table.add_column(heading, justify="left" if heading == "unit" else "right")
    for line in priced.lines:
        rate = "no rate" if line.usd_per_million is None else usd_text(line.usd_per_million)
        table.add_row(line.unit, f"{line.count:,}", rate, usd_text(line.usd))
    table.add_row("together", "", "" if priced.complete else "at least", usd_text(priced.usd))
    Console().print(table)
    click.echo(f"one call that reads {read or 0:,} tokens in all and writes {written or 0:,}")
    click.echo(f"{sheet.provider_matched}:{priced.model_matched}, {priced.mode}; {priced.source}, {priced.checked_on}")
    for note in priced.notes:
        click.echo(f"note: {note}")


@command.command(
    epilog=with_example("pointsman cost forecast gpt-4o-mini --input 800 --output 200 --requests-per-day 50000 --growth 10")
)
@model_options
@token_options
@load_options
@click.option("--months", type=click.IntRange(1, 120), default=12, show_default=True)
@json_option
def forecast(
    model: str,
    *,
    provider: str | None,
    batch: bool,
    mode: str | None,
    as_of: str | None,
    per_day: Decimal,
    growth: Decimal,
    peak: Decimal,
    spread: Decimal,
    months: int,
    as_json: bool,
    **tokens: int | None,
) -> None:
    """What the coming months cost: low, expected, high."""
    from pointsman.core.units import usd_text
    from pointsman.cost.forecast import forecast as project
    from pointsman.cost.forecast import year

    sheet, _ = sheet_for(model, provider, as_of)
    load = workload_of(usage_of(tokens), per_day, growth, peak, spread)
    result = project(sheet, load, months, mode="batch" if batch else mode)
    low, expected, high = year(result)
    if as_json:
        print_json(
            {
                "model_matched": result.model_matched,
                "usd_per_request": usd_text(result.usd_per_request),
                "months": [
                    {
                        "month": m.month,
                        "requests": str(m.requests),
                        "low_usd": usd_text(m.low_usd),
                        "expected_usd": usd_text(m.expected_usd),
                        "high_usd": usd_text(m.high_usd),
                    }
                    for m in result.months
                ],
                "total": {"low_usd": usd_text(low), "expected_usd": usd_text(expected), "high_usd": usd_text(high)},
                "peak_requests_per_s": load.peak_requests_per_s,
                "complete": result.complete,
                "variant_applied": result.mode,
                "source": result.source,
                "checked_on": result.checked_on,
                "assumptions": result.assumptions,
            }
        )
        return
    rows = [
        (str(m.month + 1), f"{m.requests:,}", *(f"{v:,.2f}" for v in (m.low_usd, m.expected_usd, m.high_usd)))
        for m in result.months
    ]
    print_table(
        ("month", "requests", "low", "expected", "high"), [*rows, ("all", "", *(f"{v:,.2f}" for v in (low, expected, high)))]
    )
    say(f"one request: {usd_text(result.usd_per_request)} USD at {sheet.provider_matched}:{result.model_matched}, {result.mode}")
    say(
        f"peak: {load.peak_requests_per_s:.2f} requests/s"
        + ("" if result.complete else "; some units have no rate: all sums are floors")
    )
    for note in result.assumptions:
        say(f"assumed: {note}")


@command.command(
    epilog=with_example(
        "pointsman cost tco gpt-4o --input 800 --output 200 --requests-per-day 50000 --development 20000 --maintenance 3000"
    )
)
@model_options
@token_options
@load_options
@click.option("--months", type=click.IntRange(1, 120), default=12, show_default=True)
@click.option("--development", type=NUMBER, default="0", help="USD, once.")
@click.option("--maintenance", type=NUMBER, default="0", help="USD a month, monitoring, logging and debugging included.")
@click.option("--infrastructure", type=NUMBER, default="0", help="USD a month.")
@click.option("--instead-of", "rival", metavar="USD", type=NUMBER, help="Monthly bill of what it replaces: gives the payback.")
@json_option
def tco(
    model: str,
    *,
    provider: str | None,
    batch: bool,
    mode: str | None,
    as_of: str | None,
    per_day: Decimal,
    growth: Decimal,
    peak: Decimal,
    spread: Decimal,
    months: int,
    development: Decimal,
    maintenance: Decimal,
    infrastructure: Decimal,
    rival: Decimal | None,
    as_json: bool,
    **tokens: int | None,
) -> None:
    """Total cost of ownership: API + development + maintenance + infrastructure."""
    from pointsman.core.estimate import Unknown
    from pointsman.core.units import usd_text
    from pointsman.cost.forecast import forecast as project
    from pointsman.cost.tco import payback_months
    from pointsman.cost.tco import tco as total_cost

    sheet, _ = sheet_for(model, provider, as_of)
    result = project(sheet, workload_of(usage_of(tokens), per_day, growth, peak, spread), months, mode="batch" if batch else mode)
    total = total_cost(
        tuple(m.expected_usd for m in result.months),
        development_usd=development,
        maintenance_usd_per_month=maintenance,
        infrastructure_usd_per_month=infrastructure,
    )
    running = (total.total_usd - total.development_usd) / total.months
    payback = payback_months(development, rival - running) if rival is not None else None
    if as_json:
        print_json(
            {
                "model_matched": result.model_matched,
                "months": total.months,
                "api_usd": usd_text(total.api_usd),
                "development_usd": usd_text(total.development_usd),
                "maintenance_usd": usd_text(total.maintenance_usd),
                "infrastructure_usd": usd_text(total.infrastructure_usd),
                "total_usd": usd_text(total.total_usd),
                "usd_per_month": usd_text(total.usd_per_month),
                "payback_months": {"unknown": payback.reason}
                if isinstance(payback, Unknown)
                else None
                if payback is None
                else str(payback),
                "arithmetic": total.arithmetic,
                "source": result.source,
                "checked_on": result.checked_on,
            }
        )
        return
    parts = ("api", "development", "maintenance", "infrastructure", "total")
    print_table(("part", f"USD in {total.months} months"), [(p, f"{getattr(total, f'{p}_usd'):,.2f}") for p in parts])
    say(total.arithmetic)
    if payback is not None:
        say(payback.reason if isinstance(payback, Unknown) else f"the development pays back in {payback} months")


command.add_command(breakeven)
command.add_command(capacity)
command.add_command(savings)
