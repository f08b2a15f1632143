"""A real gateway for the length of a `with` block, in a thread, in front of whatever providers a test names."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import uvicorn

from pointsman.app.config import ProjectSpec
from pointsman.app.snapshots import SnapshotMaker
from pointsman.core.failure import PointsmanError
from pointsman.core.served import Served
from pointsman.gateway.asgi import Gateway
from pointsman.gateway.server import server_config
from pointsman.telemetry.ring import Ring


class Running:
    """A gateway being served."""

    def __init__(self) -> None:
        self.base_url = ""
        self.app: Gateway
        self.maker: SnapshotMaker
        self.loop: asyncio.AbstractEventLoop
        self.ring: Ring[Served] = Ring(100_000)
        self.seen: list[Served] = []
        self.server: uvicorn.Server

    @property
    def openai_url(self) -> str:
        return f"{self.base_url}/v1"

    def connections(self) -> set[Any]:
        """Clients' connections that are open."""
        return self.server.server_state.connections

    def served(self) -> list[Served]:
        """All records so far."""
        self.seen += self.ring.take(100_000)
        return self.seen

    def wait_for(self, count: int, within_s: float = 5.0) -> list[Served]:
        """All records, once there are so many."""
        import time

        end_s = time.monotonic() + within_s
        while len(self.served()) < count and time.monotonic() < end_s:
            time.sleep(0.005)
        assert len(self.seen) >= count, f"only {len(self.seen)} of {count} records"
        return self.seen

    def reload(self, config: Mapping[str, Any]) -> None:
        """Serve another configuration from now on."""
        spec = project_of(config)

        async def swap() -> None:
            self.app.snapshot = self.maker.make(spec)

        asyncio.run_coroutine_threadsafe(swap(), self.loop).result(10)


def project_of(config: Mapping[str, Any]) -> ProjectSpec:
    """Plain data as `pointsman.yaml` would hold it."""
    return msgspec.convert(dict(config), ProjectSpec)


@contextlib.contextmanager
def gateway(config: Mapping[str, Any]) -> Iterator[Running]:
    """Serve `config` (the content of a `pointsman.yaml`)."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    running, ready, problems = Running(), threading.Event(), []
    spec = project_of(config)
    running.base_url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    stop = {}

    async def main() -> None:
        running.loop = asyncio.get_running_loop()
        running.maker = SnapshotMaker({})
        try:
            running.app = Gateway(running.maker.make(spec), running.ring, running.loop)
        except PointsmanError as error:
            await running.maker.close()
            problems.append(error)
            ready.set()
            return
        server = uvicorn.Server(server_config(running.app, drain_s=5, limits=lambda: running.app.snapshot.limits))
        stop["server"] = running.server = server
        task = asyncio.ensure_future(server._serve([listening]))
        while not server.started and not task.done():  # noqa: ASYNC110  # uvicorn sets a flag, not an event
            await asyncio.sleep(0.002)
        ready.set()
        await task
        await running.maker.close()

    def run() -> None:
        config_ = server_config(None, drain_s=5)
        with asyncio.Runner(loop_factory=config_.get_loop_factory()) as runner:
            runner.run(main())

    thread = threading.Thread(target=run, name="gateway", daemon=True)
    with listening:
        thread.start()
        try:
            assert ready.wait(10)
            if problems:
                raise problems[0]
            yield running
        finally:
            if "server" in stop:
                stop["server"].should_exit = True
            thread.join(10)


PRICE = {"input": "1.25", "output": "10", "cache_read": "0.125"}
DIALECT_URLS = {"openai_chat": "/v1", "openai_responses": "/v1", "anthropic_messages": "", "gemini": ""}


def variant(base_url: str, dialect: str = "openai_chat", model: str = "m", **more: Any) -> dict[str, Any]:
    """A variant that is served by a scripted server."""
    return {
        "provider": "upstream",
        "model": model,
        "base_url": base_url + DIALECT_URLS[dialect],
        "dialect": dialect,
        "key": "sk-upstream-secret",
        "price": PRICE,
        **more,
    }
