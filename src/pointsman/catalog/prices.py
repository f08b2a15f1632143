"""Published prices by provider and model, from the `genai-prices` list.

A name that the list does not document has no price, because a wrong price is worse than none.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from pointsman.catalog.price_entry import sheet_of
from pointsman.catalog.price_list import PriceList, bundled_list, current_list
from pointsman.catalog.price_names import best_match, moved_alias
from pointsman.catalog.price_sheet import PriceSheet
from pointsman.core.estimate import Unknown

if TYPE_CHECKING:
    from genai_prices.types import Provider

__all__ = ["OUR_NAMES", "every_sheet", "find_price", "listed_name"]

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
            yield ours, info.id, info.context_window, sheet_of(prices, provider, info, "exact", asked=(ours, info.id), at=at)


def listed_name(prices: PriceList, provider: str, model: str) -> str | None:
    """The entry's id for a name at a provider, by the same rules as `find_price`; None if there is none."""
    found = _find_provider(prices, provider)
    hit = best_match(found, model) if found is not None else None
    return hit[0].id if hit is not None else None


def _find_provider(prices: PriceList, name: str) -> Provider | None:
    wanted = _PROVIDERS.get(name.replace("_", "-"), name)
    listed = {p.id: p for p in prices.providers}
    return listed.get(wanted)


def _find_model(prices: PriceList, provider: Provider, asked_provider: str, model: str, at: datetime) -> PriceSheet | Unknown:
    hit = best_match(provider, model)
    if hit is None:
        for other in provider.fallback_model_providers or ():
            fallback = _find_provider(prices, other)
            if fallback is not None and (hit := best_match(fallback, model)) is not None:
                provider = fallback
                break
    if hit is None:
        near = difflib.get_close_matches(model.lower(), [m.id for m in provider.models], n=3, cutoff=0.5)
        hint = f"; near: {', '.join(near)}" if near else ""
        return Unknown(f"{prices.source} lists no price for {model!r} at {provider.id}{hint}")
    info, match = hit
    if f"{provider.id}:{info.id}" in prices.held and (older := _find_provider(bundled_list(), provider.id)) is not None:
        return _find_model(bundled_list(), older, asked_provider, model, at)
    if (moved := moved_alias(provider, model, info)) is not None:
        return Unknown(moved)
    notes = _provider_notes(provider, asked_provider)
    return sheet_of(prices, provider, info, match, asked=(asked_provider, model), at=at, notes=notes)


def _provider_notes(provider: Provider, asked: str) -> tuple[str, ...]:
    if provider.id != _PROVIDERS.get(asked.replace("_", "-"), asked):
        return (f"{asked} publishes no own price in this list; {provider.id}'s price was used",)
    return ("the Gemini API's list price; Vertex AI may charge more for a region",) if asked.startswith("vertex") else ()
