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
from pointsman.app.snapshots import SnapshotMaker
from pointsman.core.failure import PointsmanError
from pointsman.core.served import Served
from pointsman.gateway.asgi import Gateway
from pointsman.gateway.server import server_config
from pointsman.telemetry.batch import Batch, encode_batch, read_frame
from pointsman.telemetry.lag import LagGauge
from pointsman.telemetry.ring import Ring

__all__ = ["main"]

_REPORT_EVERY_S = 0.1
_MOST_RECORDS = 2_000
_PROJECT = msgspec.json.Decoder(ProjectSpec)


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

    async def run(self) -> None:
        first = await read_frame(self._reader)
        if first is None:
            return
        project = _PROJECT.decode(first)
        self._ring: Ring[Served] = Ring(project.gateway.ring)
        self._app = Gateway(self._maker.make(project), self._ring, self._loop)
        server = _Server(server_config(self._app, drain_s=project.gateway.drain_s))
        self._lag.start()
        gc.collect()
        gc.freeze()  # what is loaded stays, and requests leave few cycles
        gc.set_threshold(50_000, 20, 50)
        serving = asyncio.create_task(server.serve(sockets=[self._listening]))
        reporting = asyncio.create_task(self._report())
        commands = asyncio.create_task(self._obey(server))
        await serving
        commands.cancel()
        reporting.cancel()
        self._lag.stop()
        while len(self._ring):
            await self._send()
        await self._send()
        await self._maker.close()

    async def _obey(self, server: uvicorn.Server) -> None:
        while (data := await read_frame(self._reader)) is not None:
            try:
                self._app.snapshot = self._maker.make(_PROJECT.decode(data))
                self._refused = None
            except (PointsmanError, msgspec.MsgspecError) as error:
                self._refused = str(error)
        self._app.draining = True
        server.should_exit = True

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_EVERY_S)
            await self._send()

    async def _send(self) -> None:
        targets, now_s = self._app.snapshot.targets.values(), time.perf_counter()
        batch = Batch(
            worker=self._number,
            served=tuple(self._ring.take(_MOST_RECORDS)),
            dropped=self._ring.dropped,
            faults=self._app.faults,
            in_flight=self._app.in_flight,
            lag_s=self._lag.take_s(),
            open_breakers=tuple(t.name for t in targets if t.breaker.state(now_s) != "closed"),
            snapshot=self._app.snapshot.id,
            refused=self._refused,
        )
        self._writer.write(encode_batch(batch))
        with contextlib.suppress(ConnectionError):  # the supervisor is gone; the end of the pipe will tell us to stop
            await self._writer.drain()


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
