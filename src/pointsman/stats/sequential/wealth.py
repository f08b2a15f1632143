"""An e-process as the wealth of a gambler who bets against the null hypothesis.

He starts with 1. Each strategy k holds a stake that an event multiplies by a factor whose expected
value under the null is at most 1, so his wealth

    E_n = reserve + Σ_k stake_k · Π_{i≤n} factor_{k,i}

is a nonnegative supermartingale, and by Ville's inequality P(any E_n ≥ 1/α) ≤ α: at every look, for
ever. Mixing strategies, keeping money back, investing it later at a moment fixed beforehand and
throwing money away all keep that property (Ramdas, Grünwald, Vovk and Shafer 2023, *Game-theoretic
statistics and safe anytime-valid inference*, arXiv 2210.01948).

The reserve is what makes a late change visible. Without it, weeks of good behaviour use up every
stake and a model that breaks in the third week must first win it all back.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from pointsman.stats.clusters import Floats

__all__ = ["Wealth", "first_at_or_above", "grow", "log_wealth", "open_wealth", "refresh"]


class Wealth(msgspec.Struct, frozen=True):
    """What the gambler owns. All logarithms, because wealth leaves the range of a float in both directions."""

    log_shares: tuple[float, ...]
    """How new money is divided over the strategies; the shares sum to 1."""
    log_stakes: tuple[float, ...]
    log_reserve: float
    n: int = 0
    """Events seen."""


def open_wealth(shares: tuple[float, ...], reserve: float = 0.0) -> Wealth:
    """Wealth 1 before any event: `reserve` kept back, the rest staked by `shares` (any positive weights)."""
    if not shares or min(shares) <= 0.0 or not 0.0 <= reserve < 1.0:
        raise ValueError("shares must be positive and the reserve in [0, 1)")
    total = math.fsum(shares)
    log_shares = tuple(math.log(s / total) for s in shares)
    invested = math.log1p(-reserve)
    return Wealth(log_shares, tuple(s + invested for s in log_shares), math.log(reserve) if reserve else -math.inf)


def log_wealth(wealth: Wealth) -> float:
    """The logarithm of E now; 0 before any event."""
    return float(np.logaddexp.reduce([*wealth.log_stakes, wealth.log_reserve]))


def grow(wealth: Wealth, log_factors: Floats, log_cap: float = math.inf) -> tuple[Wealth, Floats]:
    """Bet on a batch of events; returns the wealth after it and ln E after each event.

    `log_factors` has a row per event and a column per strategy. Cutting a stream into batches
    anywhere gives the same wealth. `log_cap` throws away what a stake holds above its share of that
    wealth: a capped certificate can be lost again when the candidate turns bad. No events: unchanged.
    """
    if not len(log_factors):
        return wealth, np.empty(0)
    stakes = np.cumsum(log_factors, axis=0)
    stakes += np.asarray(wealth.log_stakes)
    if log_cap < math.inf:
        over = np.maximum.accumulate(stakes - (np.asarray(wealth.log_shares) + log_cap), axis=0)
        stakes -= np.maximum(over, 0.0)
    path = _log_sum(stakes, wealth.log_reserve)
    last = tuple(stakes[-1].tolist())
    return Wealth(wealth.log_shares, last, wealth.log_reserve, wealth.n + len(log_factors)), path


def refresh(wealth: Wealth, part: float = 0.1) -> Wealth:
    """Invest a `part` of the reserve anew, as a gambler who starts today. Wealth itself does not change.

    The moment must not depend on what is about to be seen: midnight is fine, "after a bad minute" is not.
    """
    if wealth.log_reserve == -math.inf:
        return wealth
    fresh = wealth.log_reserve + math.log(part)
    stakes = np.logaddexp(wealth.log_stakes, np.asarray(wealth.log_shares) + fresh)
    return Wealth(wealth.log_shares, tuple(stakes.tolist()), wealth.log_reserve + math.log1p(-part), wealth.n)


def first_at_or_above(path: Floats, log_threshold: float) -> int | None:
    """Index of the first event at which ln E reached the threshold; None if it never did."""
    above = path >= log_threshold
    index = int(np.argmax(above)) if len(above) else 0
    return index if len(above) and above[index] else None


def _log_sum(stakes: Floats, log_reserve: float) -> Floats:
    top = np.maximum(stakes.max(axis=1), log_reserve)
    total = np.exp(stakes - top[:, None]).sum(axis=1) + np.exp(log_reserve - top)
    path: Floats = top + np.log(total)
    return path
