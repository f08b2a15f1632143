"""Cost questions put together from the catalogue's prices, the hardware facts and the user's numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from pointsman.catalog.hardware import Gpu, find_architecture, find_gpu, hardware_source
from pointsman.catalog.load import Catalog
from pointsman.catalog.lookup import find_model
from pointsman.core.estimate import Unknown
from pointsman.core.failure import PointsmanError
from pointsman.core.usage import Usage
from pointsman.cost.breakeven import Arm, Interval, cheapest_by_volume, linear_breakeven, own_cards, per_request
from pointsman.cost.gpu import Band, Precision, Serving, batch_that_fits, fit, serving_tokens_per_s
from pointsman.cost.gpu import smallest_serving as fewest_cards

__all__ = ["BreakEven", "Sizing", "break_even", "parse_moment", "size_serving"]


class Sizing(msgspec.Struct, frozen=True, kw_only=True):
    """One replica of an open model on cards of one kind."""

    model: str
    gpu: str
    gpus: int
    precision: Precision
    weights_gib: float
    free_gib: float
    max_context_tokens: int
    concurrent_sequences: int
    output_tokens_per_s: Band
    usd_per_gpu_hour: Decimal | None
    """Typical market price; None if nobody told us one."""
    source: str
    checked_on: str


class BreakEven(msgspec.Struct, frozen=True, kw_only=True):
    """Where each way of serving is cheapest, and the textbook answer beside it."""

    arms: tuple[Arm, ...]
    intervals: tuple[Interval, ...]
    linear_requests: Decimal | Unknown
    own_from: Decimal | None
    """Requests a month from which own cards are first the cheapest; None if they are at no volume looked at."""
    arithmetic: tuple[str, ...]


def parse_moment(text: str | None) -> datetime:
    """An ISO day or time as an aware moment: a day means 12:00 UTC, a time without a zone is UTC, nothing means now."""
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise PointsmanError(f"{text!r} is not a date", hint="write 2026-11-23 or 2026-11-23T02:00Z") from None
    if len(text) == 10:
        moment = moment.replace(hour=12)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def size_serving(
    catalog: Catalog, model: str, gpu: str, usage: Usage, precision: Precision = "fp8", gpus: int | None = None
) -> Sizing:
    """The number of cards that writes most per card for requests of this size (or the given number), and its speed.

    Raises `PointsmanError` if the model's shape or the card is unknown, or if it does not fit.
    """
    architecture = find_architecture(find_model(catalog, model).id)
    card: Gpu = find_gpu(gpu)
    read, written = usage.total_input_tokens or 0, max(1, usage.total_output_tokens or 0)
    window = read + written
    fewest = fewest_cards(architecture, card, window, precision)
    if isinstance(fewest, Unknown) and (gpus is None or window > architecture.max_context):
        raise PointsmanError(fewest.reason, hint="take a larger card, a smaller window, a smaller model, or --precision int4")
    counts = (1, 2, 4, 8) if gpus is None else (gpus,)
    servings = [Serving(architecture=architecture, gpu=card, gpus=n, precision=precision) for n in counts]
    fitting = [s for s in servings if fit(s, window).fits]
    if not fitting:
        held = fit(servings[0], window)
        raise PointsmanError(
            f"{architecture.model} does not fit {gpus} × {card.name} with {window} tokens",
            hint=f"its weights take {held.weights_gib:.0f} GiB, {held.free_gib:.0f} are left, "
            f"and the longest window is {held.max_context_tokens}",
        )
    return _sizing(max(fitting, key=lambda s: _speed(s, read, written).expected / s.gpus), read, written)


def _speed(serving: Serving, read: int, written: int) -> Band:
    return serving_tokens_per_s(serving, read, written, batch_that_fits(serving, read + written))


def _sizing(serving: Serving, read: int, written: int) -> Sizing:
    held = fit(serving, read + written)
    source, checked_on = hardware_source()
    price = serving.gpu.usd_per_hour
    return Sizing(
        model=serving.architecture.model,
        gpu=serving.gpu.name,
        gpus=serving.gpus,
        precision=serving.precision,
        weights_gib=held.weights_gib,
        free_gib=held.free_gib,
        max_context_tokens=held.max_context_tokens,
        concurrent_sequences=held.concurrent_sequences,
        output_tokens_per_s=_speed(serving, read, written),
        usd_per_gpu_hour=price.typical if price else None,
        source=source,
        checked_on=checked_on,
    )


def break_even(
    api: tuple[str, Decimal],
    usage: Usage,
    sizing: Sizing,
    *,
    usd_per_gpu_hour: Decimal | None = None,
    output_tokens_per_s: Decimal | None = None,
    hosted: tuple[str, Decimal] | None = None,
    people_usd_per_month: Decimal = Decimal(0),
    peak_factor: Decimal = Decimal(10),
    utilisation: Decimal = Decimal(1),
    overhead_ratio: Decimal = Decimal(0),
    up_to_requests: Decimal = Decimal(100_000_000),
) -> BreakEven:
    """API against own cards, and against hosted open weights if a price is given (name and USD per request each).

    Raises `PointsmanError` if neither the caller nor the facts know what a card costs.
    """
    hourly = usd_per_gpu_hour if usd_per_gpu_hour is not None else sizing.usd_per_gpu_hour
    if hourly is None:
        raise PointsmanError(f"nobody told us what a {sizing.gpu} costs", hint="give --gpu-usd-per-hour")
    written = usage.total_output_tokens or 0
    if written <= 0:
        raise PointsmanError("a request that writes nothing needs no cards", hint="give --output above 0")
    speed = (
        output_tokens_per_s if output_tokens_per_s is not None else Decimal(str(round(sizing.output_tokens_per_s.expected, 1)))
    )
    own = own_cards(
        f"own {sizing.gpus}×{sizing.gpu}",
        gpus_per_replica=sizing.gpus,
        usd_per_gpu_hour=hourly,
        output_tokens_per_s=speed,
        output_tokens_per_request=Decimal(written),
        people_usd_per_month=people_usd_per_month,
        overhead_ratio=overhead_ratio,
        peak_factor=peak_factor,
        target_utilisation=utilisation,
    )
    line = per_request(*api)
    arms = (line, own) if hosted is None else (line, per_request(*hosted), own)
    intervals = cheapest_by_volume(arms, up_to_requests)
    return BreakEven(
        arms=arms,
        intervals=intervals,
        own_from=next((i.from_requests for i in intervals if i.arm == own.name), None),
        linear_requests=linear_breakeven(line, own),
        arithmetic=_arithmetic(sizing, own, line, hourly, speed, written, utilisation, peak_factor, overhead_ratio),
    )


def _arithmetic(
    sizing: Sizing,
    own: Arm,
    line: Arm,
    hourly: Decimal,
    speed: Decimal,
    written: int,
    utilisation: Decimal,
    peak: Decimal,
    overhead: Decimal,
) -> tuple[str, ...]:
    capacity = own.step_requests_per_month or Decimal(0)
    cards = f"{sizing.gpus} cards × {hourly} USD × 730 h × (1 + {overhead})"
    served = f"{speed} tokens/s × {utilisation} / {written} tokens × 2,628,000 s / peak {peak}"
    return (
        f"replica of {sizing.model} at {sizing.precision}: {cards} = {own.step_usd_per_month:,.2f} USD a month",
        f"it serves {served} = {capacity:,.0f} requests a month",
        f"full, a request costs {own.step_usd_per_month / capacity:.6f} USD; {line.name} costs {line.usd_per_request:f} USD",
        f"people: {own.fixed_usd_per_month:,.2f} USD a month at any volume",
    )
