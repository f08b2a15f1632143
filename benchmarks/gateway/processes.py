"""Gateways as running processes: started on a core, asked what they used, stopped with all their children."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from child import pin

__all__ = ["compiled", "cpu_s", "free_port", "resident_mib", "started", "wait_for"]


def compiled(source: Path, folder: Path) -> str:
    """The path of a C program, compiled. Raises RuntimeError if it cannot be."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise RuntimeError("the load generator and the upstream are C programs, and there is no C compiler here")
    made = folder / source.stem
    subprocess.run([compiler, "-O2", "-o", str(made), str(source)], check=True)
    return str(made)


@contextlib.contextmanager
def started(
    command: Sequence[str], folder: Path, core: int | None, env: Mapping[str, str] | None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server in the background, what it says going to a file, until the block ends."""
    with (
        (folder / "said.txt").open("wb") as said,
        subprocess.Popen(
            command,
            cwd=folder,
            env=dict(env) if env else None,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: pin(core),  # noqa: PLW1509  # there are no threads here
        ) as process,
    ):
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def free_port() -> int:
    """A port nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], said: Path, within_s: float = 120.0) -> None:
    """Until somebody listens. Raises RuntimeError with what the process said, if it ends or takes too long."""
    until_s = time.monotonic() + within_s
    while time.monotonic() < until_s and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    raise RuntimeError(f"does not listen: {said.read_text(errors='replace')[-600:]}")


def cpu_s(pid: int) -> float:
    """CPU time a process and its living descendants have used so far, to the nanosecond where Linux tells."""
    return (
        sum(int(path.read_text().split()[0]) for one in _family(pid) for path in Path(f"/proc/{one}/task").glob("*/schedstat"))
        / 1e9
    )


def resident_mib(pid: int) -> float:
    """Resident memory of a process and its descendants; what they share is counted for each."""
    lines = (line for one in _family(pid) for line in Path(f"/proc/{one}/status").read_text().splitlines())
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]
