"""How many cards a model needs, and how fast they can at best be.

Memory: weights plus the cache of keys and values must fit beside what the runtime keeps. Speed: a
decoding step has to read the touched weights and the cache once, so bandwidth bounds it; reading a
prompt is bound by arithmetic. What is really reached is a share of that bound.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from pointsman.catalog.hardware import Architecture, Gpu
from pointsman.core.estimate import Unknown

__all__ = [
    "EFFICIENCY",
    "Band",
    "Fit",
    "Precision",
    "Serving",
    "batch_that_fits",
    "decode_ceiling_tokens_per_s",
    "decode_step_s",
    "expected_tokens_per_s",
    "fit",
    "kv_bytes_per_token",
    "prefill_s",
    "request_s",
    "serving_tokens_per_s",
    "smallest_serving",
    "touched_bytes",
    "weight_bytes",
]

Precision = Literal["bf16", "fp8", "int4"]

GIB = 1024**3
MEMORY_UTILISATION = 0.9
"""Share of a card's memory the runtime may use (vLLM's default)."""
OVERHEAD_GIB = 1.5
"""Activations and buffers per card."""
_BYTES: dict[Precision, float] = {"bf16": 2.0, "fp8": 1.0, "int4": 0.5}


class Band(msgspec.Struct, frozen=True):
    """A figure with the range practice shows. Not a confidence interval: `basis` says where the range is from."""

    low: float
    expected: float
    high: float
    basis: str


EFFICIENCY = Band(0.30, 0.45, 0.65, "share of the bandwidth bound reached in 11 published measurements under load; median 0.44")
SINGLE_STREAM_EFFICIENCY = 0.75
"""One request at a time comes nearer to the bound (0.78 in the one measurement we have)."""


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """One replica: a model on some cards of one kind."""

    architecture: Architecture
    gpu: Gpu
    gpus: int
    precision: Precision = "bf16"
    kv_bytes_per_number: float = 2.0


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """What one replica can hold."""

    fits: bool
    """Whether weights and one sequence of the asked length fit."""
    max_context_tokens: int
    """Longest single sequence, within the model's own window; 0 if the weights alone do not fit."""
    concurrent_sequences: int
    """How many sequences of the asked length fit at once."""
    weights_gib: float
    free_gib: float
    """Left for the cache; negative by what is missing."""


def weight_bytes(architecture: Architecture, precision: Precision) -> float:
    """Memory of all weights, every expert included.

    At fp8 and int4 the input and output embeddings stay in 16 bits, as published checkpoints keep them:
    (P − 2VH)·b + 2VH·2.
    """
    embeddings = 2 * architecture.vocab * architecture.hidden
    return (architecture.params_total - embeddings) * _BYTES[precision] + embeddings * 2


def kv_bytes_per_token(architecture: Architecture, bytes_per_number: float = 2.0) -> float:
    """Cache per token: 2 · layers · kv_heads · head_dim · bytes, or layers · latent_dim · bytes for latent attention."""
    if architecture.latent_dim is not None:
        return architecture.layers * architecture.latent_dim * bytes_per_number
    return 2 * architecture.layers * architecture.kv_heads * architecture.head_dim * bytes_per_number


def fit(serving: Serving, context_tokens: int) -> Fit:
    """n·(memory·0.9 − 1.5 GiB) − weights ≥ cache·context·sequences.

    Reproduces 64 of 64 fit decisions and 62 of 64 longest contexts of Lambda's table for vLLM 0.5.4.
    """
    usable = serving.gpus * (serving.gpu.visible_gib * MEMORY_UTILISATION - OVERHEAD_GIB) * GIB
    weights = weight_bytes(serving.architecture, serving.precision)
    free = usable - weights
    per_token = kv_bytes_per_token(serving.architecture, serving.kv_bytes_per_number)
    longest = min(int(free / per_token), serving.architecture.max_context) if free > 0 else 0
    return Fit(
        fits=context_tokens <= longest,
        max_context_tokens=longest,
        concurrent_sequences=max(0, int(free / (per_token * context_tokens))) if context_tokens > 0 else 0,
        weights_gib=weights / GIB,
        free_gib=free / GIB,
    )


def smallest_serving(
    architecture: Architecture, gpu: Gpu, context_tokens: int, precision: Precision = "bf16", sequences: int = 1
) -> Serving | Unknown:
    """The fewest cards (1, 2, 4 or 8 in one machine) that hold the model and so many sequences of that length."""
    if context_tokens > architecture.max_context:
        return Unknown(f"{architecture.model} reads at most {architecture.max_context} tokens, {context_tokens} were asked")
    for gpus in (1, 2, 4, 8):
        serving = Serving(architecture=architecture, gpu=gpu, gpus=gpus, precision=precision)
        held = fit(serving, context_tokens)
        if held.fits and held.concurrent_sequences >= sequences:
            return serving
    return Unknown(f"{architecture.model} at {precision} with {sequences} × {context_tokens} tokens does not fit 8 × {gpu.name}")


def touched_bytes(architecture: Architecture, precision: Precision, batch: int) -> float:
    """Weights read in one decoding step: shared + experts · (1 − (1 − k/E)^batch).

    Dense models read all. Batch 0 reads the shared part only.
    """
    total = weight_bytes(architecture, precision)
    if architecture.experts <= 1:
        return total
    chosen = architecture.experts_per_token / architecture.experts
    in_experts = (architecture.params_total - architecture.params_active) / (1 - chosen) * _BYTES[precision]
    return total - in_experts + in_experts * (1 - (1 - chosen) ** batch)


def decode_step_s(serving: Serving, batch: int, context_tokens: float) -> float:
    """Least time to write one token for each of `batch` sequences: bytes read over bandwidth.

    (touched weights + cache · context · batch) / (n · bandwidth). Always a lower bound.
    """
    cache = kv_bytes_per_token(serving.architecture, serving.kv_bytes_per_number) * context_tokens * batch
    read = touched_bytes(serving.architecture, serving.precision, batch) + cache
    return read / (serving.gpus * serving.gpu.bandwidth_gb_per_s * 1e9)


def decode_ceiling_tokens_per_s(serving: Serving, batch: int, context_tokens: float) -> float:
    """No runtime can write faster: batch over the least step time. 0 for an empty batch."""
    return batch / decode_step_s(serving, batch, context_tokens) if batch > 0 else 0.0


def expected_tokens_per_s(serving: Serving, batch: int, context_tokens: float) -> Band:
    """What a good runtime should reach: the ceiling times the efficiency practice shows."""
    ceiling = decode_ceiling_tokens_per_s(serving, batch, context_tokens)
    if batch == 1:
        return Band(ceiling * EFFICIENCY.high, ceiling * SINGLE_STREAM_EFFICIENCY, ceiling, "bandwidth bound × 0.65 / 0.75 / 1")
    return Band(
        ceiling * EFFICIENCY.low, ceiling * EFFICIENCY.expected, ceiling * EFFICIENCY.high, "bandwidth bound × 0.30 / 0.45 / 0.65"
    )


def prefill_s(serving: Serving, prompt_tokens: int) -> float:
    """Least time to read a prompt: 2 · active parameters · tokens over the cards' arithmetic."""
    fast = serving.gpu.fp8_tflops if serving.precision == "fp8" else None
    tflops = fast or serving.gpu.bf16_tflops
    return 2 * serving.architecture.params_active * prompt_tokens / (serving.gpus * tflops * 1e12)


def request_s(serving: Serving, input_tokens: int, output_tokens: int, batch: int) -> float:
    """Least replica time one request takes up: its prompt, and its share of the decoding steps.

    prefill + output · step(batch, mean context) / batch, the mean context being input + output / 2.
    """
    step = decode_step_s(serving, batch, input_tokens + output_tokens / 2)
    return prefill_s(serving, input_tokens) + output_tokens * step / batch


def serving_tokens_per_s(serving: Serving, input_tokens: int, output_tokens: int, batch: int) -> Band:
    """Output of a busy replica on requests of one size: output / `request_s`, times the efficiency practice shows.

    0 for requests that write nothing. Prompts and answers share the cards, so long prompts slow the writing.
    """
    if output_tokens <= 0 or batch <= 0:
        return Band(0.0, 0.0, 0.0, "nothing is written")
    ceiling = output_tokens / request_s(serving, input_tokens, output_tokens, batch)
    low, expected, high = (ceiling * share for share in (EFFICIENCY.low, EFFICIENCY.expected, EFFICIENCY.high))
    return Band(low, expected, high, "bound of prompt and answer × 0.30 / 0.45 / 0.65; runtimes of 2024 reached less")


def batch_that_fits(serving: Serving, tokens_per_sequence: int, most: int = 256) -> int:
    """Sequences served at once: what memory holds, but not more than the runtime takes (vLLM: 256)."""
    return min(most, fit(serving, max(1, tokens_per_sequence)).concurrent_sequences)
