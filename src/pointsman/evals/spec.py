"""What the user writes in `eval.yaml`, as types. Unknown keys are errors; every default is stated here."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from pointsman.evals.dataset import TestsSpec

__all__ = ["CacheSpec", "CriterionSpec", "EvalSpec", "PriceSpec", "VariantSpec"]

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[int, msgspec.Meta(ge=1)]


class PriceSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A price the user knows better than any list: US dollars per million tokens, as decimal text or numbers."""

    input: str | int | float | None = None
    """Text read, nothing of it from a cache."""
    output: str | int | float | None = None
    """Text written, reasoning included."""
    cache_read: str | int | float | None = None
    """Text read from the provider's cache."""
    cache_write: str | int | float | None = None
    """Text written to the provider's cache."""
    request: str | int | float | None = None
    """Dollars per request, on top of the tokens."""
    source: str | None = None
    """Where the price comes from, such as a contract."""
    checked_on: str | None = None
    """ISO date on which it was looked up."""


class VariantSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One variant to measure."""

    provider: str
    """`openai`, `anthropic`, `gemini`, `ollama`, … (`pointsman doctor --providers` lists them), `replay`, or `scripted`."""
    model: str
    """The provider's own name for it; sent as written."""
    base_url: str | None = None
    """Any server that speaks the provider's protocol."""
    dialect: str | None = None
    """The protocol, where it is not the provider's own."""
    key: str | None = None
    """`${NAME}`: the environment variable that holds the key. The provider's usual variable by default."""
    params: dict[str, Any] = msgspec.field(default_factory=dict)
    """Sent with every request: temperature, max_output_tokens, …"""
    system: str | None = None
    """System prompt, for cases that bring none."""
    price: PriceSpec | None = None
    """Your own price. By default what a script claims, else the published price of provider and model."""
    answers: str | None = None
    """`replay`: the file of recorded answers."""
    script: dict[str, Any] | str | None = None
    """`scripted`: how the model behaves, inline or as a file."""
    sleep: bool | None = None
    """`scripted`: really wait as long as the script says; otherwise its times are only reported."""


class CriterionSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A bound on one measure. The whole interval must lie on the good side of it."""

    max: float | None = None
    """Largest value accepted, in the unit of the name: seconds, dollars, or a share from 0 to 1."""
    min: float | None = None
    """Smallest value accepted, in the same unit."""
    margin: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """Only for comparisons: how much worse than the baseline is still acceptable."""


class CacheSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Reuse of answers across runs. A reused answer has a score and a price, never a latency."""

    dir: str = ".pointsman/cache"
    """Folder of the cache, relative to the file that names it."""
    max_age_days: float = 14
    """Older answers are not reused."""


class EvalSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One bake-off."""

    tests: TestsSpec | str
    """The test set: a path, or where to find which column."""
    variants: dict[str, VariantSpec | None]
    """By name; a name with nothing under it is looked up in `pointsman.yaml`."""
    name: str = "eval"
    """Names the run: its folder is `NAME-DATE-TIME-…`."""
    baseline: str | None = None
    """The variant in service, which the others must match or beat."""
    scorers: Annotated[list[str | dict[str, Any]], msgspec.Meta(min_length=1)]
    """The first decides quality."""
    criteria: dict[str, CriterionSpec] = msgspec.field(default_factory=dict)
    """`quality`, `latency_p50_s`, `latency_p95_s`, `ttft_p50_s`, `ttft_p95_s`, `cost_per_request_usd`,
    `cost_per_correct_usd`, `error_rate`, `refusal_rate`, `truncation_rate`, `bad_format_rate`;
    with `margin`, against the baseline: `quality`, `latency`, `cost`."""
    repeats: Positive = 1
    """How often each variant is asked each case. Repeats of a case are averaged; the unit stays the case."""
    concurrency: Positive = 16
    """Requests in flight per provider at most; fewer while it says that is too many."""
    budget_usd: str | int | float | None = None
    """Stop before more than this is spent."""
    seed: int = 0
    """Seed of every random choice: order, resampling, retries' jitter, scripted models."""
    level: Annotated[float, msgspec.Meta(gt=0.5, lt=1)] = 0.95
    """Coverage of every interval."""
    stream: bool | None = None
    """Stream answers, to measure the first token; by default only if a criterion asks for it."""
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """For one attempt, from sending to the last byte."""
    max_retries: Annotated[int, msgspec.Meta(ge=0)] | None = None
    """Further tries after a failure that may pass; 3 if not given."""
    cache: CacheSpec | None = None
    """Reuse answers of earlier runs; none are reused if not given."""
    origin: Literal["production", "curated", "synthetic"] | None = None
    """Where the cases come from; a run cannot see it, and the report's checklist asks for it."""
