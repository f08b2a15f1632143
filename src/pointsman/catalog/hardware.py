"""How models are built and what cards can do: the facts that sizing your own serving needs."""

from __future__ import annotations

import difflib
import tomllib
from decimal import Decimal
from functools import cache
from importlib import resources

import msgspec

from pointsman.core.failure import PointsmanError

__all__ = ["Architecture", "Gpu", "GpuPrice", "find_architecture", "find_gpu", "hardware_source"]


class Architecture(msgspec.Struct, frozen=True, kw_only=True):
    """The shape of a transformer, as its published configuration gives it."""

    model: str
    params_total: int
    params_active: int
    """Parameters one token touches; equal to the total unless the model is a mixture of experts."""
    layers: int
    hidden: int
    vocab: int
    max_context: int
    kv_heads: int = 0
    head_dim: int = 0
    latent_dim: int | None = None
    """Numbers cached per token and layer under multi-head latent attention; None for ordinary heads."""
    experts: int = 1
    experts_per_token: int = 1


class GpuPrice(msgspec.Struct, frozen=True):
    """US dollars per card and hour: what the market asks, from the cheapest to the dearest kind of provider."""

    low: Decimal
    typical: Decimal
    high: Decimal


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One card."""

    name: str
    memory_gb: int
    bandwidth_gb_per_s: int
    bf16_tflops: int
    """Dense, without sparsity."""
    fp8_tflops: int | None = None
    """None if the card has no 8-bit floating point; it then computes in 16 bits."""
    usd_per_hour: GpuPrice | None = None

    @property
    def visible_gib(self) -> float:
        """Memory a program sees: an 80 GB card shows 79.1 GiB, and others are taken to hold back the same share."""
        return self.memory_gb * 79.1 / 80


class _Document(msgspec.Struct):
    source: dict[str, str]
    architecture: tuple[Architecture, ...]
    gpu: tuple[Gpu, ...]


def find_architecture(model: str) -> Architecture:
    """The shape of an open model by its id. Raises `PointsmanError` with the known ids."""
    known = {a.model: a for a in _document().architecture}
    if model not in known:
        raise PointsmanError(f"nobody told us how {model} is built", hint=f"known: {', '.join(known)}")
    return known[model]


def find_gpu(name: str) -> Gpu:
    """A card by its name or an unambiguous beginning of it, such as `H100`. Raises `PointsmanError`."""
    cards = _document().gpu
    found = [g for g in cards if g.name.lower() == name.lower()] or [g for g in cards if g.name.lower().startswith(name.lower())]
    if len(found) == 1:
        return found[0]
    near = [g.name for g in found] or difflib.get_close_matches(name, [g.name for g in cards]) or [g.name for g in cards]
    raise PointsmanError(
        f"{name!r} names {'several cards' if found else 'no card we know'}", hint=f"say which: {', '.join(near)}"
    )


def hardware_source() -> tuple[str, str]:
    """Where these facts come from, and the ISO date they were read."""
    source = _document().source
    return source["name"], source["checked_on"]


@cache
def _document() -> _Document:
    text = resources.files("pointsman.catalog").joinpath("data/hardware.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Document)
