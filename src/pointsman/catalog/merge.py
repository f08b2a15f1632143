"""One offer from what several sources say about it.

The price list decides which offers exist and how they are named; a claim joins the offer whose
listed names it matches, and otherwise becomes an offer of its own. For each field the first source
in the field's order of trust speaks; who spoke is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from pointsman.catalog.claim import Claim
from pointsman.catalog.entry import LifecycleEvent, Offer
from pointsman.catalog.naming import MAKER_OF_PROVIDER, model_id
from pointsman.catalog.price_list import PriceList
from pointsman.catalog.price_sheet import PriceSheet
from pointsman.catalog.prices import every_sheet, listed_name
from pointsman.core.estimate import Unknown

__all__ = ["PRICE_SOURCE", "events_of", "listed_offers", "merge_offers", "offer_key"]

PRICE_SOURCE = "genai-prices"
"""Source key of the price list."""

# models.dev states every modality of a model, litellm only those it has a flag for; litellm is read
# later and follows limits and capabilities more closely.
_TRUST = {"modalities_in": ("models.dev", "litellm"), "modalities_out": ("models.dev", "litellm")}
_FIELDS = ("max_input_tokens", "max_output_tokens", "context_tokens", "modalities_in", "modalities_out")
_PREVIEW = re.compile(r"preview|exp\b|beta|alpha|free")
_SNAPSHOT = re.compile(r"-(20\d\d-?\d\d-?\d\d|\d{4}|00\d)(?=$|[-@:])|-v\d+:\d+$")

Claims = Mapping[str, tuple[Claim, ...]]
"""By source key; the first is the most trusted, and the most current of the makers' own offers."""


def merge_offers(prices: PriceList, claims: Claims, at: datetime) -> tuple[Offer, ...]:
    """All offers, sorted by id. `at` fixes the list price that is kept for offline use."""
    offers = {o.id: o for o in listed_offers(prices, at)}
    said: dict[str, list[tuple[str, Claim]]] = {}
    for source, rows in claims.items():
        for claim in rows:
            said.setdefault(offer_key(prices, claim, offers), []).append((source, claim))
    current = next(iter(claims), "")
    covered = {c.provider for c in claims.get(current, ())} & set(MAKER_OF_PROVIDER)
    merged = [_merge(offers.get(key), pairs) for key, pairs in said.items()]
    silent = [o for key, o in offers.items() if key not in said]
    seen = {key for key, pairs in said.items() if any(source == current for source, _ in pairs)}
    return tuple(
        msgspec.structs.replace(o, unconfirmed=True) if o.provider in covered and o.id not in seen else o
        for o in sorted((*merged, *silent), key=lambda o: o.id)
    )


def listed_offers(prices: PriceList, at: datetime) -> Iterable[Offer]:
    """The offers of an edition of the price list, with what the list itself says of them."""
    for provider, name, context_tokens, sheet in every_sheet(prices, at):
        rates = sheet.rates(at)[0] if isinstance(sheet, PriceSheet) else {}
        yield Offer(
            provider=provider,
            name=name,
            model=model_id(name, provider),
            kind="chat" if isinstance(sheet, Unknown) or {"input", "output"} <= set(rates) else "other",
            context_tokens=context_tokens,
            modes=sheet.mode_names if isinstance(sheet, PriceSheet) else (),
            price_moves_with=_moves(sheet) if isinstance(sheet, PriceSheet) else (),
            usd_per_million={unit: rate.usd_per_million for unit, rate in rates.items()},
            tiers={unit: rate.tiers for unit, rate in rates.items() if rate.tiers},
            said_by={"": PRICE_SOURCE},
        )


def _moves(sheet: PriceSheet) -> tuple[str, ...]:
    tiered = any(rate.tiers for tariff in sheet.tariffs for rate in tariff.rates.values())
    dated = any(tariff.starts_on for tariff in sheet.tariffs)
    return tuple(w for w, yes in (("hour", sheet.depends_on_hour), ("context", tiered), ("date", dated)) if yes)


def offer_key(prices: PriceList, claim: Claim, offers: Mapping[str, Offer]) -> str:
    """Id of the offer a claim speaks of: the listed one its name matches, else one of its own."""
    name = listed_name(prices, claim.provider, claim.name)
    key = f"{claim.provider}:{name}"
    return key if name is not None and key in offers else f"{claim.provider}:{claim.name}"


def _merge(listed: Offer | None, pairs: list[tuple[str, Claim]]) -> Offer:
    # The claim with the offer's own, shortest name describes it; snapshots add names and dates.
    ranked = sorted(pairs, key=lambda p: (listed is not None and p[1].name != listed.name, len(p[1].name)))
    first = ranked[0][1]
    base = listed or Offer(provider=first.provider, name=first.name, model=model_id(first.name, first.provider), kind=first.kind)
    said_by = dict(base.said_by)
    values: dict[str, object] = {}
    for field in _FIELDS:
        found = _first(ranked, field, _TRUST.get(field, tuple(dict.fromkeys(s for s, _ in pairs))))
        if found is not None:
            said_by[field], values[field] = found
    capabilities: dict[str, bool] = {}
    for source in dict.fromkeys(s for s, _ in pairs):
        for name, value in next(c for s, c in ranked if s == source).capabilities.items():
            if name not in capabilities:
                capabilities[name] = value
                said_by[f"capabilities.{name}"] = source
    if listed is None or not listed.usd_per_million:
        priced = next(((s, c) for s, c in ranked if c.usd_per_million), None)
        if priced is not None:
            values["usd_per_million"], said_by["usd_per_million"] = priced[1].usd_per_million, priced[0]
    said_by.setdefault("", pairs[0][0])
    names = tuple(sorted({c.name for _, c in pairs} - {base.name}))
    return msgspec.structs.replace(
        base,
        **values,
        names=names,
        kind=base.kind if base.kind != "other" else first.kind,
        capabilities=dict(sorted(capabilities.items())),
        effort_levels=next((c.effort_levels for _, c in ranked if c.effort_levels), ()),
        events=events_of(base.name, ranked),
        said_by=_compact(said_by),
    )


def _first(ranked: list[tuple[str, Claim]], field: str, order: tuple[str, ...]) -> tuple[str, object] | None:
    for source in order:
        for said, claim in ranked:
            if said == source and (value := getattr(claim, field)) is not None:
                return source, value
    return None


def events_of(own: str, ranked: list[tuple[str, Claim]]) -> tuple[LifecycleEvent, ...]:
    """The ends of the offer and of the other names it answers to; an ending preview does not end what it previewed."""
    ends = {
        c.name: (c.ends_on, s)
        for s, c in reversed(ranked)
        # A preview that is itself the offer ends like any other.
        if c.ends_on is not None and not _PREVIEW.search(c.name.removeprefix(own))
    }
    return tuple(
        LifecycleEvent(kind="shut_down", day=on, name="" if name == own else name, source=source)
        for name, (on, source) in sorted(ends.items(), key=lambda e: (e[1][0], e[0]))
    )


def _compact(said_by: dict[str, str]) -> dict[str, str]:
    default = said_by[""]
    return {"": default} | {k: v for k, v in sorted(said_by.items()) if k and v != default}
