"""`pointsman serve` as a user runs it: a process with its own configuration file, ledger, signals and admin listener."""

from __future__ import annotations

import contextlib
import json
import signal
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from support.command import start

ADMIN_KEY = "admin-key-of-the-test"


class Serving:
    """A gateway that runs, and its folder."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        self.process = process
        self.folder = folder
        self._said: list[str] = []
        self._listening = threading.Thread(target=self._hear, daemon=True)
        self._listening.start()
        line = process.stdout.readline()
        assert line, "it did not start: " + self.said(after_end=True)
        document = json.loads(line)
        self.base_url: str = document["base_url"]
        self.admin_url: str | None = document["admin_url"]
        self.snapshot: str = document["snapshot"]

    def _hear(self) -> None:
        assert self.process.stderr is not None
        with contextlib.suppress(ValueError):  # closed at the end
            self._said.extend(iter(self.process.stderr.readline, ""))

    @property
    def openai_url(self) -> str:
        return f"{self.base_url}/v1"

    def said(self, *, after_end: bool = False) -> str:
        """What it told people so far."""
        if after_end:
            self.process.wait(30)
            self._listening.join(10)
        return "".join(self._said)

    def write(self, config: Mapping[str, Any]) -> None:
        """Write another configuration; nobody is told."""
        write_config(self.folder, config)

    def admin(self, path: str, *, method: str = "GET", key: str | None = ADMIN_KEY, body: Any = None) -> tuple[int, Any]:
        """Status and answer of the admin listener; JSON where it is JSON."""
        assert self.admin_url is not None
        headers = {"authorization": f"Bearer {key}"} if key is not None else {}
        request = urllib.request.Request(
            self.admin_url + path, headers=headers, method=method, data=None if body is None else json.dumps(body).encode()
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                status, kind, body = response.status, response.headers["content-type"], response.read()
        except urllib.error.HTTPError as error:
            status, kind, body = error.code, error.headers["content-type"], error.read()
        return status, json.loads(body) if kind == "application/json" else body.decode()

    def health(self) -> Any:
        return self.admin("/health")[1]

    def metric(self, name: str, **labels: str) -> float:
        """The sum over all series of a metric that have these labels."""
        total = 0.0
        for line in self.admin("/metrics")[1].splitlines():
            series, _, value = line.rpartition(" ")
            if series.split("{")[0] == name and all(f'{k}="{v}"' in series for k, v in labels.items()):
                total += float(value)
        return total

    def rows(self, what: str = "*") -> list[sqlite3.Row]:
        """The ledger's requests with their names, oldest first, as anybody may read them."""
        return read_ledger(self.folder / ".pointsman" / "ledger.sqlite", what)

    def stop(self, within_s: float = 30) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within_s)

    def workers(self) -> list[int]:
        """Process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


def read_ledger(path: Path, what: str = "*") -> list[sqlite3.Row]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        db.row_factory = sqlite3.Row
        return db.execute(f"select {what} from requests order by at_s, decision").fetchall()


def names(path: Path) -> dict[int, str]:
    """What the ledger's numbers stand for."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as db:
        return dict(db.execute("select id, text from names"))


def until(true: Callable[[], Any], what: str, within_s: float = 20.0) -> Any:
    """Wait for something another process does; whatever `true` gave at last."""
    end_s = time.monotonic() + within_s
    while not (found := true()):
        assert time.monotonic() < end_s, f"it did not happen in time: {what}"
        time.sleep(0.02)
    return found


def write_config(folder: Path, config: Mapping[str, Any]) -> Path:
    path = folder / "pointsman.yaml"
    path.write_text(yaml.safe_dump(dict(config)))
    return path


def with_admin(config: Mapping[str, Any], **gateway: Any) -> dict[str, Any]:
    """A configuration with an admin listener on any port, and what else the gateway is told."""
    own = {"admin": {"key": ADMIN_KEY, "port": 0}, "port": 0, **config.get("gateway", {}), **gateway}
    return {**config, "gateway": own}


@contextlib.contextmanager
def serving(folder: Path, config: Mapping[str, Any], *arguments: str, workers: int = 1, **options: Any) -> Iterator[Serving]:
    """Run `pointsman serve` in `folder` until the block ends."""
    write_config(folder, config)
    process = start("serve", "--workers", str(workers), "--json", *arguments, cwd=folder, **options)
    with process:
        try:
            yield Serving(process, folder)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
