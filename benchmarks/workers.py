"""What a second worker brings: CPU per request of each process, with one worker and with two, in turns.

    python benchmarks/workers.py [--requests 20000] [--runs 3] [--no-save]

Throughput on two free cores cannot be measured where load generator and upstream need cores too; CPU per request can.
If a request costs two workers what it costs one, they share nothing that slows them down, and two cores serve twice as
many, until the supervisor, which writes the ledger for all of them, has used up a core of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from child import environment
from gateway.contenders import CONTENDERS, Place
from gateway.processes import compiled, cpu_s, free_port, started, wait_for
from gateway.traffic import REPLY, write_request, write_responses
from machine import machine
from results import Found, Row, save, show

_HERE = Path(__file__).parent / "gateway"
_AT_ONCE = 64


class _Gateway(NamedTuple):
    workers: int
    port: int
    pid: int


def run(requests: int, runs: int) -> Found:
    """Both gateways run all the time and take turns."""
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        load = compiled(_HERE / "load.c", folder)
        upstream = opened.enter_context(
            subprocess.Popen([compiled(_HERE / "upstream.c", folder), *map(str, write_responses(folder))], stdout=subprocess.PIPE)
        )
        opened.callback(upstream.kill)
        assert upstream.stdout is not None
        url = f"http://127.0.0.1:{int(upstream.stdout.readline())}"
        gateways = [_start(workers, folder, url, opened) for workers in (1, 2)]
        command = [str(_AT_ONCE), str(write_request(folder / "asked.http", REPLY, {})), *REPLY.expected]
        for one in gateways:
            _measured(load, one, 2_000, command)
        everything = [_measured(load, one, requests, command) for _ in range(runs) for one in gateways]
    return _found(everything, runs)


def _start(workers: int, folder: Path, upstream: str, opened: contextlib.ExitStack) -> _Gateway:
    ours = next(c for c in CONTENDERS if c.name == "pointsman serve")
    place = Place(folder / f"with-{workers}", free_port(), free_port(), upstream)
    place.folder.mkdir()
    command = [*ours.prepare(place), "--workers", str(workers)]
    process = opened.enter_context(started(command, place.folder, None, ours.env or environment()))
    wait_for(place.port, process, place.folder / "said.txt")
    time.sleep(3)  # the socket listens before the workers do
    return _Gateway(workers, place.port, process.pid)


def _measured(load: str, one: _Gateway, count: int, command: list[str]) -> dict[str, object]:
    before = _cpu(one.pid)
    ran = subprocess.run([load, str(one.port), str(count), *command], capture_output=True, text=True, check=True)
    if json.loads(ran.stdout)["right"] != count:
        raise RuntimeError(f"wrong answers: {ran.stdout}")
    time.sleep(1.0)  # what is written behind the answer
    used = {pid: (s - before.get(pid, 0.0)) / count * 1e6 for pid, s in _cpu(one.pid).items()}
    supervisor_us, workers_us = used.pop(one.pid), sorted(used.values())
    return {
        "workers": one.workers,
        "workers_us": round(sum(workers_us), 1),
        "supervisor_us": round(supervisor_us, 1),
        "busier_share": round(workers_us[-1] / sum(workers_us), 3),
    }


def _cpu(pid: int) -> dict[int, float]:
    """CPU seconds of the supervisor alone, and of each worker."""
    children = [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    each = {child: cpu_s(child) for child in children}
    return {pid: cpu_s(pid) - sum(each.values()), **each}


def _found(everything: list[dict[str, object]], runs: int) -> Found:
    def middle(workers: int, what: str) -> float:
        return median(float(str(one[what])) for one in everything if one["workers"] == workers)

    rows = []
    for workers in (1, 2):
        cells = [middle(workers, what) for what in ("workers_us", "supervisor_us", "busier_share")]
        rows.append(Row(f"{workers} worker" + "s" * (workers > 1), cells, {"cpu_us": cells}))
    one_us, two_us, behind_us = middle(1, "workers_us"), middle(2, "workers_us"), middle(2, "supervisor_us")
    alike = 2 * one_us / two_us
    notes = [
        f"medians of {runs} runs, {_AT_ONCE} at once",
        f"two cores for two workers serve {alike:.2f} times what one core serves, if connections are spread evenly",
        f"the busier of two workers had {middle(2, 'busier_share'):.0%} of the work",
        f"the supervisor needs a core of its own from about {two_us / behind_us:.1f} workers on",
    ]
    columns = ["CPU µs per request, workers", "CPU µs per request, supervisor", "share of the busier worker"]
    return Found("One worker and two", columns, rows, everything, notes, {})


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--requests", type=int, default=20_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--no-save", action="store_true", help="show the table, write nothing")
    chosen = options.parse_args()
    here = machine()
    found = run(chosen.requests, chosen.runs)
    if float(str(here["load_before"])) > 0.5:
        found.notes.append(f"the machine was not idle: its load was {here['load_before']} before we began")
    show(found)
    if not chosen.no_save:
        sys.stdout.write(f"{save('workers', found, here, {'requests': chosen.requests, 'runs': chosen.runs})}\n")


if __name__ == "__main__":
    main()
