"""`pointsman serve`: one supervisor, one worker per core, and away from them the ledger, the metrics, the admin listener.

The supervisor binds every worker's socket before it starts anybody, so a wrong address is told at once and
a worker that died is replaced on the same socket without a connection refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from pointsman.app.admin import AdminServer
from pointsman.app.alert_spec import Receiver, checked_alerts
from pointsman.app.alerting import Alerting
from pointsman.app.body_keeper import checked_bodies
from pointsman.app.config import ProjectSpec, load_project
from pointsman.app.controller import Controller, Replica
from pointsman.app.dashboard_desk import DashboardDesk
from pointsman.app.feedback_desk import FeedbackDesk
from pointsman.app.listening import bind, is_loopback, url_of
from pointsman.app.migration_samples import migration_samples
from pointsman.app.migration_watch import MigrationWatch
from pointsman.app.migrations_admin import MigrationsAdmin
from pointsman.app.migrations_file import migrations_file
from pointsman.app.open_files import raise_open_files
from pointsman.app.orders import Order, Orders, Pulse, RolloutOrder, encode_order, snapshot_id
from pointsman.app.otel import asked_variants, open_export
from pointsman.app.recorder import Recorder
from pointsman.app.snapshots import SnapshotMaker, routes_of
from pointsman.core.failure import ConfigError, PointsmanError, StorageError
from pointsman.core.feedback import Rated
from pointsman.store.migrations import Migration
from pointsman.telemetry.batch import Batch, decode_batch, frame, read_frame
from pointsman.telemetry.metrics import Metrics
from pointsman.telemetry.windows import Windows

__all__ = ["Listening", "Supervisor"]

_RESTART_S = 0.5
_START_S = 30.0
_APPLY_S = 10.0
_WATCH_EVERY_S = 10.0


class Listening(msgspec.Struct, frozen=True):
    """Where the gateway can be reached."""

    base_url: str
    admin_url: str | None
    workers: int
    snapshot: str


class _Hand:
    """One worker as the supervisor sees it."""

    def __init__(self, number: int, listening: socket.socket) -> None:
        self.number = number
        self.listening = listening
        self.process: asyncio.subprocess.Process | None = None
        self.writer: asyncio.StreamWriter | None = None
        self.last: Batch | None = None
        """Its newest report; None until it has given one."""
        self.reported = asyncio.Event()


class Supervisor:
    """Runs the workers of one configuration file until it is stopped."""

    def __init__(
        self,
        path: Path | None,
        *,
        host: str | None = None,
        port: int | None = None,
        admin_port: int | None = None,
        workers: int | None = None,
        environment: Mapping[str, str] = os.environ,
        say: Callable[[str], None],
    ) -> None:
        """What is given here comes before what the file says. `say` takes what people should know."""
        self._path = path
        self._environment = environment
        self._say = say
        self._given = {"host": host, "port": port, "workers": workers}
        self._admin_port = admin_port
        self.metrics = Metrics()
        self._stop = asyncio.Event()
        self._hands: list[_Hand] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._reloading = asyncio.Lock()
        self._rollouts: tuple[RolloutOrder, ...] = ()
        self._controller: Controller | None = None
        self._migrations: MigrationsAdmin | None = None
        self.alerting = Alerting(say)
        self.snapshot = ""
        """Hash of the configuration in force, migrations included."""
        self.refused: str | None = None
        """Why the file as it stood at the last reload is not in force; None if it is."""
        self.waiting_for_restart: tuple[str, ...] = ()
        """Settings of the file that a reload cannot change."""

    async def run(self, on_ready: Callable[[Listening], None], *, for_s: float | None = None) -> None:
        """Serve until a stop is asked for. Raises `PointsmanError` for a configuration or an address that cannot be used."""
        project = await self._load()
        raise_open_files()
        count = project.gateway.workers or os.cpu_count() or 1
        with contextlib.ExitStack() as opened:
            listening = opened.enter_context(contextlib.ExitStack())
            sockets = bind(project.gateway.host, project.gateway.port, count, listening)
            recorder = opened.enter_context(Recorder(project, self._folder(), self.metrics, self._say))
            self._began = self._project = project
            self._recorder = recorder
            self._export = open_export(project, self._environment, self._say)
            if self._export is not None:
                opened.callback(self._export.close)
            await self._go_on_migrating()
            self._desk = self._open_desk(opened)
            if self._migrations is not None:
                opened.callback(self._migrations.close)
            self._dashboard = self._open_dashboard()
            opened.callback(self._dashboard.close)
            self._tell()
            self._hands = [_Hand(n, s) for n, s in enumerate(sockets)]
            admin = AdminServer(self, project.gateway.admin)
            try:
                admin_url = await admin.start()
                self._hear_signals()
                writing = asyncio.create_task(recorder.run())
                watching = asyncio.create_task(self._watch())
                rating = asyncio.create_task(self._desk.run()) if self._desk is not None else None
                self._tasks = [asyncio.create_task(self._mind(hand)) for hand in self._hands]
                await self._all_report(_START_S)
                on_ready(Listening(url_of(sockets[0]), admin_url, count, self.snapshot))
                controlling = asyncio.create_task(self._controller.run()) if self._controller is not None else None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), for_s)
                listening.close()  # who comes now is refused at once, and does not wait in a queue nobody serves
                if controlling is not None:
                    controlling.cancel()
                await self._drain(project.gateway.drain_s)
                if rating is not None and self._desk is not None:
                    rating.cancel()
                    await self._desk.store()
                if self._controller is not None:
                    await self._controller.close()
                writing.cancel()
                watching.cancel()
            finally:
                for task in self._tasks:
                    task.cancel()
                await admin.stop()

    def stop(self) -> None:
        """Accept nothing more, let requests under way end, write their records, return."""
        self._stop.set()

    async def reload(self) -> str:
        """Read the file again and serve it everywhere; returns its hash.

        Raises `PointsmanError` if it cannot be used, and then the last good one stays in force.
        """
        async with self._reloading:
            try:
                project = await self._load()
            except PointsmanError as error:
                self.metrics.reload_failures += 1
                self.refused = str(error)
                raise
            self.refused = None
            self.waiting_for_restart = _unchanged_until_restart(self._began, project)
            self._project = project
            self._order()
            self._tell()
            await self._all_report(_APPLY_S)
        return self.snapshot

    def _tell(self) -> None:
        """Tell those who count and trace what is served from now on."""
        self.metrics.serving(self.snapshot, self._project.variants, time.time())
        self.alerting.change(self._project.alerts)
        if self._export is not None:
            self._export.serving(self.snapshot, asked_variants(self._project, self._environment))

    async def migrations(self, method: str, path: str, body: bytes) -> tuple[int, object]:
        """`/migrations` of the admin listener."""
        if self._migrations is None:
            return 503, {"error": "migrations cannot be kept: see the gateway's first words"}
        return await self._migrations.answer(method, path, body)

    async def live(self) -> bytes:
        """`/dashboard/live` of the admin listener."""
        return await self._dashboard.live()

    async def exposition(self) -> str:
        """`/metrics` of the admin listener."""
        self.metrics.migrations = migration_samples(await self._dashboard.migrations())
        return self.metrics.exposition()

    @property
    def project(self) -> ProjectSpec:
        """The configuration in force."""
        return self._project

    @property
    def windows(self) -> Windows:
        """The last minutes of every route and variant."""
        return self.alerting.windows

    @property
    def firing(self) -> list[tuple[str, str, str]]:
        """(rule, route, variant) of the alerts that fire."""
        return self.alerting.firing

    async def obey(self, rollouts: tuple[RolloutOrder, ...]) -> str:
        """See `Replicas.obey`."""
        self._rollouts = rollouts
        self.snapshot = snapshot_id(self._project, rollouts)
        self._order()
        self._tell()
        return self.snapshot

    def pulse(self, pulse: Pulse) -> None:
        """See `Replicas.pulse`."""
        self._send(pulse)

    def replicas(self) -> list[Replica | None]:
        """See `Replicas.replicas`."""
        return [None if h.last is None else Replica(h.number, h.last.snapshot, h.last.weights) for h in self._hands]

    def end(self, worker: int) -> None:
        """See `Replicas.end`."""
        process = self._hands[worker].process
        if process is not None and process.returncode is None:
            process.kill()

    def carries(self, migration: Migration) -> bool:
        """See `Replicas.carries`."""
        return _carries(self._project, migration.route, migration.baseline, migration.candidate)

    @property
    def ready(self) -> bool:
        """Whether every worker serves the configuration in force."""
        return not self._stop.is_set() and all(h.last is not None and h.last.snapshot == self.snapshot for h in self._hands)

    def status(self) -> dict[str, object]:
        """For `/health` and `/snapshot`."""
        workers = [
            {
                "worker": h.number,
                "snapshot": h.last.snapshot,
                "in_flight": h.last.in_flight,
                "open_breakers": h.last.open_breakers,
            }
            for h in self._hands
            if h.last is not None
        ]
        return {
            "status": "ok" if self.ready else "not ready",
            "snapshot": self.snapshot,
            "workers": workers,
            "config": "ok" if self.refused is None else f"refused, the last good one stays in force: {self.refused}",
            "waiting_for_restart": self.waiting_for_restart,
            "ledger": self._recorder.trouble or "ok",
        }

    def shown(self) -> object:
        """The configuration in force, without keys."""
        project = self._project
        providers = {
            name: None if p is None else msgspec.structs.replace(p, keys=tuple("•••" for _ in p.keys))
            for name, p in project.providers.items()
        }
        variants = {n: v if v.key is None else msgspec.structs.replace(v, key="•••") for n, v in project.variants.items()}
        ours, otel = project.gateway, project.gateway.otel
        if otel is not None:
            otel = msgspec.structs.replace(otel, headers=dict.fromkeys(otel.headers, "•••"))
        gateway = msgspec.structs.replace(ours, admin=msgspec.structs.replace(ours.admin, key=None), otel=otel)
        notify = dict.fromkeys(project.alerts.notify, Receiver(url="•••"))
        alerts = msgspec.structs.replace(project.alerts, notify=notify)
        hidden = msgspec.structs.replace(project, providers=providers, variants=variants, gateway=gateway, alerts=alerts)
        return {"snapshot": self.snapshot, "config": msgspec.to_builtins(hidden)}

    async def _load(self) -> ProjectSpec:
        """The configuration as the file says it now, tried out before anybody is asked to serve it."""
        project = load_project(self._path, self._environment)
        changes = {k: v for k, v in self._given.items() if v is not None}
        gateway = msgspec.structs.replace(project.gateway, **changes)
        if self._admin_port is not None:
            gateway = msgspec.structs.replace(gateway, admin=msgspec.structs.replace(gateway.admin, port=self._admin_port))
        project = msgspec.structs.replace(project, gateway=gateway)
        if not gateway.tenants and not is_loopback(gateway.host):
            raise ConfigError(
                "nobody needs a key, and the address can be reached from outside",
                key="gateway.tenants",
                hint="name tenants with keys (`pointsman serve --new-key`), or listen on 127.0.0.1",
            )
        maker = SnapshotMaker(self._environment)
        rollouts = tuple(r for r in self._rollouts if _carries(project, r.route, r.baseline, r.candidate))
        try:
            checked_bodies(project.store.bodies, routes_of(project))
            checked_alerts(project.alerts, project.routes or dict.fromkeys(project.variants))
            self.snapshot = maker.make(project, rollouts).id
        except ConfigError as error:
            raise error.at(str(self._path), None) if self._path is not None and error.file is None else error from None
        finally:
            await maker.close()
        for warning in maker.warnings:
            self._say(f"warning: {warning}")
        self._rollouts = rollouts
        return project

    async def _go_on_migrating(self) -> None:
        """Read which migrations are under way. Where that cannot be read everybody gets what the file says: the baseline."""
        file = migrations_file(self._project, self._folder())
        try:
            self._controller = Controller(file, self, self._say)
            self._migrations = MigrationsAdmin(file, lambda: self._project, self._environment)
        except StorageError as error:
            self._say(f"warning: nothing can migrate: {error}")
            return
        self._rollouts = await self._controller.open()
        self.snapshot = snapshot_id(self._project, self._rollouts)

    def _open_dashboard(self) -> DashboardDesk:
        watch = None
        if self._migrations is not None:  # otherwise the store cannot be opened, which has been said
            watch = MigrationWatch(migrations_file(self._project, self._folder()))
        return DashboardDesk(self, watch)

    def _open_desk(self, opened: contextlib.ExitStack) -> FeedbackDesk | None:
        ledger = self._project.store.ledger
        if ledger is None:
            return None
        desk = FeedbackDesk(self._folder() / ledger, self._rate)
        opened.callback(desk.close)
        return desk

    def _rate(self, rated: list[Rated]) -> None:
        if self._controller is not None:
            self._controller.rate(rated)
        for one in rated:
            if one.route is not None and one.variant is not None and not one.fell_back:
                self.alerting.windows.rate(one.route, one.variant, one.at_s, one.score)
                self.metrics.rate(one.route, one.variant, one.score)

    def _order(self) -> None:
        self._send(Orders(project=self._project, rollouts=self._rollouts))

    def _send(self, order: Order) -> None:
        data = frame(encode_order(order))
        for hand in self._hands:
            if hand.writer is not None:
                hand.writer.write(data)

    def _folder(self) -> Path:
        return self._path.parent if self._path is not None else Path.cwd()

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stop)
        loop.add_signal_handler(signal.SIGINT, self.stop)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._tasks.append(asyncio.create_task(self._reload_by_signal())))

    async def _reload_by_signal(self) -> None:
        try:
            self._say(f"reloaded: now serving {await self.reload()}")
            if self.waiting_for_restart:
                self._say(f"these settings change with a restart only: {', '.join(self.waiting_for_restart)}")
        except PointsmanError as error:
            self._say(f"not reloaded, the last good configuration stays: {error}" + (f" ({error.hint})" if error.hint else ""))

    async def _mind(self, hand: _Hand) -> None:
        """Start a worker, take its reports, and start another one if it dies."""
        while True:
            process = await self._start(hand)
            code = await process.wait()
            if self._stop.is_set():
                return
            self.metrics.died(hand.number)
            self._say(f"worker {hand.number} ended unasked (code {code}); another takes its place")
            await asyncio.sleep(_RESTART_S)

    async def _start(self, hand: _Hand) -> asyncio.subprocess.Process:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)  # noqa: FBT003  # the standard library's signature
        with theirs:
            fds = (hand.listening.fileno(), theirs.fileno())
            command = [sys.executable, "-m", "pointsman.app.worker", str(hand.number), *map(str, fds)]
            process = await asyncio.create_subprocess_exec(*command, pass_fds=fds, stdin=asyncio.subprocess.DEVNULL)
        hand.process, hand.last = process, None
        reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        hand.writer = writer
        writer.write(frame(encode_order(Orders(project=self._project, rollouts=self._rollouts))))
        await self._listen(hand, reader)
        writer.close()
        hand.writer = None
        return process

    async def _listen(self, hand: _Hand, reader: asyncio.StreamReader) -> None:
        while (data := await read_frame(reader)) is not None:
            batch = decode_batch(data)
            hand.last = batch
            hand.reported.set()
            self.metrics.report(batch)
            for served in batch.served:
                self.alerting.windows.add(served)
            if self._export is not None:
                self._export.offer(batch.served)
                self.metrics.dropped_spans = self._export.dropped
            if self._controller is not None:
                self._controller.take(batch.served)
                self._controller.compare(batch.pairs)
            if self._desk is not None:
                self._desk.take(batch.feedback)
            self._recorder.take_bodies(batch.bodies)
            await self._recorder.take((*batch.served, *(p.mirrored for p in batch.pairs)))

    async def _watch(self) -> None:
        """Look at the last minutes now and then, and tell people what is wrong or over."""
        while True:
            await asyncio.sleep(_WATCH_EVERY_S)
            routes = self._project.routes or dict.fromkeys(self._project.variants)
            migrating = {r.route: (r.baseline, r.candidate) for r in self._rollouts}
            notices = self.alerting.look(migrating, routes, time.time())
            self.metrics.firing = self.alerting.firing
            await self.alerting.tell(notices)
            self.metrics.undelivered_alerts = self.alerting.undelivered

    async def _all_report(self, within_s: float) -> None:
        """Wait until every worker serves the configuration in force."""
        try:
            async with asyncio.timeout(within_s):
                for hand in self._hands:
                    while hand.last is None or hand.last.snapshot != self.snapshot:
                        hand.reported.clear()
                        await hand.reported.wait()
                        if hand.last is not None and hand.last.refused is not None:
                            raise PointsmanError(f"worker {hand.number} refused the configuration: {hand.last.refused}")
        except TimeoutError:
            raise PointsmanError(f"not every worker took the configuration within {within_s:g} s") from None

    async def _drain(self, drain_s: float) -> None:
        self._stop.set()
        self._recorder.hurry()
        for hand in self._hands:
            if hand.writer is not None and hand.writer.can_write_eof():
                hand.writer.write_eof()
        _, pending = await asyncio.wait(self._tasks, timeout=drain_s + 5)
        if pending:
            self._say(f"{len(pending)} workers did not end in time and were killed; their last records are lost")
            for hand in self._hands:
                if hand.process is not None and hand.process.returncode is None:
                    hand.process.kill()
        await self._recorder.finish()


def _carries(project: ProjectSpec, route: str, baseline: str, candidate: str) -> bool:
    """Whether a configuration sends a route to a migration's baseline, and knows the candidate."""
    spec = routes_of(project).get(route)
    return spec is not None and spec.variant == baseline and candidate in project.variants


_ON_RESTART = ("host", "port", "workers", "admin", "drain_s", "ring", "access_log", "otel")


def _unchanged_until_restart(began: ProjectSpec, now: ProjectSpec) -> tuple[str, ...]:
    """What the file says otherwise than at the start, of that which is opened once."""
    changed = [f"gateway.{name}" for name in _ON_RESTART if getattr(began.gateway, name) != getattr(now.gateway, name)]
    return (*changed, *(f"store.{f}" for f in now.store.__struct_fields__ if getattr(began.store, f) != getattr(now.store, f)))
