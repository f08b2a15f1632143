"""Limits without statistics: money spent, and a candidate that answers nobody."""

from __future__ import annotations

import msgspec
import numpy as np

from pointsman.rollout.observations import Flags, Requests, Seen
from pointsman.rollout.plan import Caps
from pointsman.stats.clusters import Codes

__all__ = ["CapState", "watch_caps"]

_LEAST_UNITS = 3
_LEAST_CONTROL = 2
"""So many requests of the control must have ended during the run, or nobody knows whether it is as ill."""
_ALONE = 5
"""A run so many times as long needs no control."""
_DOUBLED_AFTER = 1000.0


class CapState(msgspec.Struct, frozen=True, kw_only=True):
    """What has run up so far."""

    spent_usd: float = 0.0
    """The candidate's cost; for the limit only, the ledger keeps the exact amount."""
    requests: int = 0
    """The candidate's."""
    failures: int = 0
    """The candidate's failures since its last success."""
    failing_units: tuple[int, ...] = ()
    """Up to three units among them."""
    control: tuple[int, int] = (0, 0)
    """The control's (failures, requests) since the candidate's last success."""
    breached_at_s: float | None = None
    reason: str = ""


def watch_caps(caps: Caps, state: CapState, seen: Seen) -> CapState:
    """The state after what was seen. A breach is kept."""
    rows = seen.requests
    if rows is None or not len(rows) or state.breached_at_s is not None:
        return state
    state = _spent(caps, state, rows)
    return state if state.breached_at_s is not None else _outage(caps, state, rows)


def _spent(caps: Caps, state: CapState, rows: Requests) -> CapState:
    if "cost_usd" not in rows.values:
        return state
    path = state.spent_usd + np.cumsum(np.where(rows.candidate, np.nan_to_num(rows.values["cost_usd"]), 0.0))
    state = msgspec.structs.replace(state, spent_usd=float(path[-1]))
    if caps.usd is None or path[-1] < caps.usd:
        return state
    at = float(rows.time_s[int(np.argmax(path >= caps.usd))])
    return msgspec.structs.replace(state, breached_at_s=at, reason=f"the candidate has cost {caps.usd:g} USD")


def _outage(caps: Caps, state: CapState, rows: Requests) -> CapState:
    """A run of failures that chance does not explain.

    A run of m failures at rate q is to be expected once in q^-m requests, and both sides have bad half hours: so
    the run asked for grows by one with every doubling of the candidate's requests beyond the first thousand.
    """
    failed = rows.flags.get("failed")
    if failed is None:
        return state
    mine = np.flatnonzero(rows.candidate)
    lost = failed[mine]
    index = np.arange(1, len(mine) + 1)
    since = np.maximum.accumulate(np.where(lost, -state.failures, index))  # number of the last success
    run = np.where(lost, index - since, 0)
    asked = caps.consecutive_failures + np.floor(np.log2(1.0 + (state.requests + index) / _DOUBLED_AFTER))
    for k in np.flatnonzero(run >= asked).tolist():
        begun = int(mine[since[k] - 1]) + 1 if since[k] > 0 else 0
        units = {*(state.failing_units if since[k] <= 0 else ()), *rows.unit[mine[max(int(since[k]), 0) : k + 1]].tolist()}
        bad, all_ = _failed_of(~rows.candidate[begun : mine[k] + 1], failed[begun : mine[k] + 1])
        if since[k] <= 0:
            bad, all_ = bad + state.control[0], all_ + state.control[1]
        known = all_ >= _LEAST_CONTROL or run[k] >= _ALONE * asked[k]
        if len(units) >= _LEAST_UNITS and known and 2 * bad < max(all_, 1):
            reason = f"{run[k]} failures of the candidate in a row"
            return msgspec.structs.replace(state, breached_at_s=float(rows.time_s[mine[k]]), reason=reason)
    return _carried(state, rows, mine, run, since)


def _failed_of(which: Flags, failed: Flags) -> tuple[int, int]:
    return int(failed[which].sum()), int(which.sum())


def _carried(state: CapState, rows: Requests, mine: Codes, run: Codes, since: Codes) -> CapState:
    last = int(since[-1]) if len(mine) else -state.failures
    begun = int(mine[last - 1]) + 1 if last > 0 else 0
    bad, all_ = _failed_of(~rows.candidate[begun:], rows.flags["failed"][begun:])
    had = (0, 0) if last > 0 else state.control
    before = () if last > 0 else state.failing_units
    units = {*before, *rows.unit[mine[max(last, 0) :]].tolist()}
    return msgspec.structs.replace(
        state,
        requests=state.requests + len(mine),
        failures=int(run[-1]) if len(mine) else state.failures,
        failing_units=tuple(sorted(units)[:_LEAST_UNITS]),
        control=(had[0] + bad, had[1] + all_),
    )
