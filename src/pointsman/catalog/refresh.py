"""A newer reading of the outside sources over the last good one.

Each source is read, checked and applied by itself: one that is broken or poisoned leaves its facts
as they were. A source overwrites only what it said itself, or what nobody said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from pointsman.catalog.claim import Claim, fact_sources
from pointsman.catalog.entry import Offer, Source
from pointsman.catalog.gate import GateReport, check_prices
from pointsman.catalog.load import Catalog
from pointsman.catalog.merge import PRICE_SOURCE, events_of, listed_offers, offer_key
from pointsman.catalog.naming import MAKER_OF_PROVIDER, model_id
from pointsman.catalog.price_list import PriceList, read_list
from pointsman.catalog.price_sheet import by_unit
from pointsman.catalog.prices import OUR_NAMES

__all__ = ["PRICE_LIST_URL", "SOURCE_KEYS", "Refreshed", "SourceOutcome", "refresh"]

PRICE_LIST_URL = "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json"
SOURCE_KEYS = {"genai_prices": PRICE_SOURCE, "litellm": "litellm", "models_dev": "models.dev", "openrouter": "openrouter"}
"""Name of a source on the command line → its key in the catalogue."""

_FIELDS = ("max_input_tokens", "max_output_tokens", "context_tokens", "modalities_in", "modalities_out")
_CURRENT = "litellm"
"""The source that follows the makers' current offers: silence of it makes an offer unconfirmed."""


class SourceOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one source."""

    source: str
    taken: bool
    reason: str
    """Why it was refused, or how much was read."""
    gate: GateReport | None = None


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """The catalogue after a refresh; the same as before for every source that was refused."""

    catalog: Catalog
    outcomes: tuple[SourceOutcome, ...]
    prices: PriceList | None
    """The new edition of the price list, if it was taken."""

    @property
    def taken(self) -> bool:
        """Whether anything new was let in."""
        return any(o.taken for o in self.outcomes)


def refresh(catalog: Catalog, raw: Mapping[str, bytes], prices: PriceList, at: datetime) -> Refreshed:
    """Read sources (`SOURCE_KEYS` names → bytes) over `catalog`; `prices` is the last good edition of the list."""
    outcomes: list[SourceOutcome] = []
    edition: PriceList | None = None
    if "genai_prices" in raw:
        catalog, edition, outcome = _take_prices(catalog, raw["genai_prices"], at)
        outcomes.append(outcome)
    for name in SOURCE_KEYS:
        if name in raw and name != "genai_prices":
            catalog, outcome = _take_claims(catalog, name, raw[name], edition or prices, at)
            outcomes.append(outcome)
    return Refreshed(catalog=catalog, outcomes=tuple(outcomes), prices=edition)


def _take_prices(catalog: Catalog, raw: bytes, at: datetime) -> tuple[Catalog, PriceList | None, SourceOutcome]:
    day = at.date().isoformat()
    try:
        edition = read_list(raw, f"genai-prices, read {day}", day)
        fresh = {o.id: o for o in listed_offers(edition, at)}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return catalog, None, _broken(PRICE_SOURCE, raw, error)
    before = {k: catalog.offers[k].every_rate for k in _said(catalog, PRICE_SOURCE)}
    # An entry that is still there but has lost its price has become 0, which the list's reader turns into nothing.
    now = {k: o.every_rate or dict.fromkeys(before.get(k, {}), Decimal(0)) for k, o in fresh.items()}
    gate = check_prices(before, now)
    if gate.refused:
        return catalog, None, SourceOutcome(source=PRICE_SOURCE, taken=False, reason=gate.refused, gate=gate)
    offers = dict(catalog.offers)
    for key, new in fresh.items():
        offers[key] = _with_list_price(offers.get(key), new, held=key in gate.held_offers)
    edition = msgspec.structs.replace(edition, held=frozenset(_list_name(k) for k in gate.held_offers))
    source = Source(name=edition.source, checked_on=day, licence="MIT", layer="refreshed")
    taken = msgspec.structs.replace(catalog, offers=offers, sources=catalog.sources | {PRICE_SOURCE: source})
    outcome = SourceOutcome(source=PRICE_SOURCE, taken=True, reason=f"{len(fresh)} offers read", gate=gate)
    return taken, edition, outcome


def _list_name(offer: str) -> str:
    provider, _, name = offer.partition(":")
    theirs = {ours: listed for listed, ours in OUR_NAMES.items()}
    return f"{theirs.get(provider, provider)}:{name}"


def _with_list_price(old: Offer | None, new: Offer, *, held: bool) -> Offer:
    if old is None:
        return new
    if held or old.said_by.get("usd_per_million", PRICE_SOURCE) != PRICE_SOURCE:
        return old
    return msgspec.structs.replace(
        old,
        usd_per_million=new.usd_per_million or old.usd_per_million,
        tiers=new.tiers if new.usd_per_million else old.tiers,
        modes=new.modes,
        price_moves_with=new.price_moves_with,
        context_tokens=old.context_tokens if "context_tokens" in old.said_by else new.context_tokens or old.context_tokens,
    )


def _take_claims(catalog: Catalog, name: str, raw: bytes, prices: PriceList, at: datetime) -> tuple[Catalog, SourceOutcome]:
    key = SOURCE_KEYS[name]
    plugin = fact_sources().load(name)
    try:
        claims = plugin.read(raw)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return catalog, _broken(key, raw, error)
    by_offer: dict[str, list[Claim]] = {}
    for claim in claims:
        by_offer.setdefault(offer_key(prices, claim, catalog.offers), []).append(claim)
    now = {k: _price(rows) for k, rows in by_offer.items()}
    gate = check_prices(_said(catalog, key), now)
    if gate.refused is None and (other := _against_list(catalog, now)) is not None:
        gate = msgspec.structs.replace(gate, refused=other)
    if gate.refused:
        return catalog, SourceOutcome(source=key, taken=False, reason=gate.refused, gate=gate)
    offers = dict(catalog.offers)
    for offer_id, rows in by_offer.items():
        offers[offer_id] = _with_claims(offers.get(offer_id), rows, key, held=offer_id in gate.held_offers)
    if key == _CURRENT:
        offers = _confirm(offers, by_offer.keys())
    source = Source(name=plugin.name, checked_on=at.date().isoformat(), licence=plugin.licence, url=plugin.url, layer="refreshed")
    taken = msgspec.structs.replace(catalog, offers=offers, sources=catalog.sources | {key: source})
    return taken, SourceOutcome(source=key, taken=True, reason=f"{len(claims)} rows read", gate=gate)


def _with_claims(old: Offer | None, rows: list[Claim], key: str, *, held: bool) -> Offer:
    ranked = sorted(rows, key=lambda c: (old is not None and c.name != old.name, len(c.name)))
    first = ranked[0]
    offer = old or Offer(provider=first.provider, name=first.name, model=model_id(first.name, first.provider), said_by={"": key})
    said_by = dict(offer.said_by)
    values: dict[str, object] = {}
    for field in _FIELDS:
        value = next((v for c in ranked if (v := getattr(c, field)) is not None), None)
        if value is not None and (getattr(offer, field) is None or said_by.get(field, said_by.get("")) == key):
            values[field], said_by[field] = value, key
    capabilities = dict(offer.capabilities)
    for name, can in first.capabilities.items():
        where = f"capabilities.{name}"
        if name not in capabilities or said_by.get(where, said_by.get("")) == key:
            capabilities[name], said_by[where] = can, key
    price = _price(rows)
    if price and not held and (not offer.usd_per_million or said_by.get("usd_per_million", said_by.get("")) == key):
        values["usd_per_million"], said_by["usd_per_million"] = price, key
    others = tuple(e for e in offer.events if e.source != key)
    checked = {(e.name, e.kind) for e in others}
    ends = tuple(e for e in events_of(offer.name, [(key, c) for c in ranked]) if (e.name, e.kind) not in checked)
    names = tuple(sorted({*offer.names, *(c.name for c in rows)} - {offer.name}))
    return msgspec.structs.replace(
        offer, **values, capabilities=capabilities, events=(*others, *ends), names=names, said_by=said_by
    )


def _confirm(offers: dict[str, Offer], seen: Iterable[str]) -> dict[str, Offer]:
    named = set(seen)
    covered = {offers[k].provider for k in named if k in offers} & set(MAKER_OF_PROVIDER)
    return {
        k: msgspec.structs.replace(o, unconfirmed=k not in named)
        if o.provider in covered and o.unconfirmed is (k in named)
        else o
        for k, o in offers.items()
    }


def _price(rows: list[Claim]) -> dict[str, Decimal]:
    found = next((c.usd_per_million for c in sorted(rows, key=lambda c: len(c.name)) if c.usd_per_million), {})
    return by_unit(found)


def _said(catalog: Catalog, key: str) -> dict[str, dict[str, Decimal]]:
    """Prices that rest on one source."""
    return {
        o.id: by_unit(o.usd_per_million)
        for o in catalog.offers.values()
        if o.usd_per_million and o.said_by.get("usd_per_million", o.said_by.get("")) == key
    }


def _against_list(catalog: Catalog, now: Mapping[str, Mapping[str, Decimal]]) -> str | None:
    """A second opinion: a source whose prices are mostly far from the list's has lost its units."""
    shared = {k: now[k] for k in now if k in catalog.offers and now[k]}
    report = check_prices({k: by_unit(catalog.offers[k].usd_per_million) for k in shared}, shared)
    far = len(report.held)
    if report.compared >= 20 and far > 0.1 * report.compared:
        return f"{far} of {report.compared} prices are more than five times off the price list's"
    return None


def _broken(source: str, raw: bytes, error: Exception) -> SourceOutcome:
    start = raw.lstrip()[:40]
    if start.lower().startswith((b"<!doctype", b"<html", b"<")):
        return SourceOutcome(source=source, taken=False, reason="it is an HTML page, not the list")
    return SourceOutcome(source=source, taken=False, reason=f"it cannot be read: {type(error).__name__}: {str(error)[:120]}")
