"""Choosing models: reads needs, catalogue and earlier runs, and hands them to the selection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from pointsman.app.catalog import open_catalog
from pointsman.app.editor_schema import schema_line
from pointsman.app.yaml_file import Located, convert, read_yaml, substitute
from pointsman.catalog.load import Catalog
from pointsman.catalog.lookup import find_offer
from pointsman.core.estimate import Estimate, Measured, Unknown
from pointsman.core.failure import ConfigError, PointsmanError, StorageError
from pointsman.selection.own_results import OwnResult
from pointsman.selection.requirements import Requirements, check
from pointsman.selection.select import Selection, catalog_day, select
from pointsman.selection.shortlist import eval_skeleton
from pointsman.selection.usecases import use_case_needs

__all__ = [
    "choose",
    "from_answers",
    "load_requirements",
    "own_results",
    "write_eval",
    "write_markdown",
    "write_page",
    "write_requirements",
]


def load_requirements(file: Path | None, profile: str | None, environment: Mapping[str, str]) -> Requirements:
    """Needs from a file, a profile, or a file laid over a profile. Raises `ConfigError` naming file, line and key."""
    located = substitute(read_yaml(file), environment) if file is not None else Located("the profile", {}, {})
    if located.data is not None and not isinstance(located.data, dict):
        raise ConfigError("is not a mapping of keys", file=located.file)
    data: dict[str, Any] = located.data or {}
    if file is not None:
        convert(Located(located.file, data, located.lines), Requirements)  # so that errors speak of the file alone
    name = profile or data.get("profile")
    if name is not None:
        data = _laid_over(use_case_needs(name), data) | {"profile": name}
        data.setdefault("name", name)
    requirements = convert(Located(located.file, data, located.lines), Requirements)
    return _checked(requirements, located)


def from_answers(data: dict[str, Any]) -> Requirements:
    """Needs from answers to questions. Raises `ConfigError`."""
    located = Located("your answers", data, {})
    return _checked(convert(located, Requirements), located)


def _checked(requirements: Requirements, located: Located) -> Requirements:
    try:
        check(requirements)
    except ConfigError as error:
        key = error.key or ""
        line = located.line(tuple(key.split("."))) if located.lines else None
        message = error.message.removeprefix(f"{key}: ").removesuffix(f" (got {error.value!r})")
        raise ConfigError(message, file=located.file, line=line, key=key, value=error.value, hint=error.hint) from None
    return requirements


def _laid_over(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` wins; mappings are joined key by key, but wishes replace wishes, because weights make sense together only."""
    joined = dict(base)
    for key, value in over.items():
        inner = joined.get(key)
        both = isinstance(value, dict) and isinstance(inner, dict) and key != "nice"
        joined[key] = _laid_over(inner, value) if both and isinstance(inner, dict) else value
    return joined


def choose(
    requirements: Requirements,
    *,
    as_of: date | None = None,
    runs: Path | None = None,
    seed: int = 0,
    catalog: Catalog | None = None,
) -> Selection:
    """The selection for these needs, today or on a day, with the results of runs under `runs` as evidence."""
    catalog = catalog or open_catalog()
    results = own_results(runs, catalog) if runs is not None else {}
    return select(
        catalog,
        requirements,
        as_of=as_of or max(datetime.now(UTC).date(), catalog_day(catalog)),
        own=results,
        callable_providers=_callable_providers(),
        seed=seed,
    )


def own_results(runs: Path, catalog: Catalog) -> dict[str, tuple[OwnResult, ...]]:
    """Results of finished runs by model id. Runs that cannot be read, and variants of no listed model, are left out."""
    found: dict[str, list[OwnResult]] = {}
    for path in sorted(runs.glob("*/result.json")):
        for result in _results(path):
            offer = _offer_id(catalog, result)
            if offer is not None:
                model, name = offer
                found.setdefault(model, []).append(msgspec.structs.replace(result, model=name))
    return {model: tuple(results) for model, results in found.items()}


def _offer_id(catalog: Catalog, result: OwnResult) -> tuple[str, str] | None:
    """Model id and the offer's own name. Recorded answers count for the model they were recorded from."""
    provider, name = result.provider, result.model
    if provider == "scripted":
        return None
    if provider == "replay":
        provider, _, name = name.partition("/")
    try:
        offer = find_offer(catalog, name, provider)
    except PointsmanError:
        return None
    model = catalog.model_id_of(offer)
    return None if model is None else (model, offer.name)


class _Cost(msgspec.Struct, frozen=True):
    per_request: dict[str, Any] = {}


class _Variant(msgspec.Struct):
    provider: str
    model: str
    quality: dict[str, Any]
    latency_s: dict[str, Any] = {}
    cost_usd: _Cost = _Cost()


class _Tests(msgspec.Struct):
    file: str
    hash: str


class _Result(msgspec.Struct):
    run: str
    tests: _Tests
    started_s: float
    variants: dict[str, _Variant]


def _results(path: Path) -> Iterator[OwnResult]:
    try:
        result = msgspec.json.decode(path.read_bytes(), type=_Result)
    except (OSError, msgspec.MsgspecError):
        return
    day = datetime.fromtimestamp(result.started_s, UTC).date().isoformat()
    for name, v in result.variants.items():
        yield OwnResult(
            run=result.run,
            day=day,
            tests=result.tests.file,
            tests_hash=result.tests.hash,
            variant=name,
            provider=v.provider,
            model=v.model,
            quality=_measured(v.quality),
            latency_p50_s=_measured(v.latency_s.get("p50", {})),
            latency_p95_s=_measured(v.latency_s.get("p95", {})),
            usd_per_request=_measured(v.cost_usd.per_request),
        )


def _measured(value: dict[str, Any]) -> Measured:
    if "value" not in value:
        return Unknown(str(value.get("unknown", "not measured")))
    low, high = value.get("low"), value.get("high")
    return Estimate(
        value=float(value["value"]),
        low=float("-inf") if low is None else float(low),
        high=float("inf") if high is None else float(high),
        n=int(value.get("n", 0)),
        method=str(value.get("method", "")),
        level=float(value.get("level", 0.95)),
    )


def _callable_providers() -> frozenset[str]:
    from pointsman.providers.provider_row import provider_names

    return frozenset(provider_names())


def write_eval(path: Path, selection: Selection) -> None:
    """An `eval.yaml` for the shortlist. Raises `StorageError`; never replaces a file that is there."""
    skeleton = eval_skeleton([c.ranked for c in selection.shortlist], selection.requirements)
    _write_new(path, schema_line("eval", path.parent) + skeleton)


def write_requirements(path: Path, requirements: Requirements) -> None:
    """The needs as a file, to keep and to change. Raises `StorageError`; never replaces a file that is there."""
    import yaml

    text = yaml.safe_dump(msgspec.to_builtins(requirements), sort_keys=False, allow_unicode=True)
    _write_new(path, schema_line("requirements", path.parent) + text)


def write_page(path: Path, selection: Selection) -> None:
    """The whole selection as one page, in place of one that is there. Raises `StorageError`."""
    from pointsman.report.selection_page import selection_page
    from pointsman.store.journal import write_whole

    write_whole(path, selection_page(selection).encode())


def write_markdown(path: Path, selection: Selection) -> None:
    """The same as Markdown. Raises `StorageError`."""
    from pointsman.report.selection_markdown import selection_markdown
    from pointsman.store.journal import write_whole

    write_whole(path, selection_markdown(selection).encode())


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise StorageError(f"{path} is there already", hint="name another file, or remove it first") from None
    except OSError as error:
        raise StorageError(f"{path}: {error.strerror or error}", hint="choose a place you may write to") from error
