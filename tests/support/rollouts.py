"""Plans and evidence of rollouts, made by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from pointsman.core.estimate import Unknown
from pointsman.core.verdict import Fail, Pass, Verdict
from pointsman.rollout.check import Judgement, Rung
from pointsman.rollout.observations import FLAGS, VALUES, Pairs, Requests, Seen
from pointsman.rollout.plan import Plan, checked
from pointsman.rollout.state import Evidence

DAY_S = 86_400.0
GUARDRAILS = ("error_rate", "latency_p95", "cost", "quality", "refusals", "satisfaction")


def plan(**changes: Any) -> Plan:
    """The guide's schedule on a small route."""
    data = {
        "route": "support",
        "from": "old",
        "to": "new",
        "traffic": {"requests_per_minute": 60, "requests_per_unit": 3},
        "phases": [
            {"shadow": "7d", "sample": 0.1},
            {"step": 0.05, "hold": "7d"},
            {"step": 0.25, "hold": "7d"},
            {"step": 0.5, "hold": "7d"},
            {"holdback": 0.05, "hold": "14d"},
        ],
        **changes,
    }
    return checked(msgspec.convert(data, Plan))


def judgement(kind: str = "pass", rung: Rung = "clear", log_e: float = -1.0) -> Judgement:
    """A judgement without a story."""
    nothing = Unknown("made by hand")
    verdict: Verdict = {"pass": Pass(nothing, "fine"), "fail": Fail(nothing, "worse")}.get(kind, nothing)  # type: ignore[assignment]  # mypy joins to Struct
    when = 1.0 if kind == "fail" else None
    return Judgement(verdict=verdict, rung=rung, log_e=log_e, log_threshold=5.0, estimate=nothing, breached_at_s=when)


def evidence(now_s: float, *, units: int = 10_000, cap: str = "", **judgements: Judgement) -> Evidence:
    """All guardrails pass, unless told otherwise."""
    return Evidence(
        judgements={**{n: judgement() for n in GUARDRAILS}, **judgements},
        candidate_units=units,
        last_candidate_s=now_s,
        cap_breach=cap,
    )


def seen(n: int, rng: np.random.Generator, weight: float = 0.2, per_unit: int = 2, **rates: float) -> Seen:
    """n requests of both arms. `rates`: by column, the candidate's; a chance for flags and ratings, a mean for the rest."""
    unit = np.arange(n) // per_unit
    candidate = (rng.random(n // per_unit + 1) < weight)[unit]
    time_s = np.sort(rng.uniform(0.0, 2.0 * DAY_S, n))
    flags = {f: rng.random(n) < np.where(candidate, rates.get(f, 0.02), 0.02) for f in FLAGS}
    values = {v: np.where(candidate, rates.get(v, 1.0), 1.0) * rng.lognormal(0.0, 0.6, n) for v in VALUES if v != "rating"}
    values["rating"] = (rng.random(n) < np.where(candidate, rates.get("rating", 0.8), 0.8)).astype(np.float64)
    draw, lost = rng.random(n), rates.get("pairs", 0.05)
    pairs = Pairs(time_s, unit, draw < lost, (draw >= lost) & (draw < lost + 0.05))
    return Seen(requests=Requests(time_s, unit, candidate, np.full(n, weight), flags, values), pairs=pairs)


def cut(seen_: Seen, at: int) -> tuple[Seen, Seen]:
    """The same in two batches, cut before row `at`."""
    rows, pairs = seen_.requests, seen_.pairs
    assert rows is not None
    assert pairs is not None

    def part(s: slice) -> Seen:
        requests = Requests(
            rows.time_s[s],
            rows.unit[s],
            rows.candidate[s],
            rows.weight[s],
            {k: v[s] for k, v in rows.flags.items()},
            {k: v[s] for k, v in rows.values.items()},
        )
        return Seen(requests=requests, pairs=Pairs(pairs.time_s[s], pairs.unit[s], pairs.lost[s], pairs.won[s]))

    return part(slice(0, at)), part(slice(at, None))
