"""One child process, measured: CPU time of it and of all its children, wall time, peak memory."""

from __future__ import annotations

import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

__all__ = ["Measured", "busy_s", "cores", "environment", "measured", "pin"]

# What would make one contender start or talk otherwise than another.
_DROPPED = ("PYTHON", "NODE_OPTIONS", "OPENAI_", "POINTSMAN_", "PROMPTFOO_", "INSPECT_", "HTTP_PROXY", "HTTPS_PROXY")


class Measured(NamedTuple):
    """`cpu_s` is user plus system time of the process and everything it started and waited for."""

    cpu_s: float
    wall_s: float
    peak_mib: float
    """Of the largest of these processes."""
    output: str


def cores() -> tuple[int | None, int | None]:
    """A core for the endpoint and another for the runner; None twice where there is one only or no say in it."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    ours = sorted(os.sched_getaffinity(0))
    return (ours[0], ours[1]) if len(ours) > 1 else (None, None)


def pin(core: int | None) -> None:
    """Bind this process to a core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def environment(**more: str) -> dict[str, str]:
    """Ours without what would favour somebody. Byte code is written, as after any normal installation."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(_DROPPED)}
    return {**kept, "NO_COLOR": "1", "NO_PROXY": "*", **more}


def measured(command: Sequence[str], folder: Path, env: Mapping[str, str], core: int | None, timeout_s: float) -> Measured:
    """Run to the end. Raises RuntimeError, with what it said, if it fails or takes longer than `timeout_s`."""
    with tempfile.TemporaryFile() as said:
        began_s = time.perf_counter()
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: pin(core),  # noqa: PLW1509  # there are no threads here
        )
        used, status = _waited(child, began_s + timeout_s)
        wall_s = time.perf_counter() - began_s
        said.seek(0)
        output = said.read().decode(errors="replace")
    if status != 0:
        raise RuntimeError(f"{Path(command[0]).name} ended with {status}: {output[-600:].strip()}")
    return Measured(used.ru_utime + used.ru_stime, wall_s, used.ru_maxrss / 1024, output)


def _waited(child: subprocess.Popen[bytes], until_s: float) -> tuple[resource.struct_rusage, int]:
    # wait4 and not getrusage(RUSAGE_CHILDREN): that one's peak is of all children there ever were.
    while True:
        done, status, used = os.wait4(child.pid, os.WNOHANG)
        if done:
            child.returncode = os.waitstatus_to_exitcode(status)
            return used, child.returncode
        if time.perf_counter() > until_s:
            child.kill()
            os.wait4(child.pid, 0)
            child.returncode = -9
            raise RuntimeError("took too long")
        time.sleep(0.005)


def busy_s(pid: int) -> float | None:
    """CPU time a running process has used so far; None where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
