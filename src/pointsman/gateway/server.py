"""uvicorn under the gateway: raw ASGI on httptools, and connections of our own kind."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import uvicorn

from pointsman.gateway.connection import ClientConnection, Sweeper
from pointsman.gateway.snapshot import Limits

__all__ = ["EVENT_LOOP", "server_config"]

EVENT_LOOP = "uvloop" if importlib.util.find_spec("uvloop") is not None else "asyncio"


def server_config(app: Any, *, drain_s: float, limits: Callable[[], Limits] = Limits) -> uvicorn.Config:
    """How a listener is served. On a stop, requests under way get `drain_s` seconds to end.

    `limits` is asked again and again, so that a reload changes them for connections that are open.
    """

    class Bounded(ClientConnection):
        sweeper = Sweeper(limits)

    return uvicorn.Config(
        app,
        http=Bounded,
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
        timeout_graceful_shutdown=max(1, round(drain_s)),
        backlog=2048,
    )
