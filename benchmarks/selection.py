"""CPU of a shortlist over the whole catalogue: every profile of the guide, in a process of its own, beside a bare Python.

Two figures for each: what the process uses above `python -c pass` in all, and what it uses once its modules are loaded,
which is reading the catalogue, choosing and writing the JSON document.
"""

from __future__ import annotations

import json
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from statistics import median

from child import cores, environment, measured
from results import Found, Row

import pointsman
from pointsman.selection.usecases import use_cases

__all__ = ["run"]

_GOAL_S = 0.3
_BARE = "python -c pass"
_PAST = "2024-10-01"
_CHILD = """
import contextlib, io, json, sys, time
import pointsman.app.select, pointsman.report.selection_document
from pointsman.cli.select import command
start_s = time.process_time()
with contextlib.redirect_stdout(io.StringIO()) as said:
    command.main([*sys.argv[1:], "--json"], standalone_mode=False)
used_s = time.process_time() - start_s
document = json.loads(said.getvalue())
print(json.dumps({"after_start_cpu_s": used_s, "offers": document["considered"], "price_list": "genai_prices" in sys.modules}))
"""


def run(runs: int) -> Found:
    """Everybody in turn, `runs` times; a bare Python start is in every round."""
    contenders = {_BARE: [sys.executable, "-c", "pass"]}
    for name in use_cases():
        contenders[name] = [sys.executable, "-c", _CHILD, "--profile", name]
    past = f"legal_document_analysis as of {_PAST}"
    contenders[past] = [sys.executable, "-c", _CHILD, "--profile", "legal_document_analysis", "--as-of", _PAST]
    everything: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        # The child measures the code that this script was started with, installed or not, and no catalogue of the user's.
        env = environment(PYTHONPATH=str(Path(pointsman.__file__).parents[1]), POINTSMAN_CACHE=scratch)
        for command in contenders.values():
            measured(command, folder, env, cores()[1], 120)  # the first start writes byte code
        for number in range(runs):
            for name, command in contenders.items():
                ran = measured(command, folder, env, cores()[1], 120)
                said = json.loads(ran.output) if ran.output else {}
                everything.append({"round": number + 1, "contender": name, "cpu_s": round(ran.cpu_s, 4), **said})
    rows = [_row(name, everything) for name in contenders]
    today = [row for row in rows if row.name in use_cases()]
    slowest = max(today, key=lambda row: float(str((row.figures or {})["after_start_cpu_s"])))
    slowest_s = float(str((slowest.figures or {})["after_start_cpu_s"]))
    held = "reached" if slowest_s < _GOAL_S else "missed"
    offers = next(one["offers"] for one in everything if "offers" in one)
    loaded = any(one.get("price_list") for one in everything if one["contender"] in use_cases())
    return Found(
        title="A shortlist over the whole catalogue",
        columns=["CPU after start, s", "× bare Python", "CPU over bare Python, s"],
        rows=rows,
        runs=everything,
        notes=[
            f"{offers:,} candidates; slowest of the profiles is {slowest.name}",
            f"it takes {slowest_s:.3f} s of CPU after start (goal < {_GOAL_S} s): {held}",
            f"a shortlist of today loads the price list: {'yes' if loaded else 'no'}; one of a past day needs its history",
        ],
        versions={"genai-prices": version("genai-prices")},
    )


def _row(name: str, everything: list[dict[str, object]]) -> Row:
    mine = {int(str(one["round"])): one for one in everything if one["contender"] == name}
    bare = {int(str(one["round"])): float(str(one["cpu_s"])) for one in everything if one["contender"] == _BARE}
    over_s = median(float(str(one["cpu_s"])) - bare[number] for number, one in mine.items())
    if name == _BARE:
        return Row(name, [None, 1.0, 0.0], {"cpu_s": median(bare.values())})
    after_s = median(float(str(one["after_start_cpu_s"])) for one in mine.values())
    ratio = median(float(str(one["after_start_cpu_s"])) / bare[number] for number, one in mine.items())
    return Row(name, [after_s, ratio, over_s], {"after_start_cpu_s": after_s, "ratio_to_bare": ratio, "over_bare_cpu_s": over_s})
