"""litellm's model list (MIT): limits, capabilities and shutdown dates of current offers.

Its prices are floats per token and a price of 0 may mean free, local or unknown, so 0 is dropped.
It stores the peak price where a provider charges by the hour. A capability it does not mention is
unknown, because its flags are sparse.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

from pointsman.catalog.claim import Claim, FactSource
from pointsman.catalog.price_sheet import UnitKind
from pointsman.core.units import usd, usd_text

__all__ = ["PLUGIN"]

_PROVIDERS = {
    "openai": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "mistral": "mistral",
    "xai": "xai",
    "deepseek": "deepseek",
    "zai": "zai",
    "moonshot": "moonshot",
    "minimax": "minimax",
    "cohere": "cohere",
    "cohere_chat": "cohere",
    "meta": "meta",
    "perplexity": "perplexity",
    "groq": "groq",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "cerebras": "cerebras",
    "novita": "novita",
    "databricks": "databricks",
    "azure": "azure",
    "azure_ai": "azure",
    "bedrock": "bedrock",
    "bedrock_converse": "bedrock",
    "deepinfra": "deepinfra",
    "ai21": "ai21",
    "baseten": "baseten",
}
_KINDS = {
    "chat": "chat",
    "responses": "chat",
    "completion": "chat",
    "realtime": "realtime",
    "image_generation": "image_generation",
}
_CAPABILITIES = {
    "supports_function_calling": "tool_calling",
    "supports_parallel_function_calling": "parallel_tool_calls",
    "supports_response_schema": "structured_output",
    "supports_native_structured_output": "structured_output",
    "supports_reasoning": "reasoning",
    "supports_prompt_caching": "prompt_caching",
    "supports_native_streaming": "streaming",
    "supports_web_search": "web_search",
    "supports_computer_use": "computer_use",
    "supports_assistant_prefill": "prefill",
}
_PRICES: dict[str, UnitKind] = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write",
}

Row = dict[str, object]


def read(raw: bytes) -> tuple[Claim, ...]:
    """Claims of the providers we know; image variants, regions and sample rows are left out."""
    rows: dict[str, Row] = json.loads(raw)
    claims = [_claim(key, row) for key, row in rows.items()]
    found = tuple(c for c in claims if c is not None)
    if not found:
        raise ValueError("no model of a known provider")
    return found


def _claim(key: str, row: Row) -> Claim | None:
    provider = _PROVIDERS.get(str(row.get("litellm_provider")))
    kind = _KINDS.get(str(row.get("mode")))
    name = _name(key, str(row.get("litellm_provider")))
    if provider is None or kind is None or name is None:
        return None
    return Claim(
        provider=provider,
        name=name,
        kind=kind,
        max_input_tokens=_count(row.get("max_input_tokens")),
        max_output_tokens=_count(row.get("max_output_tokens")),
        modalities_in=_modalities(row),
        modalities_out=_tuple(row.get("supported_output_modalities")),
        capabilities={ours: bool(row[theirs]) for theirs, ours in _CAPABILITIES.items() if isinstance(row.get(theirs), bool)},
        effort_levels=_efforts(row),
        usd_per_million=_prices(row),
        ends_on=_day(row.get("deprecation_date")),
    )


def _name(key: str, provider: str) -> str | None:
    """The provider's own name; None for rows that stand for a region, an image size or a price class."""
    head, _, rest = key.partition("/")
    name = rest if head in (provider, "bedrock", "azure_ai", "cohere") and rest else key
    if provider.startswith("fireworks"):
        return None if name.startswith("fireworks-ai-") else name
    if provider.startswith(("bedrock", "azure")) and "/" in name:
        return None
    return name


def _modalities(row: Row) -> tuple[str, ...] | None:
    listed = _tuple(row.get("supported_modalities"))
    flags = {
        "supports_vision": "image",
        "supports_audio_input": "audio",
        "supports_video_input": "video",
        "supports_pdf_input": "pdf",
    }
    said = [name for flag, name in flags.items() if row.get(flag) is True]
    if listed is None and not said:
        return None
    return tuple(dict.fromkeys(("text", *(listed or ()), *said)))


def _efforts(row: Row) -> tuple[str, ...]:
    # Its per-level flags only name levels beyond the usual ones, so the explicit list alone is complete.
    return _tuple(row.get("reasoning_effort_levels")) or ()


def _prices(row: Row) -> dict[UnitKind, Decimal]:
    prices: dict[UnitKind, Decimal] = {}
    for key, unit in _PRICES.items():
        value = row.get(key)
        if isinstance(value, int | float) and value > 0:
            prices[unit] = usd(usd_text(Decimal(repr(value)).scaleb(6)))
    return prices


def _tuple(value: object) -> tuple[str, ...] | None:
    return tuple(str(v) for v in value) if isinstance(value, list) and value else None


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


PLUGIN = FactSource(
    name="litellm",
    url="https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json",
    licence="MIT",
    read=read,
)
