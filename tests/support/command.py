"""Running `pointsman` as a user does: as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple


class Ran(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str
    peak_mib: float

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)


def start(*arguments: str | Path, cwd: Path, env: dict[str, str] | None = None, **options: Any) -> subprocess.Popen[str]:
    """Start the command; the environment holds no provider's key unless `env` gives one."""
    clean = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_TOKEN")) and not k.startswith("COV")}
    return subprocess.Popen(
        [sys.executable, "-m", "pointsman", *map(str, arguments)],
        cwd=cwd,
        env={**clean, "COLUMNS": "100", **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def pointsman(*arguments: str | Path, cwd: Path, env: dict[str, str] | None = None, **options: Any) -> Ran:
    """Run the command to its end."""
    process = start(*arguments, cwd=cwd, env=env, **options)
    out, err = process.communicate(timeout=600)
    return Ran(process.returncode, out, err, 0.0)


def pointsman_measured(*arguments: str | Path, cwd: Path) -> Ran:
    """Run the command to its end and measure its peak memory."""
    with (cwd / "out.txt").open("w+") as out, (cwd / "err.txt").open("w+") as err:
        process = subprocess.Popen([sys.executable, "-m", "pointsman", *map(str, arguments)], cwd=cwd, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return Ran(process.returncode, out.read(), err.read(), usage.ru_maxrss / 1024)
