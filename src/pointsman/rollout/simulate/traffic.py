"""Simulated traffic of a route: units that come, ask a few times and go, by day and by night.

A unit's requests share its luck: some users send long prompts, some questions fail whoever answers.
Error-prone units, long answers and dear ones are drawn per unit and then per request, so the
marginal rates stay those of the plan whatever the resemblance.
"""

from __future__ import annotations

import math

import numpy as np

from pointsman.rollout.observations import Flags, Pairs, Requests, Seen
from pointsman.rollout.plan import Traffic
from pointsman.rollout.simulate.scenario import Scenario
from pointsman.stats.clusters import Codes, Floats

__all__ = ["SimulatedTraffic"]

_DAY_S = 86_400.0
_DAILY_SWING = 0.5
"""Traffic of the busiest hour over the mean, minus 1."""
_GAP_S = 30.0
"""Mean time between two requests of a unit."""
_LATENCY_SIGMA, _COST_SIGMA = 0.6, 1.0
_RATING = 0.8
_RARE = {"timed_out": 0.002, "refused": 0.01, "truncated": 0.005, "repaired": 0.01, "fell_back": 0.01}
_DISCORDANT = 0.09
"""Share of shadow pairs of two equal variants in which one passes and the other does not."""
_OUTAGE_S = 1_800.0
_OUTAGE_ERRORS = 0.3


class SimulatedTraffic:
    """Draws what happens between two moments; holds the units that are still in conversation."""

    def __init__(
        self, traffic: Traffic, scenario: Scenario, columns: frozenset[str], rng: np.random.Generator, horizon_s: float
    ) -> None:
        """`columns` are those that somebody will read; others are not drawn."""
        self.plan, self.scenario, self.columns, self.rng = traffic, scenario, columns, rng
        self._per_unit = max(1.0, traffic.requests_per_unit * scenario.units_ratio)
        self._requests_per_s = traffic.requests_per_minute * scenario.traffic_ratio / 60.0
        self._next_unit = 0
        self._left: Requests | None = None
        self._outages = self._draw_outages(horizon_s)

    def ramp(self, start_s: float, end_s: float, weight: float) -> Seen:
        """Requests that end in [start, end); units that arrive meanwhile get the candidate with chance `weight`."""
        arrived = self._arrivals(start_s, end_s, self._requests_per_s / self._per_unit)
        mine = self.rng.random(len(arrived)) < weight
        rows = self._requests(arrived, mine, weight, self._per_unit)
        if self._left is not None:
            rows = _joined(self._left, rows)
        rows = _picked(rows, np.argsort(rows.time_s, kind="stable"))
        cut = int(np.searchsorted(rows.time_s, end_s))
        self._left = _picked(rows, slice(cut, None))
        return Seen(requests=_picked(rows, slice(0, cut)))

    def shadow(self, start_s: float, end_s: float, sample: float) -> Seen:
        """The mirrored requests: what the baseline answered, and how the candidate's answer compared.

        The rest of the baseline's traffic is not drawn, because nothing is decided on it.
        """
        per_unit = 1.0 + (self._per_unit - 1.0) * sample
        arrived = self._arrivals(start_s, end_s, self._requests_per_s * sample / per_unit)
        rows = self._requests(arrived, np.zeros(len(arrived), dtype=bool), 0.0, per_unit)
        order = np.argsort(rows.time_s, kind="stable")
        rows = _picked(rows, order[: int(np.searchsorted(rows.time_s[order], end_s))])
        return Seen(requests=rows, pairs=self._pairs(rows))

    def _arrivals(self, start_s: float, end_s: float, units_per_s: float) -> Floats:
        most = units_per_s * (1.0 + _DAILY_SWING)
        times = np.sort(self.rng.uniform(start_s, end_s, self.rng.poisson(most * (end_s - start_s))))
        kept: Floats = times[self.rng.random(len(times)) * (1.0 + _DAILY_SWING) < 1.0 + _DAILY_SWING * _daily(times)]
        return kept

    def _requests(self, arrived: Floats, mine: Flags, weight: float, per_unit: float) -> Requests:
        count = self.rng.geometric(1.0 / per_unit, len(arrived))
        of = np.repeat(np.arange(len(arrived)), count)
        gaps = self.rng.exponential(_GAP_S, len(of))
        first = np.cumsum(count) - count
        gaps[first] = 0.0
        since = np.cumsum(gaps)
        time_s = arrived[of] + since - since[first][of]
        candidate = mine[of]
        out = self._is_out(time_s)
        unit = self._next_unit + of
        self._next_unit += len(arrived)
        flags = {name: self._flag(name, of, len(arrived), candidate, out) for name in self.columns & ({"failed"} | _RARE.keys())}
        values = {name: self._value(name, of, len(arrived), candidate, time_s, out) for name in self._valued}
        return Requests(time_s, unit, candidate, np.full(len(of), weight), flags, values)

    @property
    def _valued(self) -> list[str]:
        return sorted(self.columns & {"latency_s", "first_token_s", "cost_usd", "rating"})

    def _flag(self, name: str, of: Codes, units: int, candidate: Flags, out: Flags) -> Flags:
        base = self.plan.error_rate if name == "failed" else _RARE[name]
        # Variance of the unit's own factor grows with the resemblance: at 0.9 a tenth of the units make most of the errors.
        shape = (1.0 - self.scenario.resemblance) / max(self.scenario.resemblance, 1e-9)
        prone = self.rng.gamma(shape, 1.0 / shape, units) if self.scenario.resemblance > 0.0 else np.ones(units)
        rate = base * prone[of]
        if name == "failed":
            rate = np.where(candidate, rate * self.scenario.errors_ratio, rate)
            if self.scenario.error_rate is not None:  # a broken endpoint does not ask who is calling
                rate = np.where(candidate, self.scenario.error_rate, rate)
            rate = np.where(out, np.maximum(rate, _OUTAGE_ERRORS), rate)
        flags: Flags = self.rng.random(len(of)) < rate
        return flags

    def _value(self, name: str, of: Codes, units: int, candidate: Flags, time_s: Floats, out: Flags) -> Floats:
        if name == "rating":
            return self._rating(of, units, candidate)
        if name == "cost_usd":
            mean = self.plan.cost_usd_per_request * np.where(candidate, self.scenario.cost_ratio, 1.0)
            return mean * self._spread(of, units, _COST_SIGMA) * math.exp(-(_COST_SIGMA**2) / 2.0)
        part = 1.0 if name == "latency_s" else 0.3
        p95 = part * self.plan.latency_p95_s * np.where(candidate, self.scenario.latency_ratio, 1.0)
        slower = (1.0 + 0.2 * _daily(time_s)) * np.where(out, 3.0, 1.0)
        latency: Floats = p95 * slower * self._spread(of, units, _LATENCY_SIGMA) * math.exp(-1.645 * _LATENCY_SIGMA)
        return latency

    def _spread(self, of: Codes, units: int, sigma: float) -> Floats:
        """Lognormal factors with median 1, of which units share a part."""
        own = math.sqrt(1.0 - self.scenario.resemblance) * self.rng.standard_normal(len(of), dtype=np.float32)
        shared = math.sqrt(self.scenario.resemblance) * self.rng.standard_normal(units)
        spread: Floats = np.exp(sigma * (own + shared[of]))
        return spread

    def _rating(self, of: Codes, units: int, candidate: Flags) -> Floats:
        content = np.where(candidate, _RATING * self.scenario.rating_ratio, _RATING)
        # A unit's mood keeps its mean: with chance `resemblance` it rates everything as its first impression was.
        mood, fixed = self.rng.random(units), self.rng.random(units) < self.scenario.resemblance
        draw = np.where(fixed[of], mood[of], self.rng.random(len(of)))
        rating = np.where(draw < content, 1.0, 0.0)
        rating[self.rng.random(len(of)) >= self.plan.rated] = np.nan
        return rating

    def _pairs(self, rows: Requests) -> Pairs:
        lost = (_DISCORDANT - self.scenario.quality_points) / 2.0
        draw = self.rng.random(len(rows))
        return Pairs(rows.time_s, rows.unit, draw < lost, (draw >= lost) & (draw < _DISCORDANT))

    def _draw_outages(self, horizon_s: float) -> Floats:
        """Edges of outages: ascending begins and ends by turns."""
        share = self.scenario.outage_share
        if share <= 0.0:
            return np.empty(0)
        n = 2 + int(1.5 * horizon_s * share / _OUTAGE_S) + 10
        waits = self.rng.exponential(_OUTAGE_S * (1.0 - share) / share, n)
        lasts = self.rng.exponential(_OUTAGE_S, n)
        edges: Floats = np.cumsum(np.column_stack([waits, lasts]).ravel())
        return edges

    def _is_out(self, time_s: Floats) -> Flags:
        if not len(self._outages):
            return np.zeros(len(time_s), dtype=bool)
        out: Flags = np.searchsorted(self._outages, time_s) % 2 == 1
        return out


def _daily(time_s: Floats) -> Floats:
    wave: Floats = np.sin(time_s * (2.0 * math.pi / _DAY_S))
    return wave


def _joined(a: Requests, b: Requests) -> Requests:
    return Requests(
        np.concatenate([a.time_s, b.time_s]),
        np.concatenate([a.unit, b.unit]),
        np.concatenate([a.candidate, b.candidate]),
        np.concatenate([a.weight, b.weight]),
        {n: np.concatenate([a.flags[n], b.flags[n]]) for n in b.flags},
        {n: np.concatenate([a.values[n], b.values[n]]) for n in b.values},
    )


def _picked(rows: Requests, at: slice | Codes) -> Requests:
    return Requests(
        rows.time_s[at],
        rows.unit[at],
        rows.candidate[at],
        rows.weight[at],
        {n: v[at] for n, v in rows.flags.items()},
        {n: v[at] for n, v in rows.values.items()},
    )
