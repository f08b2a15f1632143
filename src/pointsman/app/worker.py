"""One worker process: serves the data plane on a socket it was given, and reports to its supervisor.

It reads configurations from the pipe to the supervisor and sends its records back; the end of the pipe
means stop. A configuration it cannot use leaves the one in force untouched.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Generator

import msgspec
import uvicorn

from pointsman.app.config import ProjectSpec
from pointsman.app.orders import Order, Orders, decode_order
from pointsman.app.shadow_judge import compare
from pointsman.app.snapshots import SnapshotMaker
from pointsman.core.failure import PointsmanError
from pointsman.core.served import Served
from pointsman.gateway.asgi import Gateway
from pointsman.gateway.body_sample import BodySample
from pointsman.gateway.server import server_config
from pointsman.gateway.shadow import Shadow
from pointsman.routing.policies.rollout import Rollout
from pointsman.telemetry.batch import Batch, encode_batch, read_frame
from pointsman.telemetry.lag import LagGauge
from pointsman.telemetry.ring import Ring

__all__ = ["main"]

_REPORT_EVERY_S = 0.1
_MOST_RECORDS = 2_000
_MOST_BODY_BYTES = 4 << 20
_STALE_S = 5.0
"""Silence of the supervisor after which a share it ordered is no longer honoured."""


class _Worker:
    def __init__(self, number: int, listening: socket.socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._number = number
        self._listening = listening
        self._reader = reader
        self._writer = writer
        self._loop = asyncio.get_running_loop()
        self._maker = SnapshotMaker(os.environ)
        self._lag = LagGauge(self._loop)
        self._refused: str | None = None
        self._stale = False
        """Whether shares are not honoured, because nobody says any more that they stand."""

    async def run(self) -> None:
        first = await read_frame(self._reader)
        if first is None:
            return
        orders = decode_order(first)
        assert isinstance(orders, Orders), "a supervisor begins with what to serve"
        project = orders.project
        self._ring: Ring[Served] = Ring(project.gateway.ring)
        self._app = Gateway(self._maker.make(project, orders.rollouts), self._ring, self._loop)
        self._shadow = self._app.shadow = Shadow(compare)
        self._app.takes_feedback = project.store.ledger is not None
        self._app.bodies = self._bodies = _body_sample(project)
        self._ordered(orders)
        server = _Server(server_config(self._app, drain_s=project.gateway.drain_s, limits=lambda: self._app.snapshot.limits))
        self._lag.start()
        self._shadow.start()
        gc.collect()
        gc.freeze()  # what is loaded stays
        # Requests leave no cycles, but each connection leaves some thirty objects in one (docs/log, memory), so looking
        # for them seldom costs megabytes and often costs time.
        gc.set_threshold(10_000, 10, 20)
        serving = asyncio.create_task(server.serve(sockets=[self._listening]))
        reporting = asyncio.create_task(self._report())
        watching = asyncio.create_task(self._watch())
        commands = asyncio.create_task(self._obey(server))
        await serving
        for task in (commands, watching, reporting):
            task.cancel()
        self._lag.stop()
        await self._shadow.stop()
        while not self._abandoned and (len(self._ring) or len(self._app.feedback) or len(self._shadow.pairs) or self._bodies):
            await self._send()
        await self._send()
        if self._abandoned:
            _say(
                f"worker {self._number}: its supervisor ended abruptly, so it ends too; the records of its last requests are lost"
            )
        await self._maker.close()

    async def _obey(self, server: uvicorn.Server) -> None:
        while (data := await read_frame(self._reader)) is not None:
            try:
                self._take(decode_order(data))
            except (PointsmanError, msgspec.MsgspecError) as error:
                self._refused = str(error)
        self._app.draining = True
        server.should_exit = True

    def _take(self, order: Order) -> None:
        if isinstance(order, Orders):
            self._app.snapshot = self._maker.make(order.project, order.rollouts)
            self._refused = None
            self._ordered(order)
            return
        self._heard_s = time.perf_counter()
        self._shadow.left_usd = dict(order.shadow_usd)
        if self._stale:
            self._app.snapshot = self._maker.make(self._orders.project, self._orders.rollouts)
            self._stale = False

    def _ordered(self, orders: Orders) -> None:
        self._orders, self._stale, self._heard_s = orders, False, time.perf_counter()
        self._weigh()

    def _weigh(self) -> None:
        """Find out by asking the policies in force what share they give; not per report, because asking takes a while."""
        routes = self._app.snapshot.routes
        policies = {r.migration: routes[r.route].policy for r in self._orders.rollouts if r.route in routes}
        self._weights = {m: p.weight for m, p in policies.items() if isinstance(p, Rollout)}
        self._weighed = self._app.snapshot

    def _distrust(self) -> None:
        """Nobody says any more that the shares stand: new units go to the baseline, live conversations stay."""
        if self._stale or not self._orders.rollouts or time.perf_counter() - self._heard_s < _STALE_S:
            return
        withdrawn = tuple(msgspec.structs.replace(r, weight=0.0, shadow=0.0) for r in self._orders.rollouts)
        self._app.snapshot = self._maker.make(self._orders.project, withdrawn)
        self._stale = True

    async def _watch(self) -> None:
        """Apart from reporting, which waits as long as a supervisor that hangs takes nothing off the pipe."""
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            self._distrust()

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            await self._send()

    @property
    def _abandoned(self) -> bool:
        """Whether nobody is left to report to; a supervisor that stops closes its own half of the pipe alone."""
        return self._writer.transport.is_closing()

    async def _send(self) -> None:
        if self._abandoned:
            return
        targets, now_s = self._app.snapshot.targets.values(), time.perf_counter()
        if self._weighed is not self._app.snapshot:
            self._weigh()
        batch = Batch(
            worker=self._number,
            served=tuple(self._ring.take(_MOST_RECORDS)),
            feedback=tuple(self._app.feedback.take(_MOST_RECORDS)),
            pairs=tuple(self._shadow.pairs.take(_MOST_RECORDS)),
            bodies=() if self._bodies is None else self._bodies.take(_MOST_BODY_BYTES),
            dropped_bodies=0 if self._bodies is None else self._bodies.take_dropped(),
            unmirrored=self._shadow.skipped,
            dropped=self._ring.dropped,
            faults=self._app.faults,
            in_flight=self._app.in_flight,
            lag_s=self._lag.take_s(),
            open_breakers=tuple(t.name for t in targets if t.breaker.state(now_s) != "closed"),
            snapshot=self._app.snapshot.id,
            weights=self._weights,
            refused=self._refused,
        )
        self._writer.write(encode_batch(batch))
        with contextlib.suppress(ConnectionError):  # the supervisor is gone; the end of the pipe will tell us to stop
            await self._writer.drain()


def _say(text: str) -> None:
    with contextlib.suppress(OSError):  # the terminal may have gone with the supervisor
        print(text, file=sys.stderr, flush=True)  # noqa: T201  # there is no supervisor to say it


def _body_sample(project: ProjectSpec) -> BodySample | None:
    spec = project.store.bodies
    if spec is None:
        return None
    return BodySample(spec.sample, None if spec.routes is None else frozenset(spec.routes), spec.max_bytes)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield  # the supervisor hears the signals and tells us by the pipe


async def _main(number: int, listening_fd: int, pipe_fd: int) -> None:
    pipe = socket.socket(fileno=pipe_fd)
    pipe.setblocking(False)  # noqa: FBT003  # the standard library's signature
    reader, writer = await asyncio.open_connection(sock=pipe)
    with socket.socket(fileno=listening_fd) as listening:
        await _Worker(number, listening, reader, writer).run()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


def main() -> None:
    """`python -m pointsman.app.worker NUMBER LISTENING_FD PIPE_FD`; only the supervisor calls it."""
    for heard in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(heard, signal.SIG_IGN)
    number, listening_fd, pipe_fd = (int(text) for text in sys.argv[1:4])
    factory = server_config(None, drain_s=1).get_loop_factory()
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(_main(number, listening_fd, pipe_fd))


if __name__ == "__main__":
    main()
