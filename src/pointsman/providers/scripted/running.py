"""The scripted server as a process of its own, or as a thread of this one."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pointsman.core.failure import PointsmanError
from pointsman.providers.scripted.server import ScriptedServer
from pointsman.providers.scripted.wire import TRANSPORT

__all__ = ["base_urls", "in_thread", "serve"]

_START_S = 10.0


class _Protocol(HttpToolsProtocol):
    """Gives the application its connection, which is what it takes to break one off."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required]  # ASGI lets servers add keys of their own


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()


def serve(app: ScriptedServer, *, host: str, port: int, on_ready: Callable[[str], None], for_s: float | None = None) -> None:
    """Serve until interrupted, or for so many seconds. `on_ready` gets the base URL once requests are accepted.

    Port 0 takes a free one.

    Raises `PointsmanError` if the address cannot be used.
    """
    listening, base_url = _listen(host, port)
    with listening, contextlib.suppress(KeyboardInterrupt):
        server = _Server(_config(app), lambda: on_ready(base_url))
        if for_s is not None:
            timer = threading.Timer(for_s, lambda: setattr(server, "should_exit", True))
            timer.daemon = True
            timer.start()
        _calm_collector()
        server.run(sockets=[listening])


@contextlib.contextmanager
def in_thread(app: ScriptedServer, *, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve from a thread while the block runs; gives the base URL. Requests still open at its end are dropped."""
    listening, base_url = _listen(host, port)
    ready = threading.Event()
    server = _Server(_config(app), ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="scripted-server", daemon=True)
    with listening:
        thread.start()
        try:
            if not ready.wait(_START_S):
                raise PointsmanError("the scripted server did not start")
            yield base_url
        finally:
            server.should_exit = True
            thread.join(_START_S)


def _calm_collector() -> None:
    # What is loaded stays, and requests leave no cycles: collecting less often saves a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def base_urls(base_url: str) -> dict[str, str]:
    """Where each protocol's client is to be pointed."""
    return {"openai": f"{base_url}/v1", "anthropic": base_url, "gemini": base_url, "ollama": base_url}


def _listen(host: str, port: int) -> tuple[socket.socket, str]:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        raise PointsmanError(
            f"cannot listen on {host}:{port}: {error}", hint="choose another --port; 0 takes any free one"
        ) from None
    taken = listening.getsockname()[1]
    return listening, f"http://{f'[{host}]' if ':' in host else host}:{taken}"


def _config(app: Any) -> uvicorn.Config:
    fast = importlib.util.find_spec("uvloop") is not None
    return uvicorn.Config(
        app,
        http=_Protocol,
        loop="uvloop" if fast else "asyncio",
        ws="none",
        lifespan="off",
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        access_log=False,
        log_config=None,
        log_level="critical",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=0,
    )
