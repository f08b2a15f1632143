"""The controller: sees to it that what was decided over a migration is written down, obeyed everywhere, and probed.

It lives in the supervisor. Of all gateways on one store, the holder of the lease decides; the others do what
the store says. Whatever goes wrong, new units fall to the baseline: a worker that hears nothing, a follower
whose store is silent, a rollback that cannot be written down.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from pointsman.app.live_rollout import LiveRollout, order_of, plan_of
from pointsman.app.orders import Pulse, RolloutOrder
from pointsman.core.failure import StorageError
from pointsman.core.feedback import Rated
from pointsman.core.served import Served
from pointsman.core.shadow_pair import ShadowPair
from pointsman.rollout.sightings import PairSighting, RatingSighting, RequestSighting, Sightings, pair_of, rating_of, sighting_of
from pointsman.rollout.state import State
from pointsman.routing.policies.rollout import BASIS, basis_points
from pointsman.store.migrations import Entry, LeaseLost, Migration, Migrations

__all__ = ["Controller", "Replica", "Replicas", "process_name"]

_T = TypeVar("_T")

_TICK_S = 0.2
_LEAST_TICK_S = 0.05
_LEASE_S, _RENEW_S = 15.0, 5.0
_PULSE_S = 1.0
_SHOW_S = 0.5
_UNCONFIRMED_S = 5.0
_LEAK_GRACE_S = 1.0


class Replica(msgspec.Struct, frozen=True):
    """One worker as it last reported."""

    worker: int
    snapshot: str
    weights: dict[str, float]
    """By migration, the share it really gives to the candidate."""


class Replicas(Protocol):
    """The workers."""

    async def obey(self, rollouts: tuple[RolloutOrder, ...]) -> str:
        """Order this from now on; returns the snapshot that says so."""
        ...

    def pulse(self, pulse: Pulse) -> None:
        """Say that the orders stand."""
        ...

    def replicas(self) -> list[Replica | None]:
        """All of them; None for one that has not reported since it was started."""
        ...

    def end(self, worker: int) -> None:
        """Kill one: it is replaced, and the new one begins with the newest orders."""
        ...

    def carries(self, migration: Migration) -> bool:
        """Whether the configuration still sends the migration's route to its baseline, so that a migration can say otherwise."""
        ...


class _Probe(msgspec.Struct):
    """What was ordered last for one migration, until every replica has been seen to do it."""

    weight: float
    ordered_s: float
    killed: bool = False


class Controller:
    """Everything that touches the store happens in a thread of its own."""

    def __init__(
        self,
        path: Path,
        replicas: Replicas,
        say: Callable[[str], None],
        *,
        wall_s: Callable[[], float] = time.time,
        holder: str | None = None,
    ) -> None:
        """`holder`: who takes the lease, this process by default. Raises `StorageError` if the store cannot be opened."""
        self._store = Migrations(path)
        self._folder = path.parent.resolve()
        self._replicas = replicas
        self._say = say
        self._wall_s = wall_s
        self._holder = holder or process_name()
        self._token: int | None = None
        self._renewed_s = -_RENEW_S
        self._thread = ThreadPoolExecutor(1, "controller")
        self._news = asyncio.Event()
        self._live: dict[str, LiveRollout] = {}
        self._followed: dict[str, Migration] = {}
        self._inbox: dict[str, list[RequestSighting]] = {}
        self._ratings: dict[str, list[RatingSighting]] = {}
        self._pairs: dict[str, list[PairSighting]] = {}
        self._orders: tuple[RolloutOrder, ...] = ()
        self._probes: dict[str, _Probe] = {}
        self._gone_back: dict[str, tuple[Migration, float]] = {}
        self._leaks: dict[str, int] = {}
        self._last_s: dict[str, float] = {}
        self._told: set[str] = set()
        """Migrations whose end has been shown."""
        self._shown_s = 0.0
        self._pulsed_s = 0.0
        self._heard_store_s = wall_s()
        self.trouble: str | None = None
        """Why nothing can be written down at the moment."""

    @property
    def orders(self) -> tuple[RolloutOrder, ...]:
        """What workers have to do now."""
        return self._orders

    @property
    def decides(self) -> bool:
        """Whether this gateway holds the lease."""
        return self._token is not None

    async def open(self) -> tuple[RolloutOrder, ...]:
        """Take the lease if it is free, and go on where the log ends; the orders to begin with."""
        self._orders = await self._in_thread(self._work, {})
        now_s = self._wall_s()
        self._probes = {o.migration: _Probe(_told(o.weight), now_s) for o in self._orders}
        for migration in await self._in_thread(self._unprobed):
            self._probes[migration] = _Probe(0.0, now_s)
        return self._orders

    def take(self, served: Sequence[Served]) -> None:
        """Take in a worker's records."""
        for order in self._orders:
            live = self._live.get(order.migration)
            if live is not None:
                self._sight(live.migration, served)
        for migration, since_s in self._gone_back.values():
            late = [s for s in served if _is_late(s, migration, since_s + _LEAK_GRACE_S)]
            if late:
                self._leaks[migration.id] = self._leaks.get(migration.id, 0) + len(late)
                self._news.set()

    def rate(self, rated: Sequence[Rated]) -> None:
        """Take in what users said of answers; it counts for the side that gave the answer, when it comes."""
        now_s = self._wall_s()
        for order in self._orders:
            live = self._live.get(order.migration)
            if live is None:
                continue
            box = self._ratings.setdefault(order.migration, [])
            at_s = self._last_s[order.migration] = max(self._last_s.get(order.migration, 0.0), now_s - live.migration.begun_s)
            box += filter(None, (rating_of(r, live.migration.route, order.baseline, order.candidate, at_s) for r in rated))
            if box:
                self._news.set()

    def compare(self, pairs: Sequence[ShadowPair]) -> None:
        """Take in mirrored requests and how they compared."""
        for pair in sorted(pairs, key=lambda p: p.at_s):
            live = self._live.get(pair.migration)
            if live is not None:
                time_s = max(self._last_s.get(pair.migration, 0.0), pair.at_s - live.migration.begun_s)
                self._last_s[pair.migration] = time_s
                self._pairs.setdefault(pair.migration, []).append(pair_of(pair, time_s))
                self._news.set()

    def wake(self) -> None:
        """Look at once: somebody has asked for something."""
        self._news.set()

    async def run(self) -> None:
        """Decide, apply and probe until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._news.wait(), _TICK_S)
                await asyncio.sleep(_LEAST_TICK_S)
            except TimeoutError:
                pass
            self._news.clear()
            await self.tick()

    async def tick(self) -> None:
        """One look at everything."""
        inbox = self._gathered()
        orders = await self._in_thread(self._work, inbox)
        if orders != self._orders:
            await self._apply(orders)
        await self._in_thread(self._probe)
        now_s = self._wall_s()
        if now_s - self._pulsed_s >= _PULSE_S and now_s - self._heard_store_s < _LEASE_S:
            self._pulsed_s = now_s
            self._replicas.pulse(Pulse(shadow_usd=self._allowances()))

    async def close(self) -> None:
        """Write down what is pending and let the lease go."""
        inbox = self._gathered()
        await self._in_thread(self._leave, inbox)
        self._thread.shutdown()
        self._store.close()

    async def _apply(self, orders: tuple[RolloutOrder, ...]) -> None:
        now_s = self._wall_s()
        before = {o.migration: o for o in self._orders}
        after = {o.migration: o for o in orders}
        self._orders = orders
        await self._replicas.obey(orders)
        for migration in before.keys() | after.keys():
            weight = _told(after[migration].weight) if migration in after else 0.0
            if migration not in after or migration not in before or _told(before[migration].weight) != weight:
                self._probes[migration] = _Probe(weight, now_s)
            live = self._live.get(migration)
            if migration not in after and live is not None and live.state.status in ("rolled_back", "aborted"):
                self._gone_back[migration] = (live.migration, now_s)

    def _allowances(self) -> dict[str, float | None]:
        """What one worker may spend on mirrored requests until the next pulse."""
        workers = max(1, len(self._replicas.replicas()))
        left = {o.migration: self._live[o.migration].shadow_left_usd for o in self._orders if o.migration in self._live}
        return {m: None if usd is None else usd / workers for m, usd in left.items()}

    def _gathered(self) -> dict[str, Sightings]:
        """What came since the last time, by migration."""
        requests, self._inbox = self._inbox, {}
        ratings, self._ratings = self._ratings, {}
        pairs, self._pairs = self._pairs, {}
        return {
            m: Sightings(tuple(requests.get(m, ())), tuple(ratings.get(m, ())), tuple(pairs.get(m, ())))
            for m in requests.keys() | ratings.keys() | pairs.keys()
        }

    def _sight(self, migration: Migration, served: Sequence[Served]) -> None:
        inbox = self._inbox.setdefault(migration.id, [])
        last_s = self._last_s.get(migration.id, 0.0)
        for one in sorted((s for s in served if s.route == migration.route), key=_ended_s):
            last_s = max(last_s, _ended_s(one) - migration.begun_s)
            if (seen := sighting_of(one, migration.baseline, migration.candidate, last_s)) is not None:
                inbox.append(seen)
        self._last_s[migration.id] = last_s
        if inbox:
            self._news.set()

    # From here on in the controller's thread.

    def _work(self, inbox: dict[str, Sightings]) -> tuple[RolloutOrder, ...]:
        now_s = self._wall_s()
        try:
            self._hold_lease(now_s)
            if self._token is None:
                self._follow()
            else:
                self._decide(inbox, now_s)
            self._heard_store_s = now_s
            if self.trouble is not None:
                self._say("migrations are written down again")
            self.trouble = None
        except LeaseLost:
            self._step_down()
        except StorageError as error:
            if self.trouble is None:
                self._say(f"nothing can be decided over migrations: {error}")
            self.trouble = str(error)
        return self._wanted(now_s)

    def _hold_lease(self, now_s: float) -> None:
        if self._token is not None and now_s - self._renewed_s < _RENEW_S:
            return
        other = self._store.holder()
        over = other[0] if other is not None and _is_dead(other[0]) else None
        token = self._store.lease(self._holder, now_s, _LEASE_S, over=over)
        if token is None or token != self._token:
            self._step_down()
        self._token, self._renewed_s = token, now_s

    def _unprobed(self) -> list[str]:
        """Migrations that went back, and nobody saw it on every replica before the last controller ended."""
        if self._token is None:
            return []
        newest = {m.route: m for m in self._store.all() if m.status in ("rolled_back", "aborted")}
        kinds = {m.id: [e.kind for e in self._store.events(m.id) if e.kind in ("moved", "applied")] for m in newest.values()}
        return [migration for migration, said in kinds.items() if said and said[-1] == "moved"]

    def _step_down(self) -> None:
        """Forget what was being decided: it is read again from the log by whoever decides next."""
        self._token = None
        self._live.clear()

    def _follow(self) -> None:
        self._followed = {m.id: m for m in self._store.in_force()}

    def _decide(self, inbox: dict[str, Sightings], now_s: float) -> None:
        assert self._token is not None
        self._followed = {m.id: m for m in self._store.in_force()}
        for migration in self._followed.values():
            if migration.id not in self._live:
                self._begin(migration)
        for live in list(self._live.values()):
            live.take(inbox.get(live.migration.id, Sightings()))
            if live.advance(self._store, self._token, now_s):
                self._say(f"migration {live.migration.id}: {live.last_step}")
        if now_s - self._shown_s >= _SHOW_S:
            self._show(now_s)

    def _begin(self, migration: Migration) -> None:
        live = LiveRollout(migration, self._store.events(migration.id))
        self._live[migration.id] = live
        self._last_s[migration.id] = max(self._last_s.get(migration.id, 0.0), live.now_s)
        for difference in live.differences:
            self._say(f"migration {migration.id}: the log does not follow from itself: {difference}")

    def _wanted(self, now_s: float) -> tuple[RolloutOrder, ...]:
        orders: list[RolloutOrder] = []
        folder = str(self._folder)
        for migration in self._followed.values():
            if not self._replicas.carries(migration):
                continue
            live = self._live.get(migration.id)
            state = live.state if live is not None else msgspec.json.decode(migration.state, type=State)
            if state.status in ("rolled_back", "aborted") or (live is not None and live.pending_rollback):
                continue
            plan = live.plan if live is not None else plan_of(migration)
            orders.append(order_of(migration, plan, state, folder, now_s - migration.begun_s))
        return tuple(orders)

    def _probe(self) -> None:
        """Note which orders all replicas obey, and make those obey a rollback that do not."""
        now_s = self._wall_s()
        replicas = self._replicas.replicas()
        for migration, probe in list(self._probes.items()):
            stale = [n for n, r in enumerate(replicas) if r is None or r.weights.get(migration, 0.0) != probe.weight]
            if not stale:
                self._note(
                    migration,
                    "applied",
                    {"weight": probe.weight, "after_s": round(now_s - probe.ordered_s, 3), "replicas": len(replicas)},
                )
                del self._probes[migration]
            elif now_s - probe.ordered_s > _UNCONFIRMED_S and not probe.killed:
                self._note(migration, "unconfirmed", {"weight": probe.weight, "replicas": stale})
                self._say(f"migration {migration}: replicas {stale} do not confirm a share of {probe.weight:.2%}")
                probe.killed = True
                if probe.weight == 0.0:
                    for worker in stale:
                        self._replicas.end(worker)
        leaks, self._leaks = self._leaks, {}
        for migration, count in leaks.items():
            self._note(migration, "leak", {"requests": count})
            self._say(f"migration {migration}: {count} requests went to the candidate after the rollback")

    def _note(self, migration: str, kind: str, said: object) -> None:
        if self._token is None:
            return
        try:
            self._store.record(self._token, migration, self._wall_s(), [Entry(kind=kind, data=msgspec.json.encode(said))])
        except LeaseLost:
            self._step_down()
        except StorageError as error:
            self.trouble = str(error)

    def _show(self, now_s: float) -> None:
        self._shown_s = now_s
        replicas = [msgspec.to_builtins(r) for r in self._replicas.replicas() if r is not None]
        for live in list(self._live.values()):
            if live.ended and live.migration.id not in self._probes and live.migration.id in self._told:
                continue
            document = {**live.document(), "at_s": now_s, "controller": self._holder, "replicas": replicas}
            self._store.show(live.migration.id, msgspec.json.encode(document))
            if live.ended and live.migration.id not in self._probes:
                self._told.add(live.migration.id)

    def _leave(self, inbox: dict[str, Sightings]) -> None:
        if self._token is None:
            return
        try:
            now_s = self._wall_s()
            self._decide(inbox, now_s)
            for live in self._live.values():
                live.commit(self._store, self._token, now_s)
            self._show(now_s)
            self._store.release(self._token)
        except StorageError as error:
            self._say(f"what was seen last of migrations is not written down: {error}")

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)


def _told(weight: float) -> float:
    """A share as workers can give it."""
    return basis_points(weight) / BASIS


def _ended_s(served: Served) -> float:
    return served.at_s + served.total_s


def _is_late(served: Served, migration: Migration, since_s: float) -> bool:
    chosen = served.chosen or served.variant
    return served.route == migration.route and chosen == migration.candidate and served.at_s > since_s


def process_name() -> str:
    """A name no other process has, now or later: machine, process number, and when the process began."""
    return f"{socket.gethostname()}:{os.getpid()}:{_began(os.getpid())}"


def _began(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "?"


def _is_dead(holder: str) -> bool:
    """Whether a process of this machine is known to be gone. Of other machines nothing is known."""
    host, _, rest = holder.partition(":")
    pid, _, began = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return began != _began(int(pid)) if began != "?" else False
