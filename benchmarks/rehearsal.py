"""How a rehearsed rollout of the usual schedule ends: harmless candidates kept, harmful ones found, and when.

    python benchmarks/rehearsal.py [--harmless 10000] [--harmful 500] [--requests-per-minute 10] [--no-save]

Shadow for a week, then 5, 25 and 50 % for a week each, six guardrails, α = 1 % for all of them together, evidence
read at every event. Run i of a scenario draws from PCG64 seeded with (SEED, i). No peer rehearses anything, so the
thresholds that teams use today (twice the errors, a fifth less satisfaction, over five minutes) stand beside ours.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version

import numpy as np
from machine import machine
from results import Found, Row, save, show

from pointsman.core.estimate import Unknown
from pointsman.rollout.plan import Phase, Plan, Traffic, checked
from pointsman.rollout.simulate.rehearse import Rehearsed, rehearse
from pointsman.rollout.simulate.scenario import SCENARIOS
from pointsman.stats.intervals import clopper_pearson

SEED = 20261124
HARMLESS = ("aa", "outage_both", "correlated", "low_traffic", "guide_rule")
COLUMNS = [
    "rollouts",
    "rolled back %",
    "from %",
    "to %",
    "requests of the candidate: median",
    "p90",
    "pairs: median",
    "CPU s each",
]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--harmless", type=int, default=10_000, help="rollouts of the scenario without a difference")
    options.add_argument("--harmful", type=int, default=500, help="rollouts of every other scenario")
    options.add_argument("--requests-per-minute", type=float, default=10.0)
    options.add_argument("--processes", type=int, default=1)
    options.add_argument("--no-save", action="store_true")
    chosen = options.parse_args()
    plan = schedule(chosen.requests_per_minute)
    rows, runs = [], []
    with ProcessPoolExecutor(chosen.processes) as pool:
        for name in SCENARIOS:
            count = chosen.harmless if name == "aa" else chosen.harmful
            done, cpu_s = [], 0.0
            for number, (one, took_s) in enumerate(pool.map(partial(run, plan, name), range(count), chunksize=5), 1):
                done.append(one)
                cpu_s += took_s
                if number % 500 == 0:
                    print(f"{name}: {number:,} of {count:,}", file=sys.stderr, flush=True)
            rows.append(row(name, done, cpu_s))
            runs.append(summary(name, done, cpu_s))
    requests = sum(p.least_s for p in plan.phases[1:]) / 60 * chosen.requests_per_minute
    notes = [
        f"a rollout that runs to its end serves about {requests:,.0f} requests in three weeks",
        "harmless: " + ", ".join(n for n in HARMLESS if n != "guide_rule") + "; guide_rule judges aa by today's thresholds",
    ]
    found = Found("Rehearsed rollouts", COLUMNS, rows, runs, notes, {"pointsman": version("pointsman"), "numpy": np.__version__})
    show(found)
    if not chosen.no_save:
        settings = {"seed": SEED, "requests_per_minute": chosen.requests_per_minute, "guardrails": "six", "alpha": plan.alpha}
        print(f"recorded in benchmarks/results/{save('rehearsal', found, machine(), settings).name}")


def schedule(requests_per_minute: float) -> Plan:
    """The schedule of the usual guides, with shadow before it."""
    steps = tuple(Phase(step=share, hold="7d") for share in (0.05, 0.25, 0.5))
    traffic = Traffic(requests_per_minute=requests_per_minute, requests_per_unit=3.0)
    return checked(Plan(route="r", from_="old", to="new", phases=(Phase(shadow="7d", sample=0.1), *steps), traffic=traffic))


def run(plan: Plan, name: str, number: int) -> tuple[Rehearsed, float]:
    """One rollout, and the CPU-seconds it took."""
    began_s = time.process_time()
    done = rehearse(plan, SCENARIOS[name], np.random.Generator(np.random.PCG64([SEED, number])))
    return done, time.process_time() - began_s


def row(name: str, done: list[Rehearsed], cpu_s: float) -> Row:
    back = [r for r in done if r.ended == "rolled_back"]
    share = clopper_pearson(len(back), len(done))
    assert not isinstance(share, Unknown)
    seen = [float(r.candidate_requests) for r in back]
    pairs = [float(r.shadow_pairs) for r in back if r.phase == 0]
    middle, bad = (float(np.median(seen)), float(np.quantile(seen, 0.9))) if seen else (None, None)
    cells = [len(done), 100 * share.value, 100 * share.low, 100 * share.high, middle, bad]
    return Row(name, [*cells, float(np.median(pairs)) if pairs else None, cpu_s / len(done)], {"rolled_back": len(back)})


def summary(name: str, done: list[Rehearsed], cpu_s: float) -> dict[str, object]:
    reasons = Counter(r.reason.split(":")[0] for r in done if r.ended == "rolled_back")
    requests, ended = sum(r.requests for r in done), Counter(r.ended for r in done)
    return {"scenario": name, "cpu_s": round(cpu_s, 1), "requests": requests, "ended": ended, "by": reasons}


if __name__ == "__main__":
    main()
