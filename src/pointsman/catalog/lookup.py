"""Finding models and offers by what a person calls them, and by what they can do."""

from __future__ import annotations

import difflib
from datetime import date
from decimal import Decimal

import msgspec

from pointsman.catalog.entry import Model, Offer
from pointsman.catalog.lifecycle import lifecycle
from pointsman.catalog.load import Catalog
from pointsman.catalog.naming import MAKER_OF_PROVIDER, model_id, model_key, provider_name
from pointsman.core.failure import PointsmanError

__all__ = ["Filter", "find_model", "find_offer", "list_offers"]


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer must have. An offer that does not say fails the filter: unknown is not a yes."""

    text: str = ""
    """Part of the offer's, model's or family's name."""
    maker: str = ""
    provider: str = ""
    kind: str = ""
    """Kind of model, such as `code` or `medical`."""
    modalities_in: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    min_context_tokens: int = 0
    max_input_usd_per_million: Decimal | None = None
    open_weights: bool | None = None
    alive_on: date | None = None
    """Leave out what has stopped by that day; None keeps everything."""


def find_model(catalog: Catalog, name: str) -> Model:
    """The model a person means by `GPT-4o`, `gpt-4o-2024-08-06`, `openai/gpt-4o` or `meta/llama-3.1-8b`.

    Raises `PointsmanError` with the nearest names if there is none, or if two makers use the name.
    """
    for key in (name, *_spellings(name)):
        found = catalog.models.get(catalog.aliases.get(key, key))
        if found is not None:
            return found
    wanted = model_key(name.replace(" ", "-"))
    by_name = [
        m for m in catalog.models.values() if wanted in (m.id.partition("/")[2], model_key(m.name.replace(" ", "-")), *m.names)
    ]
    if len(by_name) == 1:
        return by_name[0]
    family = [m.id for m in catalog.models.values() if m.family.lower() == name.lower()]
    if not by_name and family:
        raise PointsmanError(f"{name!r} is a family of models", hint=f"say which: {', '.join(family)}")
    if by_name:
        raise PointsmanError(f"{name!r} is the name of several models", hint=f"say which: {', '.join(m.id for m in by_name)}")
    raise PointsmanError(f"the catalogue knows no model {name!r}", hint=_near(wanted, catalog))


def find_offer(catalog: Catalog, name: str, provider: str | None = None) -> Offer:
    """One offer by `provider:name`, or by a model and its provider; the maker's own if no provider is given.

    Raises `PointsmanError` that lists the offers there are.
    """
    head, _, rest = name.partition(":")
    if provider is None and rest and any(o.provider == provider_name(head) for o in catalog.offers.values()):
        provider, name = head, rest
    provider = provider_name(provider) if provider is not None else None
    named = [o for o in catalog.offers.values() if provider in (None, o.provider) and (name == o.name or name in o.names)]
    own = named if provider is not None else [o for o in named if MAKER_OF_PROVIDER.get(o.provider) == _maker(o)]
    if own:
        return min(own, key=lambda o: (o.name != name, len(o.name), o.name))
    model = find_model(catalog, name)
    offers = catalog.offers_by_model.get(model.id, ())
    maker = provider_name(model.maker)
    chosen = [o for o in offers if o.provider == (provider or maker)]
    if chosen:
        # Without a price an entry is often a leftover of the list; a longer name is a variation.
        return min(chosen, key=lambda o: (not o.usd_per_million, len(o.name), o.name))
    there = ", ".join(o.id for o in offers) or "none; it has no listed price"
    raise PointsmanError(f"{model.id} is not offered by {provider or maker}", hint=f"offers: {there}")


def list_offers(catalog: Catalog, wanted: Filter) -> list[Offer]:
    """Offers that meet the filter, by id."""
    return [o for o in catalog.offers.values() if _meets(catalog, o, wanted)]


def _meets(catalog: Catalog, offer: Offer, wanted: Filter) -> bool:
    model = catalog.model_of(offer)
    return (
        _named(offer, model, wanted)
        and (not wanted.kind or (model is not None and model.kind == wanted.kind))
        and _has(catalog, offer, "modalities_in", wanted.modalities_in)
        and all(_is(catalog, offer, f"capabilities.{c}") for c in wanted.capabilities)
        and (not wanted.min_context_tokens or _number(catalog, offer, "context_tokens") >= wanted.min_context_tokens)
        and _cheap_enough(offer, wanted.max_input_usd_per_million)
        and (wanted.open_weights is None or (model is not None and model.open_weights is wanted.open_weights))
        and (wanted.alive_on is None or lifecycle(offer, wanted.alive_on).alive(wanted.alive_on))
    )


def _named(offer: Offer, model: Model | None, wanted: Filter) -> bool:
    text = wanted.text.lower()
    words = (offer.id, offer.model or "", *((model.name, model.family) if model else ()))
    return (
        (not text or any(text in w.lower() for w in words))
        and wanted.maker in ("", _maker(offer))
        and (not wanted.provider or provider_name(wanted.provider) == offer.provider)
    )


def _has(catalog: Catalog, offer: Offer, field: str, wanted: tuple[str, ...]) -> bool:
    if not wanted:
        return True
    fact = catalog.fact(offer, field)
    return fact is not None and isinstance(fact.value, tuple) and set(wanted) <= set(fact.value)


def _is(catalog: Catalog, offer: Offer, field: str) -> bool:
    fact = catalog.fact(offer, field)
    return fact is not None and fact.value is True


def _number(catalog: Catalog, offer: Offer, field: str) -> int:
    fact = catalog.fact(offer, field)
    return fact.value if fact is not None and isinstance(fact.value, int) else -1


def _cheap_enough(offer: Offer, limit: Decimal | None) -> bool:
    price = offer.usd_per_million.get("input")
    return limit is None or (price is not None and price <= limit)


def _spellings(name: str) -> tuple[str, ...]:
    maker, _, rest = name.partition("/")
    guessed = model_id(name)
    return (*((f"{maker}/{model_key(rest)}",) if rest else ()), *((guessed,) if guessed else ()))


def _maker(offer: Offer) -> str:
    return (offer.model or "").partition("/")[0]


def _near(wanted: str, catalog: Catalog) -> str:
    keys = {m.partition("/")[2]: m for m in catalog.models}
    near = difflib.get_close_matches(wanted, keys, n=4, cutoff=0.55)
    return f"near: {', '.join(keys[n] for n in near)}" if near else "see `pointsman catalog list`"
