"""One migration being carried out: sightings in, steps decided by the machine, each written down before it counts."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pointsman.app.orders import RolloutOrder
from pointsman.core.estimate import measured_json
from pointsman.core.verdict import verdict_name
from pointsman.rollout.check import Judgement
from pointsman.rollout.history import Logged, encode_sightings, follow, moved_entry, replay
from pointsman.rollout.machine import step
from pointsman.rollout.plan import Plan, checked, seconds
from pointsman.rollout.sightings import Sightings
from pointsman.rollout.state import Command, Evidence, State, weight_of
from pointsman.store.migrations import Asked, Entry, Event, Migration, Migrations

__all__ = ["COMMANDS", "LiveRollout", "memory_file", "order_of", "plan_of"]

COMMANDS = ("approve", "pause", "resume", "promote", "rollback", "abort", "close")
_COMMIT_AFTER_S = 60.0
_STAY_S = 86_400.0
"""How long after its beginning conversations from before a rollout are looked out for."""
_MOST_STEPS = 8


def plan_of(migration: Migration) -> Plan:
    """The plan as it was when the migration began."""
    return checked(msgspec.json.decode(migration.plan, type=Plan))


def memory_file(migration: str) -> str:
    """Name of the file of a migration's conversations, below the store's folder."""
    return f"migrations/{migration}.conversations"


def order_of(migration: Migration, plan: Plan, state: State, folder: str, now_s: float) -> RolloutOrder:
    """What workers have to do for a migration in this state."""
    phase = plan.phases[state.phase]
    shadows = state.status == "running" and phase.kind == "shadow" and not state.paused
    return RolloutOrder(
        migration=migration.id,
        route=migration.route,
        baseline=migration.baseline,
        candidate=migration.candidate,
        salt=migration.salt,
        weight=weight_of(plan, state),
        move_live=plan.move_live,
        stay=now_s < _STAY_S,
        memory=f"{folder}/{memory_file(migration.id)}",
        slots=migration.slots,
        fresh_s=seconds(plan.live),
        shadow=phase.sample if shadows else 0.0,
    )


class LiveRollout:
    """Decides; whoever calls it brings the time, the store and what was seen."""

    def __init__(self, migration: Migration, events: Iterable[Event]) -> None:
        """Goes on where the log ends."""
        self.migration = migration
        self.plan = plan_of(migration)
        again = replay(self.plan, (Logged(e.kind, e.data, e.rows) for e in events))
        self.witness, self.state, self.now_s = again.witness, again.state, again.last_s
        self.differences = again.differences
        self.pending_rollback = False
        """A rollback was decided and could not be written down: it is carried out all the same."""
        self._committed_s = self.now_s
        self.says = ""
        """Why it stands as it does."""
        self.last_step = ""
        """The last thing that happened, and why."""
        self._evidence: Evidence | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more can happen."""
        return self.state.status in ("rolled_back", "aborted", "closed")

    @property
    def shadow_left_usd(self) -> float | None:
        """What mirrored requests may still cost today; None: no limit. A day is 24 hours of the rollout."""
        cap = self.plan.caps.shadow_usd_per_day
        if cap is None:
            return None
        shadow = self.witness.tally.shadow
        return max(0.0, cap - (shadow.day_usd if shadow.day == int(self.now_s // 86_400.0) else 0.0))

    def take(self, sightings: Sightings) -> None:
        """Take in what workers and users reported."""
        self.witness.take(sightings)

    def advance(self, store: Migrations, token: int, wall_s: float) -> bool:
        """Decide, and write down what was decided; whether anything changed. Raises `StorageError`."""
        self.now_s = max(self.now_s, wall_s - self.migration.begun_s)
        changed = False
        asked = store.asked(self.migration.id)
        if self.ended and not asked:
            return False
        for _ in range(_MOST_STEPS + len(asked)):
            given = asked.pop(0) if asked else None
            moved = self._step(store, token, wall_s, given)
            changed = changed or moved
            if not moved and not asked:
                break
        if len(self.witness.pending) and (self.witness.full or self.now_s - self._committed_s > _COMMIT_AFTER_S):
            self.commit(store, token, wall_s)
        return changed

    def commit(self, store: Migrations, token: int, wall_s: float) -> None:
        """Write down what was seen since the last time."""
        if seen := self._seen():
            store.record(token, self.migration.id, wall_s, [seen])
            self.witness.commit()
        self._committed_s = self.now_s

    def _step(self, store: Migrations, token: int, wall_s: float, asked: Asked | None) -> bool:
        evidence = self._evidence = self.witness.evidence()
        command: Command | None = None if asked is None else msgspec.convert(asked.command, Command)
        moved = step(self.plan, self.state, evidence, self.now_s, command)
        if not self.ended:
            self.says = moved.reason
        self.pending_rollback = moved.state.status in ("rolled_back", "aborted")
        answered = None if asked is None else (asked.id, moved.reason)
        actor, why = ("", "") if asked is None else (asked.actor, asked.reason)
        if moved.state.version == self.state.version:
            if asked is not None:
                said = {"command": asked.command, "actor": actor, "why": why, "answer": moved.reason}
                entry = Entry(kind="refused", data=msgspec.json.encode(said))
                store.record(token, self.migration.id, wall_s, [entry], answered=answered)
            return False
        logged = moved_entry(self.now_s, moved, evidence, command, actor, why)
        entries = [*filter(None, [self._seen()]), Entry(kind="moved", data=msgspec.json.encode(logged))]
        store.record(
            token,
            self.migration.id,
            wall_s,
            entries,
            status=moved.state.status,
            weight=moved.weight,
            state=msgspec.json.encode(moved.state),
            answered=answered,
        )
        follow(self.witness, self.state, moved.state)
        self.last_step = f"{moved.action.replace('_', ' ')}, {moved.weight:.2%} of new units: {moved.reason}"
        self.state, self._committed_s = moved.state, self.now_s
        return True

    def _seen(self) -> Entry | None:
        pending = self.witness.pending
        if not len(pending):
            return None
        counts = {"now_s": self.now_s, "requests": len(pending.requests), "ratings": len(pending.ratings)}
        said = msgspec.json.encode({**counts, "pairs": len(pending.pairs)})
        return Entry(kind="seen", data=said, rows=encode_sightings(pending))

    def document(self) -> dict[str, object]:
        """How things are, for people and scripts."""
        state, plan = self.state, self.plan
        evidence = self._evidence or self.witness.evidence()
        return {
            "migration": self.migration.id,
            "route": plan.route,
            "from": plan.from_,
            "to": plan.to,
            "status": state.status,
            "phase": state.phase,
            "phases": [{"kind": p.kind, "weight": p.weight, "least_s": p.least_s} for p in plan.phases],
            "weight": weight_of(plan, state),
            "paused": state.paused,
            "held": state.held,
            "asked": state.asked,
            "since_begin_s": self.now_s,
            "in_phase_s": self.now_s - state.entered_s,
            "says": self.says,
            "tally": msgspec.to_builtins(self.witness.tally),
            "spent_usd": self.witness.spent_usd,
            "checks": {name: _judged(name, j, plan) for name, j in evidence.judgements.items()},
        }


def _judged(name: str, judgement: Judgement, plan: Plan) -> dict[str, object]:
    return {
        "role": "guardrail" if name in plan.guardrails else "signal",
        "verdict": verdict_name(judgement.verdict),
        "reason": judgement.verdict.reason,
        "rung": judgement.rung,
        "log_e": judgement.log_e,
        "log_threshold": judgement.log_threshold,
        "estimate": measured_json(judgement.estimate),
    }
