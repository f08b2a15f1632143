"""`pointsman catalog`: what models there are, what they can do, what they cost, when they end."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pointsman.cli.options import json_option
from pointsman.cli.output import print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.catalog.entry import Offer
    from pointsman.catalog.load import Catalog

__all__ = ["command"]

_FILES = click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="More facts of your own (TOML or YAML), over everything else.",
)
_ON = click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="Judge lifecycles on this day instead of today.")


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
@_FILES
@_ON
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

    catalog, on = open_catalog(files), _day(as_of)
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
                "prices": {"source": age.source, "checked_on": age.checked_on, "age_days": age.days},
                "count": len(offers),
                "offers": [_offer_json(catalog, o, on) for o in offers],
                "models_without_offer": without,
            }
        )
        return
    _offer_table(catalog, offers[:limit], on)
    if len(offers) > limit:
        say(f"{limit} of {len(offers)} offers; narrow it down or raise --limit")
    if without:
        say(f"known, but offered by nobody we know: {', '.join(without)}")
    say(age.text)


@command.command(epilog=with_example("pointsman catalog show gpt-4o"))
@click.argument("name")
@click.option("--provider", help="Show the offer of this provider.")
@_FILES
@_ON
@json_option
def show(name: str, provider: str | None, files: tuple[Path, ...], as_of: datetime | None, as_json: bool) -> None:
    """Everything known about a model: each fact with its source and date, its offers, ends and published scores."""
    from pointsman.app.catalog import open_catalog, price_age
    from pointsman.catalog.lookup import find_model, find_offer
    from pointsman.core.failure import PointsmanError

    catalog, on = open_catalog(files), _day(as_of)
    try:
        model = find_model(catalog, name)
    except PointsmanError:
        found = catalog.model_of(find_offer(catalog, name, provider))
        if found is None:
            raise
        model = found
    offers = [o for o in catalog.offers_by_model.get(model.id, ()) if provider in (None, o.provider)]
    scores = catalog.scores_by_model.get(model.id, ())
    facts = {field: fact for field in _fields(catalog, model) if (fact := catalog.fact(model, field)) is not None}
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
                "offers": [_offer_json(catalog, o, on) for o in offers],
                "scores": [_score_json(catalog, s) for s in scores],
                "prices": {"source": age.source, "checked_on": age.checked_on, "age_days": age.days},
            }
        )
        return
    _show_tables(catalog, model, facts, offers, scores, on)
    say(age.text)


@command.command(epilog=with_example("pointsman catalog compare gpt-4o claude-3-5-sonnet gemini-1.5-pro"))
@click.argument("names", nargs=-1, required=True)
@click.option("--evidence", is_flag=True, help="Show the published results behind each star.")
@_FILES
@_ON
@json_option
def compare(names: tuple[str, ...], evidence: bool, files: tuple[Path, ...], as_of: datetime | None, as_json: bool) -> None:
    """Models side by side. Stars say where a model stands among all with published results; ? is unknown.

    Stars are computed, never typed in: one star is last, five is first among the models that have a
    result on the column's benchmarks. They describe published results of their time, not your task.
    """
    from pointsman.app.catalog import open_catalog, price_age
    from pointsman.catalog.lookup import find_model
    from pointsman.catalog.matrix import COLUMNS, matrix
    from pointsman.core.estimate import Unknown

    catalog, on = open_catalog(files), _day(as_of)
    rows = matrix(catalog, [find_model(catalog, n) for n in names], on)
    age = price_age(catalog, on)
    if as_json:
        print_json(
            {
                "as_of": on,
                "columns": COLUMNS,
                "rows": [_matrix_json(row) for row in rows],
                "prices": {"source": age.source, "checked_on": age.checked_on, "age_days": age.days},
            }
        )
        return
    from rich.console import Console
    from rich.table import Table

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
    say(age.text)


@command.command(epilog=with_example("pointsman catalog refresh --from ./mirror --dry-run"))
@click.option("--source", "sources", multiple=True, help="Only these: genai_prices, litellm, models_dev, openrouter.")
@click.option(
    "--from",
    "mirror",
    type=click.Path(path_type=Path, file_okay=False),
    help="Read NAME.json from this folder instead of the network.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@json_option
def refresh(sources: tuple[str, ...], mirror: Path | None, dry_run: bool, as_json: bool) -> int:
    """Read the outside lists again, each behind a sanity gate; the last good data stays where one fails.

    A price that moves more than fivefold or becomes 0 is held back, and a list in which that is common,
    or that is cut or no list at all, is refused. Exit code 2 if a source was refused.
    """
    from pointsman.app.catalog import refresh_catalog
    from pointsman.catalog.diff import diff

    before, done, failed = refresh_catalog(sources or ("genai_prices", "litellm", "models_dev"), mirror=mirror, dry_run=dry_run)
    changes = diff(before, done.catalog, _day(None))
    code = 2 if any(not o.taken for o in done.outcomes) else 1 if failed and not done.outcomes else 0
    if as_json:
        print_json(
            {
                "written": done.taken and not dry_run,
                "sources": [
                    {
                        "source": o.source,
                        "taken": o.taken,
                        "reason": o.reason,
                        "held": [_held_json(h) for h in (o.gate.held if o.gate else ())],
                        "lost": list(o.gate.lost) if o.gate else [],
                    }
                    for o in done.outcomes
                ],
                "unreachable": failed,
                "changes": changes,
            }
        )
        return code
    for outcome in done.outcomes:
        say(f"{outcome.source}: {'taken' if outcome.taken else 'REFUSED'}: {outcome.reason}")
        for held in (outcome.gate.held if outcome.gate else ())[:20]:
            say(f"  held {held.offer} {held.unit}: {held.before:f} → {held.now:f}, {held.reason}")
        if outcome.gate and len(outcome.gate.held) > 20:
            say(f"  and {len(outcome.gate.held) - 20} more")
    for name, reason in failed.items():
        say(f"{name}: not reached: {reason}; the last good data stays")
    _changes_table(changes)
    if dry_run:
        say("dry run: nothing was written")
    return code


@command.command("diff", epilog=with_example("pointsman catalog diff"))
@click.argument("before", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("after", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--limit", type=click.IntRange(1), default=60, show_default=True, help="Rows of the table; --json prints all.")
@json_option
def diff_(before: Path | None, after: Path | None, limit: int, as_json: bool) -> None:
    """What differs between two readings: prices, limits, abilities, ends, new and gone offers.

    BEFORE and AFTER are folders of refreshed catalogues. Without them, what came with the package is
    compared with what this machine has refreshed.
    """
    from pointsman.app.catalog import cache_folder
    from pointsman.catalog.diff import diff
    from pointsman.catalog.load import load_catalog

    old, new = load_catalog(before), load_catalog(after or (None if before else cache_folder()))
    changes = diff(old, new, _day(None))
    if as_json:
        print_json({"changes": changes})
        return
    _changes_table(changes, limit)


@command.command(epilog=with_example("pointsman catalog watch --model openai:gpt-4o --as-of 2026-11-23"))
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="pointsman.yaml; the nearest one by default.")
@click.option("--model", "models", multiple=True, metavar="PROVIDER:MODEL", help="Watch this too, without a file.")
@click.option("--horizon-days", type=click.IntRange(1), default=180, show_default=True, help="How far ahead an end matters.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Report price moves since this day; 90 days ago by default.")
@_FILES
@_ON
@json_option
def watch(
    *,
    config: Path | None,
    models: tuple[str, ...],
    horizon_days: int,
    since: datetime | None,
    files: tuple[Path, ...],
    as_of: datetime | None,
    as_json: bool,
) -> int:
    """What happens to the models in use: shutdowns, reroutes, price moves; each with what could replace it.

    Exit code 2 if something stops or is rerouted within the horizon, 3 if a model is unknown to the catalogue.
    """
    from datetime import timedelta

    from pointsman.app.catalog import open_catalog, price_age, watch_variants
    from pointsman.app.config import find_project, load_project
    from pointsman.core.failure import PointsmanError

    catalog, on = open_catalog(files), _day(as_of)
    project = load_project(config or find_project(Path.cwd()))
    # Recordings and scripts have no provider that could end.
    variants = {n: (v.provider, v.model) for n, v in project.variants.items() if v.provider not in ("replay", "scripted")}
    for given in models:
        provider, _, model = given.partition(":")
        if not model:
            raise PointsmanError(f"{given!r} does not say who serves it", hint="write PROVIDER:MODEL, such as openai:gpt-4o")
        variants[given] = (provider, model)
    if not variants:
        raise PointsmanError("there is nothing to watch", hint="name variants in pointsman.yaml, or give --model PROVIDER:MODEL")
    alerts = watch_variants(catalog, variants, on, horizon_days, since.date() if since else on - timedelta(days=90))
    code = 2 if any(a.urgent for a in alerts) else 3 if any(a.kind == "unknown" for a in alerts) else 0
    if as_json:
        print_json({"as_of": on, "watched": len(variants), "alerts": [_alert_json(a) for a in alerts]})
        return code
    if not alerts:
        say(f"{len(variants)} variants watched: nothing known to end within {horizon_days} days, no price moved")
    for alert in alerts:
        click.echo(
            f"{'!' if alert.urgent else '-'} {alert.variant}: {alert.message}" + (f" [{alert.source}]" if alert.source else "")
        )
        for candidate in alert.candidates:
            read, written = candidate.usd_per_million
            click.echo(f"    → {candidate.offer}  {read:f} / {written:f} USD per million; {candidate.why}")
    say(price_age(catalog, on).text)
    return code


def _day(given: datetime | None) -> date:
    from datetime import UTC

    return given.date() if given is not None else datetime.now(UTC).date()


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


def _offer_json(catalog: Catalog, offer: Offer, on: date) -> dict[str, object]:
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
        "price_moves_with": offer.price_moves_with,
        "facts": {f: catalog.fact(offer, f) for f in fields},
        "capabilities": {c: catalog.fact(offer, f"capabilities.{c}") for c in offer.capabilities},
    }


def _score_json(catalog: Catalog, score: Any) -> dict[str, object]:
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


def _matrix_json(row: Any) -> dict[str, object]:
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


def _held_json(held: Any) -> dict[str, object]:
    return {"offer": held.offer, "unit": held.unit, "before": f"{held.before:f}", "now": f"{held.now:f}", "reason": held.reason}


def _alert_json(alert: Any) -> dict[str, object]:
    return {
        "variant": alert.variant,
        "offer": alert.offer,
        "kind": alert.kind,
        "urgent": alert.urgent,
        "message": alert.message,
        "day": alert.day,
        "source": alert.source or None,
        "candidates": [
            {
                "offer": c.offer,
                "usd_per_million": [f"{p:f}" for p in c.usd_per_million],
                "price_ratio": c.price_ratio,
                "context_tokens": c.context_tokens,
                "why": c.why,
            }
            for c in alert.candidates
        ],
    }


def _offer_table(catalog: Catalog, offers: list[Offer], on: date) -> None:
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


def _show_tables(catalog: Catalog, model: Any, facts: Any, offers: list[Offer], scores: Any, on: date) -> None:
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
        _offer_table(catalog, offers, on)
    if scores:
        console.print()
        table = Table(box=None, pad_edge=False)
        for heading in ("published", "value", "setting", "scored", "source"):
            table.add_column(heading, overflow="fold")
        for s in scores:
            source = catalog.sources[s.source].name if s.source in catalog.sources else s.source
            table.add_row(s.benchmark, f"{s.value:g}", s.setting, s.name, source + (" (maker's own)" if s.self_reported else ""))
        console.print(table)


def _changes_table(changes: list[Any], limit: int = 60) -> None:
    from rich.console import Console
    from rich.table import Table

    if not changes:
        say("nothing differs")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("change", "offer", "what", "before", "after"):
        table.add_column(heading, overflow="fold")
    for change in changes[:limit]:
        table.add_row(change.kind, change.offer, change.what, change.before, change.after)
    Console().print(table)
    if len(changes) > limit:
        say(f"{limit} of {len(changes)} changes; --json prints all")


def _fields(catalog: Catalog, model: Any) -> list[str]:
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
