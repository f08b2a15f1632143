"""`pointsman cost breakeven | capacity | savings`: other ways of serving, limits, and spending less."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

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
from pointsman.cli.options import json_option
from pointsman.cli.output import print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.app.cost import BreakEven, Sizing

__all__ = ["breakeven", "capacity", "savings"]


@click.command(
    epilog=with_example(
        "pointsman cost breakeven gpt-6.1-sol --input 512 --output 256 --open-model llama-3.1-70b-instruct --people 15000"
    )
)
@model_options
@token_options
@click.option("--open-model", default="meta/llama-3.1-70b-instruct", show_default=True, help="The weights you would serve.")
@click.option("--gpu", default="H100", show_default=True, help="Which card.")
@click.option("--gpus", type=click.IntRange(1, 64), help="Cards per replica; the fewest that fit by default.")
@click.option("--precision", type=click.Choice(["bf16", "fp8", "int4"]), default="fp8", show_default=True)
@click.option("--gpu-usd-per-hour", type=NUMBER, help="Per card; the typical market price by default.")
@click.option("--tokens-per-s", type=NUMBER, help="Measured output of one replica; the roofline's estimate by default.")
@click.option("--people", type=NUMBER, default="0", help="USD a month for those who run it.")
@click.option("--overhead", type=NUMBER, default="0", help="Storage, network and the like over the cards' price, as a share.")
@click.option(
    "--peak", type=NUMBER, default="10", show_default=True, help="Busiest moment over the average, which the cards must carry."
)
@click.option("--utilisation", type=NUMBER, default="1", show_default=True, help="Share of a replica's speed you plan with.")
@click.option("--hosted-usd", type=NUMBER, nargs=2, metavar="IN OUT", help="USD per million at a host of the same weights.")
@click.option("--up-to", "up_to", type=NUMBER, default="100000000", show_default=True, help="Largest monthly volume to look at.")
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
    from pointsman.cost.price import price_usage

    sheet, catalog = sheet_for(model, provider, as_of)
    usage = usage_of(tokens)
    each = price_usage(sheet, usage, mode="batch" if batch else mode).usd
    sizing = size_serving(catalog, open_model, gpu, usage, precision, gpus)
    hosted = None
    if hosted_usd is not None:
        read, written = usage.total_input_tokens or 0, usage.total_output_tokens or 0
        hosted = (f"hosted {sizing.model}", (hosted_usd[0] * read + hosted_usd[1] * written) / 1_000_000)

    def at_speed(output_tokens_per_s: Decimal | None) -> BreakEven:
        return break_even(
            (sheet.model_matched, each),
            usage,
            sizing,
            usd_per_gpu_hour=gpu_usd_per_hour,
            output_tokens_per_s=output_tokens_per_s,
            hosted=hosted,
            people_usd_per_month=people,
            peak_factor=peak,
            utilisation=utilisation,
            overhead_ratio=overhead,
            up_to_requests=up_to,
        )

    found, band = at_speed(tokens_per_s), sizing.output_tokens_per_s
    slow, fast = (at_speed(Decimal(str(round(s)))).own_from for s in (band.low, band.high))
    linear = found.linear_requests
    if as_json:
        print_json(
            {
                "arms": {a.name: _arm_json(a) for a in found.arms},
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
                "own_from_requests": _volume_json(found.own_from),
                "own_from_requests_by_speed": None
                if tokens_per_s is not None
                else {"slow": _volume_json(slow), "fast": _volume_json(fast)},
                "arithmetic": found.arithmetic,
                "source": sheet.source,
                "checked_on": sheet.checked_on,
            }
        )
        return
    rows = [
        (
            f"{i.from_requests:,}",
            "for good" if i.to_requests is None else f"{i.to_requests:,}",
            i.arm,
            _replicas(found.arms, i),
            _bill(found.arms, i),
        )
        for i in found.intervals
    ]
    print_table(("requests a month from", "to", "cheapest", "replicas", "USD a month"), rows)
    click.echo("replicas and bill as that volume begins; every replica is paid whether busy or not")
    say(
        linear.reason
        if isinstance(linear, Unknown)
        else f"the straight-line answer, without whole replicas: {linear:,.0f} requests"
    )
    for step in found.arithmetic:
        say(step)
    hourly = f"{gpu_usd_per_hour} USD (yours)" if gpu_usd_per_hour is not None else _market(sizing)
    say(
        f"assumed: the busiest moment is {peak} times the average (--peak), a replica is planned at {utilisation:.0%} of its "
        f"speed (--utilisation), a card costs {hourly} an hour, people {people:,} USD a month (--people)"
    )
    if tokens_per_s is None:
        say(f"speed is an estimate: {band.low:,.0f}–{band.high:,.0f} tokens/s ({band.basis}); measure it and give --tokens-per-s")
        click.echo(f"own cards are cheapest first {_from(slow)} if they are slow, {_from(fast)} if they are fast")


@click.command(
    epilog=with_example(
        "pointsman cost capacity --requests-per-day 100000 --input 800 --output 200 --rpm 500 --growth 10 --latency 2"
    )
)
@token_options
@load_options
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
    report = check(workload_of(usage_of(tokens), per_day, growth, peak, spread), limits, latency)
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
    print_table(("situation", "requests/s"), [(k, f"{v:,.2f}") for k, v in report.requests_per_s.items()])
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
        print_table(("situation", "limit", "allowed", "needed", "used", "keys"), rows)
    if report.breaks_at_requests_per_day is not None:
        say(f"the first limit breaks at {report.breaks_at_requests_per_day:,.0f} requests a day, peak included")
    if report.unknown_limits:
        say(f"not told: {', '.join(report.unknown_limits)}; nothing is promised about them")
    if uptime is not None:
        say(f"an uptime of {uptime:.3%} leaves {downtime_minutes_per_month(uptime):.1f} minutes a month")
    return code


@click.command(
    epilog=with_example(
        "pointsman cost savings gpt-6.1-sol --input 2000 --output 300 --requests-per-day 50000"
        " --cheaper gpt-6-luna --hit 0.2 --prefix 1500"
    )
)
@model_options
@token_options
@load_options
@click.option("--cheaper", help="A cheaper model, for right-sizing and for a routing split.")
@click.option("--cheaper-provider", help="Who serves the cheaper model; its maker by default.")
@click.option("--cheap-share", type=NUMBER, default="0.7", show_default=True, help="Share of requests a router sends to it.")
@click.option("--hit", type=NUMBER, help="Share of requests your own response cache could answer.")
@click.option("--prefix", type=click.IntRange(1), help="Tokens at the beginning of each prompt that are always the same.")
@click.option(
    "--reads-per-write", type=NUMBER, default="9", show_default=True, help="Requests that reuse a cached prefix once written."
)
@click.option("--batch-share", type=NUMBER, default="1", show_default=True, help="Share of requests that may wait for a batch.")
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
    sheet, catalog = sheet_for(model, provider, as_of)
    load = workload_of(usage_of(tokens), per_day, growth, peak, spread)
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
    print_table(
        ("way", "before", "after", "saved, USD a month"),
        [(s.name, f"{s.before_usd:,.2f}", f"{s.after_usd:,.2f}", f"{s.saved_usd:,.2f}") for s in found],
    )
    for s in found:
        say(f"{s.name}: {s.arithmetic}; mind: {s.mind}")


def _from(requests: Decimal | None) -> str:
    """Two digits: the speed it rests on is known no better."""
    if requests is None:
        return "at no volume looked at"
    return f"from about {float(f'{requests:.1e}'):,.0f} requests a month"


def _volume_json(requests: Decimal | None) -> str | None:
    return None if requests is None else str(round(requests))


def _market(sizing: Sizing) -> str:
    return f"{sizing.usd_per_gpu_hour} USD (typical market price; {sizing.source}, {sizing.checked_on})"


def _replicas(arms: Any, interval: Any) -> str:
    arm = next(a for a in arms if a.name == interval.arm)
    return str(arm.steps(interval.from_requests + 1) or "")


def _bill(arms: Any, interval: Any) -> str:
    arm = next(a for a in arms if a.name == interval.arm)
    return f"{arm.usd_per_month(interval.from_requests + 1):,.2f}"


def _arm_json(arm: Any) -> dict[str, object]:
    from pointsman.core.units import usd_text

    replicas = arm.step_requests_per_month
    return {
        "usd_per_request": usd_text(arm.usd_per_request) if arm.usd_per_request else None,
        "fixed_usd_per_month": usd_text(arm.fixed_usd_per_month),
        "usd_per_replica_month": usd_text(arm.step_usd_per_month) if replicas is not None else None,
        "requests_per_replica_month": str(round(replicas)) if replicas is not None else None,
    }


def _sizing_json(sizing: Any) -> dict[str, object]:
    import msgspec

    shape: dict[str, object] = msgspec.to_builtins(sizing)
    return shape
