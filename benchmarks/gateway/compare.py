"""Measures the contenders in turn: each kind of request and each concurrency, round by round."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.request import Request, urlopen

from child import cores, environment, pin
from peers import PeerAbsentError, installed
from results import Found, Row

from gateway.contenders import CONTENDERS, Contender, Place
from gateway.processes import compiled, cpu_s, free_port, resident_mib, started, wait_for
from gateway.traffic import CLIENT_KEY, KINDS, Traffic, write_request, write_responses

__all__ = ["run"]

_HERE = Path(__file__).parent
_AT_ONCE = (1, 16, 64)
_FEWER_AT_ONE = 4
"""With one request at a time there are so many times fewer: the clock stands still between them."""
_LEAST = 100
_SETTLE_S = 0.5
"""What is written behind the answer, a ledger say, counts too."""
_DIRECT = "direct"
_OURS = "pointsman serve"
_NEEDED = (_DIRECT, "nginx", "bare proxy", _OURS)

_GOALS = (
    ("bare proxy", 1.5, "ours over"),
    ("nginx", 10.0, "ours over"),
    ("LiteLLM", 50.0, "over ours"),
    ("Portkey", 6.0, "over ours"),
)
_GOAL_ADDED_MS = 0.5


class _Running(NamedTuple):
    name: str
    port: int
    pid: int
    requests: dict[str, Path]
    share: float


def run(runs: int, requests: int, only: Sequence[str] = ()) -> Found:
    """Every contender `runs` times with `requests` requests of each kind and concurrency, interleaved.

    `only` names contenders; ours and those that goals are measured by may be left out while something is being tried.
    """
    absent: dict[str, str] = {}
    versions: dict[str, str] = {}
    with contextlib.ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        load = compiled(_HERE / "load.c", folder)
        running = [_upstream(folder, opened)]
        upstream = f"http://127.0.0.1:{running[0].port}"
        admin_port = 0
        for contender in CONTENDERS:
            if only and contender.name not in only:
                continue
            place = Place(folder / contender.name.replace(" ", "-"), free_port(), free_port(), upstream)
            try:
                versions |= installed(contender.peer) if contender.peer is not None else {}
                running.append(_started(contender, place, opened))
                for kind in KINDS:  # so that caches are warm and byte code is written
                    _measured(load, running[-1], kind, 16, max(_LEAST, int(requests / 4 * contender.share)))
            except (PeerAbsentError, RuntimeError, OSError) as problem:
                absent[contender.name] = str(problem).split("\n", 1)[0][:200]
                running = [one for one in running if one.name != contender.name]
                print(f"  {contender.name}: {problem}", file=sys.stderr, flush=True)
                continue
            if contender.name == _OURS:
                admin_port = place.admin_port
        failed: list[str] = []
        everything = _rounds(load, running, runs, requests, failed)
        try:
            recorded = _records_told(admin_port) if admin_port else None
        except OSError as problem:  # hours of measuring are not thrown away for it
            recorded = f"`pointsman serve` did not tell what it recorded: {problem}"
    return Found(
        title="Gateways: CPU µs per request, and what they add, at 1, 16 and 64 requests at once",
        columns=_COLUMNS,
        rows=_rows(everything) + [Row(name, why=why) for name, why in absent.items()],
        runs=everything,
        notes=[*_notes(everything), *([recorded] if recorded else []), *failed],
        versions=versions,
    )


def _upstream(folder: Path, opened: contextlib.ExitStack) -> _Running:
    command = [compiled(_HERE / "upstream.c", folder), *map(str, write_responses(folder))]
    server = opened.enter_context(
        subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=_pinned)  # noqa: PLW1509  # no threads here
    )
    opened.callback(server.kill)
    assert server.stdout is not None
    asked = {kind.name: write_request(folder / f"direct-{kind.name}.http", kind, {}) for kind in KINDS}
    return _Running(_DIRECT, int(server.stdout.readline()), server.pid, asked, 1.0)


def _started(contender: Contender, place: Place, opened: contextlib.ExitStack) -> _Running:
    place.folder.mkdir()
    command = contender.prepare(place)
    process = opened.enter_context(started(command, place.folder, cores()[0], contender.env or environment()))
    wait_for(place.port, process, place.folder / "said.txt")
    headers = contender.headers(place)
    asked = {kind.name: write_request(place.folder / f"{kind.name}.http", kind, headers) for kind in KINDS}
    return _Running(contender.name, place.port, process.pid, asked, contender.share)


def _rounds(load: str, running: Sequence[_Running], runs: int, requests: int, failed: list[str]) -> list[dict[str, object]]:
    everything: list[dict[str, object]] = []
    for number in range(1, runs + 1):
        for kind in KINDS:
            for at_once in _AT_ONCE:
                for one in running:
                    count = max(_LEAST, int(requests * one.share / (_FEWER_AT_ONE if at_once == 1 else 1)))
                    try:
                        figures = _measured(load, one, kind, at_once, count)
                    except RuntimeError as problem:
                        if one.name in _NEEDED:
                            raise
                        print(f"  {problem}", file=sys.stderr, flush=True)
                        failed.append(f"{one.name} failed in round {number}: {kind.name}, {at_once} at once")
                        continue
                    everything.append({"round": number, "kind": kind.name, "at_once": at_once, "contender": one.name, **figures})
        print(f"  round {number} of {runs}", file=sys.stderr, flush=True)
    return everything


def _measured(load: str, one: _Running, kind: Traffic, at_once: int, count: int) -> dict[str, object]:
    """Ask so often, and what it cost. Raises RuntimeError unless every single answer is right."""
    gateway = one.name != _DIRECT
    command = [load, str(one.port), str(count), str(at_once), str(one.requests[kind.name]), *kind.expected]
    before_s, began_s = cpu_s(one.pid), time.perf_counter()
    ran = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=_pinned)  # no threads here
    took_s = time.perf_counter() - began_s
    if ran.returncode != 0 or (said := json.loads(ran.stdout)).pop("right") != count:
        raise RuntimeError(f"{one.name}, {kind.name}, {at_once} at once: wrong answers: {ran.stdout} {ran.stderr[-600:]}")
    busy = (cpu_s(one.pid) - before_s) / took_s
    time.sleep(_SETTLE_S if gateway else 0)
    used_us = (cpu_s(one.pid) - before_s) / count * 1e6
    more = {"cpu_us": round(used_us, 2), "busy_ratio": round(busy, 3), "resident_mib": round(resident_mib(one.pid), 1)}
    return {"requests": count, **said, **(more if gateway else {})}


def _pinned() -> None:
    pin(cores()[1])


def _records_told(admin_port: int) -> str:
    """What our own metrics say at the end: that everything was counted and nothing dropped."""
    asked = Request(f"http://127.0.0.1:{admin_port}/metrics", headers={"authorization": f"Bearer {CLIENT_KEY}"})  # our own
    with urlopen(asked, timeout=10) as reply:  # our own
        samples = [line for line in reply.read().decode().splitlines() if not line.startswith("#")]
    total, dropped = (
        sum(int(line.rpartition(" ")[2]) for line in samples if line.startswith(name))
        for name in ("pointsman_requests_total", "pointsman_dropped_records_total")
    )
    return f"`pointsman serve` recorded {total:,} requests in its metrics and its ledger and dropped {dropped:,} records"


_COLUMNS = ["CPU µs", "× nginx", "× bare", "× ours", "+p50 ms", "+p99 ms", "first byte +p50", "per s", "MiB"]


def _rows(everything: list[dict[str, object]]) -> list[Row]:
    names = list(dict.fromkeys(str(one["contender"]) for one in everything))
    return [_row(everything, kind.name, at_once, name) for kind in KINDS for at_once in _AT_ONCE for name in names]


def _row(everything: list[dict[str, object]], kind: str, at_once: int, name: str) -> Row:
    def values(who: str, what: str) -> dict[object, float]:
        return _values(everything, kind, at_once, who, what)

    def added_ms(what: str) -> float:
        return median(a - b for a, b in _pairs(values(name, what), values(_DIRECT, what)))

    title = f"{kind} {at_once}: {name}"
    if not values(name, "per_s"):
        return Row(title, why="it failed in every round")
    rate = median(values(name, "per_s").values())
    if name == _DIRECT:
        figures = {what: median(values(name, what).values()) for what in ("p50_ms", "p99_ms", "first_p50_ms", "per_s")}
        return Row(title, [None, None, None, None, None, None, None, rate, None], dict(figures))
    cpu_us = median(values(name, "cpu_us").values())
    ratios = [_ratio(values(name, "cpu_us"), values(to, "cpu_us")) for to in ("nginx", "bare proxy", _OURS)]
    added = [added_ms(what) for what in ("p50_ms", "p99_ms", "first_p50_ms")]
    mib = median(values(name, "resident_mib").values())
    keys = ("to_nginx", "to_bare", "to_ours", "added_p50_ms", "added_p99_ms", "added_first_p50_ms", "per_s", "resident_mib")
    return Row(
        title,
        [cpu_us, *ratios, *added, rate, mib],
        {"cpu_us": cpu_us, **dict(zip(keys, [*ratios, *added, rate, mib], strict=True))},
    )


def _values(everything: list[dict[str, object]], kind: str, at_once: int, name: str, what: str) -> dict[object, float]:
    """By round."""
    where = (kind, at_once, name)
    return {o["round"]: float(str(o[what])) for o in everything if (o["kind"], o["at_once"], o["contender"]) == where}


def _pairs(ours: dict[object, float], theirs: dict[object, float]) -> list[tuple[float, float]]:
    """Of the same round, whose runs met the machine in the same minutes."""
    return [(ours[number], theirs[number]) for number in ours if number in theirs]


def _ratio(ours: dict[object, float], theirs: dict[object, float]) -> float | None:
    """Median over rounds of the ratio within a round."""
    pairs = _pairs(ours, theirs)
    return median(a / b for a, b in pairs) if pairs else None


def _notes(everything: list[dict[str, object]]) -> list[str]:
    notes = []
    for kind in KINDS:
        ours = _values(everything, kind.name, 16, _OURS, "cpu_us")
        for name, goal, over in _GOALS if ours else ():
            theirs = _values(everything, kind.name, 16, name, "cpu_us")
            ratio = _ratio(ours, theirs) if over == "ours over" else _ratio(theirs, ours)
            if ratio is None:
                continue
            held = ratio <= goal if over == "ours over" else ratio >= goal
            said = f"ours is {ratio:.2f}× {name}'s" if over == "ours over" else f"{name}'s is {ratio:.1f}× ours"
            bound = f"{'≤' if over == 'ours over' else '≥'} {goal:g}×"
            notes.append(f"CPU, {kind.name}, 16 at once: {said} (goal {bound}): {'reached' if held else 'missed'}")
    for kind in KINDS:
        for what, meant in (("p50_ms", "answer"), ("first_p50_ms", "first byte")):
            both = (_values(everything, kind.name, 1, name, what) for name in (_OURS, _DIRECT))
            added = [a - b for a, b in _pairs(*both)]
            if added:
                added_ms = median(added)
                held = "reached" if added_ms <= _GOAL_ADDED_MS else "missed"
                notes.append(
                    f"{kind.name}, one at a time, {meant}: {added_ms:.2f} ms p50 over direct (goal ≤ {_GOAL_ADDED_MS} ms): {held}"
                )
    return notes
