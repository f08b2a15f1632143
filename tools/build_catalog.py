"""Make `src/pointsman/catalog/data/offers.jsonl`, `models.jsonl` and `scores.jsonl` from permitted sources.

    python tools/build_catalog.py --litellm FILE --models-dev FILE --facts DIR

Permitted are sources whose licence lets their facts be carried with a reference: genai-prices,
litellm and models.dev (MIT), Aider's leaderboards (Apache-2.0), llm-leaderboard (CC BY 4.0). Only
facts and figures are taken, each with its source and date; descriptions never are.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pointsman.catalog.claim import Claim, fact_sources
from pointsman.catalog.entry import Model, Offer, Score, Source
from pointsman.catalog.merge import merge_offers
from pointsman.catalog.naming import model_id, model_key
from pointsman.catalog.price_list import bundled_list

DATA = Path(__file__).parents[1] / "src/pointsman/catalog/data"
LLM_STATS = "llm-stats"
AIDER = "aider"


def main() -> None:
    """Read the sources named on the command line and write the data files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--litellm", type=Path, required=True, help="model_prices_and_context_window.json")
    parser.add_argument("--litellm-version", required=True)
    parser.add_argument("--models-dev", type=Path, required=True, help="api.json, may be gzipped")
    parser.add_argument("--models-dev-date", required=True, help="ISO date of that file's data")
    parser.add_argument("--facts", type=Path, required=True, help="folder with llmstats_*, aider_*, modelsdev_*.csv")
    parser.add_argument("--on", required=True, help="ISO date of this reading")
    args = parser.parse_args()

    family = fact_sources()
    claims = {
        "litellm": family.load("litellm").read(_bytes(args.litellm)),
        "models.dev": family.load("models_dev").read(_bytes(args.models_dev)),
    }
    prices = bundled_list()
    at = datetime.fromisoformat(args.on).replace(hour=12, tzinfo=UTC)
    offers = merge_offers(prices, claims, at)
    models = _models(offers, claims, args.facts)
    known = {m.id for m in models}
    scores = sorted(_scores(args.facts, known), key=lambda s: (s.model, s.benchmark, s.setting, s.source))
    sources = {
        "genai-prices": Source(name=prices.source, checked_on=prices.checked_on or args.on, licence="MIT"),
        "litellm": Source(name=f"litellm {args.litellm_version}", checked_on=args.on, licence="MIT"),
        "models.dev": Source(name="models.dev", checked_on=args.models_dev_date, licence="MIT", url="https://models.dev"),
        "models.dev-scores": Source(
            name="models.dev f3fc69229", checked_on="2026-07-02", licence="MIT", url="https://models.dev"
        ),
        LLM_STATS: Source(
            name="llm-leaderboard 24a9ccf",
            checked_on="2025-10-16",
            licence="CC BY 4.0",
            url="https://github.com/JonathanChavezTamales/llm-leaderboard",
        ),
        AIDER: Source(
            name="Aider leaderboards 5dc9490bb",
            checked_on="2025-10-16",
            licence="Apache-2.0",
            url="https://aider.chat/docs/leaderboards/",
        ),
    }
    _write("sources.jsonl", ({"key": k} | msgspec.to_builtins(s) for k, s in sources.items()))
    _write("offers.jsonl", offers)
    _write("models.jsonl", models)
    _write("scores.jsonl", scores)
    print(f"{len(offers)} offers, {len(models)} models, {len(scores)} scores")


def _aliases() -> dict[str, str]:
    """Spellings that the hand-checked rows give to one model."""
    found = {}
    for file in (DATA / "models").glob("*.toml"):
        for row in tomllib.loads(file.read_text(encoding="utf-8")).get("model", ()):
            found |= {f"{row['id'].split('/')[0]}/{name}": row["id"] for name in row.get("names", ())}
    return found


ALIASES = _aliases()


def _model(name: str, provider: str | None = None) -> str | None:
    found = model_id(name, provider)
    return ALIASES.get(found, found) if found else None


def _bytes(path: Path) -> bytes:
    raw = path.read_bytes()
    return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw


def _write(name: str, rows: Iterable[object]) -> None:
    (DATA / name).write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))


def _models(offers: tuple[Offer, ...], claims: dict[str, tuple[Claim, ...]], facts: Path) -> list[Model]:
    """A row for every model somebody offers, with what the sources say of the model itself."""
    rows: dict[str, dict[str, object]] = {ALIASES.get(o.model, o.model): {} for o in offers if o.model}
    said: dict[str, dict[str, str]] = {m: {} for m in rows}

    def tell(model: str | None, source: str, **values: object) -> None:
        if model not in rows:
            return
        for key, value in values.items():
            if value is not None and key not in rows[model]:
                rows[model][key], said[model][key] = value, source

    for row in _csv(facts / "llmstats_models.csv"):
        model = _model(row["model_id"])
        tell(
            model,
            LLM_STATS,
            released_on=row["release_date"] or None,
            knowledge_cutoff=row["knowledge_cutoff"] or None,
            params_total=int(row["param_count"]) if row["param_count"] else None,
            licence=row["license_id"].replace("_", "-") or None,
        )
    own_first = sorted(claims["models.dev"], key=lambda c: (model_id(c.name, c.provider) or "").split("/")[0] != c.provider)
    for claim in own_first:
        tell(
            _model(claim.name, claim.provider),
            "models.dev",
            # The first of January stands where nobody knew the day.
            released_on=None if (claim.released_on or "").endswith("-01-01") else claim.released_on,
            knowledge_cutoff=claim.knowledge_cutoff,
            open_weights=claim.open_weights,
        )
    for model, row in rows.items():
        if not _plausible(row):
            # Nobody knows what happens after its release: the cut-off is that of a later snapshot behind the same name.
            del row["knowledge_cutoff"], said[model]["knowledge_cutoff"]
    return [Model(id=m, said_by=_compact(said[m]), **rows[m]) for m in sorted(rows)]  # type: ignore[arg-type]  # fields by name


def _plausible(row: dict[str, object]) -> bool:
    """Whether the cut-off, where there is one, lies before the end of the month of release."""
    released, cutoff = row.get("released_on"), row.get("knowledge_cutoff")
    return not (isinstance(released, str) and isinstance(cutoff, str) and cutoff[:7] > released[:7])


def _compact(said_by: dict[str, str]) -> dict[str, str]:
    values = list(said_by.values())
    default = max(sorted(set(values)), key=values.count, default="genai-prices")
    return {"": default} | {k: v for k, v in sorted(said_by.items()) if v != default}


def _scores(facts: Path, known: set[str]) -> Iterator[Score]:
    for row in _csv(facts / "llmstats_benchmarks.csv"):
        model = _model(row["model_id"])
        if model in known and "example.com" not in row["source"] and row["score"]:
            yield Score(
                model=model,
                name=row["model_id"],
                benchmark=row["benchmark"],
                value=float(row["score"]),
                setting=row["method"].strip()[:40],
                self_reported={"True": True, "False": False}.get(row["self_reported"]),
                source=LLM_STATS,
                url=row["source"],
            )
    for row in _csv(facts / "modelsdev_benchmarks.csv"):
        model = _model(row["model"])
        # Artificial Analysis asks for a key and a link: its figures are for those who have one.
        if model in known and row["score"] and "rtificial" not in row["benchmark"] + row["source"]:
            yield Score(
                model=model,
                name=row["model"],
                benchmark=model_key(row["benchmark"].replace(" ", "-")),
                value=_ratio(float(row["score"]), row["metric"]),
                setting=" ".join(x for x in (row["variant"], row["harness"], row["version"]) if x),
                day=row["date"] or None,
                source="models.dev-scores",
                url=row["source"],
            )
    for file, benchmark in (("aider_polyglot.csv", "aider-polyglot"), ("aider_edit.csv", "aider-edit")):
        for row in _csv(facts / file):
            model = _model(row["model"].split(" (")[0].strip().replace(" ", "-"))
            if model in known:
                setting = " ".join(x for x in (row["edit_format"], row["reasoning_effort"], row["thinking_tokens"]) if x)
                common = {
                    "model": model,
                    "name": row["model"],
                    "setting": setting,
                    "self_reported": False,
                    "day": row["date"],
                    "source": AIDER,
                }
                yield Score(benchmark=benchmark, value=float(row["pass_rate_2"] or row["pass_rate_1"]) / 100, **common)
                if row["seconds_per_case"]:
                    yield Score(benchmark=f"{benchmark}-seconds", value=float(row["seconds_per_case"]), **common)
                if row["cost_usd_per_case"]:
                    yield Score(benchmark=f"{benchmark}-usd", value=float(row["cost_usd_per_case"]), **common)


def _ratio(score: float, metric: str) -> float:
    """models.dev writes most results as percentages and some as shares."""
    return score / 100 if score > 1 or "percent" in metric or "rate" in metric else score


def _csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
