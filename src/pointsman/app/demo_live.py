"""The second half of the demo: live traffic on a real gateway, moved to a bad candidate and to a good one.

Everything is real but the models: `pointsman serve` with two workers, a provider behind HTTP, clients that
hold conversations. Phases last seconds and errors are frequent, so that the evidence comes in seconds too.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Self

import aiohttp
import msgspec
import yaml

from pointsman.app.migrate import Desk
from pointsman.core.failure import PointsmanError
from pointsman.store.journal import write_whole
from pointsman.store.migrations import Migration

__all__ = ["Moved", "Traffic", "gateway", "migrate", "sent_back", "write_live"]

_START_S = 60.0
_MOST_S = 90.0
_LOOK_S = 0.1
_CLIENTS = 6
_TURNS = 2
_ERRORS = 0.08
_SCRIPT: dict[str, Any] = {"output_tokens": 12, "latency": {"ttft_s": 0.002, "total_s": 0.004}, "error": _ERRORS}
_PRICE = {"classic": ("2.5", "10"), "swift": ("0.25", "1"), "tiny": ("0.05", "0.2")}
_PHASES: tuple[dict[str, Any], ...] = (
    {"shadow": "2s", "sample": 1.0},
    {"step": 0.25, "hold": "2s", "min_units": 50},
    {"step": 0.5, "hold": "2s", "min_units": 50},
    {"holdback": 0.1, "hold": "2s", "min_units": 50},
)


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one migration."""

    migration: Migration
    seconds: float
    answered: int
    """Requests of users that were answered meanwhile, whoever answered."""
    changed_sides: int
    """Conversations that two variants answered, but for those that a rollback took from the candidate."""
    sent_back: int
    """Conversations that a rollback took from the candidate in mid-life."""


def write_live(folder: Path, provider_url: str) -> Path:
    """Write `pointsman.yaml` and the two plans; returns the former's path. Raises `StorageError`."""
    variants = {
        name: {
            "provider": "scripted-server",
            "base_url": f"{provider_url}/v1",
            "model": name,
            "price": {"input": float(price[0]), "output": float(price[1])},
        }
        for name, price in _PRICE.items()
    }
    project = {
        "variants": variants,
        "routes": {"support": {"variant": "classic", "retries": 0}},
        "gateway": {"port": 0, "workers": 2},
    }
    write_whole(folder / "pointsman.yaml", yaml.safe_dump(project, sort_keys=False).encode())
    for candidate in ("tiny", "swift"):
        plan = {
            "route": "support",
            "from": "classic",
            "to": candidate,
            "reason": "deprecation",
            "traffic": {"requests_per_minute": 6000, "requests_per_unit": _TURNS},
            "guardrails": {"error_rate": {}, "latency_p95": {"rollback": 4.0, "hold": 3.0, "warn": 2.0}},
            "phases": list(_PHASES if candidate == "swift" else _PHASES[1:]),
        }
        write_whole(folder / f"migrate-to-{candidate}.yaml", yaml.safe_dump(plan, sort_keys=False).encode())
    return folder / "pointsman.yaml"


@contextlib.asynccontextmanager
async def gateway(folder: Path) -> AsyncIterator[str]:
    """A provider and a gateway in front of it, for the length of the block; the address clients call."""
    scripts = {"classic": _SCRIPT, "swift": _SCRIPT, "tiny": {**_SCRIPT, "error": 0.5}}
    write_whole(folder / "provider.yaml", yaml.safe_dump(scripts, sort_keys=False).encode())
    async with contextlib.AsyncExitStack() as stack:
        given = ["scripted", "--port", "0", "--script", str(folder / "provider.yaml"), "--seed", "3", "--json"]
        provider = await stack.enter_async_context(_running(given))
        write_live(folder, provider["base_url"])
        served = await stack.enter_async_context(_running(["serve", "--config", str(folder / "pointsman.yaml"), "--json"]))
        yield served["base_url"]


@contextlib.asynccontextmanager
async def _running(arguments: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
    """One of our own commands as a process; what it says when it is ready."""
    command = [sys.executable, "-m", "pointsman", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    heard = asyncio.create_task(process.stderr.read())
    try:
        async with asyncio.timeout(_START_S):
            line = await process.stdout.readline()
        if not line:
            raise PointsmanError(f"pointsman {arguments[0]} did not start: {(await heard).decode(errors='replace').strip()}")
        yield json.loads(line)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        await heard


class Traffic:
    """Clients that hold conversations of a few turns until the block ends."""

    def __init__(self, base_url: str, letters: Sequence[str]) -> None:
        self._url = f"{base_url}/v1/chat/completions"
        self._letters = itertools.cycle(letters)
        self._numbers = itertools.count(1)
        self.answered = 0
        self.sides: dict[int, list[str]] = {}
        """Who answered in each conversation, one after the other."""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        self._tasks = [asyncio.create_task(self._talk()) for _ in range(_CLIENTS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._session.close()

    async def _talk(self) -> None:
        while True:
            number = next(self._numbers)
            history = [{"role": "user", "content": f"Letter {number}. {next(self._letters)}"}]
            for _ in range(_TURNS):
                history += [
                    {"role": "assistant", "content": await self._turn(number, history)},
                    {"role": "user", "content": "And?"},
                ]

    async def _turn(self, number: int, history: list[dict[str, str]]) -> str:
        body = {"model": "support", "messages": history}
        try:
            async with self._session.post(self._url, json=body) as reply:
                said = await reply.json()
                self.sides.setdefault(number, []).append(reply.headers.get("x-pointsman-variant", ""))
        except (aiohttp.ClientError, json.JSONDecodeError):
            return "(nothing)"
        self.answered += reply.status == 200
        return said["choices"][0]["message"]["content"] if reply.status == 200 else "(an error)"


async def migrate(folder: Path, candidate: str, traffic: Traffic, tell: Callable[[str], None]) -> Moved:
    """Start the migration to a candidate and see it to its end; each step is told as it happens."""
    desk = Desk(folder / "pointsman.yaml")
    began_s, answered, known = time.monotonic(), traffic.answered, set(traffic.sides)
    migration = await asyncio.to_thread(desk.start, folder / f"migrate-to-{candidate}.yaml", "demo")
    told = 0
    while migration.status == "running" and time.monotonic() - began_s < _MOST_S:
        await asyncio.sleep(_LOOK_S)
        migration = desk.chosen(migration.id)
        told = _steps(desk, migration, told, tell)
    mixed = [s for number, s in traffic.sides.items() if number not in known and len(set(s)) > 1]
    back = [s for s in mixed if migration.status == "rolled_back" and sent_back(s, candidate)]
    if migration.status == "completed":
        await asyncio.to_thread(desk.ask, migration, "close", "the demo is over", "demo")
        migration = desk.chosen(migration.id)
    return Moved(
        migration=migration,
        seconds=time.monotonic() - began_s,
        answered=traffic.answered - answered,
        changed_sides=len(mixed) - len(back),
        sent_back=len(back),
    )


def sent_back(sides: Sequence[str], candidate: str) -> bool:
    """Whether a conversation that began with the candidate left it once, for good."""
    left = next((n for n, side in enumerate(sides) if side != candidate), len(sides))
    return left > 0 and len(set(sides[left:])) == 1 and candidate not in sides[left:]


def _steps(desk: Desk, migration: Migration, told: int, tell: Callable[[str], None]) -> int:
    events = desk.store.events(migration.id, told)
    for event in events:
        if event.kind == "moved":
            moved = json.loads(event.data)["transition"]
            tell(f"{moved['action'].replace('_', ' ')}: {100 * moved['weight']:.3g} % of new users; {moved['reason']}")
    return events[-1].number if events else told
