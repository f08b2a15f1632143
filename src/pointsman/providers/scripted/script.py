"""What a scripted model is like: how often it is right, how fast, how it fails, what it costs."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import msgspec

from pointsman.core.failure import FailureClass
from pointsman.providers.local_provider import LocalPrice
from pointsman.providers.scripted.faults import Fault

__all__ = ["Drift", "KeyScript", "Latency", "Script", "Share", "Spread", "TokenSpread", "drifted"]

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=0)]
_Z95 = 1.6448536269514722
"""Standard normal deviate of the 95th percentile."""


class _Strict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    pass


class Spread(_Strict, frozen=True, kw_only=True):
    """Log-normal seconds given by two percentiles: ln X ~ N(ln p50, ((ln p95 − ln p50) / 1.645)²)."""

    p50_s: Annotated[float, msgspec.Meta(gt=0)]
    """Half are shorter."""
    p95_s: Annotated[float, msgspec.Meta(gt=0)]
    """19 of 20 are shorter; not below `p50_s`."""

    def __post_init__(self) -> None:
        if self.p95_s < self.p50_s:
            raise ValueError("p95_s must not be below p50_s")

    def at(self, z: float) -> float:
        """Seconds at the standard normal deviate `z`; constant if both percentiles are one."""
        return self.p50_s * math.exp(z * math.log(self.p95_s / self.p50_s) / _Z95)


class TokenSpread(_Strict, frozen=True, kw_only=True):
    """Log-normal token count given by two percentiles, at least 1."""

    p50: Annotated[int, msgspec.Meta(ge=1)]
    """Half are shorter."""
    p95: Annotated[int, msgspec.Meta(ge=1)]
    """19 of 20 are shorter; not below `p50`."""

    def __post_init__(self) -> None:
        if self.p95 < self.p50:
            raise ValueError("p95 must not be below p50")

    def at(self, z: float) -> int:
        """Tokens at the standard normal deviate `z`."""
        return max(1, round(self.p50 * math.exp(z * math.log(self.p95 / self.p50) / _Z95)))


class Latency(_Strict, frozen=True, kw_only=True):
    """How long an answer takes. A total below the first-token time is raised to it."""

    ttft_s: Seconds | Spread = 0.0
    """Until the first token."""
    total_s: Seconds | Spread | None = None
    """Until the last one; None: as `tokens_per_s` says."""
    tokens_per_s: Annotated[float, msgspec.Meta(gt=0)] | None = None
    """Pace after the first token; None with no `total_s`: everything comes at once."""


class Drift(_Strict, frozen=True, kw_only=True):
    """How one quantity changes while the model serves.

    `step` changes it at the start and for good; `spike` from the start until the end; `ramp`
    changes it evenly from the start to the end and keeps it there. Start and end are counted in
    requests or in seconds since the provider was opened.
    """

    what: Literal["quality", "latency", "error", "timeout", "refusal", "bad_format", "truncation"]
    """The key of the script that changes."""
    shape: Literal["step", "ramp", "spike"]
    """How it changes, as above."""
    at_request: Count | None = None
    """Start, in requests. Either this or `at_s`."""
    until_request: Count | None = None
    """End, in requests; a `step` has none."""
    at_s: Seconds | None = None
    """Start, in seconds."""
    until_s: Seconds | None = None
    """End, in seconds; a `step` has none."""
    to: Share | None = None
    """The share it becomes; not for latency."""
    times: Annotated[float, msgspec.Meta(ge=0)] | None = None
    """The factor it is multiplied by; a share stays at 1 or below."""

    def __post_init__(self) -> None:
        by_request, by_time = self.at_request is not None, self.at_s is not None
        if by_request == by_time:
            raise ValueError("a drift starts at_request or at_s, one of them")
        end = self.until_request if by_request else self.until_s
        start = self.at_request if by_request else self.at_s
        if (end is not None) == (self.shape == "step"):
            raise ValueError(f"a {self.shape} has {'no end' if self.shape == 'step' else 'an end in the unit of its start'}")
        if end is not None and start is not None and end <= start:
            raise ValueError("a drift ends after it starts")
        if (self.to is None) == (self.times is None):
            raise ValueError("a drift goes `to` a share or is `times` a factor, one of them")
        if self.what == "latency" and self.to is not None:
            raise ValueError("latency drifts by `times`")

    def progress(self, request_number: int, elapsed_s: float) -> float:
        """How much of the change is in force, 0 to 1."""
        at, until, x = (
            (self.at_request, self.until_request, request_number)
            if self.at_request is not None
            else (self.at_s, self.until_s, elapsed_s)
        )
        if at is None or x < at:
            return 0.0
        if until is None:
            return 1.0
        if self.shape == "spike":
            return 1.0 if x < until else 0.0
        return min(1.0, (x - at) / (until - at))

    def changed(self, base: float, progress: float) -> float:
        """`base` with `progress` of the change applied."""
        goal = self.to if self.to is not None else base * (self.times if self.times is not None else 1.0)
        return base + progress * (goal - base)


class KeyScript(_Strict, frozen=True, kw_only=True):
    """How the server treats one API key differently, so that routing between keys has something to find."""

    latency: Seconds | Latency | None = None
    """In place of the script's; so are all keys here."""
    error: Share | dict[FailureClass, Share] | None = None
    """Share of calls that fail; by class, or all transient."""
    requests_per_minute: Count | None = None
    """Beyond it, 429."""
    tokens_per_minute: Count | None = None
    """Beyond it, 429."""
    faults: dict[str, Share] | None = None
    """Share of requests that meet this fault."""

    def __post_init__(self) -> None:
        _check_faults(self.faults or {})


class Script(_Strict, frozen=True, kw_only=True):
    """One scripted model. The default is always right, instant and free of faults.

    First an error or a timeout may strike the call; of the replies, some are refusals, truncations
    or in a bad form; of the sound rest, a share `quality` gives the target.
    """

    quality: Share = 1.0
    """Share of sound replies that give the target."""
    quality_by_tag: dict[str, Share] = {}
    """Replaces `quality` for cases with that tag; of several, the lowest counts."""
    difficulty_correlation: Share = 0.0
    """How much of being right is due to a difficulty that all models share per case (Gaussian
    copula): at 0 models fail independently, at 1 a weaker model fails wherever a stronger one does."""
    repeat_correlation: Share = 0.0
    """How much of the rest is the same in every repeat of a case; 1: each repeat answers alike."""
    wrong: Literal["near", "unrelated", "empty"] | tuple[str, ...] = "near"
    """What a wrong answer looks like: near the target (another number, another letter), filler,
    nothing, or one of these texts."""
    say: str = "{answer}"
    """The sentence that carries the answer."""
    bad_format: Share = 0.0
    """Share of replies whose answer is not in the form asked for."""
    refusal: Share = 0.0
    """Share of replies that decline."""
    truncation: Share = 0.0
    """Share of replies cut off by the output limit."""
    timeout: Share = 0.0
    """Share of calls that nobody answers in time."""
    timeout_after_s: Seconds = 30.0
    """How long such a call lasts: in process it is reported, the server then answers 504."""
    error: Share | dict[FailureClass, Share] = 0.0
    """Share of calls that fail; by class, or all transient."""
    latency: Seconds | Latency = 0.0
    """A number is a constant total."""
    output_tokens: Annotated[int, msgspec.Meta(ge=1)] | TokenSpread | None = None
    """Length of an answer: filler goes before the target until it is reached. None: the bare
    target, and 32 tokens where there is none."""
    reasoning_tokens: Count | None = None
    """Thoughts behind each answer; None: as much as the request's effort asks for, none if it does not."""
    tool_calls: Annotated[int, msgspec.Meta(ge=1)] = 1
    """Calls in one turn when the request offers tools and allows several."""
    cache_min_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Count a prefix of messages seen before as cached once it has this many tokens; None: no cache."""
    price: LocalPrice | None = None
    """What it claims to cost; None: nothing is known."""
    drift: tuple[Drift, ...] = ()
    """Changes while it serves; several apply one after the other."""
    faults: dict[str, Share] = {}
    """Server only: share of requests that meet this fault, written as for `x-scripted-fault`."""
    requests_per_minute: Count | None = None
    """Server only, per key: beyond it, 429."""
    tokens_per_minute: Count | None = None
    """Server only, per key: beyond it, 429."""
    keys: dict[str, KeyScript] = {}
    """Server only: what differs for these API keys."""

    def __post_init__(self) -> None:
        if self.bad_format + self.refusal + self.truncation > 1:
            raise ValueError("bad_format + refusal + truncation must not exceed 1")
        if self.error_share + self.timeout > 1:
            raise ValueError("error + timeout must not exceed 1")
        if "{answer}" not in self.say:
            raise ValueError("say must contain {answer}")
        _check_faults(self.faults)

    @property
    def error_share(self) -> float:
        """Share of calls that fail other than by timeout."""
        return sum(self.error.values()) if isinstance(self.error, dict) else self.error

    @property
    def expected_quality(self) -> float:
        """Share of all replies that give the target, without tags and drift."""
        return self.quality * (1 - self.bad_format - self.refusal - self.truncation)

    def for_key(self, key: str | None) -> Script:
        """The script as this API key meets it."""
        own = self.keys.get(key) if key is not None and self.keys else None
        if own is None:
            return self
        changes = {f: v for f in own.__struct_fields__ if (v := getattr(own, f)) is not None}
        return msgspec.structs.replace(self, **changes)


def drifted(script: Script, request_number: int, elapsed_s: float) -> Script:
    """The script as it stands at this request and time; the same object if nothing has drifted."""
    changes: dict[str, object] = {}
    for drift in script.drift:
        progress = drift.progress(request_number, elapsed_s)
        if progress > 0:
            changes[drift.what] = _drifted_field(drift, progress, changes.get(drift.what, getattr(script, drift.what)))
            if drift.what == "quality":
                tags = changes.get("quality_by_tag", script.quality_by_tag)
                assert isinstance(tags, dict)
                changes["quality_by_tag"] = {t: min(1.0, drift.changed(q, progress)) for t, q in tags.items()}
    return msgspec.structs.replace(script, **changes) if changes else script


def _drifted_field(drift: Drift, progress: float, base: object) -> object:
    if isinstance(base, Latency):
        factor = drift.changed(1.0, progress)
        return Latency(
            ttft_s=_scaled(base.ttft_s, factor),
            total_s=None if base.total_s is None else _scaled(base.total_s, factor),
            tokens_per_s=None if base.tokens_per_s is None else base.tokens_per_s / max(factor, 1e-9),
        )
    if isinstance(base, dict):
        total = sum(base.values())
        goal = min(1.0, drift.changed(total, progress))
        return {k: v * goal / total for k, v in base.items()} if total else {FailureClass.TRANSIENT: goal}
    assert isinstance(base, int | float)
    value = drift.changed(base, progress)
    return value if drift.what == "latency" else min(1.0, value)


def _scaled(seconds: float | Spread, factor: float) -> float | Spread:
    if isinstance(seconds, Spread):
        return Spread(p50_s=max(seconds.p50_s * factor, 1e-9), p95_s=max(seconds.p95_s * factor, 1e-9))
    return seconds * factor


def _check_faults(shares: dict[str, float]) -> None:
    for text in shares:
        Fault.parse(text)
    if sum(shares.values()) > 1:
        raise ValueError("the shares of all faults must not exceed 1")
