"""Does the gateway's memory stay flat? Resident memory of worker and supervisor while hundreds of thousands of requests pass.

    python benchmarks/memory.py [--requests 500000] [--every 10000] [--no-save]

Whole and streamed answers take turns, 16 at once, with keys, ledger and metrics on. The slope is fitted by least squares
to everything after the warm-up. Neighbouring samples are alike, so its interval is made from as many independent values
as their correlation leaves (n (1 - r) / (1 + r), r the correlation of neighbouring residuals).
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from child import environment
from gateway.contenders import CONTENDERS, Place
from gateway.processes import compiled, free_port, resident_mib, started, wait_for
from gateway.traffic import KINDS, write_request, write_responses
from machine import machine
from results import Found, Row, save, show
from scipy.stats import t as student

_HERE = Path(__file__).parent / "gateway"
_AT_ONCE = 16
_WARM_UP = 0.2
"""Share of the requests after which memory is watched: caches fill, the allocator takes what it keeps."""


class Slope(NamedTuple):
    """KiB per 1,000 requests, with a 95 % interval."""

    value: float
    low: float
    high: float


def slope(requests: list[int], kib: list[float]) -> Slope | None:
    """Least squares over samples; None for fewer than four."""
    n = len(requests)
    if n < 4:
        return None
    x, mean_y = [r / 1000 for r in requests], sum(kib) / n
    mean_x = sum(x) / n
    spread = sum((a - mean_x) ** 2 for a in x)
    fitted = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, kib, strict=True)) / spread
    residuals = [b - mean_y - fitted * (a - mean_x) for a, b in zip(x, kib, strict=True)]
    squares = sum(e * e for e in residuals)
    r = sum(a * b for a, b in itertools.pairwise(residuals)) / squares if squares else 0.0
    independent = max(3.0, n * (1 - r) / (1 + r)) if r > 0 else float(n)
    half = float(student.ppf(0.975, independent - 2)) * (squares / (independent - 2) / spread * n / independent) ** 0.5
    return Slope(fitted, fitted - half, fitted + half)


def run(requests: int, every: int, most_s: float) -> Found:
    """Send them in batches of `every`, sampling after each; stops early after `most_s` and says so."""
    ours = next(c for c in CONTENDERS if c.name == "pointsman serve")
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        load = compiled(_HERE / "load.c", folder)
        command = [compiled(_HERE / "upstream.c", folder), *map(str, write_responses(folder))]
        upstream = opened.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
        opened.callback(upstream.kill)
        assert upstream.stdout is not None
        place = Place(folder / "ours", free_port(), free_port(), f"http://127.0.0.1:{int(upstream.stdout.readline())}")
        place.folder.mkdir()
        process = opened.enter_context(started(ours.prepare(place), place.folder, None, ours.env or environment()))
        wait_for(place.port, process, place.folder / "said.txt")
        asked = {kind.name: write_request(folder / f"{kind.name}.http", kind, {}) for kind in KINDS}
        samples, began_s, sent = [_sample(0, process.pid, 0.0)], time.monotonic(), 0
        while sent < requests and time.monotonic() - began_s < most_s:
            kind = KINDS[(sent // every) % len(KINDS)]
            count = min(every, requests - sent)
            ran = subprocess.run(
                [load, str(place.port), str(count), str(_AT_ONCE), str(asked[kind.name]), *kind.expected],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            if json.loads(ran.stdout)["right"] != count:
                raise RuntimeError(f"wrong answers: {ran.stdout}")
            sent += count
            time.sleep(0.5)  # what is written behind the answer
            samples.append(_sample(sent, process.pid, time.monotonic() - began_s))
            print(f"  {samples[-1]}", file=sys.stderr, flush=True)
    return _found(samples, requests)


def _sample(sent: int, pid: int, at_s: float) -> dict[str, object]:
    whole, worker = resident_mib(pid), max(map(resident_mib, _children(pid)), default=0.0)
    return {"requests": sent, "at_s": round(at_s, 1), "worker_mib": round(worker, 3), "supervisor_mib": round(whole - worker, 3)}


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _found(samples: list[dict[str, object]], asked: int) -> Found:
    sent = int(str(samples[-1]["requests"]))
    watched = [s for s in samples if int(str(s["requests"])) >= sent * _WARM_UP]
    rows = []
    for who in ("worker", "supervisor"):
        mib = [float(str(s[f"{who}_mib"])) for s in watched]
        fitted = slope([int(str(s["requests"])) for s in watched], [m * 1024 for m in mib])
        low, middle, high = (fitted.low, fitted.value, fitted.high) if fitted is not None else (None, None, None)
        figures: dict[str, object] = {
            "first_mib": mib[0],
            "last_mib": mib[-1],
            "most_mib": max(mib),
            "kib_per_1000": [low, middle, high],
        }
        rows.append(Row(who, [mib[0], mib[-1], max(mib), middle, low, high], figures))
    notes = [
        f"{sent:,} requests, half of them streams, {_AT_ONCE} at once",
        f"{len(watched)} samples, after a warm-up of {_WARM_UP:.0%} of the requests",
        f"{sent / float(str(samples[-1]['at_s'])):,.0f} requests a second, pauses included",
    ]
    if sent < asked:
        notes.append(f"stopped by the clock: {asked:,} were wanted")
    columns = ["MiB after warm-up", "MiB at the end", "most MiB", "KiB per 1,000 requests", "at least (95 %)", "at most (95 %)"]
    return Found("Memory of pointsman serve", columns, rows, samples, notes, {})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, default=500_000)
    options.add_argument("--every", type=int, default=10_000, help="requests between two samples")
    options.add_argument("--most-s", type=float, default=3600, help="stop after so many seconds")
    options.add_argument("--no-save", action="store_true", help="show the table, write nothing")
    chosen = options.parse_args()
    here = machine()
    found = run(chosen.requests, chosen.every, chosen.most_s)
    if float(str(here["load_before"])) > 0.5:
        found.notes.append(f"the machine was not idle: its load was {here['load_before']} before we began")
    show(found)
    if not chosen.no_save:
        print(save("memory", found, here, {"requests": chosen.requests, "every": chosen.every}))


if __name__ == "__main__":
    main()
