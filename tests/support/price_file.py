"""The bundled price list written out in its own file format, as a server of it would send it; whole, or spoilt."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from pointsman.catalog.price_list import bundled_list

__all__ = ["AT", "all_zero", "list_file", "scaled", "times_thousand"]

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


@cache
def _published() -> list[dict[str, Any]]:
    """The bundled edition written out in the list's own file format: providers, models, plain prices."""
    rows = []
    for provider in bundled_list().providers:
        models = []
        for model in provider.models:
            prices = {}
            for key, value in model.get_prices(AT).__dict__.items():
                tiers = getattr(value, "tiers", None)
                if tiers is not None:
                    steps = [{"start": t.start, "price": str(t.price)} for t in tiers]
                    prices[key] = {"base": str(value.base), "tiers": steps}
                elif value is not None:
                    prices[key] = str(value)
            models.append({"id": model.id, "match": {"equals": model.id}, "prices": prices})
        rows.append({"id": provider.id, "name": provider.name, "api_pattern": provider.api_pattern, "models": models})
    return rows


def list_file(change: Any = None) -> bytes:
    """The file; `change` may alter each model in place."""
    rows = deepcopy(_published())
    if change is not None:
        for provider in rows:
            for model in provider["models"]:
                change(provider["id"], model)
    return json.dumps(rows).encode()


def scaled(price: Any, factor: int) -> Any:
    """A price of the file times a factor, tiers left as they are."""
    if isinstance(price, dict):
        return price | {"base": str(Decimal(price["base"]) * factor)}
    return str(Decimal(price) * factor)


def times_thousand(_: str, model: dict[str, Any]) -> None:
    """Every price in another unit."""
    model["prices"] = {k: scaled(v, 1000) for k, v in model["prices"].items()}


def all_zero(_: str, model: dict[str, Any]) -> None:
    """Every price gone."""
    model["prices"] = dict.fromkeys(model["prices"], "0")
