"""A small market of our own: models and offers whose every fact a test has written itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from pointsman.catalog.entry import LifecycleEvent, Model, Offer, Score, Source
from pointsman.catalog.load import Catalog
from pointsman.selection.requirements import Requirements
from pointsman.selection.select import Selection, select

TODAY = date(2026, 11, 23)
GUIDE_DAY = date(2024, 10, 1)


def offer(model: str, *, read: str = "1", written: str = "4", ends: date | None = None, **facts: Any) -> Offer:
    """The maker's own offer of `openai/…`, `anthropic/…` or `mistral/…`."""
    maker, _, name = model.partition("/")
    facts = {"context_tokens": 128_000, "capabilities": {"tool_calling": True}, "modalities_in": ("text",)} | facts
    events = (LifecycleEvent(kind="shut_down", day=ends, source="list"),) if ends else ()
    prices = {"input": Decimal(read), "output": Decimal(written)}
    return Offer(
        provider=facts.pop("provider", maker),
        name=facts.pop("name", name),
        model=model,
        usd_per_million=prices,
        events=events,
        modalities_out=("text",),
        said_by={"": "list"},
        **facts,
    )


def score(model: str, value: float, benchmark: str = "gpqa", **rest: Any) -> Score:
    """A published result, independently reported."""
    return Score(model=model, benchmark=benchmark, value=value, self_reported=False, source="list", **rest)


def market(*entries: Offer | Score | Model) -> Catalog:
    """A catalogue of these and nothing else; models that are not given are made, closed, released in 2024."""
    offers = [e for e in entries if isinstance(e, Offer)]
    models = {e.id: e for e in entries if isinstance(e, Model)}
    for o in offers:
        if o.model is not None and o.model not in models:
            models[o.model] = Model(id=o.model, released_on="2024-01-01", open_weights=False, said_by={"": "list"})
    return Catalog(
        sources={"list": Source(name="the list", checked_on=TODAY.isoformat())},
        models=models,
        offers={o.id: o for o in offers},
        scores=tuple(e for e in entries if isinstance(e, Score)),
    )


def chosen(catalog: Catalog, requirements: Requirements, **options: Any) -> Selection:
    """The selection today, with nothing but the catalogue to go by."""
    options = {"as_of": TODAY, "own": {}, "callable_providers": frozenset({"openai", "anthropic", "mistral"})} | options
    return select(catalog, requirements, **options)
