"""Runs the contenders in turn, size by size, round by round, and makes a table of the medians."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from child import Measured, busy_s, cores, measured, pin
from peers import PeerAbsentError, installed
from results import Found, Row

from evaluation.cases import write_cases
from evaluation.contenders import CONTENDERS, Contender, Job

__all__ = ["run"]

_HERE = Path(__file__).parent
_CONCURRENCY = 64
_WARM_UP_CASES = 100
_TIMEOUT_S = 1_800.0
_NEEDED = ("bare loop", "pointsman eval")
GOALS = {"bare loop": 2.2, "promptfoo": 10.0, "Inspect AI": 20.0}
"""Ours at most 2.2 times the bare loop's CPU; the others' at least so many times ours."""


def run(runs: int, sizes: Sequence[int]) -> Found:
    """Every contender `runs` times at each size, interleaved."""
    present, absent = _present()
    everything: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for size in (_WARM_UP_CASES, *sizes):
            write_cases(folder / f"{size}.jsonl", size)
            with _endpoint(folder / f"{size}.jsonl") as (base_url, pid):
                for number in range(1 if size == _WARM_UP_CASES else runs):
                    for contender in tuple(present):
                        job = Job(folder / "job", base_url, _CONCURRENCY)
                        try:
                            one = _once(contender, job, folder / f"{size}.jsonl", size, pid)
                        except RuntimeError as problem:
                            if contender.name in _NEEDED:
                                raise
                            present.remove(contender)
                            absent[contender.name] = str(problem).split(":")[0]
                            print(f"  {problem}", file=sys.stderr, flush=True)
                            continue
                        if size != _WARM_UP_CASES:
                            everything.append({"round": number + 1, **one})
    return Found(
        title="Evaluation runners: CPU-seconds per 1,000 cases",
        columns=_columns(sizes),
        rows=[_row(c, everything, sizes, runs) for c in present] + [Row(name, why=why) for name, why in absent.items()],
        runs=everything,
        notes=_notes(everything, sizes),
        versions=_versions(present),
    )


def _present() -> tuple[list[Contender], dict[str, str]]:
    present, absent = [], {}
    for contender in CONTENDERS:
        try:
            if contender.peer is not None:
                installed(contender.peer)
            present.append(contender)
        except PeerAbsentError as problem:
            absent[contender.name] = str(problem)
    return present, absent


def _versions(present: Sequence[Contender]) -> dict[str, str]:
    found: dict[str, str] = {}
    for contender in present:
        found |= installed(contender.peer) if contender.peer is not None else {}
    return found


@contextlib.contextmanager
def _endpoint(cases: Path) -> Iterator[tuple[str, int]]:
    core, _ = cores()
    command = [sys.executable, str(_HERE / "endpoint.py"), str(cases)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=lambda: pin(core)) as server:  # noqa: PLW1509  # no threads here
        try:
            assert server.stdout is not None
            yield f"http://127.0.0.1:{int(server.stdout.readline())}/v1", server.pid
        finally:
            server.kill()


def _once(contender: Contender, job: Job, cases: Path, size: int, endpoint: int) -> dict[str, object]:
    """One run in a fresh folder; refuses to count one that did not find every answer right."""
    shutil.rmtree(job.folder, ignore_errors=True)
    job.folder.mkdir()
    shutil.copy(cases, job.folder / "cases.jsonl")
    command = contender.prepare(job)
    before_s, began_s = busy_s(endpoint), time.perf_counter()
    ran: Measured = measured(command, job.folder, contender.env, cores()[1], _TIMEOUT_S)
    after_s, took_s = busy_s(endpoint), time.perf_counter() - began_s
    if (right := contender.right(job, ran.output)) != size:
        raise RuntimeError(f"{contender.name} found {right} of {size} answers right: {ran.output[-600:]}")
    busy = None if before_s is None or after_s is None else round((after_s - before_s) / took_s, 3)
    print(f"  {contender.name}, {size} cases: {ran.cpu_s:.2f} s CPU, {ran.wall_s:.2f} s", file=sys.stderr, flush=True)
    return {
        "contender": contender.name,
        "cases": size,
        "cpu_s": round(ran.cpu_s, 4),
        "wall_s": round(ran.wall_s, 4),
        "peak_mib": round(ran.peak_mib, 1),
        "endpoint_busy_ratio": busy,
    }


def _columns(sizes: Sequence[int]) -> list[str]:
    columns = []
    for size in sizes:
        columns += [f"CPU s / 1,000 at {size:,}", "× bare"]
    if len(sizes) > 1:
        columns += ["net of start", "× bare"]
    return [*columns, f"cases/s at {sizes[-1]:,}", "peak MiB"]


def _row(contender: Contender, everything: list[dict[str, object]], sizes: Sequence[int], runs: int) -> Row:
    name, reference = contender.name, CONTENDERS[0].name
    cells: list[float | None] = []
    figures: dict[str, object] = {}
    for size in sizes:
        cpu_s = _values(everything, name, size, "cpu_s")
        ratio = _ratio(cpu_s, _values(everything, reference, size, "cpu_s"))
        cells += [median(cpu_s) / size * 1000, ratio]
        figures[f"at_{size}"] = {"cpu_s_per_1000": cells[-2], "ratio_to_bare": ratio}
    if len(sizes) > 1:
        ours, theirs = (_slopes(everything, n, sizes, runs) for n in (name, reference))
        ratio = median(ours) / median(theirs) if theirs and median(theirs) > 0 else None
        cells += [median(ours), ratio]
        figures["net_of_start"] = {"cpu_s_per_1000": median(ours), "ratio_to_bare": ratio}
    last = sizes[-1]
    rate, peak = last / median(_values(everything, name, last, "wall_s")), median(_values(everything, name, last, "peak_mib"))
    figures |= {"cases_per_s": rate, "peak_mib": peak}
    return Row(name, cells=[*cells, rate, peak], figures=figures)


def _values(everything: list[dict[str, object]], name: str, size: int, what: str) -> list[float]:
    return [float(str(one[what])) for one in everything if one["contender"] == name and one["cases"] == size]


def _ratio(ours: list[float], theirs: list[float]) -> float | None:
    """Median over rounds of the ratio within a round, whose runs met the machine in the same minutes."""
    return median(a / b for a, b in zip(ours, theirs, strict=True)) if theirs else None


def _slopes(everything: list[dict[str, object]], name: str, sizes: Sequence[int], runs: int) -> list[float]:
    """CPU-seconds per 1,000 further cases between the smallest and the largest size, round by round."""
    small, large = _values(everything, name, sizes[0], "cpu_s"), _values(everything, name, sizes[-1], "cpu_s")
    return [(large[i] - small[i]) / (sizes[-1] - sizes[0]) * 1000 for i in range(min(runs, len(small), len(large)))]


def _notes(everything: list[dict[str, object]], sizes: Sequence[int]) -> list[str]:
    notes = []
    for size in sizes:
        ours = _values(everything, "pointsman eval", size, "cpu_s")
        for name, goal in GOALS.items():
            theirs = _values(everything, name, size, "cpu_s")
            if not ours or len(theirs) != len(ours):
                continue
            more = name == CONTENDERS[0].name
            ratio = _ratio(ours, theirs) if more else _ratio(theirs, ours)
            assert ratio is not None
            held = ratio <= goal if more else ratio >= goal
            said = f"ours is {ratio:.2f}× the {name}'s" if more else f"{name}'s is {ratio:.1f}× ours"
            bound = f"{'≤' if more else '≥'} {goal:g}×"
            notes.append(f"CPU at {size:,} cases: {said} (goal {bound}): {'reached' if held else 'missed'}")
    busiest = max((float(str(one["endpoint_busy_ratio"] or 0)) for one in everything), default=0.0)
    notes.append(f"the endpoint's core was busy for at most {busiest:.0%} of a run: it was not what the runners waited for")
    return notes
