"""Which requests' bodies are kept, and a bounded place where they wait: full, it drops and counts.

A draw is a function of the decision's id alone, so anybody can tell afterwards who was drawn, and raising
the share keeps those that were.
"""

from __future__ import annotations

from collections import deque

import msgspec

from pointsman.core.bodies import Bodies
from pointsman.core.chat import ChatReply
from pointsman.gateway.visit import Visit
from pointsman.routing.assign import sticky_u

__all__ = ["BodySample"]

_SALT = "bodies"
_MOST_WAITING = 1_000
_MOST_WAITING_BYTES = 16 << 20
_CARRIED_BYTES = 1 << 20
"""What is carried of a body beyond what is kept of it, so that pictures can be taken out before the rest is cut."""


class BodySample:
    """One worker's."""

    def __init__(self, share: float, routes: frozenset[str] | None, max_bytes: int) -> None:
        """`share` of the requests to `routes` (None: to all), each body up to `max_bytes` or a mebibyte, whichever is more."""
        self._share = share
        self._routes = routes
        self._most_bytes = max(max_bytes, _CARRIED_BYTES)
        self._waiting: deque[Bodies] = deque()
        self._waiting_bytes = 0
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def draws(self, decision: str, route: str) -> bool:
        """Whether this request is one of the sample; asked before it is served too, so that its answer is read whole."""
        return (self._routes is None or route in self._routes) and sticky_u(_SALT, decision) < self._share

    def offer(self, visit: Visit) -> None:
        """Take in what a request that is over said, if it was drawn and there is room. Never waits."""
        if visit.route is None or not self.draws(visit.id, visit.route.name):
            return
        try:
            bodies = self._of(visit, visit.route.name)
        except (UnicodeEncodeError, msgspec.MsgspecError):  # half a character in a provider's answer
            self._dropped += 1
            return
        if len(self._waiting) >= _MOST_WAITING or self._waiting_bytes + bodies.size_bytes > _MOST_WAITING_BYTES:
            self._dropped += 1
            return
        self._waiting.append(bodies)
        self._waiting_bytes += bodies.size_bytes

    def take(self, most_bytes: int) -> tuple[Bodies, ...]:
        """The oldest, up to about so many bytes but at least one, out of the queue."""
        taken: list[Bodies] = []
        while self._waiting and most_bytes > 0:
            bodies = self._waiting.popleft()
            most_bytes -= bodies.size_bytes
            self._waiting_bytes -= bodies.size_bytes
            taken.append(bodies)
        return tuple(taken)

    def take_dropped(self) -> int:
        """How many did not fit since this was last asked."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _of(self, visit: Visit, route: str) -> Bodies:
        answer = _answer(visit)
        most = self._most_bytes
        return Bodies(
            decision=visit.id,
            at_s=visit.at_s,
            route=route,
            variant=visit.target.name if visit.target is not None else None,
            tenant=visit.tenant.name if visit.tenant is not None else None,
            request=visit.body[:most],
            answer=None if answer is None else answer[:most],
            request_cut=len(visit.body) > most,
            answer_cut=answer is not None and len(answer) > most,
        )


def _answer(visit: Visit) -> bytes | None:
    """What the client got to read; an attempt that broke off unseen is no answer.

    Log probabilities are left out: they spell the text in tokens, in which no secret can be recognised.
    """
    reply = visit.reply
    if reply is None or visit.client.status != 200:
        return None
    choices = tuple(c if c.logprobs is None else msgspec.structs.replace(c, logprobs=None) for c in reply.choices)
    return msgspec.json.encode(ChatReply(choices=choices))
