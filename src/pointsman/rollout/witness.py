"""What has been seen of a live rollout, and what follows from it: evidence for the machine, made from sightings.

Checks read everything at once that came since the last commit, and start from the states of that commit, so
the evidence is up to date at every look while the log holds one entry per commit. The same sightings
committed in the same portions give the same evidence to the last bit, however often was looked between.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from pointsman.rollout.caps import CapState, watch_caps
from pointsman.rollout.check import Judgement
from pointsman.rollout.observations import FLAGS, Pairs, Requests, Seen
from pointsman.rollout.plan import Plan, built_checks
from pointsman.rollout.shadow_tally import ShadowTally, with_pairs
from pointsman.rollout.sightings import BIT, PairSighting, RatingSighting, RequestSighting, Sightings
from pointsman.rollout.state import Evidence
from pointsman.stats.clusters import Floats

__all__ = ["NEVER_RECORDED", "Tally", "Witness"]

NEVER_RECORDED = ("repaired",)
_MOST_PENDING, _LEAST_PENDING, _PENDING_RATIO = 2_000, 50, 0.01
_Unit = tuple[int, bool, float]


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Plain counts, for people and for the machine."""

    requests: int = 0
    candidate_requests: int = 0
    candidate_units: int = 0
    units_in_phase: int = 0
    pairs: int = 0
    ratings: int = 0
    crossed: int = 0
    """Requests left out because their unit was on the other side before, at the same share or a higher one."""
    last_candidate_s: float | None = None
    shadow: ShadowTally = ShadowTally()


class _Known(msgspec.Struct, frozen=True):
    """Everything up to a commit."""

    states: dict[str, Any]
    caps: CapState
    tally: Tally


class Witness:
    """Takes sightings in; says what they amount to. Knows no clock: times come with the sightings."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._checks = built_checks(plan)
        self._units: dict[str, _Unit] = {}
        self._known = _Known({n: c.start() for n, c in self._checks.items()}, CapState(), Tally())
        self._ahead: _Known | None = self._known
        self._pending = Sightings()
        self._seen: list[Seen] = []
        self._tally = Tally()
        """Of the commit and what is pending."""

    @property
    def tally(self) -> Tally:
        """Counts, what is pending included."""
        return self._tally

    @property
    def spent_usd(self) -> float:
        """What the candidate has cost."""
        return self._judged().caps.spent_usd

    @property
    def pending(self) -> Sightings:
        """What came since the last commit."""
        return self._pending

    @property
    def full(self) -> bool:
        """Whether so much is pending that it should be committed: a hundredth of all, between 50 and 2,000."""
        most = min(_MOST_PENDING, max(_LEAST_PENDING, int(_PENDING_RATIO * self._known.tally.requests)))
        return len(self._pending) >= most

    def take(self, sightings: Sightings) -> None:
        """Take in what came since the last time."""
        if not len(sightings):
            return
        self._pending = self._pending.and_then(sightings)
        self._seen.extend(self._columns(sightings))
        self._ahead = None

    def evidence(self) -> Evidence:
        """What the machine decides on, everything taken in included."""
        known = self._judged()
        return Evidence(
            judgements=self._judgements(known),
            candidate_units=self._tally.units_in_phase,
            last_candidate_s=self._tally.last_candidate_s,
            cap_breach=known.caps.reason,
        )

    def commit(self) -> None:
        """From here on start from what is known now. What was pending must be in the log by then."""
        self._known = self._ahead = msgspec.structs.replace(self._judged(), tally=self._tally)
        self._pending, self._seen = Sightings(), []

    def entered_phase(self) -> None:
        """A phase began: its units are counted from none. Commit first."""
        self._tally = msgspec.structs.replace(self._tally, units_in_phase=0)
        self._known = self._ahead = msgspec.structs.replace(self._known, tally=self._tally)

    def _judged(self) -> _Known:
        if self._ahead is None:
            seen = _together(self._seen)
            states = self._known.states
            caps = self._known.caps
            for one in seen:
                states = {name: check.observe(states[name], one) for name, check in self._checks.items()}
                caps = watch_caps(self._plan.caps, caps, one)
            self._ahead = _Known(states, caps, self._tally)
        return self._ahead

    def _judgements(self, known: _Known) -> dict[str, Judgement]:
        return {name: check.judge(known.states[name]) for name, check in self._checks.items()}

    def _columns(self, sightings: Sightings) -> list[Seen]:
        """Number the units, count, and put into columns what the checks read."""
        seen: list[Seen] = []
        if sightings.requests:
            seen.append(Seen(requests=self._requests(sightings.requests)))
        if sightings.ratings:
            seen.append(Seen(requests=self._ratings(sightings.ratings)))
        if sightings.pairs:
            seen.append(Seen(pairs=self._pairs(sightings.pairs)))
        return seen

    def _requests(self, rows: Sequence[RequestSighting]) -> Requests:
        units: list[int] = []
        weights: list[float] = []
        tally = self._tally
        mine = new = crossed = 0
        for row in rows:
            known = self._units.get(row.unit)
            mine += row.candidate
            if known is None:
                known = self._units[row.unit] = (len(self._units), row.candidate, row.weight)
                new += row.candidate
            off = known[1] != row.candidate and not (row.candidate and row.weight > known[2])
            crossed += off
            units.append(known[0])
            weights.append(0.0 if off else row.weight)
        last = max((r.time_s for r in rows if r.candidate), default=tally.last_candidate_s)
        self._tally = msgspec.structs.replace(
            tally,
            requests=tally.requests + len(rows),
            candidate_requests=tally.candidate_requests + mine,
            candidate_units=tally.candidate_units + new,
            units_in_phase=tally.units_in_phase + new,
            crossed=tally.crossed + crossed,
            last_candidate_s=last,
        )
        flags = np.array([row.flags for row in rows], dtype=np.int64)
        return Requests(
            np.array([row.time_s for row in rows]),
            np.array(units, dtype=np.int64),
            np.array([row.candidate for row in rows], dtype=bool),
            np.array(weights),
            {name: (flags & BIT[name]) != 0 for name in FLAGS if name not in NEVER_RECORDED},
            {
                "latency_s": _column([row.latency_s for row in rows]),
                "first_token_s": _column([row.first_token_s for row in rows]),
                "cost_usd": _column([row.cost_usd for row in rows]),
            },
        )

    def _ratings(self, rows: Sequence[RatingSighting]) -> Requests:
        """Ratings alone, with no flags: they are no further requests."""
        known = [self._units.get(row.unit) for row in rows]
        self._tally = msgspec.structs.replace(self._tally, ratings=self._tally.ratings + len(rows))
        at = [i for i, unit in enumerate(known) if unit is not None]
        return Requests(
            np.array([rows[i].time_s for i in at]),
            np.array([unit[0] for unit in known if unit is not None], dtype=np.int64),
            np.array([rows[i].candidate for i in at], dtype=bool),
            np.array([rows[i].weight for i in at]),
            {},
            {"rating": np.array([rows[i].rating for i in at])},
        )

    def _pairs(self, rows: Sequence[PairSighting]) -> Pairs:
        units: list[int] = []
        for row in rows:
            known = self._units.setdefault(row.unit, (len(self._units), False, 0.0))
            units.append(known[0])
        tally = self._tally
        last = max(tally.last_candidate_s or 0.0, rows[-1].time_s)
        self._tally = msgspec.structs.replace(
            tally, pairs=tally.pairs + len(rows), last_candidate_s=last, shadow=with_pairs(tally.shadow, rows)
        )
        return Pairs(
            np.array([row.time_s for row in rows]),
            np.array(units, dtype=np.int64),
            np.array([bool(row.candidate_flaw) and not row.baseline_flaw for row in rows], dtype=bool),
            np.array([bool(row.baseline_flaw) and not row.candidate_flaw for row in rows], dtype=bool),
        )


def _column(values: list[float | None]) -> Floats:
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _together(seen: list[Seen]) -> list[Seen]:
    """As few batches as keep each kind in its order: requests, then ratings, then pairs."""
    requests = [s.requests for s in seen if s.requests is not None and s.requests.flags]
    ratings = [s.requests for s in seen if s.requests is not None and not s.requests.flags]
    pairs = [s.pairs for s in seen if s.pairs is not None]
    whole = [Seen(requests=_joined(group)) for group in (requests, ratings) if group]
    return [*whole, Seen(pairs=_joined_pairs(pairs))] if pairs else whole


def _joined(parts: list[Requests]) -> Requests:
    first = parts[0]
    return Requests(
        np.concatenate([p.time_s for p in parts]),
        np.concatenate([p.unit for p in parts]),
        np.concatenate([p.candidate for p in parts]),
        np.concatenate([p.weight for p in parts]),
        {name: np.concatenate([p.flags[name] for p in parts]) for name in first.flags},
        {name: np.concatenate([p.values[name] for p in parts]) for name in first.values},
    )


def _joined_pairs(parts: list[Pairs]) -> Pairs:
    return Pairs(
        np.concatenate([p.time_s for p in parts]),
        np.concatenate([p.unit for p in parts]),
        np.concatenate([p.lost for p in parts]),
        np.concatenate([p.won for p in parts]),
    )
