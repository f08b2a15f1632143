"""models.dev (MIT): windows, modalities, cut-off and release dates, open weights, also of retired models."""

from __future__ import annotations

import json
from decimal import Decimal

from pointsman.catalog.claim import Claim, FactSource
from pointsman.catalog.price_sheet import UnitKind
from pointsman.core.units import usd, usd_text

__all__ = ["PLUGIN"]

_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "mistral": "mistral",
    "xai": "xai",
    "deepseek": "deepseek",
    "zai": "zai",
    "moonshotai": "moonshot",
    "minimax": "minimax",
    "cohere": "cohere",
    "llama": "meta",
    "perplexity": "perplexity",
    "groq": "groq",
    "togetherai": "together",
    "fireworks-ai": "fireworks",
    "cerebras": "cerebras",
    "novita-ai": "novita",
    "openrouter": "openrouter",
    "azure": "azure",
    "amazon-bedrock": "bedrock",
    "deepinfra": "deepinfra",
    "baseten": "baseten",
    "github-copilot": "github-copilot",
    "cloudflare-workers-ai": "cloudflare",
}
_PRICES: dict[str, UnitKind] = {"input": "input", "output": "output", "cache_read": "cache_read", "cache_write": "cache_write"}
_CAPABILITIES = {"tool_call": "tool_calling", "structured_output": "structured_output", "reasoning": "reasoning"}

Row = dict[str, object]


def read(raw: bytes) -> tuple[Claim, ...]:
    """Claims of the providers we know, from the site's `api.json`."""
    providers: dict[str, Row] = json.loads(raw)
    claims = []
    for theirs, ours in _PROVIDERS.items():
        models = providers.get(theirs, {}).get("models")
        if isinstance(models, dict):
            claims += [_claim(ours, name, row) for name, row in models.items()]
    if not claims:
        raise ValueError("no model of a known provider")
    return tuple(claims)


def _claim(provider: str, name: str, row: Row) -> Claim:
    limit = _row(row.get("limit"))
    modalities = _row(row.get("modalities"))
    return Claim(
        provider=provider,
        name=name,
        kind="chat" if "text" in _list(modalities.get("output")) else "other",
        context_tokens=_count(limit.get("context")),
        max_input_tokens=_count(limit.get("input")),
        max_output_tokens=_count(limit.get("output")),
        modalities_in=_list(modalities.get("input")) or None,
        modalities_out=_list(modalities.get("output")) or None,
        capabilities={ours: value for theirs, ours in _CAPABILITIES.items() if isinstance(value := row.get(theirs), bool)},
        usd_per_million=_prices(_row(row.get("cost"))),
        released_on=_text(row.get("release_date")),
        knowledge_cutoff=_text(row.get("knowledge")),
        open_weights=value if isinstance(value := row.get("open_weights"), bool) else None,
    )


def _prices(cost: Row) -> dict[UnitKind, Decimal]:
    return {
        unit: usd(usd_text(Decimal(str(value))))
        for key, unit in _PRICES.items()
        if isinstance(value := cost.get(key), int | float) and value > 0
    }


def _row(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> tuple[str, ...]:
    return tuple(str(v) for v in value) if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


PLUGIN = FactSource(name="models.dev", url="https://models.dev/api.json", licence="MIT", read=read)
