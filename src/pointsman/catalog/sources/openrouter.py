"""OpenRouter's model list, read at run time by those who use it; nothing of it is carried with us."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from pointsman.catalog.claim import Claim, FactSource
from pointsman.catalog.price_sheet import UnitKind
from pointsman.core.units import usd, usd_text

__all__ = ["PLUGIN"]

_PRICES: dict[str, UnitKind] = {
    "prompt": "input",
    "completion": "output",
    "input_cache_read": "cache_read",
    "input_cache_write": "cache_write",
}
_PARAMETERS = {"tools": "tool_calling", "structured_outputs": "structured_output", "reasoning": "reasoning"}

Row = dict[str, object]


def read(raw: bytes) -> tuple[Claim, ...]:
    """Claims from `GET /api/v1/models`. Its `supported_parameters` is complete, so a missing one is a no."""
    rows = json.loads(raw)["data"]
    if not rows:
        raise ValueError("an empty model list")
    return tuple(_claim(row) for row in rows)


def _claim(row: Row) -> Claim:
    architecture, pricing, top = (_row(row.get(k)) for k in ("architecture", "pricing", "top_provider"))
    parameters = row.get("supported_parameters")
    created = row.get("created")
    return Claim(
        provider="openrouter",
        name=str(row["id"]),
        context_tokens=_count(row.get("context_length")),
        max_output_tokens=_count(top.get("max_completion_tokens")),
        modalities_in=_list(architecture.get("input_modalities")),
        modalities_out=_list(architecture.get("output_modalities")),
        capabilities={ours: theirs in parameters for theirs, ours in _PARAMETERS.items()} if isinstance(parameters, list) else {},
        usd_per_million=_prices(pricing),
        ends_on=_day(row.get("expiration_date")),
        released_on=datetime.fromtimestamp(created, UTC).date().isoformat() if isinstance(created, int) else None,
        knowledge_cutoff=value if isinstance(value := row.get("knowledge_cutoff"), str) else None,
    )


def _prices(pricing: Row) -> dict[UnitKind, Decimal]:
    prices: dict[UnitKind, Decimal] = {}
    for key, unit in _PRICES.items():
        try:
            value = Decimal(str(pricing[key])).scaleb(6)
        except (KeyError, InvalidOperation):
            continue
        if value > 0:  # negative marks a router whose price depends on where it sends you
            prices[unit] = usd(usd_text(value))
    return prices


def _row(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> tuple[str, ...] | None:
    return tuple(str(v) for v in value) if isinstance(value, list) and value else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None


PLUGIN = FactSource(name="openrouter", url="https://openrouter.ai/api/v1/models", licence="API terms; run time only", read=read)
