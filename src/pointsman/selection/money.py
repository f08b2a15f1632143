"""What a candidate costs: at list price for all, exactly for those that are looked at closely."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import msgspec

from pointsman.catalog.entry import Offer
from pointsman.catalog.hardware import find_architecture, find_gpu, hardware_source
from pointsman.catalog.price_sheet import PriceSheet, Tariff, UnitKind
from pointsman.catalog.prices import find_price
from pointsman.core.estimate import Estimate, Unknown
from pointsman.core.failure import PointsmanError
from pointsman.core.units import add_usd, per_million
from pointsman.core.usage import Usage
from pointsman.cost.breakeven import own_cards
from pointsman.cost.forecast import forecast
from pointsman.cost.gpu import Serving, batch_that_fits, expected_tokens_per_s, smallest_serving
from pointsman.cost.price import PricedCall, price_usage
from pointsman.cost.workload import DAYS_PER_MONTH, Workload
from pointsman.selection.candidate import Candidate
from pointsman.selection.requirements import Requirements

__all__ = ["Money", "Prices", "workload_of"]

_SPREAD = Decimal("0.25")
_GPU = "H100"
_TYPICAL_REQUESTS_PER_DAY = Decimal(10_000)


class Money(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a candidate under the needs."""

    usd_per_request: Decimal
    usd_per_month: Estimate | Unknown
    """From a quarter less to a quarter more than the volume said; Unknown where no volume is given."""
    usd_per_month_grown: Decimal | None
    """After twelve months of the growth said."""
    source: str
    checked_on: str
    exact: bool
    """From the full price sheet (tiers, hours, dates), not from the plain list price."""
    notes: tuple[str, ...] = ()


def workload_of(requirements: Requirements) -> Workload:
    """The needs as the cost package understands them; without a volume, one request a day."""
    v = requirements.volume
    usage = Usage(
        input_tokens=v.input_tokens,
        output_tokens=v.output_tokens,
        input_audio_tokens=v.input_audio_tokens or None,
        output_audio_tokens=v.output_audio_tokens or None,
    )
    return Workload.uniform(
        Decimal(str(requirements.requests_per_day or 0)),
        usage,
        peak_factor=Decimal(str(v.peak_factor)),
        growth_ratio=Decimal(str(v.growth)),
        volume_spread_ratio=_SPREAD,
    )


class Prices:
    """Prices for one set of needs on one day; answers are kept."""

    def __init__(self, requirements: Requirements, as_of: date, *, sheets: bool = True) -> None:
        """`sheets=False` keeps to list prices, for questions in which an average is enough."""
        self._sheets = sheets
        self._workload = workload_of(requirements)
        self._usage = self._workload.parts[0].usage
        v = requirements.volume
        units: tuple[tuple[UnitKind, int], ...] = (
            ("input", v.input_tokens),
            ("output", v.output_tokens),
            ("input_audio", v.input_audio_tokens),
            ("output_audio", v.output_audio_tokens),
        )
        self._counts = tuple((unit, count) for unit, count in units if count)
        self._units = frozenset(unit for unit, _ in self._counts)
        self._stated = requirements.requests_per_day is not None
        self._context = requirements.context_tokens
        self._as_of = as_of
        self._requests: dict[str, Decimal | Unknown] = {}
        self._cards: dict[str, Money | Unknown] = {}

    @property
    def requests_per_month(self) -> Decimal | None:
        """None where no volume is given."""
        return self._workload.requests_per_month if self._stated else None

    def per_request(self, candidate: Candidate) -> Decimal | Unknown:
        """US dollars of an average request: at list price, or from the full sheet where this request or day moves it."""
        if candidate.id not in self._requests:
            self._requests[candidate.id] = self._per_request(candidate)
        return self._requests[candidate.id]

    def _per_request(self, candidate: Candidate) -> Decimal | Unknown:
        if candidate.offer is None:
            found = self._own_cards(candidate)
            return found if isinstance(found, Unknown) else found.usd_per_request
        if self._needs_sheet(candidate):
            return self._from_sheet(find_price(candidate.provider, candidate.name, self._noon))
        return self._flat(candidate.offer)

    def _from_sheet(self, sheet: PriceSheet | Unknown) -> Decimal | Unknown:
        """One request, without the thirteen months of a forecast that nobody looks at while thousands are ranked."""
        if isinstance(sheet, Unknown):
            return sheet
        priced = price_usage(sheet, self._usage)
        return priced.usd if priced.complete else Unknown(f"no list price for {_open_units(priced)}")

    def _flat(self, offer: Offer) -> Decimal | Unknown:
        """Σ tokens × list price at the tier this request falls into; the exact sum that a sheet of those rates gives."""
        rates = offer.usd_per_million
        if "input" not in rates or "output" not in rates:
            return Unknown("no list price per token")
        if not any(rates.values()):
            return Unknown("listed at 0, which does not tell free from unknown")
        if not rates.keys() >= self._units:
            missing = next(unit for unit, _ in self._counts if unit not in rates)
            return Unknown(f"no list price for {missing.replace('_', ' ')}")
        if offer.tiers:
            read = self._usage.total_input_tokens or 0
            return add_usd(*(per_million(rate.at(read), self._count(unit)) for unit, rate in offer.list_rates.items()))
        return add_usd(*(per_million(rates[unit], count) for unit, count in self._counts))

    def _count(self, unit: UnitKind) -> int:
        return next((count for asked, count in self._counts if asked == unit), 0)

    def listed(self, candidate: Candidate) -> Money | Unknown:
        """The whole forecast at the price `per_request` used."""
        if candidate.offer is None or self._needs_sheet(candidate):
            return self.exact(candidate)
        fact = candidate.fact("usd_per_million")
        sheet = self._list_sheet(candidate.offer, fact.source if fact else "", fact.checked_on if fact else "")
        return sheet if isinstance(sheet, Unknown) else self._bill(sheet, exact=not candidate.offer.price_moves_with)

    def _list_sheet(self, offer: Offer, source: str, checked_on: str) -> PriceSheet | Unknown:
        prices = offer.usd_per_million
        if "input" not in prices or "output" not in prices:
            return Unknown("no list price per token")
        if not any(prices.values()):
            return Unknown("listed at 0, which does not tell free from unknown")
        return PriceSheet(
            provider=offer.provider,
            model=offer.name,
            provider_matched=offer.provider,
            model_matched=offer.name,
            match="exact",
            as_of=self._noon,
            source=source,
            checked_on=checked_on,
            tariffs=(Tariff(offer.list_rates),),
        )

    def exact(self, candidate: Candidate) -> Money | Unknown:
        """The price from the full sheet as of the day; Unknown if no list has it."""
        if candidate.offer is None:
            return self._own_cards(candidate)
        sheet = find_price(candidate.provider, candidate.name, self._noon)
        return sheet if isinstance(sheet, Unknown) else self._bill(sheet, exact=True)

    @property
    def _noon(self) -> datetime:
        return datetime.combine(self._as_of, time(12), UTC)

    def _needs_sheet(self, candidate: Candidate) -> bool:
        offer = candidate.offer
        if offer is None or not offer.price_moves_with or not self._sheets:
            return False
        source = candidate.facts.sources.get(offer.said_by.get("usd_per_million", offer.said_by.get("", "")))
        if source is None or source.layer in ("user", "measured"):
            return False  # the user's own price comes before any list
        return "date" in offer.price_moves_with and self._as_of.isoformat() < source.checked_on

    def _bill(self, sheet: PriceSheet, *, exact: bool) -> Money | Unknown:
        found = forecast(sheet, self._workload, months=13)
        if not found.complete:
            return Unknown(f"no list price for {_open_units(price_usage(sheet, self._usage))}")
        now, grown = found.months[0], found.months[12]
        month = Estimate(
            value=float(now.expected_usd),
            low=float(now.low_usd),
            high=float(now.high_usd),
            n=0,
            method=f"list price × volume ±{_SPREAD:.0%}, a planning range",
        )
        return Money(
            usd_per_request=found.usd_per_request,
            usd_per_month=month if self._stated else Unknown("no volume is given"),
            usd_per_month_grown=grown.expected_usd if self._stated else None,
            source=sheet.source,
            checked_on=sheet.checked_on or "",
            exact=exact,
            notes=sheet.notes,
        )

    def _own_cards(self, candidate: Candidate) -> Money | Unknown:
        if candidate.id not in self._cards:
            self._cards[candidate.id] = self._sized(candidate)
        return self._cards[candidate.id]

    def _sized(self, candidate: Candidate) -> Money | Unknown:
        """Cards only, at fp8, on the number of H100 per replica that makes the bill smallest."""
        try:
            architecture = find_architecture(candidate.model)
        except PointsmanError:
            return Unknown("nobody told us how it is built: size it with `pointsman cost breakeven`")
        card = find_gpu(_GPU)
        least = smallest_serving(architecture, card, max(1024, self._context), "fp8")
        if isinstance(least, Unknown):
            return least
        servings = [msgspec.structs.replace(least, gpus=n) for n in (1, 2, 4, 8) if n >= least.gpus]
        return min((self._rented(s) for s in servings), key=lambda money: money.usd_per_request)

    def _rented(self, serving: Serving) -> Money:
        price = serving.gpu.usd_per_hour
        assert price is not None, "every card of the default kind has a price"
        written = Decimal(str(max(1.0, self._workload.mean("output_tokens"))))
        tokens = max(1, int(self._workload.mean("input_tokens") + self._workload.mean("output_tokens")))
        speed = expected_tokens_per_s(serving, max(1, batch_that_fits(serving, tokens)), tokens)
        arms = [
            own_cards(
                "own cards",
                gpus_per_replica=serving.gpus,
                usd_per_gpu_hour=hourly,
                output_tokens_per_s=Decimal(str(round(rate, 3))),
                output_tokens_per_request=written,
                peak_factor=self._workload.peak_factor,
            )
            for hourly, rate in ((price.low, speed.high), (price.typical, speed.expected), (price.high, speed.low))
        ]
        requests = self._workload.requests_per_month if self._stated else _TYPICAL_REQUESTS_PER_DAY * DAYS_PER_MONTH
        low, value, high = (arm.usd_per_month(requests) for arm in arms)
        source, checked_on = hardware_source()
        replicas = arms[1].steps(requests)
        month = Estimate(
            value=float(value), low=float(low), high=float(high), n=0, method="cards only, range of prices and throughput"
        )
        return Money(
            usd_per_request=(value / requests).quantize(Decimal("0.000001")) if requests else value,
            usd_per_month=month if self._stated else Unknown("no volume is given"),
            usd_per_month_grown=arms[1].usd_per_month(requests * self._workload.growth_ratio) if self._stated else None,
            source=source,
            checked_on=checked_on,
            exact=False,
            notes=(
                f"{replicas} × {serving.gpus} {serving.gpu.name} at fp8 for the peak; cards only, people and power come on top",
            ),
        )


def _open_units(priced: PricedCall) -> str:
    open_units = [line.unit.replace("_", " ") for line in priced.lines if line.usd_per_million is None]
    return ", ".join(open_units) or "part of the request"
