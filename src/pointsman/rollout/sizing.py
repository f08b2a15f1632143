"""Steps as large and phases as long as the traffic needs for a bad candidate to be seen."""

from __future__ import annotations

import math

import msgspec

from pointsman.rollout.plan import Phase, Traffic

__all__ = ["Sized", "pairs_to_see", "requests_to_see", "sized_phases"]

_MIXING = 1.3
"""What not knowing the size of the harm costs, in nats; simulated."""
_TAIL = 2.0
"""The unlucky tenth of rollouts needs about twice the median."""
_STEPS = (0.05, 0.25, 0.5)
_DIFFER = 0.09
_DAY_S = 86_400.0


class Sized(msgspec.Struct, frozen=True):
    """Phases, and what the traffic does not allow."""

    phases: tuple[Phase, ...]
    notes: tuple[str, ...]


def requests_to_see(ratio: float, base: float, weight: float, alpha: float) -> float:
    """Answers of the candidate until a rate of `ratio` times `base` is seen at `alpha`, about the median.

    (ln 1/α + mixing) / (events per answer · KL(q(ratio) ‖ q(1))), with q as in `stats.sequential.rare_events`.
    At 1 %, 2×, weight 0.05 and α = 0.002: 2,080, where simulation gives 1,842.
    """
    q = weight * ratio / (weight * ratio + 1.0 - weight)
    gain = q * math.log(q / weight) + (1.0 - q) * math.log((1.0 - q) / (1.0 - weight))
    events = base * (ratio + (1.0 - weight) / weight)
    return (-math.log(alpha) + _MIXING) / (events * gain)


def pairs_to_see(points: float, alpha: float, differ: float = _DIFFER) -> float:
    """Shadow pairs until a fall of the pass rate by `points` is seen, if `differ` of the pairs differ."""
    loss = (differ + points) / 2.0 / differ
    gain = loss * math.log(2.0 * loss) + (1.0 - loss) * math.log(2.0 * (1.0 - loss))
    return (-math.log(alpha) + _MIXING) / (differ * gain)


def sized_phases(traffic: Traffic, alpha: float = 0.005, most_days: float = 14.0) -> Sized:
    """The usual ramp without the steps that could not see doubled errors within `most_days`."""
    per_day = traffic.requests_per_minute * 1440.0
    days = {w: requests_to_see(2.0, traffic.error_rate, w, alpha) * _TAIL / (per_day * w) for w in _STEPS}
    kept = [w for w in _STEPS if days[w] <= most_days] or [_STEPS[-1]]
    notes = [
        f"at {per_day:,.0f} requests a day a step of {w:.0%} needs {days[w]:,.0f} days to see a doubled error rate; left out"
        for w in _STEPS
        if w not in kept
    ]
    if days[kept[-1]] > most_days:
        notes.append(
            f"even half of the traffic needs {days[kept[-1]]:,.0f} days: lean on the bake-off and on shadow, "
            "and let a person approve the last step"
        )
    shadow, note = _shadow(per_day, alpha)
    steps = tuple(Phase(step=w, hold=_whole_days(min(days[w], most_days)), approval=days[w] > most_days) for w in kept)
    return Sized((shadow, *steps, Phase(holdback=0.05, hold="14d")), (*notes, *note))


def _shadow(per_day: float, alpha: float) -> tuple[Phase, tuple[str, ...]]:
    wanted = pairs_to_see(0.03, alpha) * _TAIL
    sample = min(1.0, max(0.01, math.ceil(100.0 * wanted / (7.0 * per_day)) / 100.0))
    days = wanted / (per_day * sample)
    note = (f"shadow needs {days:,.0f} days for its {wanted:,.0f} pairs, even with every request mirrored",) if days > 7.0 else ()
    return Phase(shadow=_whole_days(max(days, 1.0)), sample=sample), note


def _whole_days(days: float) -> str:
    """At least one whole day, because mornings differ from nights."""
    return f"{max(1, math.ceil(days))}d"
