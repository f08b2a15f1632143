"""`migration.yaml`: the phases of a migration, what may stop it, and the traffic it is sized to."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from pointsman.core.failure import ConfigError
from pointsman.rollout.check import CHECKS, Check

__all__ = ["Caps", "Phase", "PhaseKind", "Plan", "Traffic", "built_checks", "checked", "seconds"]

PhaseKind = Literal["shadow", "step", "holdback"]
Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}


def seconds(text: str) -> float:
    """`90s`, `30m`, `12h`, `7d`, `2w` in seconds. Raises `ConfigError` for anything else."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ConfigError("is not a duration", value=text, hint="write 90s, 30m, 12h, 7d or 2w")
    return float(match[1]) * _UNIT_S[match[2]]


class Traffic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rehearsal and the sizing of phases assume of the route."""

    requests_per_minute: Positive = 60.0
    """Mean over a week."""
    requests_per_unit: Annotated[float, msgspec.Meta(ge=1)] = 3.0
    """Mean over conversations or users."""
    rated: Share = 0.1
    """Share of answers that get a rating."""
    error_rate: Share = 0.01
    """Share of the baseline's requests that fail."""
    cost_usd_per_request: Positive = 0.002
    """Mean of the baseline's."""
    latency_p95_s: Positive = 4.0
    """Of the baseline's answers."""


class Phase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of `{shadow: 7d, sample: 0.1}`, `{step: 0.05, hold: 7d}`, `{holdback: 0.05, hold: 14d}`."""

    shadow: str | None = None
    """How long requests are mirrored to the candidate, whose answers nobody sees."""
    sample: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.1
    """Share of the baseline's requests mirrored in a shadow phase."""
    step: Share | None = None
    """Share of units that get the candidate."""
    holdback: Share | None = None
    """Share of units kept on the baseline after the ramp, so that there is a control to compare with."""
    hold: str = "7d"
    """Least time in the phase."""
    approval: bool = False
    """Ask a person before leaving the phase."""
    min_units: Annotated[int, msgspec.Meta(ge=0)] = 100
    """Least number of the candidate's units before the phase may be left. Gates promotion, never a rollback."""

    @property
    def kind(self) -> PhaseKind:
        return "shadow" if self.shadow is not None else "step" if self.step is not None else "holdback"

    @property
    def weight(self) -> float:
        """Share of new units that get the candidate."""
        return self.step or (1.0 - self.holdback if self.holdback is not None else 0.0)

    @property
    def least_s(self) -> float:
        return seconds(self.shadow if self.shadow is not None else self.hold)


class Caps(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits without statistics: crossing one rolls back at once."""

    usd: Positive | None = None
    """What the candidate may cost in the whole rollout."""
    shadow_usd_per_day: Positive | None = 10.0
    """What mirrored requests may cost a day; null: no limit. Requests under way when it is reached are finished."""
    consecutive_failures: Annotated[int, msgspec.Meta(ge=2)] = 12
    """So many failures of the candidate one after the other, from at least three units, is an outage, unless half of
    the control's requests meanwhile fail as well. One more is asked for with each doubling of the requests beyond 1,000,
    and five times as many where no control is left to compare with."""


def _six() -> dict[str, dict[str, Any] | None]:
    return {n: {} for n in ("error_rate", "latency_p95", "cost", "quality", "refusals", "satisfaction")}


def _sample_ratio() -> dict[str, dict[str, Any] | None]:
    return {"sample_ratio": {}}


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of `migration.yaml`."""

    route: str
    """The route whose traffic moves."""
    from_: str = msgspec.field(name="from")
    """The variant in service: the baseline."""
    to: str
    """The variant that may take its place: the candidate."""
    reason: str = ""
    """Why, in a word; `pointsman migrate plan` knows which words carry a migration."""
    phases: tuple[Phase, ...]
    """In order; shares only rise."""
    traffic: Traffic = Traffic()
    """What a rehearsal simulates."""
    guardrails: dict[str, dict[str, Any] | None] = msgspec.field(default_factory=_six)
    """Checks by name with their options; a breach rolls back."""
    signals: dict[str, dict[str, Any] | None] = msgspec.field(default_factory=_sample_ratio)
    """Checks whose breach only holds."""
    caps: Caps = Caps()
    """Limits without statistics."""
    alpha: Share = 0.01
    """Chance that a candidate which is no worse is ever rolled back, divided among the guardrails."""
    cool_down: str = "1h"
    """How long the evidence must have receded before a held rollout goes on."""
    no_traffic: str = "24h"
    """How long no request of the candidate is waited for before a person is asked."""
    move_live: bool = False
    """Whether live conversations change variant with the ramp."""
    live: str = "24h"
    """How long a conversation that the client did not name, and whose beginning comes again, is taken for the same one."""


def checked(plan: Plan) -> Plan:
    """The plan, if it makes sense. Raises `ConfigError` that names the key."""
    if not plan.phases:
        raise ConfigError("has no phases", key="phases", hint="begin with `- {shadow: 7d, sample: 0.1}`")
    if plan.from_ == plan.to:
        raise ConfigError("is the variant it comes from", key="to", value=plan.to)
    last = 0.0
    for i, phase in enumerate(plan.phases):
        _check_phase(phase, f"phases.{i}")
        if phase.kind == "shadow" and last > 0.0:
            raise ConfigError("shadow comes before users are exposed", key=f"phases.{i}.shadow")
        if phase.weight < last:
            raise ConfigError("a ramp only rises", key=f"phases.{i}", value=phase.weight)
        if phase.kind == "holdback" and i != len(plan.phases) - 1:
            raise ConfigError("is the last phase", key=f"phases.{i}.holdback")
        last = phase.weight
    if last == 0.0:
        raise ConfigError("never serve the candidate", key="phases", hint="add `- {step: 0.05, hold: 7d}`")
    if "quality" in plan.guardrails and plan.phases[0].kind != "shadow":
        hint = "begin with `- {shadow: 7d, sample: 0.1}`, or make quality no guardrail"
        raise ConfigError("is judged on shadow pairs, and there is no shadow phase", key="guardrails.quality", hint=hint)
    for key in ("cool_down", "no_traffic", "live"):
        _duration(getattr(plan, key), key)
    built_checks(plan)
    return plan


def _check_phase(phase: Phase, key: str) -> None:
    if sum(x is not None for x in (phase.shadow, phase.step, phase.holdback)) != 1:
        raise ConfigError("is one of shadow, step, holdback", key=key, hint="such as `{step: 0.05, hold: 7d}`")
    kind = "shadow" if phase.shadow is not None else "hold"
    _duration(getattr(phase, kind), f"{key}.{kind}")


def _duration(text: str, key: str) -> None:
    try:
        seconds(text)
    except ConfigError as error:
        raise error.under(key) from None


def built_checks(plan: Plan) -> dict[str, Check]:
    """Guardrails and signals with their options and their parts of `alpha`. Raises `ConfigError`."""
    shares = {name: CHECKS.load(name).alpha_share for name in plan.guardrails}
    total = sum(shares.values())
    guardrails = {n: _built(n, o, plan.alpha * shares[n] / total, "guardrails") for n, o in plan.guardrails.items()}
    signals = {n: _built(n, o, plan.alpha, "signals") for n, o in plan.signals.items() if n not in guardrails}
    return {**guardrails, **signals}


def _built(name: str, options: dict[str, Any] | None, alpha: float, under: str) -> Check:
    plugin = CHECKS.load(name)
    try:
        return plugin.build(msgspec.convert(options or {}, plugin.options), alpha)
    except msgspec.ValidationError as error:
        known = ", ".join(f.encode_name for f in msgspec.structs.fields(plugin.options))
        raise ConfigError(str(error), key=f"{under}.{name}", hint=f"known keys: {known}") from None
    except ConfigError as error:
        raise error.under(f"{under}.{name}") from None
