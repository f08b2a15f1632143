"""One client's driver as a process: a cell in, what the SDK showed out."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from clients.roster import Client

__all__ = ["Driver", "driving", "missing_home"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def _command(client: Client, python: str | None) -> list[str]:
    if client.home == "js":
        return ["node", str(HERE / "js" / "driver.mjs")]
    return [python or str(ROOT / f".venv-{client.home}" / "bin" / "python"), str(HERE / "python" / "driver.py")]


def missing_home(client: Client) -> str | None:
    """What has to be installed first; None if all is there."""
    home = HERE / "js" / "node_modules" if client.home == "js" else ROOT / f".venv-{client.home}"
    return None if home.is_dir() else home.name


class Driver:
    """A driver that waits for cells."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log
        self.versions: dict[str, str] = {}

    def ask(self, document: dict[str, Any]) -> dict[str, Any]:
        """Hand over one line; its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps(document) + "\n")
            self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"the driver died:\n{self._log.read_text(encoding='utf-8')}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextlib.contextmanager
def driving(client: Client, base_url: str, folder: Path, *, python: str | None = None) -> Iterator[Driver]:
    """Start a client's driver in front of `base_url`; `python` has its packages, by default that of its own home."""
    log = folder / "driver.log"
    clean = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_TOKEN")) and k != "PYTHONPATH"}
    plan = {"module": client.module, "options": dict(client.options), "packages": client.packages, "base_url": base_url}
    with (
        log.open("w", encoding="utf-8") as errors,
        subprocess.Popen(
            _command(client, python),
            cwd=folder,
            env=clean,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            driver = Driver(process, log)
            driver.versions = driver.ask(plan)
            yield driver
        finally:
            process.kill()
