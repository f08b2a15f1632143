"""uvicorn under the gateway: raw ASGI on httptools, and a connection that tells at once when its client left."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from pointsman.gateway.client import CONNECTION

__all__ = ["EVENT_LOOP", "server_config"]

EVENT_LOOP = "uvloop" if importlib.util.find_spec("uvloop") is not None else "asyncio"


class _Protocol(HttpToolsProtocol):
    """One connection; it is the `Connection` its requests see."""

    on_gone: Callable[[], None] | None = None

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[CONNECTION] = self  # type: ignore[literal-required]  # ASGI lets servers add keys of their own

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        told, self.on_gone = self.on_gone, None
        if told is not None:
            told()

    def paused(self) -> bool:
        """See `Connection.paused`."""
        return self.flow.write_paused

    def lost(self) -> bool:
        """See `Connection.lost`."""
        return self.transport.is_closing()

    def abort(self) -> None:
        """See `Connection.abort`."""
        self.transport.abort()


def server_config(app: Any, *, drain_s: float) -> uvicorn.Config:
    """How the data plane is served. On a stop, requests under way get `drain_s` seconds to end."""
    return uvicorn.Config(
        app,
        http=_Protocol,
        loop=EVENT_LOOP,
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
        timeout_graceful_shutdown=max(1, round(drain_s)),
        backlog=2048,
    )
