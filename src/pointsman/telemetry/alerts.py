"""Rules that look at the last minutes, and when they fire: pending for a while, firing, and not resolved in a hurry.

`for` and `keep_firing_for` mean what they mean to Prometheus: a condition must hold without a break for
`for` before anybody is told, and must have been gone for `keep_firing_for` before it is called over. What
is not known changes nothing: an alert neither fires nor ends because nobody asked anything.

Alerts tell people. They roll nothing back: five minutes above a threshold happen to every model sooner
or later, and what decides about a rollout are the checks in `rollout`, whose errors are bounded.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from pointsman.telemetry.windows import Lately

__all__ = ["DEFAULT_RULES", "AlertRule", "AlertState", "Change", "holds", "next_state"]

Metric = Literal[
    "requests",
    "error_rate",
    "latency_p95_s",
    "first_token_p95_s",
    "cost_per_request_usd",
    "satisfaction",
    "refusal_rate",
    "truncation_rate",
    "fallback_rate",
]
Change = Literal["fires", "resolves"]
Positive = Annotated[float, msgspec.Meta(gt=0)]


class AlertRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule. Give one of `above`, `below`, `over_baseline`, `under_baseline`."""

    metric: Metric
    """What is looked at, of each variant of a route."""
    above: float | None = None
    """A value that is too much."""
    below: float | None = None
    """A value that is too little."""
    over_baseline: Positive | None = None
    """So many times the baseline's value is too much: 1.3 is 30 % more. Needs a migration that is running."""
    under_baseline: Positive | None = None
    """So much less than the baseline's value is too little: 0.15 is 15 points. Needs a migration that is running."""
    window_s: Positive = 300
    """How much of the past a value is made of; at most an hour."""
    for_s: Annotated[float, msgspec.Meta(ge=0)] = 300
    """How long it must hold before anybody is told."""
    keep_firing_for_s: Annotated[float, msgspec.Meta(ge=0)] = 300
    """How long it must be gone before it is called over."""
    min_requests: Annotated[int, msgspec.Meta(ge=1)] = 50
    """With fewer in the window, of either side, nothing is known."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """For whoever is told."""
    routes: tuple[str, ...] = ()
    """Only these routes; all if not given."""
    notify: tuple[str, ...] = ()
    """Only these of `alerts.notify`; all if not given."""


DEFAULT_RULES = {
    "error_rate_high": AlertRule(metric="error_rate", over_baseline=1.3),
    "latency_degraded": AlertRule(metric="latency_p95_s", over_baseline=1.5),
    "satisfaction_down": AlertRule(metric="satisfaction", under_baseline=0.15),
    "outage": AlertRule(metric="error_rate", above=0.5, for_s=60, min_requests=20, severity="critical"),
}
"""What is watched where nothing else is said: the three signs that teams watch in a migration, and an outage."""


class AlertState(msgspec.Struct, frozen=True, kw_only=True):
    """Where one rule stands for one route and variant. Times are Unix seconds."""

    held_since_s: float | None = None
    """Since when the condition holds without a break."""
    gone_since_s: float | None = None
    """Since when it does not, while the alert still fires."""
    firing: bool = False


def holds(rule: AlertRule, now: Lately, baseline: Lately | None) -> bool | None:
    """Whether the rule's condition holds; None if too little is known."""
    value, n = now.value(rule.metric)
    if value is None or (n < rule.min_requests and rule.metric != "requests"):
        return None
    if rule.above is not None:
        return value > rule.above
    if rule.below is not None:
        return value < rule.below
    theirs, count = baseline.value(rule.metric) if baseline is not None else (None, 0)
    if theirs is None or count < rule.min_requests:
        return None
    if rule.over_baseline is not None:
        return value > rule.over_baseline * theirs
    return rule.under_baseline is not None and value < theirs - rule.under_baseline


def next_state(rule: AlertRule, state: AlertState, *, condition: bool | None, now_s: float) -> tuple[AlertState, Change | None]:
    """The state at `now_s`, and what people are to be told, if anything. Not known: as before."""
    if condition is None:
        return state, None
    if condition:
        held_since_s = now_s if state.held_since_s is None else state.held_since_s
        fires = not state.firing and now_s - held_since_s >= rule.for_s
        held = AlertState(held_since_s=held_since_s, firing=state.firing or fires)
        return held, "fires" if fires else None
    if not state.firing:
        return AlertState(), None
    gone_since_s = now_s if state.gone_since_s is None else state.gone_since_s
    if now_s - gone_since_s >= rule.keep_firing_for_s:
        return AlertState(), "resolves"
    return AlertState(gone_since_s=gone_since_s, firing=True), None
