"""The catalogue as one project sees it: bundled, refreshed on this machine, and the project's own files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

import msgspec

from pointsman.catalog.discrepancies import doubts
from pointsman.catalog.entry import Offer
from pointsman.catalog.lifecycle import lifecycle
from pointsman.catalog.load import Catalog, load_catalog
from pointsman.catalog.lookup import find_offer
from pointsman.catalog.price_list import PriceList, bundled_list, current_list, read_list, use_list
from pointsman.catalog.price_sheet import PriceSheet, Tariff
from pointsman.catalog.prices import find_price
from pointsman.catalog.refresh import SOURCE_KEYS, Refreshed, refresh
from pointsman.catalog.watch import Alert, Watched, watch
from pointsman.core.estimate import Unknown
from pointsman.core.failure import PointsmanError, StorageError

__all__ = [
    "PriceAge",
    "cache_folder",
    "noon",
    "open_catalog",
    "price_age",
    "price_of",
    "refresh_catalog",
    "use_refreshed_prices",
    "watch_variants",
]

CATALOG_FOLDER = "catalog.d"
PROJECT_FILE = "pointsman.yaml"  # not from app.config, which loads all that evaluation needs


class PriceAge(msgspec.Struct, frozen=True, kw_only=True):
    """Which prices are in use and how old they are."""

    source: str
    checked_on: str | None
    days: int | None
    refreshed: bool

    @property
    def text(self) -> str:
        """One line for people."""
        old = "of an unknown day" if self.days is None else f"{self.days} days old ({self.checked_on})"
        return f"prices: {self.source}, {old}"


class _Edition(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    checked_on: str
    held: tuple[str, ...]


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where a refreshed catalogue is kept: `$POINTSMAN_CACHE`, else the user's cache folder."""
    if own := environment.get("POINTSMAN_CACHE"):
        return Path(own) / "catalog"
    base = environment.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "pointsman" / "catalog"


def open_catalog(files: tuple[Path, ...] = (), start: Path | None = None, folder: Path | None = None) -> Catalog:
    """Bundled, then refreshed, then `catalog.d/` beside the project's file, then `files`; the last word wins.

    Prices are read from the refreshed copy from then on, if there is one.
    """
    folder = folder or cache_folder()
    here = (start or Path.cwd()).resolve()
    own = next((p for p in (here, *here.parents) if (p / PROJECT_FILE).is_file()), here) / CATALOG_FOLDER
    found = sorted(f for f in own.iterdir() if f.suffix in (".toml", ".yaml", ".yml")) if own.is_dir() else []
    use_refreshed_prices(folder)
    return load_catalog(folder, (*found, *files))


def use_refreshed_prices(folder: Path | None = None) -> bool:
    """Let every price come from the refreshed copy on this machine; False if there is none. Nothing is read yet."""
    folder = folder or cache_folder()
    if not (folder / "prices.json").exists():
        use_list(None)
        return False
    use_list(lambda: _newest(folder))
    return True


def _newest(folder: Path) -> PriceList:
    """The refreshed edition, unless a package installed since carries a newer one."""
    bundled, refreshed = bundled_list(), _edition(folder)
    return bundled if (bundled.checked_on or "") > (refreshed.checked_on or "") else refreshed


@cache
def _edition(folder: Path) -> PriceList:
    try:
        about = msgspec.json.decode((folder / "edition.json").read_bytes(), type=_Edition)
        edition = read_list((folder / "prices.json").read_bytes(), about.source, about.checked_on)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"the refreshed prices in {folder} cannot be read: {error}",
            hint=f"run `pointsman catalog refresh`, or remove {folder} to go back to the bundled prices",
        ) from error
    return msgspec.structs.replace(edition, held=frozenset(about.held))


def price_age(catalog: Catalog, on: date) -> PriceAge:
    """How old the prices are on a day; known without loading them."""
    source = catalog.sources["genai-prices"]
    checked = date.fromisoformat(source.checked_on) if source.checked_on else None
    return PriceAge(
        source=source.name,
        checked_on=source.checked_on or None,
        days=(on - checked).days if checked else None,
        refreshed=source.layer == "refreshed",
    )


def noon(day: date) -> datetime:
    """A day as a moment, where a price needs one: 12:00 UTC."""
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


def price_of(catalog: Catalog, model: str, provider: str | None, at: datetime) -> PriceSheet:
    """The price sheet of a model at a provider, or at its maker.

    A name that another model answers by then is priced as that model. What is known against a price,
    or that the model has stopped, stands in the sheet's notes.

    A price of the user's own comes first, then the price list, then what another source of the
    catalogue says. Raises `PointsmanError` saying why there is none.
    """
    offers = _offers_named(catalog, model, provider)
    life = lifecycle(offers[0], at.date(), model) if offers else None
    if life is not None and life.stage == "rerouted" and life.to:
        note = f"since {life.ends_on} {model} is answered by {life.to} and billed as it"
        return _with_notes(_listed_price(catalog, life.to, offers[0].provider, at), note)
    sheet = _listed_price(catalog, model, provider, at)
    stopped = (f"{model} stopped answering on {life.ends_on}",) if life is not None and life.stage == "shut_down" else ()
    return _with_notes(sheet, *doubts(sheet), *stopped)


def _with_notes(sheet: PriceSheet, *notes: str) -> PriceSheet:
    return msgspec.structs.replace(sheet, notes=(*sheet.notes, *notes)) if notes else sheet


def _listed_price(catalog: Catalog, model: str, provider: str | None, at: datetime) -> PriceSheet:
    offers = _offers_named(catalog, model, provider)
    for offer in offers:
        if (own := _flat_sheet(catalog, offer, model, at, layers=("user", "measured"))) is not None:
            return own
    if provider is None and not offers:
        find_offer(catalog, model)  # raises, naming what there is
    asked = provider or offers[0].provider
    found = find_price(asked, model, at)
    if isinstance(found, Unknown) and model.endswith("-latest"):
        # A moving alias is refused for a reason; another name for it would only hide that.
        raise PointsmanError(found.reason, hint="name the version you call")
    for offer in offers:
        if not isinstance(found, Unknown):
            return found
        found = find_price(offer.provider, offer.name, at)
    if not isinstance(found, Unknown):
        return found
    for offer in offers:
        if (said := _flat_sheet(catalog, offer, model, at, layers=("bundled", "refreshed"))) is not None:
            return said
    raise PointsmanError(found.reason, hint="`pointsman catalog list --text NAME` shows what is offered where")


def _offers_named(catalog: Catalog, model: str, provider: str | None) -> list[Offer]:
    """The offer a person means, then other offers of the same model at that provider."""
    try:
        first = find_offer(catalog, model, provider)
    except PointsmanError:
        return []
    same = catalog.offers_by_model.get(catalog.model_id_of(first) or "", ())
    others = [o for o in same if o.provider == first.provider and o.id != first.id]
    # A name that is an offer's own means that offer and no sibling of it.
    return [first] if model in (first.name, *first.names) else [first, *sorted(others, key=lambda o: (len(o.name), o.name))]


def _flat_sheet(catalog: Catalog, offer: Offer, model: str, at: datetime, layers: tuple[str, ...]) -> PriceSheet | None:
    """A sheet of the catalogue's own figures for an offer, if their source is of one of the layers."""
    source = catalog.sources.get(offer.said_by.get("usd_per_million", offer.said_by.get("", "")))
    if source is None or source.layer not in layers or not offer.usd_per_million:
        return None
    return PriceSheet(
        provider=offer.provider,
        model=model,
        provider_matched=offer.provider,
        model_matched=offer.name,
        match="exact",
        as_of=at,
        source=source.name,
        checked_on=source.checked_on or None,
        tariffs=(Tariff(rates=offer.list_rates),),
        notes=(f"one list price from {source.name}; {'' if offer.tiers else 'tiers, '}modes and dates are not known",),
    )


def refresh_catalog(
    names: tuple[str, ...] = ("genai_prices", "litellm", "models_dev"),
    *,
    mirror: Path | str | None = None,
    folder: Path | None = None,
    at: datetime | None = None,
    dry_run: bool = False,
    timeout_s: float = 60.0,
) -> tuple[Catalog, Refreshed, dict[str, str]]:
    """Read sources over the last good catalogue; returns it as it was, what became of each source, and what could not be fetched.

    `mirror` is a folder or the address of one, with `NAME.json` in it. Nothing is written if nothing was taken, or on
    a dry run. Raises `PointsmanError` for an unknown source or a mirror that is not there.
    """
    from pointsman.app.catalog_fetch import fetch_sources  # the HTTP client, which only this needs

    unknown = [n for n in names if n not in SOURCE_KEYS]
    if unknown:
        raise PointsmanError(f"there is no source {unknown[0]!r}", hint=f"known: {', '.join(SOURCE_KEYS)}")
    folder = folder or cache_folder()
    before = load_catalog(folder)
    use_refreshed_prices(folder)
    raw, failed = fetch_sources(names, mirror, timeout_s)
    done = refresh(before, raw, current_list() if raw else bundled_list(), at or datetime.now(UTC))
    if done.taken and not dry_run:
        _write(folder, done, raw.get("genai_prices"))
        _edition.cache_clear()
    return before, done, failed


def _write(folder: Path, done: Refreshed, prices: bytes | None) -> None:
    """Each file is replaced in one step, so a reader never sees half of one."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if done.prices is not None and prices is not None:
            about = _Edition(
                source=done.prices.source, checked_on=done.prices.checked_on or "", held=tuple(sorted(done.prices.held))
            )
            _replace(folder / "prices.json", prices)
            _replace(folder / "edition.json", msgspec.json.encode(about))
        sources = [{"key": k} | msgspec.to_builtins(s) for k, s in done.catalog.sources.items()]
        _replace(folder / "sources.jsonl", b"".join(msgspec.json.encode(row) + b"\n" for row in sources))
        _replace(folder / "offers.jsonl", b"".join(msgspec.json.encode(o) + b"\n" for o in done.catalog.offers.values()))
    except OSError as error:
        raise StorageError(
            f"the refreshed catalogue cannot be written: {error}", hint="set POINTSMAN_CACHE to a writable folder"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    part = path.with_suffix(path.suffix + ".part")
    part.write_bytes(content)
    part.replace(path)


def watch_variants(
    catalog: Catalog, variants: Mapping[str, tuple[str, str]], on: date, horizon_days: int, since: date
) -> list[Alert]:
    """Alerts for named variants (name → provider and model): ends and reroutes within the horizon, price moves since a day."""
    watched = [_watched(catalog, name, provider, model, on, since) for name, (provider, model) in variants.items()]
    return watch(catalog, watched, on, horizon_days)


def _watched(catalog: Catalog, name: str, provider: str, model: str, on: date, since: date) -> Watched:
    offer: Offer | None
    try:
        offer = find_offer(catalog, model, provider)
    except PointsmanError:
        offer = None
    sheet = find_price(provider, model, noon(on))
    if isinstance(sheet, Unknown):
        return Watched(name=name, offer=offer, called=f"{provider}:{model}")
    was, now = (sheet.rates(noon(day))[0] for day in (since, on))
    blended = [
        (3 * r["input"].usd_per_million + r["output"].usd_per_million) / 4 if {"input", "output"} <= set(r) else None
        for r in (was, now)
    ]
    return Watched(name=name, offer=offer, called=f"{provider}:{model}", price_was=blended[0], price_is=blended[1])
