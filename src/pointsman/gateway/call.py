"""What asking one target means: a body to send, and a way to bring its answer to the client."""

from __future__ import annotations

from typing import Protocol

from pointsman.core.failure import Failure
from pointsman.gateway.visit import Visit
from pointsman.providers.keys import KeyChoice
from pointsman.providers.transport import Reply

__all__ = ["BrokenStream", "Call", "send_whole"]


class BrokenStream(Exception):  # noqa: N818  # named for what happened; it never leaves the gateway
    """A stream broke after its first bytes had been released; the client has been told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Call(Protocol):
    """One request as one target gets it; made once per target, sent once per attempt."""

    body: bytes
    losses: tuple[str, ...]
    """What of the request this target's protocol cannot say."""

    def address(self, key: KeyChoice | None) -> tuple[str, dict[str, str]]:
        """Where to and with which headers."""
        ...

    async def answer(self, visit: Visit, reply: Reply) -> None:
        """Bring a successful response to the client and note its usage.

        Raises `ProviderError` as long as nothing was released, so that somebody else can be asked, and
        `BrokenStream` after the client was told in its own protocol that the stream broke.
        """
        ...


async def send_whole(visit: Visit, reply: Reply, body: bytes) -> None:
    """Send a whole answer in JSON."""
    headers = visit.reply_headers(b"application/json", reply.headers)
    headers.append((b"content-length", b"%d" % len(body)))
    await visit.client.reply(200, headers, body)
