"""How long a command line takes to say its help: wall and CPU time of ours, of a bare Python, of the peers'."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from child import cores, environment, measured
from peers import PeerAbsentError, installed, node_tool, python_of
from results import Found, Row

__all__ = ["run"]

_LEAST_RUNS = 15
_GOAL_S = 0.15
_BARE, _OURS = "python -c pass", "pointsman --help"


def run(runs: int) -> Found:
    """Everybody in turn, at least fifteen times; slow peers only `runs` times."""
    commands, absent, versions = _commands()
    everything: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        env = environment(PROMPTFOO_CONFIG_DIR=scratch, PROMPTFOO_DISABLE_TELEMETRY="1", PROMPTFOO_DISABLE_UPDATE="1")
        for command in commands.values():
            measured(command, folder, env, cores()[1], 120)  # the first start writes byte code
        for number in range(max(runs, _LEAST_RUNS)):
            for name, command in commands.items():
                if number >= runs and name not in (_BARE, _OURS):
                    continue
                ran = measured(command, folder, env, cores()[1], 120)
                one = {"wall_s": round(ran.wall_s, 4), "cpu_s": round(ran.cpu_s, 4), "peak_mib": round(ran.peak_mib, 1)}
                everything.append({"round": number + 1, "contender": name, **one})
    more_s = median(_values(everything, _OURS, "wall_s")) - median(_values(everything, _BARE, "wall_s"))
    held = "reached" if more_s <= _GOAL_S else "missed"
    return Found(
        title="Start of the command line",
        columns=["wall s", "over bare Python, s", "CPU s", "peak MiB"],
        rows=[_row(name, everything) for name in commands] + [Row(name, why=why) for name, why in absent.items()],
        runs=everything,
        notes=[f"`{_OURS}` takes {more_s:.3f} s longer than a bare Python start (goal ≤ {_GOAL_S} s): {held}"],
        versions=versions,
    )


def _commands() -> tuple[dict[str, list[str]], dict[str, str], dict[str, str]]:
    ours = str(Path(sys.executable).with_name("pointsman"))
    commands = {_BARE: [sys.executable, "-c", "pass"], _OURS: [ours, "--help"], "pointsman eval --help": [ours, "eval", "--help"]}
    absent: dict[str, str] = {}
    versions: dict[str, str] = {}
    for peer, name in (("inspect", "inspect --help"), ("promptfoo", "promptfoo --version")):
        try:
            versions |= installed(peer)
            tool = [*node_tool(peer)] if peer == "promptfoo" else [python_of(peer), "-m", "inspect_ai"]
            commands[name] = [*tool, name.split()[1]]
        except PeerAbsentError as problem:
            absent[name] = str(problem)
    return commands, absent, versions


def _row(name: str, everything: list[dict[str, object]]) -> Row:
    wall_s, cpu_s, peak = (median(_values(everything, name, what)) for what in ("wall_s", "cpu_s", "peak_mib"))
    over_s = wall_s - median(_values(everything, _BARE, "wall_s"))
    return Row(name, [wall_s, over_s, cpu_s, peak], {"wall_s": wall_s, "over_bare_s": over_s, "cpu_s": cpu_s, "peak_mib": peak})


def _values(everything: list[dict[str, object]], name: str, what: str) -> list[float]:
    return [float(str(one[what])) for one in everything if one["contender"] == name]
