"""How `pointsman catalog` shows models, offers and comparisons, to people and as JSON."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pointsman.app.catalog import PriceAge
    from pointsman.catalog.entry import Offer
    from pointsman.catalog.load import Catalog

__all__ = [
    "FILES",
    "ON",
    "compare_table",
    "day_of",
    "fact_fields",
    "matrix_json",
    "offer_json",
    "offer_table",
    "prices_json",
    "score_json",
    "show_tables",
]

FILES = click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="More facts of your own (TOML or YAML), over everything else.",
)
ON = click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Judge lifecycles on this day instead of today.")


def day_of(given: datetime | None) -> date:
    """The day asked for, or today in UTC."""
    from datetime import UTC

    return given.date() if given is not None else datetime.now(UTC).date()


def prices_json(age: PriceAge) -> dict[str, object]:
    """Which prices are in use, and how old they are."""
    return {"source": age.source, "checked_on": age.checked_on, "age_days": age.days}


def offer_json(catalog: Catalog, offer: Offer, on: date) -> dict[str, object]:
    """One offer; each fact with its source."""
    from pointsman.catalog.lifecycle import lifecycle
    from pointsman.core.units import usd_text

    life = lifecycle(offer, on)
    fields = ("context_tokens", "max_input_tokens", "max_output_tokens", "modalities_in", "modalities_out")
    return {
        "id": offer.id,
        "provider": offer.provider,
        "name": offer.name,
        "names": offer.names,
        "model": catalog.model_id_of(offer),
        "stage": life.stage,
        "ends_on": life.ends_on,
        "to": life.to or None,
        "modes": offer.modes,
        "usd_per_million": {unit: usd_text(value) for unit, value in offer.usd_per_million.items()},
        "tiers": {
            unit: [{"above_input_tokens": t.above_input_tokens, "usd_per_million": usd_text(t.usd_per_million)} for t in tiers]
            for unit, tiers in offer.tiers.items()
        },
        "price_moves_with": offer.price_moves_with,
        "facts": {f: catalog.fact(offer, f) for f in fields},
        "capabilities": {c: catalog.fact(offer, f"capabilities.{c}") for c in offer.capabilities},
    }


def score_json(catalog: Catalog, score: Any) -> dict[str, object]:
    """One published score with its source."""
    source = catalog.sources.get(score.source)
    return {
        "benchmark": score.benchmark,
        "value": score.value,
        "low": score.low,
        "high": score.high,
        "setting": score.setting,
        "scored": score.name or None,
        "self_reported": score.self_reported,
        "source": source.name if source else score.source,
        "checked_on": source.checked_on if source else None,
        "url": score.url or None,
    }


def matrix_json(row: Any) -> dict[str, object]:
    """One row of the feature matrix."""
    from pointsman.core.estimate import Unknown
    from pointsman.core.units import usd_text

    def told(value: Any) -> Any:
        return {"unknown": value.reason} if isinstance(value, Unknown) else value

    price = row.usd_per_million
    return {
        "model": row.model,
        "name": row.name,
        "stage": row.stage,
        "context_tokens": told(row.context_tokens),
        "modalities_in": told(row.modalities_in),
        "open_weights": told(row.open_weights),
        "cost": told(row.cost),
        "usd_per_million": told(price) if isinstance(price, Unknown) else [usd_text(p) for p in price],
        "stars": {
            c: told(s) if isinstance(s, Unknown) else {"value": s.value, "evidence": s.evidence} for c, s in row.stars.items()
        },
    }


def offer_table(catalog: Catalog, offers: list[Offer], on: date) -> None:
    """Offers with window, inputs, price and end."""
    from rich.console import Console
    from rich.table import Table

    from pointsman.catalog.lifecycle import lifecycle

    table = Table(box=None, pad_edge=False)
    table.add_column("offer", overflow="fold", min_width=30)
    table.add_column("window", justify="right")
    table.add_column("reads")
    table.add_column("USD in", justify="right")
    table.add_column("USD out", justify="right")
    table.add_column("until", no_wrap=True)
    for offer in offers:
        life = lifecycle(offer, on)
        until = str(life.ends_on) if life.ends_on else {"unconfirmed": "unconfirmed"}.get(life.stage, "")
        window = catalog.fact(offer, "context_tokens") or catalog.fact(offer, "max_input_tokens")
        table.add_row(
            offer.id,
            _tokens(window),
            _words(catalog.fact(offer, "modalities_in")),
            _usd(offer.usd_per_million.get("input")),
            _usd(offer.usd_per_million.get("output")),
            until,
        )
    Console().print(table)


def compare_table(rows: list[Any], on: date, *, evidence: bool) -> None:
    """Models as columns, so that the table stays readable; below it, what each star rests on."""
    from rich.console import Console
    from rich.table import Table

    from pointsman.catalog.matrix import COLUMNS
    from pointsman.core.estimate import Unknown

    table = Table(box=None, pad_edge=False)
    for heading in ("", *(row.name for row in rows)):
        table.add_column(heading, overflow="fold")
    table.add_row("window", *(_tokens(row.context_tokens) for row in rows))
    for column in COLUMNS:
        ratings = [row.stars[column] for row in rows]
        table.add_row(column, *("?" if isinstance(r, Unknown) else r.text for r in ratings))
    table.add_row("cost", *(row.cost if isinstance(row.cost, str) else "?" for row in rows))
    table.add_row("reads", *(_words(row.modalities_in) for row in rows))
    table.add_row("weights", *(_open(row.open_weights) for row in rows))
    table.add_row(f"on {on}", *(row.stage.replace("_", " ") for row in rows))
    console = Console()
    console.print(table)
    if evidence:
        for row in rows:
            for column, rating in row.stars.items():
                if isinstance(rating, Unknown):
                    continue
                for place in rating.evidence:
                    own = ", the maker's own" if place.self_reported else ""
                    console.print(
                        f"{row.name} {column}: {place.benchmark} {place.value:g} beats {place.better_than_ratio:.0%}"
                        f" of {place.models - 1} ({', '.join(place.sources)}{own})",
                        highlight=False,
                        soft_wrap=True,
                    )


def show_tables(catalog: Catalog, model: Any, facts: Any, offers: list[Offer], scores: Any, on: date) -> None:
    """A model's facts, offers and published scores."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    console.print(
        f"{model.name or model.id}  ({model.id}; {model.kind}, {model.availability.replace('_', ' ')})", highlight=False
    )
    if model.note:
        console.print(model.note, highlight=False)
    table = Table(box=None, pad_edge=False)
    for heading in ("fact", "value", "source", "read on"):
        table.add_column(heading, overflow="fold")
    for field, fact in facts.items():
        value = ", ".join(fact.value) if isinstance(fact.value, tuple) else str(fact.value)
        table.add_row(field, value, fact.source, fact.checked_on)
    console.print(table)
    if offers:
        console.print()
        offer_table(catalog, offers, on)
    if scores:
        console.print()
        table = Table(box=None, pad_edge=False)
        for heading in ("published", "value", "setting", "scored", "source"):
            table.add_column(heading, overflow="fold")
        for s in scores:
            source = catalog.sources[s.source].name if s.source in catalog.sources else s.source
            table.add_row(s.benchmark, f"{s.value:g}", s.setting, s.name, source + (" (maker's own)" if s.self_reported else ""))
        console.print(table)


def fact_fields(catalog: Catalog, model: Any) -> list[str]:
    """The fields of a model worth showing."""
    plain = ("context_tokens", "max_output_tokens", "modalities_in", "modalities_out", "released_on", "knowledge_cutoff")
    weights = ("open_weights", "licence", "commercial_use", "params_total", "params_active")
    own = catalog.own_offer(model)
    abilities = sorted({*model.capabilities, *(own.capabilities if own else ())})
    return [*plain, *weights, *(f"capabilities.{name}" for name in abilities)]


def _tokens(fact: Any) -> str:
    value = getattr(fact, "value", None)
    if not isinstance(value, int):
        return "?"
    return f"{value / 1_000_000:.3g}M" if value >= 1_000_000 else f"{value / 1000:.3g}K"


def _words(fact: Any) -> str:
    value = getattr(fact, "value", None)
    return " ".join(value) if isinstance(value, tuple) else "?"


def _open(fact: Any) -> str:
    value = getattr(fact, "value", None)
    return "?" if value is None else "open" if value else "closed"


def _usd(value: Decimal | None) -> str:
    return "?" if value is None else f"{value:f}"
