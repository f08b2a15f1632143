"""What a person does to a migration: start it, ask something of it, look at it. The gateway does the rest."""

from __future__ import annotations

import asyncio
import difflib
import getpass
import os
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from pointsman.app.config import PROJECT_FILE, ProjectSpec, find_project, load_project
from pointsman.app.conversations import slots_for
from pointsman.app.live_rollout import COMMANDS, plan_of
from pointsman.app.migrations_file import migrations_file
from pointsman.app.rehearse import load_plan
from pointsman.app.snapshots import SnapshotMaker, routes_of
from pointsman.core.failure import ConfigError, PointsmanError
from pointsman.rollout.check import CHECKS
from pointsman.rollout.history import Logged, replay
from pointsman.rollout.plan import Plan
from pointsman.rollout.state import State
from pointsman.rollout.witness import NEVER_RECORDED
from pointsman.store.migrations import Entry, Event, Migration, Migrations, broken_at

__all__ = ["Desk", "new_migration"]

_ANSWER_S = 5.0
_LOOK_EVERY_S = 0.05


class Desk:
    """The migrations of one project, from outside the gateway. Raises `PointsmanError` where there is no project."""

    def __init__(self, config: Path | None, environment: Mapping[str, str] = os.environ) -> None:
        path = config or find_project(Path.cwd())
        if path is None:
            raise PointsmanError(f"there is no {PROJECT_FILE} here or above", hint="name one with --config")
        self._environment = environment
        self.path = path
        self.project = load_project(path, environment)
        self.store = Migrations(migrations_file(self.project, path.resolve().parent))

    def check(self, file: Path) -> Plan:
        """The plan, if it can be carried out here. Raises `PointsmanError`."""
        plan = load_plan(file)
        try:
            asyncio.run(check_plan(plan, self.project, self._environment))
        except ConfigError as error:
            raise error.at(str(file), None) from None
        return plan

    def start(self, file: Path, actor: str | None = None) -> Migration:
        """Begin the migration of a plan. Raises `PointsmanError` for one that cannot be carried out here."""
        return begin(self.store, self.check(file), actor or person())

    def chosen(self, id: str | None) -> Migration:  # noqa: A002  # it is what it is
        """The migration of that id, or the newest. Raises `PointsmanError`."""
        return chosen(self.store, id)

    @property
    def attended(self) -> bool:
        """Whether a gateway is there to decide."""
        holder = self.store.holder()
        return holder is not None and holder[1] > time.time()

    def ask(self, migration: Migration, command: str, why: str, actor: str | None = None) -> str | None:
        """Ask for something and wait for the answer; None if nobody answers for five seconds: the command then waits on.

        Raises `PointsmanError` if the migration is over.
        """
        asked = ask(self.store, migration, command, why, actor or person())
        end_s = time.monotonic() + (_ANSWER_S if self.attended else 0.0)
        while (answer := self.store.answer(asked)) is None and time.monotonic() < end_s:
            time.sleep(_LOOK_EVERY_S)
        return answer

    def document(self, migration: Migration) -> dict[str, Any]:
        """How things are: what the controller put down last, and what the log says."""
        return status_document(self.store, migration)


def person() -> str:
    """Who is at the keyboard."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"uid {os.getuid()}"


def chosen(store: Migrations, id: str | None) -> Migration:  # noqa: A002  # it is what it is
    """The migration of that id, or the newest. Raises `PointsmanError`."""
    known = store.all()
    if not known:
        raise PointsmanError("nothing has been migrated here", hint="`pointsman migrate start migration.yaml` begins")
    found = known[-1] if id is None else next((m for m in known if m.id == id), None)
    if found is None:
        near = difflib.get_close_matches(id or "", [m.id for m in known], n=1)
        raise PointsmanError(f"there is no migration {id!r}", hint=f"did you mean {near[0]}?" if near else None)
    return found


def ask(store: Migrations, migration: Migration, command: str, why: str, actor: str) -> int:
    """Leave a command. Raises `PointsmanError` if there is no such command or the migration is over."""
    if command not in COMMANDS:
        raise PointsmanError(f"there is no command {command!r}", hint=f"known: {', '.join(COMMANDS)}")
    if migration.status in ("rolled_back", "aborted", "closed"):
        raise PointsmanError(
            f"migration {migration.id} is {migration.status.replace('_', ' ')}", hint="a second attempt is a new migration"
        )
    return store.ask(migration.id, command, actor, why, time.time())


def begin(store: Migrations, plan: Plan, actor: str) -> Migration:
    """Write down that a migration begins now. Raises `PointsmanError` if its route is migrating already."""
    migration = new_migration(plan, time.time())
    said = {"actor": actor, "plan": msgspec.to_builtins(plan), "salt": migration.salt}
    store.start(migration, Entry(kind="started", data=msgspec.json.encode(said)))
    return migration


def new_migration(plan: Plan, now_s: float) -> Migration:
    """A migration that begins now, with a salt of its own."""
    when = datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%d-%H%M%S")
    lasts_s = sum(p.least_s for p in plan.phases)
    conversations = plan.traffic.requests_per_minute / 60.0 * lasts_s / plan.traffic.requests_per_unit
    return Migration(
        id=f"{plan.route}-{when}-{secrets.token_hex(2)}",
        route=plan.route,
        baseline=plan.from_,
        candidate=plan.to,
        plan=msgspec.json.encode(plan),
        salt=secrets.token_hex(16),
        begun_s=now_s,
        slots=slots_for(conversations),
        status="running",
        weight=0.0,
        state=msgspec.json.encode(State()),
    )


async def check_plan(plan: Plan, project: ProjectSpec, environment: Mapping[str, str]) -> None:
    """Whether this gateway can carry the plan out. Raises `ConfigError` that names the plan's key."""
    routes = routes_of(project)
    if plan.route not in routes:
        near = difflib.get_close_matches(plan.route, routes, n=1)
        raise ConfigError(
            "is no route of pointsman.yaml", key="route", value=plan.route, hint=f"did you mean {near[0]!r}?" if near else None
        )
    route = routes[plan.route]
    if route.variant != plan.from_:
        now = f"`variant: {route.variant}`" if route.variant is not None else "a policy of its own"
        hint = f"routes.{plan.route} has {now}; a migration begins from `variant: {plan.from_}`"
        raise ConfigError("is not what the route is served by", key="from", value=plan.from_, hint=hint)
    if plan.to not in project.variants:
        raise ConfigError("is no variant of pointsman.yaml", key="to", value=plan.to)
    if route.sticky == "none":
        hint = f"set routes.{plan.route}.sticky to conversation, user or key"
        raise ConfigError("keeps no unit together, so sides cannot be compared", key="route", value=plan.route, hint=hint)
    for name in plan.guardrails:
        if CHECKS.load(name).reads in NEVER_RECORDED:
            raise ConfigError("reads what the gateway does not record", key=f"guardrails.{name}", hint="leave it out")
    maker = SnapshotMaker(environment)
    mirrors = any(phase.kind == "shadow" for phase in plan.phases) and plan.caps.shadow_usd_per_day is not None
    try:
        candidate = {plan.to: project.variants[plan.to]}
        made = maker.make(msgspec.structs.replace(project, variants=candidate, routes={}, gateway=type(project.gateway)()))
    except ConfigError as error:
        raise ConfigError(str(error), key="to", value=plan.to, hint=error.hint) from None
    finally:
        await maker.close()
    if mirrors and made.targets[plan.to].meter is None:
        hint = f"give variants.{plan.to}.price in pointsman.yaml, or set this to null"
        raise ConfigError("cannot be kept: the candidate has no price", key="caps.shadow_usd_per_day", hint=hint)


def status_document(store: Migrations, migration: Migration) -> dict[str, Any]:
    """The newest status with the log's events and whether the log is whole."""
    events = store.events(migration.id)
    shown = store.shown(migration.id)
    plan = plan_of(migration)
    document: dict[str, Any] = {
        "migration": migration.id,
        "route": plan.route,
        "from": plan.from_,
        "to": plan.to,
        "status": migration.status,
        "weight": migration.weight,
    }
    if shown is not None:
        document |= msgspec.json.decode(shown)
    document |= {"status": migration.status, "weight": migration.weight, "begun": _iso(migration.begun_s)}
    holder = store.holder()
    document["attended"] = holder is not None and holder[1] > time.time()
    document["log"] = {"events": len(events), "head": events[-1].hash if events else "", "broken_at": broken_at(events)}
    document["events"] = [_said(e) for e in events if e.kind != "seen"]
    return document


def differences(migration: Migration, events: list[Event]) -> tuple[str, ...]:
    """Steps of a log that do not follow from what was seen and commanded; none if it replays to the last bit."""
    return replay(plan_of(migration), [Logged(e.kind, e.data, e.rows) for e in events]).differences


def _said(event: Event) -> dict[str, Any]:
    said = msgspec.json.decode(event.data)
    row: dict[str, Any] = {"number": event.number, "at": _iso(event.at_s), "kind": event.kind}
    if event.kind == "moved":
        transition = said["transition"]
        row |= {"action": transition["action"], "reason": transition["reason"], "weight": transition["weight"]}
        row |= {k: said[k] for k in ("command", "actor", "why") if said.get(k)}
    elif event.kind == "started":
        row |= {"actor": said["actor"]}
    else:
        row |= said
    return row


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")
