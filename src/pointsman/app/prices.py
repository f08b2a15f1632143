"""What a variant's tokens cost: the user's own price, else what its script claims, else the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime

from pointsman.catalog.price_sheet import PriceSheet, Rate, Rates, Tariff, UnitKind
from pointsman.core.estimate import Unknown
from pointsman.core.exchange import Cost
from pointsman.core.units import Usd, usd
from pointsman.core.usage import Usage
from pointsman.cost.meter import Meter
from pointsman.cost.price import price_usage
from pointsman.evals.spec import PriceSpec
from pointsman.providers.local_provider import LocalPrice

__all__ = ["SheetPrice", "catalogue_price", "claimed_price", "own_price"]


class SheetPrice:
    """A price sheet that answers for one variant."""

    def __init__(self, sheet: PriceSheet) -> None:
        self.sheet = sheet
        self._meter = Meter(sheet)
        self._at_s = sheet.as_of.timestamp()

    def cost(self, usage: Usage) -> Cost:
        """Exact dollars of one call, at the moment the sheet was made for."""
        return self._meter.cost(usage, self._at_s)

    def most_usd(self, input_tokens: int, output_tokens: int) -> Usd:
        """Dollars of a call that reads and writes this much, nothing of it cached."""
        return price_usage(self.sheet, Usage(input_tokens=input_tokens, output_tokens=output_tokens)).usd


def catalogue_price(provider: str, model: str, at: datetime) -> SheetPrice | Unknown:
    """The published price, or why there is none."""
    from pointsman.catalog.prices import find_price  # the list takes longer to load than all the rest of a small run

    sheet = find_price(provider, model, at)
    return sheet if isinstance(sheet, Unknown) else SheetPrice(sheet)


def own_price(spec: PriceSpec, provider: str, model: str) -> SheetPrice:
    """What the user wrote under `price:`; a unit that is not named has no rate."""
    rates: Rates = {}
    units: tuple[UnitKind, ...] = ("input", "output", "cache_read", "cache_write")
    for unit in units:
        amount = getattr(spec, unit)
        if amount is not None:
            rates[unit] = Rate(usd(str(amount)))
    if spec.request is not None:
        rates["request"] = Rate(usd(str(spec.request)) * 1_000_000)  # sheets state every rate per million
    return SheetPrice(_flat(provider, model, rates, spec.source or "eval.yaml", spec.checked_on))


def claimed_price(price: LocalPrice, provider: str, model: str) -> SheetPrice:
    """What a scripted model claims to cost."""
    rates: Rates = {"input": Rate(price.input_usd_per_million), "output": Rate(price.output_usd_per_million)}
    if price.cache_read_usd_per_million is not None:
        rates["cache_read"] = Rate(price.cache_read_usd_per_million)
    return SheetPrice(_flat(provider, model, rates, "script", None))


def _flat(provider: str, model: str, rates: Rates, source: str, checked_on: str | None) -> PriceSheet:
    return PriceSheet(
        provider=provider,
        model=model,
        provider_matched=provider,
        model_matched=model,
        match="exact",
        as_of=datetime.now(UTC),
        source=source,
        checked_on=checked_on,
        tariffs=(Tariff(rates=rates),),
    )
