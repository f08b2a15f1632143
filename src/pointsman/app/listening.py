"""The data plane's sockets: bound by the supervisor, one per worker, all on one address."""

from __future__ import annotations

import contextlib
import socket

from pointsman.core.failure import PointsmanError

__all__ = ["bind", "is_loopback", "url_of"]


def bind(host: str, port: int, count: int, opened: contextlib.ExitStack) -> list[socket.socket]:
    """One socket per worker on one address; the system spreads connections over them. Raises `PointsmanError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sockets: list[socket.socket] = []
    try:
        if count > 1:
            _alone(family, host, port)
        for _ in range(count):
            one = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if count > 1:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            one.bind((host, port))
            one.listen(2048)
            port = one.getsockname()[1]
            sockets.append(one)
    except (OSError, OverflowError) as error:
        raise PointsmanError(
            f"cannot listen on {host}:{port}: {error}", hint="choose another --port; 0 takes a free one"
        ) from None
    return sockets


def _alone(family: int, host: str, port: int) -> None:
    """Raises `OSError` if somebody listens there; shared ports would let a second gateway take half the requests."""
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    return host in ("localhost", "::1") or host.startswith("127.")


def url_of(listening: socket.socket) -> str:
    """The address a client is given."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
