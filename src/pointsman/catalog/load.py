"""The catalogue as read: bundled facts, then a refreshed copy, then the user's files, then measurements.

A later layer replaces single fields, not whole rows, and each field remembers the layer it came from.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from importlib import resources
from importlib.abc import Traversable
from pathlib import Path
from typing import Literal, TypeVar, cast

import msgspec
import yaml

from pointsman.catalog.entry import LifecycleEvent, Model, Offer, Score, Source
from pointsman.catalog.naming import MAKER_OF_PROVIDER, model_id
from pointsman.core.fact import Fact
from pointsman.core.failure import ConfigError, StorageError

__all__ = ["Catalog", "bundled_catalog", "load_catalog", "with_file", "with_scores"]

Layer = Literal["bundled", "refreshed", "user", "measured"]
Row = dict[str, object]
Entry = TypeVar("Entry", Model, Offer)


class Catalog(msgspec.Struct, frozen=True, dict=True):
    """Every model, offer, event and score, indexed. Build a new one to change it."""

    sources: dict[str, Source]
    models: dict[str, Model]
    offers: dict[str, Offer]
    scores: tuple[Score, ...]

    @cached_property
    def aliases(self) -> dict[str, str]:
        """Another spelling of a model's id → its id."""
        return {f"{m.maker}/{name}": m.id for m in self.models.values() for name in m.names}

    @cached_property
    def offers_by_model(self) -> dict[str, tuple[Offer, ...]]:
        """Offers of each model id, in order of offer id."""
        found: dict[str, list[Offer]] = {}
        for offer in self.offers.values():
            if (model := self.model_id_of(offer)) is not None:
                found.setdefault(model, []).append(offer)
        return {model: tuple(offers) for model, offers in found.items()}

    @cached_property
    def _own_offers(self) -> dict[str, Offer]:
        """The maker's own offer of each model that its maker serves."""
        found: dict[str, Offer] = {}
        for model, offers in self.offers_by_model.items():
            maker = model.partition("/")[0]
            own = [o for o in offers if MAKER_OF_PROVIDER.get(o.provider) == maker]
            if own:
                found[model] = min(own, key=lambda o: (not o.usd_per_million, len(o.name), o.name))
        return found

    @cached_property
    def scores_by_model(self) -> dict[str, tuple[Score, ...]]:
        """Published and measured scores of each model id."""
        found: dict[str, list[Score]] = {}
        for score in self.scores:
            found.setdefault(self.aliases.get(score.model, score.model), []).append(score)
        return {model: tuple(scores) for model, scores in found.items()}

    def model_id_of(self, offer: Offer) -> str | None:
        """The id of the model an offer serves; None if nobody knows its maker."""
        return None if offer.model is None else self.aliases.get(offer.model, offer.model)

    def model_of(self, offer: Offer) -> Model | None:
        """The model an offer serves."""
        return self.models.get(self.model_id_of(offer) or "")

    def fact(self, entry: Model | Offer, field: str) -> Fact[object] | None:
        """One field with its provenance, such as `context_tokens` or `capabilities.tool_calling`.

        An offer that does not say falls back to its model, and a model to its maker's own offer.
        None if nobody says.
        """
        return self._own(entry, field) or self._said_elsewhere(entry, field)

    def _own(self, entry: Model | Offer | None, field: str) -> Fact[object] | None:
        if entry is None:
            return None
        head, _, key = field.partition(".")
        value = getattr(entry, head, None)
        if key:
            value = value.get(key) if isinstance(value, dict) else None
        if value is None or value in ((), ""):
            return None
        said_by = entry.said_by
        return self._fact(value, said_by.get(field) or said_by.get(head) or said_by.get("", ""))

    def _said_elsewhere(self, entry: Model | Offer, field: str) -> Fact[object] | None:
        other: Model | Offer | None
        if isinstance(entry, Offer):
            other = self.model_of(entry)
            found = self._own(other, field) if other is not None else None
            return found or (self._own(self.own_offer(other), field) if other is not None else None)
        return self._own(self.own_offer(entry), field)

    def own_offer(self, model: Model) -> Offer | None:
        """The maker's own offer of a model; None if it is only served by others or by nobody."""
        return self._own_offers.get(model.id)

    def own_offer_of(self, model: str) -> Offer | None:
        """The same by the model's id, for models that have no row."""
        return self._own_offers.get(model)

    def _fact(self, value: object, key: str) -> Fact[object]:
        source = self.sources.get(key)
        return Fact(value, source.name if source else key, source.checked_on if source else "")


@cache
def bundled_catalog() -> Catalog:
    """What is installed with the package."""
    data = resources.files("pointsman.catalog") / "data"
    catalog = Catalog(
        sources={row.key: _source(row) for row in _lines(data / "sources.jsonl", _SourceRow)},
        models={m.id: m for m in _lines(data / "models.jsonl", Model)},
        offers={o.id: o for o in _lines(data / "offers.jsonl", Offer)},
        scores=tuple(_lines(data / "scores.jsonl", Score)),
    )
    for file in sorted((data / "models").iterdir(), key=lambda f: f.name):
        catalog = _with_rows(catalog, tomllib.loads(file.read_text(encoding="utf-8")), f"checked/{file.name}", "bundled")
    return catalog


def load_catalog(refreshed: Path | None = None, user: Iterable[Path] = ()) -> Catalog:
    """The bundled catalogue under a refreshed folder (if it exists) and the user's files, in the order given."""
    catalog = bundled_catalog()
    if refreshed is not None and (refreshed / "offers.jsonl").exists():
        catalog = _with_refreshed(catalog, refreshed)
    for path in user:
        catalog = with_file(catalog, path)
    return catalog


def with_file(catalog: Catalog, path: Path) -> Catalog:
    """The catalogue under one TOML or YAML file of the user: `source`, `model`, `offer`, `event`, `score` rows.

    Raises `ConfigError` naming file, key and the nearest valid key.
    """
    try:
        text = path.read_text(encoding="utf-8")
        rows = tomllib.loads(text) if path.suffix == ".toml" else yaml.safe_load(text) or {}
    except (OSError, tomllib.TOMLDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from None
    return _with_rows(catalog, rows, str(path), "user")


def with_scores(catalog: Catalog, scores: Iterable[Score], source: Source, key: str = "measured") -> Catalog:
    """The catalogue with the user's own results on top."""
    return msgspec.structs.replace(
        catalog,
        sources=catalog.sources | {key: source},
        scores=(*catalog.scores, *(msgspec.structs.replace(s, source=key) for s in scores)),
    )


class _SourceRow(Source, frozen=True, kw_only=True):
    key: str


def _source(row: _SourceRow) -> Source:
    return Source(name=row.name, checked_on=row.checked_on, licence=row.licence, url=row.url, layer=row.layer)


T = TypeVar("T")


def _lines(path: Traversable | Path, kind: type[T]) -> list[T]:
    return msgspec.json.Decoder(kind).decode_lines(path.read_bytes())


def _with_refreshed(catalog: Catalog, folder: Path) -> Catalog:
    try:
        sources = {row.key: _source(row) for row in _lines(folder / "sources.jsonl", _SourceRow)}
        fresh = {o.id: o for o in _lines(folder / "offers.jsonl", Offer)}
    except (OSError, msgspec.MsgspecError) as error:
        hint = f"run `pointsman catalog refresh`, or remove {folder} to go back to what came with the package"
        raise StorageError(f"the refreshed catalogue in {folder} cannot be read: {error}", hint=hint) from error
    if not _newer(sources, catalog.sources):
        return catalog
    checked = {k for k in catalog.sources if k.startswith("checked/")}
    offers = {k: _keep_checked(catalog.offers.get(k), o, checked) for k, o in fresh.items()}
    kept = {k: s for k, s in sources.items() if k not in checked}
    return msgspec.structs.replace(catalog, sources=catalog.sources | kept, offers=catalog.offers | offers)


def _newer(refreshed: Mapping[str, Source], bundled: Mapping[str, Source]) -> bool:
    """A package installed after the refresh may carry newer facts: then they win."""
    days = [max((s.checked_on for s in group.values() if s.licence), default="") for group in (refreshed, bundled)]
    return days[0] >= days[1]


def _keep_checked(old: Offer | None, new: Offer, checked: set[str]) -> Offer:
    """Rows checked by hand stay above a refreshed list, which is made by machine."""
    if old is None:
        return new
    fields = {f: getattr(old, f) for f, source in old.said_by.items() if source in checked and f and "." not in f}
    events = tuple(e for e in old.events if e.source in checked)
    said_by = new.said_by | {f: old.said_by[f] for f in fields}
    kept = tuple(e for e in new.events if not any((e.name, e.kind) == (c.name, c.kind) for c in events))
    return msgspec.structs.replace(new, **fields, events=(*kept, *events), said_by=said_by)


def _with_rows(catalog: Catalog, document: object, file: str, layer: Layer) -> Catalog:
    if not isinstance(document, dict):
        raise ConfigError("is not a table of source, model, offer, event and score rows", file=file)
    _check_keys(document, ("source", "model", "offer", "event", "score"), file)
    sources = dict(catalog.sources)
    default = _convert(document.get("source") or {"name": file, "checked_on": ""}, Source, file)
    sources[file] = msgspec.structs.replace(default, layer=layer)
    models, offers = dict(catalog.models), dict(catalog.offers)
    for row in _rows(document, "model", file):
        model = _patch(row, Model, models.get(str(row.get("id"))), file)
        models[model.id] = model
        for name in model.names:
            if (other := f"{model.maker}/{name}") != model.id:
                models.pop(other, None)
    for row in _rows(document, "offer", file):
        provider, name = str(row.get("provider")), str(row.get("name"))
        base = offers.get(f"{provider}:{name}") or Offer(provider=provider, name=name, model=model_id(name, provider))
        offers[base.id] = _patch(row, Offer, base, file)
    for row in _rows(document, "event", file):
        _add_event(offers, row, file)
    scores = tuple(msgspec.structs.replace(_convert(row, Score, file), source=file) for row in _rows(document, "score", file))
    return Catalog(sources=sources, models=models, offers=offers, scores=(*catalog.scores, *scores))


def _add_event(offers: dict[str, Offer], row: Row, file: str) -> None:
    key = str(row.get("offer"))
    offer = offers.get(key)
    if offer is None:
        near = difflib.get_close_matches(key, offers, n=1)
        raise ConfigError(
            "names no offer", file=file, key="event.offer", value=key, hint=f"did you mean {near[0]!r}?" if near else None
        )
    event = _convert({k: v for k, v in row.items() if k != "offer"} | {"source": file}, LifecycleEvent, file)
    others = tuple(e for e in offer.events if (e.name, e.kind) != (event.name, event.kind))
    offers[key] = msgspec.structs.replace(offer, events=(*others, event))


def _patch(row: Row, kind: type[Entry], base: Entry | None, file: str) -> Entry:
    new = _convert(row, kind, file)
    given = {k: getattr(new, k) for k in row}
    said = dict.fromkeys((k for k in row if k not in ("id", "provider", "name", "names")), file)
    if base is None:
        return msgspec.structs.replace(new, said_by={"": file})
    if "usd_per_million" in given:
        given.setdefault("tiers", {})  # the tiers below belong to the price below
    if "capabilities" in given:
        given["capabilities"] = base.capabilities | new.capabilities
        del said["capabilities"]
        said |= {f"capabilities.{name}": file for name in new.capabilities}
    return msgspec.structs.replace(base, **given, said_by=base.said_by | said)


def _convert(row: object, kind: type[T], file: str) -> T:
    fields = cast("tuple[str, ...]", kind.__struct_fields__)  # type: ignore[attr-defined]  # every kind here is a Struct
    if isinstance(row, Mapping):
        _check_keys(row, fields, file)
    try:
        return msgspec.convert(msgspec.to_builtins(row), kind)  # YAML and TOML read dates, our fields are text
    except msgspec.ValidationError as error:
        raise ConfigError(str(error), file=file) from None


def _check_keys(row: Mapping[str, object], valid: Iterable[str], file: str) -> None:
    known = list(valid)
    for key in row:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise ConfigError("is not a key we know", file=file, key=key, hint=f"did you mean {near[0]!r}?" if near else None)


def _rows(document: Mapping[str, object], key: str, file: str) -> list[Row]:
    rows = document.get(key) or []
    if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
        raise ConfigError("is not a list of rows", file=file, key=key)
    return rows
