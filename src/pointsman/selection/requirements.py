"""What a person needs of a model, as `requirements.yaml` says it.

Each need is a `must` (what fails it is out), a `nice` with a weight (it moves the order), or is named
under `accept` (a trade-off taken with open eyes: it neither refuses nor counts, and the report says so).
"""

from __future__ import annotations

import difflib
from typing import Annotated, Any, Literal

import msgspec

from pointsman.core.failure import ConfigError
from pointsman.selection.latency import latency_limit_s
from pointsman.selection.scale import benchmarks, skills
from pointsman.selection.tables import table

__all__ = [
    "CAPABILITIES",
    "Must",
    "Nice",
    "Privacy",
    "QualityFloor",
    "Requirements",
    "Situation",
    "Task",
    "Volume",
    "budget_limit_usd",
    "check",
    "criteria_names",
]

Count = Annotated[int, msgspec.Meta(ge=0)]
Amount = Annotated[float, msgspec.Meta(gt=0)]
Modality = Literal["text", "image", "audio", "video", "pdf"]
Task = Literal[
    "general",
    "chat",
    "customer_support",
    "content_generation",
    "analysis",
    "extraction",
    "classification",
    "code",
    "rag",
    "research",
    "education",
    "moderation",
    "voice",
    "medical",
    "legal",
    "translation",
    "agent",
]
Capability = Literal[
    "tool_calling",
    "parallel_tool_calls",
    "structured_output",
    "reasoning",
    "prompt_caching",
    "web_search",
    "computer_use",
    "streaming",
    "prefill",
    "fine_tuning",
    "batch",
]
CAPABILITIES: tuple[str, ...] = Capability.__args__  # type: ignore[attr-defined]  # a Literal's values
_OTHER_CRITERIA = ("quality", "cost", "speed", "context", "open_weights")


class _Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the file: unknown keys are errors."""


class Volume(_Spec, frozen=True, kw_only=True):
    """How much will be asked, and how big one request is."""

    requests_per_day: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """Average; give this or `requests_per_month`."""
    requests_per_month: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """A month has 365/12 days."""
    input_tokens: Count = 1000
    """Read by an average request, prompt and history included."""
    output_tokens: Count = 300
    """Written by an average answer."""
    input_audio_tokens: Count = 0
    """Heard in an average request, beside the text."""
    output_audio_tokens: Count = 0
    """Spoken in an average answer, beside the text."""
    peak_factor: Annotated[float, msgspec.Meta(ge=1)] = 10
    """Busiest moment over the daily average; the guide plans for ten."""
    growth: Annotated[float, msgspec.Meta(gt=0)] = 10
    """Volume in twelve months over today's; the guide plans for ten."""


class Privacy(_Spec, frozen=True, kw_only=True):
    """Where the data may go, and what may be done with it."""

    stays_on_premises: bool = False
    """Only models you serve yourself come into question."""
    region: Literal["eu", "us"] | None = None
    """Processing must be available inside this region."""
    no_training: bool = False
    """The provider must not train on what is sent."""


class QualityFloor(_Spec, frozen=True, kw_only=True):
    """A result that must be reached: a published benchmark's name, or `own` for your own test set."""

    benchmark: str
    """Its name in the catalogue, such as `gpqa`, or `own`."""
    min: float
    """As a share, 0…1."""


class Must(_Spec, frozen=True, kw_only=True):
    """What is not negotiable."""

    modalities_in: tuple[Modality, ...] = ("text",)
    """What it must read."""
    modalities_out: tuple[Modality, ...] = ("text",)
    """What it must write."""
    context_tokens: Count = 0
    """The longest single request, answer included."""
    output_tokens: Count = 0
    """The longest single answer."""
    latency: str | float | None = None
    """`real_time`, `interactive`, `near_real_time`, `batch`, or seconds until the answer is whole, at the 95th percentile."""
    budget_usd_per_month: Amount | None = None
    """The most a month may cost at today's volume."""
    budget_usd_per_request: Amount | None = None
    """The most an average request may cost."""
    budget: str | None = None
    """One of the guide's bands instead of a figure: `startup_mvp`, `growing_product`, `enterprise`."""
    privacy: Privacy = Privacy()
    """Where the data may go."""
    open_weights: bool | None = None
    """Open or closed weights only; either if not given."""
    commercial_use: bool = True
    """A licence that lets a company serve it; matters for models you serve yourself."""
    capabilities: tuple[Capability, ...] = ()
    """What it must be able to do."""
    quality: tuple[QualityFloor, ...] = ()
    """Results that must be reached."""
    horizon_months: Annotated[int, msgspec.Meta(ge=0, le=120)] = 6
    """How long it must go on answering."""
    providers: tuple[str, ...] = ()
    """Only these; empty for any."""
    not_providers: tuple[str, ...] = ()
    """None of these."""
    not_makers: tuple[str, ...] = ()
    """No model of these makers, whoever offers it."""


class Nice(_Spec, frozen=True, kw_only=True):
    """A wish with anchors of your own: `worst` is worth 0 and `best` is worth 1, on the criterion's own scale."""

    weight: Annotated[float, msgspec.Meta(ge=0)]
    """Against the other weights; only their proportions count."""
    worst: float | None = None
    """Worth 0, in place of the shipped anchor."""
    best: float | None = None
    """Worth 1, in place of the shipped anchor."""


class Situation(_Spec, frozen=True, kw_only=True):
    """Answers to the decision tree's questions that the needs alone do not give. None: not said."""

    compliance: tuple[Literal["data_must_stay_on_prem", "healthcare", "legal", "classified", "regulated"], ...] = ()
    """Kinds of sensitive data; all but `regulated` make privacy critical to the tree."""
    gpu_budget: bool | None = None
    """Whether there is money for GPUs."""
    can_self_host: bool | None = None
    """Whether you can serve a model yourselves."""
    mostly_video: bool | None = None
    """Whether what it reads is mostly video."""
    reasoning: Literal["none", "high", "maximum"] | None = None
    """How much reasoning the task needs."""
    reasoning_type: Literal["creative_nuanced", "code_technical", "general_complex", "mathematical"] | None = None
    """Which kind, where the maximum is needed."""
    complexity: Literal["low", "mixed", "high"] | None = None
    """How hard the requests are."""
    budget_constrained: bool | None = None
    """Whether money is tight; read off the budget if not given."""
    budget_unlimited: bool | None = None
    """Whether money plays no part."""
    quality_critical: bool | None = None
    """Whether mistakes are dear."""
    experimental: bool | None = None
    """Whether this is research."""
    stage: Literal["mvp", "production"] | None = None
    """How far the product is."""


class Requirements(_Spec, frozen=True, kw_only=True):
    """The needs of one application."""

    name: str = "requirements"
    """Shown in reports."""
    profile: str | None = None
    """Start from one of the shipped use cases; what the file says wins."""
    task: Task = "general"
    """What is done; it decides which skill `quality` means."""
    volume: Volume = Volume()
    """How much, and how big."""
    must: Must = Must()
    """What fails one of these is out."""
    nice: dict[str, float | Nice] = {}
    """By criterion: `quality`, a skill (`code`, `reasoning`, …), `cost`, `speed`, `context`, `open_weights`, a capability."""
    accept: dict[str, str] = {}
    """By criterion or must: why it is given up."""
    situation: Situation = Situation()
    """Answers to the tree's questions."""

    @property
    def requests_per_day(self) -> float | None:
        """Average daily volume; a month has 365/12 days. None if nothing is said."""
        v = self.volume
        return v.requests_per_day if v.requests_per_month is None else v.requests_per_month * 12 / 365

    @property
    def context_tokens(self) -> int:
        """The longest single request, answer included: as said, else the average one."""
        v = self.volume
        return self.must.context_tokens or v.input_tokens + v.output_tokens + v.input_audio_tokens + v.output_audio_tokens


class _Band(msgspec.Struct):
    id: str
    min_usd_per_month: float
    max_usd_per_month: float | None = None
    advice: tuple[str, ...] = ()
    guide_lines: str = ""


class _Bands(msgspec.Struct):
    band: tuple[_Band, ...]


def budget_limit_usd(requirements: Requirements) -> float | None:
    """The most a month may cost: the figure, or the upper end of the band named; None for no limit."""
    must = requirements.must
    if must.budget_usd_per_month is not None:
        return must.budget_usd_per_month
    return next((b.max_usd_per_month for b in table("budget_bands.toml", _Bands).band if b.id == must.budget), None)


def criteria_names() -> tuple[str, ...]:
    """Everything that may be weighted under `nice`."""
    return (*_OTHER_CRITERIA, *(s for s in skills() if s not in CAPABILITIES), *CAPABILITIES)


def check(requirements: Requirements) -> None:
    """What types cannot say. Raises `ConfigError` naming the key and the nearest valid name."""
    must = requirements.must
    _known(requirements.nice, criteria_names(), "nice")
    _known(requirements.accept, (*criteria_names(), *Must.__struct_fields__), "accept")
    latency_limit_s(must.latency)
    bands = [b.id for b in table("budget_bands.toml", _Bands).band]
    if must.budget is not None:
        _known([must.budget], bands, "must.budget")
    for floor in must.quality:
        _known([floor.benchmark], ("own", *benchmarks()), "must.quality.benchmark")
    v = requirements.volume
    if v.requests_per_day is not None and v.requests_per_month is not None:
        raise ConfigError("is given per day and per month", key="volume", hint="keep one of the two")
    weights = [w.weight if isinstance(w, Nice) else w for w in requirements.nice.values()]
    if any(w < 0 for w in weights) or (weights and not sum(weights)):
        raise ConfigError("weights must be at least 0, and one of them above", key="nice")


def _known(names: Any, valid: Any, key: str) -> None:
    for name in names:
        if name not in valid:
            near = difflib.get_close_matches(name, list(valid), n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise ConfigError("is not a name we know", key=key, value=name, hint=f"{hint}known: {', '.join(valid)}")
