"""What a controller hears of: requests, ratings and shadow pairs, one record each, exact enough to be replayed."""

from __future__ import annotations

import msgspec

from pointsman.core.exchange import Attempt
from pointsman.core.failure import FailureClass
from pointsman.core.feedback import Rated
from pointsman.core.served import CLIENT_GONE, Served
from pointsman.core.shadow_pair import ShadowPair
from pointsman.rollout.observations import FLAGS

__all__ = [
    "BIT",
    "PairSighting",
    "RatingSighting",
    "RequestSighting",
    "Sightings",
    "decoded_flags",
    "pair_of",
    "rating_of",
    "sighting_of",
]

BIT = {name: 1 << i for i, name in enumerate(FLAGS)}


class RequestSighting(msgspec.Struct, frozen=True, array_like=True):
    """One request of the migrating route."""

    time_s: float
    """When it ended, in seconds since the rollout began."""
    unit: str
    """Hash of its unit."""
    candidate: bool
    """Whether the candidate was chosen."""
    weight: float
    """Chance with which its unit was assigned to the candidate; 0 or 1: not by chance."""
    flags: int
    """Sum of the `BIT`s of what went wrong with the first attempt."""
    latency_s: float | None = None
    first_token_s: float | None = None
    cost_usd: float | None = None


class RatingSighting(msgspec.Struct, frozen=True, array_like=True):
    """A user's word on an answer given before."""

    time_s: float
    unit: str
    candidate: bool
    weight: float
    rating: float


class PairSighting(msgspec.Struct, frozen=True, array_like=True):
    """A request both sides answered."""

    time_s: float
    unit: str
    baseline_flaw: str
    """What is wrong with the baseline's answer; empty: it passes."""
    candidate_flaw: str
    similarity: float | None = None
    baseline_latency_s: float | None = None
    candidate_latency_s: float | None = None
    baseline_cost_usd: float | None = None
    candidate_cost_usd: float | None = None


class Sightings(msgspec.Struct, frozen=True, array_like=True):
    """What came in between two looks, each kind in the order it came."""

    requests: tuple[RequestSighting, ...] = ()
    ratings: tuple[RatingSighting, ...] = ()
    pairs: tuple[PairSighting, ...] = ()

    def __len__(self) -> int:
        return len(self.requests) + len(self.ratings) + len(self.pairs)

    def and_then(self, more: Sightings) -> Sightings:
        """Both, in this order."""
        return Sightings(self.requests + more.requests, self.ratings + more.ratings, self.pairs + more.pairs)


def decoded_flags(flags: int) -> set[str]:
    """Names of the flags that are set."""
    return {name for name, bit in BIT.items() if flags & bit}


def sighting_of(served: Served, baseline: str, candidate: str, time_s: float) -> RequestSighting | None:
    """What one record says of a migration; None if it says nothing: it was answered by neither side, had no unit,
    or was the client's own fault.

    A candidate that failed and was replaced by a fallback has failed. What the fallback took and cost is
    nobody's here.
    """
    chosen = served.chosen or served.variant
    if chosen not in (baseline, candidate) or served.unit is None or served.propensity is None:
        return None
    first = next((a for a in served.exchange.attempts if a.variant in (None, chosen)), None)
    if first is not None and first.failure is not None and first.failure.kind is FailureClass.CLIENT_FAULT:
        return None
    mine = chosen == candidate
    answered = not served.fell_back
    cost = served.exchange.cost
    return RequestSighting(
        time_s=time_s,
        unit=served.unit,
        candidate=mine,
        weight=served.propensity if mine else 1.0 - served.propensity,
        flags=_flags(served, first),
        latency_s=served.exchange.latency_s if answered else None,
        first_token_s=served.exchange.ttft_s if answered else None,
        cost_usd=float(cost.usd) if answered and cost is not None else None,
    )


def rating_of(rated: Rated, route: str, baseline: str, candidate: str, time_s: float) -> RatingSighting | None:
    """What a user's word says of a migration; None if it is about another route or a fallback's answer, or has no unit."""
    known = rated.unit is not None and rated.propensity is not None and rated.variant in (baseline, candidate)
    if rated.route != route or rated.fell_back or not known:
        return None
    assert rated.unit is not None
    assert rated.propensity is not None
    mine = rated.variant == candidate
    weight = rated.propensity if mine else 1.0 - rated.propensity
    return RatingSighting(time_s=time_s, unit=rated.unit, candidate=mine, weight=weight, rating=rated.score)


def pair_of(pair: ShadowPair, time_s: float) -> PairSighting:
    """What a mirrored request says of a migration."""
    exchange, compared = pair.mirrored.exchange, pair.compared
    return PairSighting(
        time_s=time_s,
        unit=pair.unit,
        baseline_flaw=compared.baseline_flaw,
        candidate_flaw=compared.candidate_flaw,
        similarity=compared.similarity,
        baseline_latency_s=pair.baseline_latency_s,
        candidate_latency_s=exchange.latency_s,
        baseline_cost_usd=pair.baseline_cost_usd,
        candidate_cost_usd=None if exchange.cost is None else float(exchange.cost.usd),
    )


def _flags(served: Served, first: Attempt | None) -> int:
    gone = served.status == CLIENT_GONE
    failure = first.failure if first is not None else None
    # Without an attempt nobody was asked: the breaker held the request back, because the variant kept failing.
    failed = served.fell_back or failure is not None or (first is None and served.status >= 500 and not gone)
    finish = served.exchange.finish if not served.fell_back else None
    policy = failure is not None and failure.kind is FailureClass.CONTENT_POLICY
    said = {
        "failed": failed,
        "timed_out": failure is not None and failure.kind is FailureClass.TIMEOUT,
        "refused": policy or finish in ("refusal", "content_filter"),
        "truncated": finish == "length",
        "fell_back": served.fell_back,
    }
    return sum(BIT[name] for name, is_so in said.items() if is_so)
