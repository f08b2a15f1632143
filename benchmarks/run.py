"""All benchmarks that can run here: measured, shown, and recorded under `benchmarks/results/`.

    python benchmarks/run.py [--only evaluation] [--runs 3] [--cases 2000,10000] [--no-save]

Peers are installed into `benchmarks/.peers/` on first use; one that cannot be installed gets a row that says why.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import selection
import startup
from evaluation import compare
from gateway import compare as gateways
from machine import machine
from results import Found, Row, save, show

NAMES = ("startup", "selection", "transport", "evaluation", "gateway")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--only", action="append", choices=NAMES, help="this one; may be given several times")
    options.add_argument("--runs", type=int, default=3, help="runs of each contender; figures are their medians")
    options.add_argument("--cases", type=_sizes, default=(2_000, 10_000), help="sizes of the evaluation, with commas between")
    options.add_argument("--requests", type=int, default=12_000, help="of each kind and concurrency through each fast gateway")
    options.add_argument("--gateways", help="only these, with commas between; by default all")
    options.add_argument("--no-save", action="store_true", help="show the tables, write nothing")
    chosen = options.parse_args()
    here = machine()
    settings: dict[str, dict[str, object]] = {
        "evaluation": {"cases": " and ".join(f"{n:,}" for n in chosen.cases), "concurrency": 64},
        "gateway": {"requests": f"{chosen.requests:,}"},
    }
    benchmarks: dict[str, Callable[[], Found]] = {
        "startup": lambda: startup.run(chosen.runs),
        "selection": lambda: selection.run(chosen.runs),
        "transport": lambda: _transport(chosen.runs),
        "evaluation": lambda: compare.run(chosen.runs, chosen.cases),
        "gateway": lambda: gateways.run(
            chosen.runs, chosen.requests, (chosen.gateways or "").split(",") if chosen.gateways else ()
        ),
    }
    for name in chosen.only or NAMES:
        print(f"{name} …", file=sys.stderr, flush=True)
        found = benchmarks[name]()
        found.versions["pointsman"] = version("pointsman")
        if float(str(here["load_before"])) > 0.5:
            found.notes.append(f"the machine was not idle: its load was {here['load_before']} before we began")
        show(found)
        if not chosen.no_save:
            said = {"runs": chosen.runs, **settings.get(name, {})}
            print(f"recorded in benchmarks/results/{save(name, found, here, said).name}\n")


def _sizes(text: str) -> Sequence[int]:
    sizes = sorted({int(part) for part in text.replace("_", "").split(",")})
    if not sizes or sizes[0] < 1:
        raise argparse.ArgumentTypeError("give positive numbers")
    return tuple(sizes)


def _transport(runs: int) -> Found:
    """The transport's own benchmark, which interleaves its rows in one process, `runs` times over."""
    script = str(Path(__file__).with_name("transport.py"))
    done = [json.loads(_output([sys.executable, script, "--json"])) for _ in range(runs)]
    rows = []
    for name in done[0]["cpu_us"]:
        cpu_us = _median([one["cpu_us"][name] for one in done])
        ratio = _median([one["ratio"][name] for one in done]) if name in done[0]["ratio"] else None
        rows.append(Row(name, [cpu_us, ratio], {"cpu_us": cpu_us, "ratio": ratio}))
    return Found("HTTP client: CPU µs per request", ["CPU µs", "× its bare row"], rows, done, [], {"aiohttp": version("aiohttp")})


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
