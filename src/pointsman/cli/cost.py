"""`pointsman cost`: what a call, a month, a year costs; when own cards pay; whether the limits hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pointsman.cli.options import json_option
from pointsman.cli.output import print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.catalog.price_sheet import PriceSheet
    from pointsman.core.usage import Usage
    from pointsman.cost.workload import Workload

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])


class _Decimal(click.ParamType):  # type: ignore[type-arg]  # generic only in newer versions of click
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


_NUMBER = _Decimal()
_COUNT = click.IntRange(0)

_TOKENS = (
    ("--input", "input_tokens", "Tokens read at the full price; what comes from a cache is given apart."),
    ("--output", "output_tokens", "Tokens written."),
    ("--cache-read", "cache_read_tokens", "Tokens read from the provider's cache."),
    ("--cache-write", "cache_write_tokens", "Tokens written to the cache with its default life."),
    ("--cache-write-1h", "cache_write_1h_tokens", "Tokens written to the cache for an hour."),
    ("--reasoning", "reasoning_tokens", "Tokens thought and not shown; billed as output."),
    ("--audio-in", "input_audio_tokens", "Audio tokens read."),
    ("--audio-out", "output_audio_tokens", "Audio tokens written."),
    ("--image-in", "input_image_tokens", "Image tokens read."),
    ("--image-out", "output_image_tokens", "Image tokens written."),
)


def _model_options(command: F) -> F:
    """The model, who serves it, when, and in which mode."""
    for option in (
        click.option("--as-of", "as_of", metavar="ISO", help="Day or time of the call, UTC; now by default."),
        click.option("--mode", help="batch, flex, priority or fast, where a price is published."),
        click.option("--batch", is_flag=True, help="Short for --mode batch."),
        click.option("--provider", help="Who serves it; its maker by default."),
    ):
        command = option(command)
    return click.argument("model")(command)


def _token_options(command: F) -> F:
    """What one request reads and writes."""
    for flag, name, text in reversed(_TOKENS):
        shown = name in ("input_tokens", "output_tokens")
        command = click.option(flag, name, type=_COUNT, default=0 if shown else None, show_default=shown, help=text)(command)
    return command


def _load_options(command: F) -> F:
    """How many requests, and how they grow."""
    for option in (
        click.option(
            "--spread", type=_NUMBER, default="0.25", show_default=True, help="How far the volume may be off, as a share."
        ),
        click.option("--peak", type=_NUMBER, default="10", show_default=True, help="Busiest moment over the daily average."),
        click.option("--growth", type=_NUMBER, default="1", show_default=True, help="Volume in twelve months over today's."),
        click.option("--requests-per-day", "per_day", type=_NUMBER, required=True, help="Average over a month."),
    ):
        command = option(command)
    return command


@click.group(epilog=with_example("pointsman cost call gpt-4o --input 1000 --output 500"))
def command() -> None:
    """What a call, a month or a year costs; when own cards pay; whether limits hold; what would save."""


@command.command(
    epilog=with_example("pointsman cost call gemini-1.5-pro --provider google --input 128001 --as-of 2024-10-01 --json")
)
@_model_options
@_token_options
@json_option
def call(
    model: str, *, provider: str | None, batch: bool, mode: str | None, as_of: str | None, as_json: bool, **tokens: int | None
) -> None:
    """The exact price of one call, line by line."""
    from pointsman.core.units import usd_text
    from pointsman.cost.price import price_usage, priced_json

    sheet, _ = _sheet(model, provider, as_of)
    priced = price_usage(sheet, _usage(tokens), mode="batch" if batch else mode)
    if as_json:
        print_json(priced_json(priced))
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
    say(f"{sheet.provider_matched}:{priced.model_matched}, {priced.mode}; {priced.source}, {priced.checked_on}")
    for note in priced.notes:
        say(f"note: {note}")


@command.command(
    epilog=with_example("pointsman cost forecast gpt-4o-mini --input 800 --output 200 --requests-per-day 50000 --growth 10")
)
@_model_options
@_token_options
@_load_options
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

    sheet, _ = _sheet(model, provider, as_of)
    load = _workload(_usage(tokens), per_day, growth, peak, spread)
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
    _print_table(
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
@_model_options
@_token_options
@_load_options
@click.option("--months", type=click.IntRange(1, 120), default=12, show_default=True)
@click.option("--development", type=_NUMBER, default="0", help="USD, once.")
@click.option("--maintenance", type=_NUMBER, default="0", help="USD a month, monitoring, logging and debugging included.")
@click.option("--infrastructure", type=_NUMBER, default="0", help="USD a month.")
@click.option("--instead-of", "rival", metavar="USD", type=_NUMBER, help="Monthly bill of what it replaces: gives the payback.")
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

    sheet, _ = _sheet(model, provider, as_of)
    result = project(sheet, _workload(_usage(tokens), per_day, growth, peak, spread), months, mode="batch" if batch else mode)
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
    _print_table(("part", f"USD in {total.months} months"), [(p, f"{getattr(total, f'{p}_usd'):,.2f}") for p in parts])
    say(total.arithmetic)
    if payback is not None:
        say(payback.reason if isinstance(payback, Unknown) else f"the development pays back in {payback} months")


@command.command(
    epilog=with_example(
        "pointsman cost breakeven gpt-6.1-sol --input 512 --output 256 --open-model llama-3.1-70b-instruct --people 15000"
    )
)
@_model_options
@_token_options
@click.option("--open-model", default="meta/llama-3.1-70b-instruct", show_default=True, help="The weights you would serve.")
@click.option("--gpu", default="H100", show_default=True, help="Which card.")
@click.option("--gpus", type=click.IntRange(1, 64), help="Cards per replica; the fewest that fit by default.")
@click.option("--precision", type=click.Choice(["bf16", "fp8", "int4"]), default="fp8", show_default=True)
@click.option("--gpu-usd-per-hour", type=_NUMBER, help="Per card; the typical market price by default.")
@click.option("--tokens-per-s", type=_NUMBER, help="Measured output of one replica; the roofline's estimate by default.")
@click.option("--people", type=_NUMBER, default="0", help="USD a month for those who run it.")
@click.option("--overhead", type=_NUMBER, default="0", help="Storage, network and the like over the cards' price, as a share.")
@click.option(
    "--peak", type=_NUMBER, default="10", show_default=True, help="Busiest moment over the average, which the cards must carry."
)
@click.option("--utilisation", type=_NUMBER, default="1", show_default=True, help="Share of a replica's speed you plan with.")
@click.option("--hosted-usd", type=_NUMBER, nargs=2, metavar="IN OUT", help="USD per million at a host of the same weights.")
@click.option("--up-to", "up_to", type=_NUMBER, default="100000000", show_default=True, help="Largest monthly volume to look at.")
@json_option
def breakeven(
    model: str,
    *,
    provider: str | None,
    batch: bool,
    mode: str | None,
    as_of: str | None,
    open_model: str,
    gpu: str,
    gpus: int | None,
    precision: Any,
    gpu_usd_per_hour: Decimal | None,
    tokens_per_s: Decimal | None,
    people: Decimal,
    overhead: Decimal,
    peak: Decimal,
    utilisation: Decimal,
    hosted_usd: tuple[Decimal, Decimal] | None,
    up_to: Decimal,
    as_json: bool,
    **tokens: int | None,
) -> None:
    """API, hosted open weights or own cards: which is cheapest at which monthly volume.

    Own cards are whole replicas, paid whether busy or not, so the answer may change more than once.
    """
    from pointsman.app.cost import break_even, size_serving
    from pointsman.core.estimate import Unknown
    from pointsman.core.units import usd_text
    from pointsman.cost.price import price_usage

    sheet, catalog = _sheet(model, provider, as_of)
    usage = _usage(tokens)
    each = price_usage(sheet, usage, mode="batch" if batch else mode).usd
    sizing = size_serving(catalog, open_model, gpu, usage, precision, gpus)
    hosted = None
    if hosted_usd is not None:
        read, written = usage.total_input_tokens or 0, usage.total_output_tokens or 0
        hosted = (f"hosted {sizing.model}", (hosted_usd[0] * read + hosted_usd[1] * written) / 1_000_000)
    found = break_even(
        (sheet.model_matched, each),
        usage,
        sizing,
        usd_per_gpu_hour=gpu_usd_per_hour,
        output_tokens_per_s=tokens_per_s,
        hosted=hosted,
        people_usd_per_month=people,
        peak_factor=peak,
        utilisation=utilisation,
        overhead_ratio=overhead,
        up_to_requests=up_to,
    )
    linear = found.linear_requests
    if as_json:
        print_json(
            {
                "usd_per_request": {a.name: usd_text(a.usd_per_request) for a in found.arms},
                "sizing": _sizing_json(sizing),
                "linear_requests_per_month": {"unknown": linear.reason} if isinstance(linear, Unknown) else str(round(linear)),
                "intervals": [
                    {
                        "from_requests": str(i.from_requests),
                        "to_requests": None if i.to_requests is None else str(i.to_requests),
                        "arm": i.arm,
                    }
                    for i in found.intervals
                ],
                "arithmetic": found.arithmetic,
                "source": sheet.source,
                "checked_on": sheet.checked_on,
            }
        )
        return
    rows = [
        (f"{i.from_requests:,}", "for good" if i.to_requests is None else f"{i.to_requests:,}", i.arm, _bill(found.arms, i))
        for i in found.intervals
    ]
    _print_table(("requests a month from", "to", "cheapest", "USD a month at its start"), rows)
    say(
        linear.reason
        if isinstance(linear, Unknown)
        else f"the straight-line answer, without whole replicas: {linear:,.0f} requests"
    )
    for step in found.arithmetic:
        say(step)
    band = sizing.output_tokens_per_s
    if tokens_per_s is None:
        say(f"speed is an estimate: {band.low:,.0f}–{band.high:,.0f} tokens/s ({band.basis}); measure it and give --tokens-per-s")


@command.command(
    epilog=with_example(
        "pointsman cost capacity --requests-per-day 100000 --input 800 --output 200 --rpm 500 --growth 10 --latency 2"
    )
)
@_token_options
@_load_options
@click.option("--rpm", type=click.IntRange(1), help="Requests per minute allowed.")
@click.option("--tpm", type=click.IntRange(1), help="Tokens per minute allowed, read and written together.")
@click.option("--input-tpm", type=click.IntRange(1), help="Tokens read per minute allowed.")
@click.option("--output-tpm", type=click.IntRange(1), help="Tokens written per minute allowed.")
@click.option("--rpd", type=click.IntRange(1), help="Requests per day allowed.")
@click.option("--concurrent", type=click.IntRange(1), help="Requests allowed at once.")
@click.option("--latency", type=click.FloatRange(0, min_open=True), help="Seconds one request takes; needed for --concurrent.")
@click.option("--uptime", type=click.FloatRange(0, 1), help="Promised uptime as a share: says what it leaves.")
@json_option
def capacity(
    *,
    per_day: Decimal,
    growth: Decimal,
    peak: Decimal,
    spread: Decimal,
    rpm: int | None,
    tpm: int | None,
    input_tpm: int | None,
    output_tpm: int | None,
    rpd: int | None,
    concurrent: int | None,
    latency: float | None,
    uptime: float | None,
    as_json: bool,
    **tokens: int | None,
) -> int:
    """Do the rate limits hold, at the peak and after growth? Exit code 2 if one key does not carry it, 3 if no limit is known."""
    from pointsman.cost.capacity import RateLimits, downtime_minutes_per_month
    from pointsman.cost.capacity import capacity as check

    limits = RateLimits(
        requests_per_minute=rpm,
        tokens_per_minute=tpm,
        input_tokens_per_minute=input_tpm,
        output_tokens_per_minute=output_tpm,
        requests_per_day=rpd,
        concurrent_requests=concurrent,
    )
    report = check(_workload(_usage(tokens), per_day, growth, peak, spread), limits, latency)
    code = 3 if not report.uses else 0 if report.holds else 2
    if as_json:
        print_json(
            {
                "requests_per_s": report.requests_per_s,
                "uses": report.uses,
                "holds": report.holds if report.uses else None,
                "breaks_at_requests_per_day": report.breaks_at_requests_per_day,
                "unknown_limits": report.unknown_limits,
                "downtime_minutes_per_month": None if uptime is None else downtime_minutes_per_month(uptime),
            }
        )
        return code
    _print_table(("situation", "requests/s"), [(k, f"{v:,.2f}") for k, v in report.requests_per_s.items()])
    if report.uses:
        rows = [
            (
                u.situation,
                u.limit.replace("_", " "),
                f"{u.allowed:,}",
                f"{u.needed:,.0f}",
                f"{u.use_ratio:.0%}",
                str(u.keys_needed),
            )
            for u in report.uses
        ]
        _print_table(("situation", "limit", "allowed", "needed", "used", "keys"), rows)
    if report.breaks_at_requests_per_day is not None:
        say(f"the first limit breaks at {report.breaks_at_requests_per_day:,.0f} requests a day, peak included")
    if report.unknown_limits:
        say(f"not told: {', '.join(report.unknown_limits)}; nothing is promised about them")
    if uptime is not None:
        say(f"an uptime of {uptime:.3%} leaves {downtime_minutes_per_month(uptime):.1f} minutes a month")
    return code


@command.command(
    epilog=with_example(
        "pointsman cost savings gpt-6.1-sol --input 2000 --output 300 --requests-per-day 50000"
        " --cheaper gpt-6-luna --hit 0.2 --prefix 1500"
    )
)
@_model_options
@_token_options
@_load_options
@click.option("--cheaper", help="A cheaper model, for right-sizing and for a routing split.")
@click.option("--cheaper-provider", help="Who serves the cheaper model; its maker by default.")
@click.option("--cheap-share", type=_NUMBER, default="0.7", show_default=True, help="Share of requests a router sends to it.")
@click.option("--hit", type=_NUMBER, help="Share of requests your own response cache could answer.")
@click.option("--prefix", type=click.IntRange(1), help="Tokens at the beginning of each prompt that are always the same.")
@click.option(
    "--reads-per-write", type=_NUMBER, default="9", show_default=True, help="Requests that reuse a cached prefix once written."
)
@click.option("--batch-share", type=_NUMBER, default="1", show_default=True, help="Share of requests that may wait for a batch.")
@click.option("--max-output", type=click.IntRange(1), help="Limit on what one answer writes.")
@json_option
def savings(
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
    cheaper: str | None,
    cheaper_provider: str | None,
    cheap_share: Decimal,
    hit: Decimal | None,
    prefix: int | None,
    reads_per_write: Decimal,
    batch_share: Decimal,
    max_output: int | None,
    as_json: bool,
    **tokens: int | None,
) -> None:
    """What each way of spending less saves a month, with its arithmetic. They overlap and do not add up."""
    from pointsman.core.units import usd_text
    from pointsman.cost import savings as ways

    if batch or mode:
        raise click.UsageError("savings are counted from the standard price; --batch-share covers batch")
    sheet, catalog = _sheet(model, provider, as_of)
    load = _workload(_usage(tokens), per_day, growth, peak, spread)
    found = [ways.batch(sheet, load, batch_share)]
    if cheaper is not None:
        from pointsman.app.catalog import price_of

        small = price_of(catalog, cheaper, cheaper_provider, sheet.as_of)
        found = [ways.right_size(sheet, small, load), ways.routing_split(sheet, small, load, cheap_share), *found]
    if hit is not None:
        found.append(ways.response_cache(sheet, load, hit))
    if prefix is not None:
        found.append(ways.prompt_cache(sheet, load, prefix, reads_per_write))
    if max_output is not None:
        found.append(ways.output_limit(sheet, load, max_output))
    found.sort(key=lambda s: -s.saved_usd)
    if as_json:
        print_json(
            {
                "model_matched": sheet.model_matched,
                "savings": [
                    {
                        "name": s.name,
                        "before_usd": usd_text(s.before_usd),
                        "after_usd": usd_text(s.after_usd),
                        "saved_usd": usd_text(s.saved_usd),
                        "arithmetic": s.arithmetic,
                        "mind": s.mind,
                    }
                    for s in found
                ],
                "source": sheet.source,
                "checked_on": sheet.checked_on,
            }
        )
        return
    _print_table(
        ("way", "before", "after", "saved, USD a month"),
        [(s.name, f"{s.before_usd:,.2f}", f"{s.after_usd:,.2f}", f"{s.saved_usd:,.2f}") for s in found],
    )
    for s in found:
        say(f"{s.name}: {s.arithmetic}; mind: {s.mind}")


def _sheet(model: str, provider: str | None, as_of: str | None) -> tuple[PriceSheet, Any]:
    from pointsman.app.catalog import open_catalog, price_of
    from pointsman.app.cost import parse_moment

    catalog = open_catalog()
    return price_of(catalog, model, provider, parse_moment(as_of)), catalog


def _usage(tokens: dict[str, int | None]) -> Usage:
    from pointsman.core.usage import Usage

    return Usage(**tokens)  # type: ignore[arg-type]  # the options are named as its fields


def _workload(usage: Usage, per_day: Decimal, growth: Decimal, peak: Decimal, spread: Decimal) -> Workload:
    from pointsman.cost.workload import Workload

    return Workload.uniform(per_day, usage, growth_ratio=growth, peak_factor=peak, volume_spread_ratio=spread)


def _bill(arms: Any, interval: Any) -> str:
    arm = next(a for a in arms if a.name == interval.arm)
    return f"{arm.usd_per_month(interval.from_requests + 1):,.2f}"


def _sizing_json(sizing: Any) -> dict[str, object]:
    import msgspec

    shape: dict[str, object] = msgspec.to_builtins(sizing)
    return shape


def _print_table(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="left" if i == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
