"""A real scripted server for the length of a `with` block."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pointsman.providers.scripted.answer_book import AnswerBook
from pointsman.providers.scripted.director import Director
from pointsman.providers.scripted.running import in_thread
from pointsman.providers.scripted.script import Script
from pointsman.providers.scripted.script_file import scripts_of
from pointsman.providers.scripted.server import ScriptedServer


class Server(msgspec.Struct, frozen=True):
    """A running server: its address, and the application behind it."""

    base_url: str
    app: ScriptedServer

    @property
    def openai_url(self) -> str:
        return f"{self.base_url}/v1"

    def get(self, path: str) -> Any:
        """JSON of one of its own endpoints."""
        with urllib.request.urlopen(self.base_url + path, timeout=10) as response:
            return json.load(response)

    def post(self, path: str, document: Any = None) -> Any:
        """Post JSON to one of its own endpoints."""
        request = urllib.request.Request(
            self.base_url + path, data=json.dumps(document).encode(), headers={"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)

    def ledger(self) -> Any:
        """What it counted so far."""
        return self.get("/_scripted/ledger")

    def arm(self, fault: str, **more: Any) -> None:
        """Lay a fault for the next requests."""
        self.post("/_scripted/faults", {"fault": fault, **more})


@contextlib.contextmanager
def scripted_server(
    *,
    script: Script | Mapping[str, Any] | None = None,
    scripts: Mapping[str, Any] | None = None,
    answers: Path | None = None,
    seed: int = 0,
) -> Iterator[Server]:
    """Serve `script` (a Script or plain data) for every model name, or `scripts` by model name, from a thread."""
    named = scripts_of(dict(scripts)) if scripts is not None else {}
    if script is not None:
        named |= {"default": script} if isinstance(script, Script) else scripts_of({"default": dict(script)})
    book = AnswerBook.read(answers) if answers is not None else None
    app = ScriptedServer(Director(named, seed=seed, book=book))
    with in_thread(app) as base_url:
        yield Server(base_url, app)
