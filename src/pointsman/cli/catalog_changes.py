"""`pointsman catalog refresh | diff | watch`: what changes, and what that means for the models in use."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from pointsman.cli.catalog_output import FILES, ON, day_of, prices_json
from pointsman.cli.options import json_option
from pointsman.cli.output import print_json, say, with_example

__all__ = ["diff_command", "refresh", "watch"]


@click.command(epilog=with_example("pointsman catalog refresh --from ./mirror --dry-run"))
@click.option("--source", "sources", multiple=True, help="Only these: genai_prices, litellm, models_dev, openrouter.")
@click.option(
    "--from",
    "mirror",
    metavar="FOLDER_OR_URL",
    help="Read NAME.json from this folder or mirror instead of each source's own address.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0, min_open=True),
    default=60.0,
    show_default=True,
    help="Seconds for each source.",
)
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@json_option
def refresh(*, sources: tuple[str, ...], mirror: str | None, timeout_s: float, dry_run: bool, as_json: bool) -> int:
    """Read the outside lists again, each behind a sanity gate; the last good data stays where one fails.

    A price that moves more than fivefold or becomes 0 is held back, and a list in which that is common,
    or that is cut or no list at all, is refused. Exit code 2 if a source was refused, 1 if one could not be read.
    """
    from pointsman.app.catalog import price_age, refresh_catalog
    from pointsman.app.catalog_fetch import mirror_of
    from pointsman.catalog.diff import diff

    names = sources or ("genai_prices", "litellm", "models_dev")
    before, done, failed = refresh_catalog(names, mirror=mirror_of(mirror), dry_run=dry_run, timeout_s=timeout_s)
    changes = diff(before, done.catalog, day_of(None))
    age = price_age(before if dry_run else done.catalog, day_of(None))
    code = 2 if any(not o.taken for o in done.outcomes) else 1 if failed else 0
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
                "prices": prices_json(age),
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
    say(age.text)
    return code


@click.command("diff", epilog=with_example("pointsman catalog diff"))
@click.argument("before", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("after", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--limit", type=click.IntRange(1), default=60, show_default=True, help="Rows of the table; --json prints all.")
@json_option
def diff_command(before: Path | None, after: Path | None, limit: int, as_json: bool) -> None:
    """What differs between two readings: prices, limits, abilities, ends, new and gone offers.

    BEFORE and AFTER are folders of refreshed catalogues. Without them, what came with the package is
    compared with what this machine has refreshed.
    """
    from pointsman.app.catalog import cache_folder
    from pointsman.catalog.diff import diff
    from pointsman.catalog.load import load_catalog

    old, new = load_catalog(before), load_catalog(after or (None if before else cache_folder()))
    changes = diff(old, new, day_of(None))
    if as_json:
        print_json({"changes": changes})
        return
    _changes_table(changes, limit)


@click.command(epilog=with_example("pointsman catalog watch --model openai:gpt-4o --as-of 2026-11-23"))
@click.option("--config", type=click.Path(path_type=Path, dir_okay=False), help="pointsman.yaml; the nearest one by default.")
@click.option("--model", "models", multiple=True, metavar="PROVIDER:MODEL", help="Watch this too, without a file.")
@click.option("--horizon-days", type=click.IntRange(1), default=180, show_default=True, help="How far ahead an end matters.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Report price moves since this day; 90 days ago by default.")
@FILES
@ON
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

    catalog, on = open_catalog(files), day_of(as_of)
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
        alerted = [_alert_json(a) for a in alerts]
        print_json({"as_of": on, "watched": len(variants), "alerts": alerted, "prices": prices_json(price_age(catalog, on))})
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


def _held_json(held: Any) -> dict[str, object]:
    from pointsman.core.units import usd_text

    rates = {"before": usd_text(held.before), "now": usd_text(held.now)}
    return {"offer": held.offer, "unit": held.unit, **rates, "reason": held.reason}


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
