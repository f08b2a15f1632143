"""`/migrations` of the admin listener: what `pointsman migrate` does through the store's folder, over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pointsman.app.config import ProjectSpec
from pointsman.app.migrate import ask, begin, check_plan, chosen, status_document
from pointsman.core.failure import ConfigError, PointsmanError
from pointsman.rollout.plan import Plan, checked
from pointsman.store.migrations import Migrations

__all__ = ["MigrationsAdmin", "Why"]

_ANSWER_S = 5.0
_LOOK_EVERY_S = 0.05


class Why(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may come along with a command."""

    why: str = ""
    actor: str = "admin"


class MigrationsAdmin:
    """Answers requests; commands wait for the controller's answer."""

    def __init__(self, path: Path, project: Callable[[], ProjectSpec], environment: Mapping[str, str]) -> None:
        """Raises `StorageError`."""
        self._store = Migrations(path)
        self._project = project
        self._environment = environment

    async def answer(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """Status and document. `path` begins with `/migrations`."""
        try:
            match method, *path.strip("/").split("/")[1:]:
                case ["GET"]:
                    rows = await asyncio.to_thread(self._store.all)
                    return 200, [
                        {"migration": m.id, "route": m.route, "from": m.baseline, "to": m.candidate, "status": m.status}
                        for m in rows
                    ]
                case ["POST"]:
                    return 201, await self._begin(body)
                case ["GET", id]:  # it is what it is
                    return 200, await asyncio.to_thread(lambda: status_document(self._store, chosen(self._store, id)))
                case ["POST", id, command]:  # it is what it is
                    return 200, await self._ask(id, command, body)
                case _:
                    return 404, {"error": "there are GET and POST /migrations, GET /migrations/ID, POST /migrations/ID/COMMAND"}
        except (msgspec.MsgspecError, ValueError) as error:
            return 400, {"error": str(error)}
        except RecursionError:
            return 400, {"error": "the body is nested too deeply"}
        except PointsmanError as error:
            return 400 if isinstance(error, ConfigError) else 409, {"error": error.message, "hint": error.hint}

    def close(self) -> None:
        """Release the file."""
        self._store.close()

    async def _begin(self, body: bytes) -> dict[str, Any]:
        plan = checked(msgspec.json.decode(body, type=Plan))
        await check_plan(plan, self._project(), self._environment)
        migration = await asyncio.to_thread(begin, self._store, plan, "admin")
        return {"migration": migration.id, "route": migration.route, "from": migration.baseline, "to": migration.candidate}

    async def _ask(self, id: str, command: str, body: bytes) -> dict[str, Any]:  # noqa: A002  # it is what it is
        said = msgspec.json.decode(body, type=Why) if body.strip() else Why()
        migration = await asyncio.to_thread(chosen, self._store, id)
        asked = await asyncio.to_thread(ask, self._store, migration, command, said.why, said.actor)
        end_s = time.monotonic() + _ANSWER_S
        answer = None
        while answer is None and time.monotonic() < end_s:  # it comes through a file, so there is no event to wait for
            await asyncio.sleep(_LOOK_EVERY_S)
            answer = await asyncio.to_thread(self._store.answer, asked)
        now = await asyncio.to_thread(chosen, self._store, id)
        return {"migration": id, "command": command, "answer": answer, "status": now.status, "weight": now.weight}
