"""`pointsman catalog`: what models there are, what they can do, what they cost, when they end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pointsman.cli.catalog_changes import diff_command, refresh, watch
from pointsman.cli.catalog_output import (
    FILES,
    ON,
    compare_table,
    day_of,
    fact_fields,
    matrix_json,
    offer_json,
    offer_table,
    prices_json,
    score_json,
    show_tables,
)
from pointsman.cli.options import json_option
from pointsman.cli.output import print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.catalog.load import Catalog

__all__ = ["command"]


@click.group(epilog=with_example("pointsman catalog list --capability tool_calling --min-context 500000"))
def command() -> None:
    """What models there are, what they can do, what they cost, when they end."""


@command.command("list", epilog=with_example("pointsman catalog list --text gpt-6 --provider openai --json"))
@click.option("--text", default="", help="Part of an offer's, model's or family's name.")
@click.option("--maker", default="", help="Who made the model, such as meta.")
@click.option("--provider", default="", help="Who serves it.")
@click.option("--kind", default="", help="Kind of model: language, multimodal, code, image_generation, medical, …")
@click.option("--reads", "reads", multiple=True, help="What it must read: image, audio, video, pdf. Repeat for several.")
@click.option("--capability", "capabilities", multiple=True, help="tool_calling, structured_output, reasoning, …; repeatable.")
@click.option("--min-context", type=click.IntRange(0), default=0, help="Smallest window in tokens.")
@click.option("--max-input-usd", type=str, help="Highest list price in USD per million tokens read.")
@click.option("--open-weights", is_flag=True, help="Only models whose weights are open.")
@click.option("--all", "everything", is_flag=True, help="Also what has been shut down, and models nobody offers.")
@click.option("--limit", type=click.IntRange(1), default=40, show_default=True, help="Rows of the table; --json prints all.")
@FILES
@ON
@json_option
def list_(
    *,
    text: str,
    maker: str,
    provider: str,
    kind: str,
    reads: tuple[str, ...],
    capabilities: tuple[str, ...],
    min_context: int,
    max_input_usd: str | None,
    open_weights: bool,
    everything: bool,
    limit: int,
    files: tuple[Path, ...],
    as_of: datetime | None,
    as_json: bool,
) -> None:
    """Offers that meet a filter. What no source states fails the filter: unknown is not a yes."""
    from pointsman.app.catalog import open_catalog, price_age
    from pointsman.catalog.lookup import Filter, list_offers
    from pointsman.core.units import usd

    catalog, on = open_catalog(files), day_of(as_of)
    wanted = Filter(
        text=text,
        maker=maker,
        provider=provider,
        kind=kind,
        modalities_in=reads,
        capabilities=capabilities,
        min_context_tokens=min_context,
        max_input_usd_per_million=usd(max_input_usd) if max_input_usd is not None else None,
        open_weights=True if open_weights else None,
        alive_on=None if everything else on,
    )
    offers = list_offers(catalog, wanted)
    without = _unoffered(catalog, wanted) if everything else []
    age = price_age(catalog, on)
    if as_json:
        print_json(
            {
                "as_of": on,
                "prices": prices_json(age),
                "count": len(offers),
                "offers": [offer_json(catalog, o, on) for o in offers],
                "models_without_offer": without,
            }
        )
        return
    offer_table(catalog, offers[:limit], on)
    if len(offers) > limit:
        say(f"{limit} of {len(offers)} offers; narrow it down or raise --limit")
    if without:
        say(f"known, but offered by nobody we know: {', '.join(without)}")
    say(age.text)


@command.command(epilog=with_example("pointsman catalog show gpt-4o"))
@click.argument("name")
@click.option("--provider", help="Show the offer of this provider.")
@FILES
@ON
@json_option
def show(name: str, provider: str | None, files: tuple[Path, ...], as_of: datetime | None, as_json: bool) -> None:
    """Everything known about a model: each fact with its source and date, its offers, ends and published scores."""
    from pointsman.app.catalog import open_catalog, price_age
    from pointsman.catalog.lookup import find_model, find_offer
    from pointsman.core.failure import PointsmanError

    catalog, on = open_catalog(files), day_of(as_of)
    try:
        model = find_model(catalog, name)
    except PointsmanError:
        found = catalog.model_of(find_offer(catalog, name, provider))
        if found is None:
            raise
        model = found
    offers = [o for o in catalog.offers_by_model.get(model.id, ()) if provider in (None, o.provider)]
    scores = catalog.scores_by_model.get(model.id, ())
    facts = {field: fact for field in fact_fields(catalog, model) if (fact := catalog.fact(model, field)) is not None}
    age = price_age(catalog, on)
    if as_json:
        print_json(
            {
                "as_of": on,
                "model": model.id,
                "name": model.name or model.id,
                "family": model.family,
                "kind": model.kind,
                "availability": model.availability,
                "note": model.note,
                "facts": facts,
                "offers": [offer_json(catalog, o, on) for o in offers],
                "scores": [score_json(catalog, s) for s in scores],
                "prices": prices_json(age),
            }
        )
        return
    show_tables(catalog, model, facts, offers, scores, on)
    say(age.text)


@command.command(epilog=with_example("pointsman catalog compare gpt-4o claude-3-5-sonnet gemini-1.5-pro"))
@click.argument("names", nargs=-1, required=True)
@click.option("--evidence", is_flag=True, help="Show the published results behind each star.")
@FILES
@ON
@json_option
def compare(names: tuple[str, ...], evidence: bool, files: tuple[Path, ...], as_of: datetime | None, as_json: bool) -> None:
    """Models side by side. Stars say where a model stands among all with published results; ? is unknown.

    Stars are computed, never typed in: one star is last, five is first among the models that have a
    result on the column's benchmarks. They describe published results of their time, not your task.
    """
    from pointsman.app.catalog import open_catalog, price_age
    from pointsman.catalog.lookup import find_model
    from pointsman.catalog.matrix import COLUMNS, matrix

    catalog, on = open_catalog(files), day_of(as_of)
    rows = matrix(catalog, [find_model(catalog, n) for n in names], on)
    age = price_age(catalog, on)
    if as_json:
        print_json(
            {
                "as_of": on,
                "columns": COLUMNS,
                "rows": [matrix_json(row) for row in rows],
                "prices": prices_json(age),
            }
        )
        return
    compare_table(rows, on, evidence=evidence)
    say(age.text)


command.add_command(refresh)
command.add_command(diff_command)
command.add_command(watch)


def _unoffered(catalog: Catalog, wanted: Any) -> list[str]:
    """Models that match by name and kind and that nobody offers."""
    text = wanted.text.lower()
    return [
        m.id
        for m in catalog.models.values()
        if m.id not in catalog.offers_by_model
        and wanted.kind in ("", m.kind)
        and wanted.maker in ("", m.maker)
        and not wanted.provider
        and (not text or text in m.id or text in m.name.lower() or text in m.family.lower())
    ]
