"""Where one way of serving becomes cheaper than another.

An API is a straight line through its price per request. Own cards are a staircase: whole replicas,
paid whether busy or not, plus the people. A line can cross a staircase more than once, so the answer
is a list of intervals and not one number.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal
from fractions import Fraction

import msgspec

from pointsman.core.estimate import Unknown
from pointsman.core.failure import PointsmanError
from pointsman.core.units import ZERO_USD, Usd
from pointsman.cost.workload import HOURS_PER_MONTH, SECONDS_PER_DAY

__all__ = ["Arm", "Interval", "cheapest_by_volume", "linear_breakeven", "own_cards", "per_request", "wins_from"]


class Arm(msgspec.Struct, frozen=True, kw_only=True):
    """One way of serving, as a monthly bill.

    bill(N) = fixed + N · per_request + ⌈N / step_requests⌉ · step, with at least one step if there are steps.
    """

    name: str
    usd_per_request: Usd = ZERO_USD
    fixed_usd_per_month: Usd = ZERO_USD
    """People, storage, development spread over the horizon: due at any volume."""
    step_usd_per_month: Usd = ZERO_USD
    """One replica."""
    step_requests_per_month: Decimal | None = None
    """What one replica can serve at the planned peak; None for no steps."""

    def __post_init__(self) -> None:
        if self.step_requests_per_month is not None and self.step_requests_per_month <= 0:
            raise PointsmanError(f"a replica of {self.name} serves nothing", hint="its capacity must be above 0")

    def steps(self, requests: Decimal) -> int:
        """Whole replicas at a monthly volume."""
        if self.step_requests_per_month is None:
            return 0
        return max(1, int((requests / self.step_requests_per_month).to_integral_value(ROUND_CEILING)))

    def usd_per_month(self, requests: Decimal) -> Usd:
        """The bill at a monthly volume."""
        return self.fixed_usd_per_month + requests * self.usd_per_request + self.steps(requests) * self.step_usd_per_month


class Interval(msgspec.Struct, frozen=True):
    """Between two monthly volumes (the first excluded) one arm is cheapest; `to_requests` None means for good."""

    from_requests: Decimal
    to_requests: Decimal | None
    arm: str


def per_request(name: str, usd_per_request: Usd, fixed_usd_per_month: Usd = ZERO_USD) -> Arm:
    """An API, or open weights hosted by somebody else."""
    return Arm(name=name, usd_per_request=usd_per_request, fixed_usd_per_month=fixed_usd_per_month)


def own_cards(
    name: str,
    *,
    gpus_per_replica: int,
    usd_per_gpu_hour: Usd,
    output_tokens_per_s: Decimal,
    output_tokens_per_request: Decimal,
    people_usd_per_month: Usd = ZERO_USD,
    overhead_ratio: Decimal = Decimal(0),
    peak_factor: Decimal = Decimal(10),
    target_utilisation: Decimal = Decimal(1),
) -> Arm:
    """Replicas of your own.

    One replica costs gpus · $/h · 730 · (1 + overhead) and serves, so that the peak still fits,
    tokens/s · utilisation / tokens per request · 2,628,000 s / peak factor requests a month. Idle
    cards cost the same: utilisation lowers what a dollar buys, not the bill.
    """
    seconds = Decimal(HOURS_PER_MONTH) * SECONDS_PER_DAY / 24
    capacity = output_tokens_per_s * target_utilisation / output_tokens_per_request * seconds / peak_factor
    return Arm(
        name=name,
        fixed_usd_per_month=people_usd_per_month,
        step_usd_per_month=gpus_per_replica * usd_per_gpu_hour * HOURS_PER_MONTH * (1 + overhead_ratio),
        step_requests_per_month=capacity,
    )


def linear_breakeven(line: Arm, stairs: Arm) -> Decimal | Unknown:
    """N = F / (p − c), the textbook answer, where c = replica cost / replica capacity.

    The staircase answer is larger: see `cheapest_by_volume`. Unknown, with the reason, if p ≤ c:
    then no volume makes own cards cheaper.
    """
    if stairs.step_requests_per_month is None:
        raise PointsmanError(f"{stairs.name} has no replicas", hint="a break-even needs a line and a staircase")
    c = stairs.step_usd_per_month / stairs.step_requests_per_month + stairs.usd_per_request
    if line.usd_per_request <= c:
        return Unknown(f"{line.name} costs {line.usd_per_request:.6f} a request, a full replica {c:.6f}: there is no break-even")
    return max(Decimal(0), (stairs.fixed_usd_per_month - line.fixed_usd_per_month) / (line.usd_per_request - c))


def cheapest_by_volume(arms: Sequence[Arm], up_to_requests: Decimal) -> tuple[Interval, ...]:
    """Which arm is cheapest at each monthly volume up to a limit; exact, with every crossing.

    Between two edges of a staircase every bill is a line, so the order can only change at an edge or
    where two lines meet; both are computed as fractions. The last interval ends with None if no
    arm can overtake beyond it.
    """
    if not arms or up_to_requests <= 0:
        return ()
    cuts = sorted({Fraction(0), Fraction(up_to_requests), *_edges(arms, up_to_requests)})
    found: list[tuple[Fraction, Fraction, str]] = []
    for start, end in itertools.pairwise(cuts):
        found += _segment(arms, start, end)
    joined: list[tuple[Fraction, Fraction, str]] = []
    for start, end, name in found:
        if joined and joined[-1][2] == name:
            joined[-1] = (joined[-1][0], end, name)
        else:
            joined.append((start, end, name))
    intervals = [Interval(_decimal(s), _decimal(e), n) for s, e, n in joined]
    last = intervals[-1]
    if _for_good(arms, last.arm, Fraction(up_to_requests)):
        intervals[-1] = Interval(last.from_requests, None, last.arm)
    return tuple(intervals)


def wins_from(intervals: Iterable[Interval], arm: str) -> tuple[Decimal | None, Decimal | None]:
    """The volume at which an arm first is cheapest, and from which it stays so; None where it never is."""
    own = [i for i in intervals if i.arm == arm]
    return (own[0].from_requests if own else None, own[-1].from_requests if own and own[-1].to_requests is None else None)


def _edges(arms: Sequence[Arm], limit: Decimal) -> Iterable[Fraction]:
    for arm in arms:
        if arm.step_requests_per_month is None:
            continue
        step = Fraction(arm.step_requests_per_month)
        count = int(Fraction(limit) / step)
        if count > 100_000:
            raise PointsmanError(f"{arm.name} would need {count:,} replicas", hint="ask for a smaller volume or a larger replica")
        yield from (step * k for k in range(1, count + 1))


def _segment(arms: Sequence[Arm], start: Fraction, end: Fraction) -> list[tuple[Fraction, Fraction, str]]:
    """The cheapest arm on (start, end], where every bill is a line."""
    lines = [(_intercept(a, end), Fraction(a.usd_per_request), a.name) for a in arms]
    crossings = {(b1 - b0) / (m0 - m1) for i, (b0, m0, _) in enumerate(lines) for b1, m1, _ in lines[i + 1 :] if m0 != m1}
    cuts = [start, *sorted(x for x in crossings if start < x < end), end]
    pieces = []
    for a, b in itertools.pairwise(cuts):
        middle = (a + b) / 2
        pieces.append((a, b, min(lines, key=lambda line: line[0] + line[1] * middle)[2]))
    return pieces


def _intercept(arm: Arm, end: Fraction) -> Fraction:
    steps = 0
    if arm.step_requests_per_month is not None:
        steps = max(1, -(-end // Fraction(arm.step_requests_per_month)))
    return Fraction(arm.fixed_usd_per_month) + steps * Fraction(arm.step_usd_per_month)


def _for_good(arms: Sequence[Arm], winner: str, limit: Fraction) -> bool:
    """Whether the winner's dearest case stays below every rival's cheapest case from `limit` on."""
    best = next(a for a in arms if a.name == winner)
    for rival in arms:
        if rival.name == winner:
            continue
        slope_gap = _slope(rival) - _slope(best)
        # A staircase lies between its ramp and one step above it.
        gap = Fraction(rival.fixed_usd_per_month) - Fraction(best.fixed_usd_per_month) - Fraction(best.step_usd_per_month)
        if slope_gap < 0 or gap + slope_gap * limit < 0:
            return False
    return True


def _slope(arm: Arm) -> Fraction:
    ramp = (
        Fraction(arm.step_usd_per_month) / Fraction(arm.step_requests_per_month) if arm.step_requests_per_month else Fraction(0)
    )
    return Fraction(arm.usd_per_request) + ramp


def _decimal(value: Fraction) -> Decimal:
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(Decimal(1), ROUND_CEILING)
