"""Drives one client: what to set up as the first line of stdin, then one cell per line; one line of JSON answers each.

It runs in the clients' own environment and knows nothing of Pointsman. It only reports what the SDK
showed its caller; `tests/clients/judge.py` decides whether that is right.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """What the SDK showed of one cell."""

    text: str = ""
    """Visible text, of a stream as far as it came; after a round of tools, the last answer's."""
    pieces: int = 0
    """How many pieces of text a stream brought."""
    finish: str | None = None
    """Why the (first) answer ended, in the SDK's own word."""
    calls: list[dict[str, Any]] = field(default_factory=list)
    """Tool calls in order: `id`, `name` and parsed `arguments`."""
    parsed: Any = None
    """What the SDK's own structured output parsed."""
    usage: dict[str, int | None] | None = None
    """`input` and `output`, all tokens of a direction; `cached` and `reasoning` where the SDK tells."""
    error: dict[str, Any] | None = None
    """The exception that ended it, or the failure a stream's last event told: `classes`, `status`, `message`."""

    def piece(self, text: str | None) -> None:
        """Note a piece of a stream's text."""
        if text:
            self.text += text
            self.pieces += 1

    def used(self, given: int | None, written: int | None, cached: int | None = None, reasoning: int | None = None) -> None:
        """Note the usage."""
        self.usage = {"input": given, "output": written, "cached": cached, "reasoning": reasoning}


def run(client: Any, cell: dict[str, Any]) -> Seen:
    """Run one cell; whatever the SDK raises is part of what was seen."""
    seen = Seen()
    try:
        getattr(client, cell["op"])(cell, seen)
    except Exception as error:  # noqa: BLE001  # which class the SDK raises is what this finds out
        status = next((s for n in ("status_code", "code") if isinstance(s := getattr(error, n, None), int)), None)
        seen.error = {"classes": _classes(error), "status": status, "message": str(error)[:2000]}
    return seen


def _classes(error: Exception) -> list[str]:
    return [f"{kind.__module__.removeprefix('google.').partition('.')[0]}.{kind.__name__}" for kind in type(error).__mro__]


def main() -> None:
    """Set up, then run cells until there are no more."""
    plan = json.loads(sys.stdin.readline())
    module = importlib.import_module(plan["module"])
    versions = {name: importlib.metadata.version(name) for name in plan["packages"]}
    print(json.dumps(versions), flush=True)  # noqa: T201  # answers are what this program is for
    clients: dict[str, Any] = {}
    for line in sys.stdin:
        cell = json.loads(line)
        if cell["key"] not in clients:
            clients[cell["key"]] = module.Client(plan["base_url"], cell["key"], **plan["options"])
        seen = run(clients[cell["key"]], cell)
        print(json.dumps(vars(seen)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
