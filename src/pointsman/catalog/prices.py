"""Published prices by provider and model, from the `genai-prices` package or a newer copy of its list.

The package is imported on first use. Its own lookup falls back to prefix and substring matches;
ours accepts a name only if the list spells it out, describes it, or it is a listed name plus a
version or date, because a wrong price is worse than none.
"""

from __future__ import annotations

import difflib
import importlib.metadata
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from pointsman.catalog.price_sheet import Match, ModeTariff, PriceSheet, Rate, Rates, Tariff, Tier, UnitKind
from pointsman.core.estimate import Unknown

if TYPE_CHECKING:
    from genai_prices.types import MatchLogic, ModelInfo, ModelPrice, Provider

__all__ = [
    "OUR_NAMES",
    "PriceList",
    "bundled_list",
    "current_list",
    "every_sheet",
    "find_price",
    "listed_name",
    "read_list",
    "use_list",
]

_PROVIDERS = {  # our provider rows → the list's ids, where they differ
    "gemini": "google",
    "google-ai-studio": "google",
    "vertex": "google",
    "vertexai": "google",
    "vertex-ai": "google",
    "xai": "x-ai",
    "bedrock": "aws",
    "moonshot": "moonshotai",
    "together-ai": "together",
    "fireworks-ai": "fireworks",
    "zhipu": "zhipuai",
    "openai-responses": "openai",
    "azure-openai": "azure",
}
OUR_NAMES = {"x-ai": "xai", "aws": "bedrock", "google": "gemini", "moonshotai": "moonshot"}
"""The list's provider ids whose provider row here has another name."""
_OWN_HARDWARE = frozenset({"ollama", "vllm", "tgi", "llamacpp", "llama.cpp", "lmstudio", "sglang"})
_RECORDED = frozenset({"replay", "scripted"})

_UNITS: dict[str, UnitKind] = {
    "input_mtok": "input",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_mtok": "output",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
    "input_image_mtok": "input_image",
    "output_image_mtok": "output_image",
}
_MODE_CONTEXTS = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
# DeepSeek charges off-peak all weekend from this day on; the list's format cannot say so
# (pydantic/genai-prices issue 582, and the entries' own comments).
_FREE_WEEKENDS = {
    "deepseek-v4-flash": date(2026, 8, 23),
    "deepseek-v4-pro": date(2026, 8, 23),
    "deepseek-flash": date(2026, 9, 10),
}

# The maker's API served exactly these weights under the shorter name.
_SYNONYMS = {
    ("mistral", "mixtral-8x7b-instruct"): "open-mixtral-8x7b",
    ("mistral", "mistral-7b-instruct"): "open-mistral-7b",
}

_TAIL = re.compile(r"(?:[-@:](?:\d{2,8}|v\d+(?::\d+)?|latest|preview|exp))*")
_LOOSE_TAIL = re.compile(r"\d{1,8}" + _TAIL.pattern)
_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=$|[-:])")
_STRENGTH: dict[Match, int] = {"exact": 4, "listed": 3, "pattern": 2, "version": 1}


class PriceList(msgspec.Struct, frozen=True, kw_only=True):
    """One edition of the list."""

    providers: tuple[Provider, ...]
    source: str
    checked_on: str | None
    held: frozenset[str] = frozenset()
    """Entries (`provider:model`, the list's names) whose price failed the sanity gate; the bundled edition answers for them."""


_current: list[Callable[[], PriceList]] = []


def use_list(prices: Callable[[], PriceList] | None) -> None:
    """Let `find_price` read another edition (a refreshed copy) from now on; None goes back to the bundled one.

    `prices` is called for each look-up, so it should keep what it has read; it is not called before.
    """
    _current[:] = [] if prices is None else [prices]


def current_list() -> PriceList:
    """The edition `find_price` reads."""
    return _current[0]() if _current else bundled_list()


@cache
def bundled_list() -> PriceList:
    """The edition inside the installed package.

    The package keeps no reading date, so `checked_on` is the newest price change in it that had
    happened when it was published: the list was read then or later.
    """
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415 - 0.2 s that start-up must not pay

    providers = tuple(get_snapshot().providers)
    version = importlib.metadata.version("genai-prices")
    return PriceList(providers=providers, source=f"genai-prices {version}", checked_on=_PUBLISHED.get(version))


_PUBLISHED = {"0.2.3": "2026-11-09"}


def find_price(provider: str, model: str, at: datetime) -> PriceSheet | Unknown:
    """The price sheet of a model at a provider, as known at `at` (an aware time).

    `provider` is a provider row's name, or the list's own id. A recorded or scripted answer is
    priced as its maker's API if its model is written `maker/model`. Unknown if the provider or the
    model is not in the list, is only loosely like a listed name, is an alias that has moved on, is
    listed without a price, or runs on your own hardware.
    """
    prices = current_list()
    if provider in _OWN_HARDWARE:
        return Unknown(f"{provider} runs on your own hardware, which no price list knows; see `pointsman cost tco`")
    if provider in _RECORDED:
        if "/" not in model:
            return Unknown(f"a {provider} answer has a price only if its model is written maker/model")
        provider, model = model.split("/", 1)
    found = _find_provider(prices, provider)
    if found is None:
        return Unknown(f"{prices.source} lists no provider {provider!r}")
    return _find_model(prices, found, provider, model, at)


def every_sheet(prices: PriceList, at: datetime) -> Iterator[tuple[str, str, int | None, PriceSheet | Unknown]]:
    """Every entry of an edition: our provider name, the entry's id, its window where given, and its sheet."""
    for provider in prices.providers:
        ours = OUR_NAMES.get(provider.id, provider.id)
        for info in provider.models:
            sheet = _sheet(prices, provider, info, "exact", asked=(ours, info.id), at=at)
            yield ours, info.id, info.context_window, _free_or_unknown(sheet)


def read_list(raw: bytes, source: str, checked_on: str) -> PriceList:
    """An edition from the list's own published file. Raises ValueError for bytes that are not one."""
    # The package reads this file itself but offers no public function for it (its updater only fetches by URL).
    from genai_prices.types import _providers_from_raw  # noqa: PLC0415 - see above

    rows = json.loads(raw)
    if not isinstance(rows, list) or not rows:
        raise ValueError("not a list of providers")
    return PriceList(providers=tuple(_providers_from_raw(rows)), source=source, checked_on=checked_on)


def listed_name(prices: PriceList, provider: str, model: str) -> str | None:
    """The entry's id for a name at a provider, by the same rules as `find_price`; None if there is none."""
    found = _find_provider(prices, provider)
    hit = _best_match(found, model) if found is not None else None
    return hit[0].id if hit is not None else None


def _find_provider(prices: PriceList, name: str) -> Provider | None:
    wanted = _PROVIDERS.get(name.replace("_", "-"), name)
    listed = {p.id: p for p in prices.providers}
    return listed.get(wanted)


def _find_model(prices: PriceList, provider: Provider, asked_provider: str, model: str, at: datetime) -> PriceSheet | Unknown:
    hit = _best_match(provider, model)
    if hit is None:
        for other in provider.fallback_model_providers or ():
            fallback = _find_provider(prices, other)
            if fallback is not None and (hit := _best_match(fallback, model)) is not None:
                provider = fallback
                break
    if hit is None:
        near = difflib.get_close_matches(model.lower(), [m.id for m in provider.models], n=3, cutoff=0.5)
        hint = f"; near: {', '.join(near)}" if near else ""
        return Unknown(f"{prices.source} lists no price for {model!r} at {provider.id}{hint}")
    info, match = hit
    if f"{provider.id}:{info.id}" in prices.held and (older := _find_provider(bundled_list(), provider.id)) is not None:
        return _find_model(bundled_list(), older, asked_provider, model, at)
    if (moved := _moved_alias(provider, model, info)) is not None:
        return Unknown(moved)
    sheet = _sheet(prices, provider, info, match, asked=(asked_provider, model), at=at)
    return _free_or_unknown(sheet)


def _free_or_unknown(sheet: PriceSheet) -> PriceSheet | Unknown:
    rates = [r for t in sheet.tariffs for r in t.rates.values()]
    if not rates:
        return Unknown(f"{sheet.source} lists {sheet.model_matched} without a price per token")
    if not any(r.usd_per_million for r in rates) and not sheet.model_matched.endswith(":free"):
        return Unknown(f"{sheet.source} lists {sheet.model_matched} at 0, which does not tell free from unknown")
    return sheet


def _best_match(provider: Provider, model: str) -> tuple[ModelInfo, Match] | None:
    name = model.lower()
    plain = name.removeprefix("models/").removeprefix(f"{provider.id}/")
    plain = _SYNONYMS.get((provider.id, plain), plain)
    by_id = _ids(provider)
    for ref in dict.fromkeys((name, plain, _COMPACT_DATE.sub(r"-\1-\2-\3", plain))):
        if ref in by_id:
            return by_id[ref], "exact"
        hits = [(m, s) for m in provider.models if (s := _clause(m.match, ref)) is not None]
        if hits:
            # max() keeps the first of equals, which is the list's own order of preference.
            return max(hits, key=lambda hit: _rank(hit[1]))
    return None


_ids_of: dict[int, tuple[Provider, dict[str, ModelInfo]]] = {}


def _ids(provider: Provider) -> dict[str, ModelInfo]:
    # Keyed by identity, because the package's providers cannot be hashed; keeping the provider keeps its id its own.
    if id(provider) not in _ids_of:
        _ids_of[id(provider)] = (provider, {m.id.lower(): m for m in reversed(provider.models)})
    return _ids_of[id(provider)][1]


def _clause(clause: MatchLogic, ref: str) -> Match | None:
    from genai_prices import types as gp  # noqa: PLC0415 - loaded with the list

    match clause:
        case gp.ClauseOr():
            return max((_clause(c, ref) for c in clause.or_), key=_rank, default=None)
        case gp.ClauseAnd():
            # A lookahead regex inside an And only excludes names; the other clauses say how good the match is.
            parts = [_clause(c, ref) for c in clause.and_ if not _only_excludes(c)]
            return min(parts, key=_rank, default=None) if clause.is_match(ref) else None
        case gp.ClauseEquals():
            return "listed" if clause.is_match(ref) else None
        case gp.ClauseRegex():
            return "pattern" if clause.regex.endswith(("$", r"\d")) and clause.is_match(ref) else None
        case gp.ClauseStartsWith():
            return _versioned(ref, clause.starts_with.lower(), anywhere=False)
        case gp.ClauseContains():
            return _versioned(ref, clause.contains.lower(), anywhere=True)
        case gp.ClauseEndsWith():
            return _versioned(ref, clause.ends_with.lower(), anywhere=True)


def _rank(match: Match | None) -> int:
    return 0 if match is None else _STRENGTH[match]


def _only_excludes(clause: MatchLogic) -> bool:
    return getattr(clause, "regex", "").startswith("^(?!")


def _versioned(ref: str, stem: str, *, anywhere: bool) -> Match | None:
    """`version` if `ref` is `stem` after a path and before a version or date; None otherwise."""
    head, found, tail = ref.partition(stem)
    if not found or (head and not anywhere):
        return None
    if stem.startswith("ft:"):
        return "version"  # the owner names a fine-tuned model; its base and `ft:` are what is billed
    if head and head[-1] not in "/.:" and stem[0] not in "/.:":
        return None
    rule = _LOOSE_TAIL if tail[:1].isdigit() and (stem[-1] in "-@." or stem.endswith("-0")) else _TAIL
    return "version" if rule.fullmatch(tail) else None


def _moved_alias(provider: Provider, model: str, info: ModelInfo) -> str | None:
    """Why a `…-latest` name cannot be priced: the list knows later versions of its family than the entry it names."""
    name = model.lower()
    if not name.endswith("-latest") or info.id.lower() == name:
        return None
    stem = name.removesuffix("-latest")
    later = [m.id for m in provider.models if re.fullmatch(re.escape(stem) + r"-\d+(?:[.-]\d+)*", m.id.lower())]
    if not later or info.id in later:
        return None
    newer = ", ".join(later)
    return f"{model!r} is an alias that moves: the list prices {info.id!r} for it but also knows {newer}; name the version"


def _sheet(
    prices: PriceList, provider: Provider, info: ModelInfo, match: Match, *, asked: tuple[str, str], at: datetime
) -> PriceSheet:
    return PriceSheet(
        provider=asked[0],
        model=asked[1],
        provider_matched=provider.id,
        model_matched=info.id,
        match=match,
        as_of=at,
        source=prices.source,
        checked_on=prices.checked_on,
        tariffs=_tariffs(info),
        modes=_modes(info),
        usd_per_thousand=_others(info, at),
        notes=_sheet_notes(provider, info, match, asked),
    )


def _sheet_notes(provider: Provider, info: ModelInfo, match: Match, asked: tuple[str, str]) -> tuple[str, ...]:
    notes = []
    if match == "version":
        notes.append(f"the list has no entry for {asked[1]} itself; this is the price of {info.id}")
    if provider.id != _PROVIDERS.get(asked[0].replace("_", "-"), asked[0]):
        notes.append(f"{asked[0]} publishes no own price in this list; {provider.id}'s price was used")
    if info.id in _FREE_WEEKENDS:
        notes.append("off-peak all weekend by the provider's rule; on Chinese public holidays the peak price is an upper bound")
    return tuple(notes)


def _tariffs(info: ModelInfo) -> tuple[Tariff, ...]:
    from genai_prices import types as gp  # noqa: PLC0415 - loaded with the list

    if not isinstance(info.prices, list):
        return (Tariff(_rates(info.prices)),)
    tariffs: list[Tariff] = []
    since: date | None = None
    for entry in info.prices:
        match entry.constraint:
            case gp.StartDateConstraint(start_date=start):
                since = start
                tariffs.append(Tariff(_rates(entry.prices), starts_on=start))
            case gp.TimeOfDateConstraint():
                # The list cannot date a daily window; it holds since the last dated price before it, not forever.
                tariffs.append(
                    Tariff(
                        _rates(entry.prices),
                        starts_on=since,
                        utc_minutes=(_minute(entry.constraint.start_time), _minute(entry.constraint.end_time)),
                        free_weekends_from=_FREE_WEEKENDS.get(info.id),
                    )
                )
            case None:
                tariffs.append(Tariff(_rates(entry.prices)))
    return tuple(tariffs)


def _minute(value: object) -> int:
    text = datetime.fromisoformat(f"1970-01-01T{value}")
    moment = text.astimezone(UTC) if text.tzinfo else text
    return moment.hour * 60 + moment.minute


def _modes(info: ModelInfo) -> tuple[ModeTariff, ...]:
    found = []
    for variant in info.price_variants or ():
        mode = _MODE_CONTEXTS.get(next(iter(variant.when.items()))) if len(variant.when) == 1 else None
        rates = _rates(variant.prices)
        if mode is not None and rates:
            start = getattr(variant.constraint, "start_date", None)
            found.append(ModeTariff(mode, Tariff(rates, starts_on=start)))
    return tuple(found)


def _rates(price: ModelPrice) -> Rates:
    rates: Rates = {}
    for key, unit in _UNITS.items():
        if (value := getattr(price, key)) is not None:
            rates[unit] = _rate(value)
    if isinstance(per_thousand := getattr(price, "requests_kcount"), Decimal):  # noqa: B009 - registered at run time
        rates["request"] = Rate(per_thousand * 1000)
    return rates


def _rate(value: object) -> Rate:
    if isinstance(value, Decimal):
        return Rate(value)
    tiers = tuple(Tier(t.start, t.price) for t in value.tiers)  # type: ignore[attr-defined]  # TieredPrices, by its shape
    return Rate(value.base, tiers)  # type: ignore[attr-defined]  # TieredPrices, by its shape


def _others(info: ModelInfo, at: datetime) -> dict[str, Decimal]:
    """Searches, hours, pages: what is billed beside tokens, in the list's own unit."""
    price = info.get_prices(at)
    known = {*_UNITS, "requests_kcount"}
    return {k: v for k, v in price.__dict__.items() if k not in known and isinstance(v, Decimal)}
