"""The feature matrix: models side by side, its stars computed from published results and never typed in.

A star rating is where a model stands among all models with a result on the column's benchmarks:
stars = 1 + 4 · mean share of models beaten, so 1 is last, 5 is first, and 3 the middle. It is a
statement about published results of a time, not about your task; a model without results has none.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec

from pointsman.catalog.entry import Model
from pointsman.catalog.lifecycle import lifecycle
from pointsman.catalog.load import Catalog
from pointsman.catalog.published import Standing, standing
from pointsman.core.estimate import Unknown
from pointsman.core.fact import Fact

__all__ = ["COLUMNS", "CostSign", "MatrixRow", "Stars", "cost_sign", "matrix", "stars"]

COLUMNS = {
    "reasoning": ("gpqa", "mmlu-pro", "math", "gsm8k", "big-bench-hard", "drop", "aime-2024", "aime-2025"),
    "code": ("humaneval", "aider-edit", "aider-polyglot", "swe-bench-verified", "livecodebench", "mbpp", "swe-bench-pro"),
    "knowledge": ("mmlu", "mmlu-pro", "arc-c", "hellaswag", "truthfulqa"),
    "multilingual": ("mgsm",),
    "vision": ("mmmu", "docvqa", "chartqa"),
    "speed": ("aider-edit-seconds", "aider-polyglot-seconds"),
}
"""Benchmarks behind each column of stars. Your own results count in a column if they use these names."""
_LOWER_IS_BETTER = frozenset({"aider-edit-seconds", "aider-polyglot-seconds"})

COST_BANDS = ((Decimal("0.5"), "$"), (Decimal(8), "$$"))
"""Dollars per million tokens, three read for each written, up to which a sign holds; above the last it is $$$."""

CostSign = str


class Stars(msgspec.Struct, frozen=True, kw_only=True):
    """A rating with what it rests on."""

    value: float
    """1…5."""
    evidence: tuple[Standing, ...]

    @property
    def text(self) -> str:
        """★ for each whole star after rounding, ☆ for the rest."""
        whole = round(self.value)
        return "★" * whole + "☆" * (5 - whole)


class MatrixRow(msgspec.Struct, frozen=True, kw_only=True):
    """One model across all columns; Unknown where nobody says."""

    model: str
    name: str
    context_tokens: Fact[object] | Unknown
    modalities_in: Fact[object] | Unknown
    stars: dict[str, Stars | Unknown]
    usd_per_million: tuple[Decimal, Decimal] | Unknown
    """List price read and written at its maker, or at the cheapest host where the maker does not serve it."""
    cost: CostSign | Unknown
    open_weights: Fact[object] | Unknown
    stage: str


def matrix(catalog: Catalog, models: list[Model], on: date) -> list[MatrixRow]:
    """One row for each model, in the order given."""
    return [_row(catalog, model, on) for model in models]


def stars(catalog: Catalog, model: str, column: str) -> Stars | Unknown:
    """The rating of one column; Unknown without a result shared with another model."""
    found = [
        place
        for b in COLUMNS[column]
        if (place := standing(catalog, model, b, lower_is_better=b in _LOWER_IS_BETTER)) is not None
    ]
    if not found:
        return Unknown(f"no published result on {', '.join(COLUMNS[column])}")
    mean = sum(place.better_than_ratio for place in found) / len(found)
    return Stars(value=1 + 4 * mean, evidence=tuple(found))


def cost_sign(read: Decimal, written: Decimal) -> CostSign:
    """The guide's $, $$ or $$$ from the list price at three tokens read for each written."""
    blended = (3 * read + written) / 4
    return next((sign for limit, sign in COST_BANDS if blended <= limit), "$$$")


def _row(catalog: Catalog, model: Model, on: date) -> MatrixRow:
    price = _price(catalog, model)
    return MatrixRow(
        model=model.id,
        name=model.name or model.id,
        context_tokens=catalog.fact(model, "context_tokens") or Unknown("no source states its window"),
        modalities_in=catalog.fact(model, "modalities_in") or Unknown("no source states what it reads"),
        stars={column: stars(catalog, model.id, column) for column in COLUMNS},
        usd_per_million=price,
        cost=cost_sign(*price) if isinstance(price, tuple) else price,
        open_weights=catalog.fact(model, "open_weights") or Unknown("no source says whether its weights are open"),
        stage=_stage(catalog, model, on),
    )


def _price(catalog: Catalog, model: Model) -> tuple[Decimal, Decimal] | Unknown:
    own = catalog.own_offer(model)
    offers = [own] if own is not None else catalog.offers_by_model.get(model.id, ())
    prices = [
        (o.usd_per_million["input"], o.usd_per_million["output"])
        for o in offers
        if o.usd_per_million.get("input") and o.usd_per_million.get("output")
    ]
    return min(prices, key=sum) if prices else Unknown("no list price per token")


def _stage(catalog: Catalog, model: Model, on: date) -> str:
    own = catalog.own_offer(model)
    if own is not None:
        return lifecycle(own, on).stage
    hosts = catalog.offers_by_model.get(model.id, ())
    if any(lifecycle(o, on).alive(on) for o in hosts):
        return "hosted"
    return {"api": "not offered", "weights": "weights only"}.get(model.availability, model.availability.replace("_", " "))
