"""The order: fixed anchors, no reversal, and agreement with an independent implementation."""

from __future__ import annotations

import itertools
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.catalog.entry import Offer, Score
from pointsman.core.estimate import Unknown
from pointsman.selection.candidate import candidates
from pointsman.selection.criteria import criteria
from pointsman.selection.evidence import Evidence
from pointsman.selection.money import Prices
from pointsman.selection.pareto import dominates, front
from pointsman.selection.rank import Ranked, rank
from pointsman.selection.requirements import Nice, Requirements, Volume
from pointsman.selection.screen import screen
from support.selection import TODAY, market, offer, score

NEEDS = Requirements(volume=Volume(requests_per_day=1000), nice={"quality": 3.0, "cost": 2.0, "context": 1.0})
Facts = tuple[float, float, int]
MAKERS = ("openai", "anthropic", "mistral")


def ranked(entries: list[Offer | Score], needs: Requirements = NEEDS) -> tuple[Ranked, ...]:
    """All offers of a market in order."""
    catalog = market(*entries)
    evidence, prices = Evidence(catalog, {}), Prices(needs, TODAY)
    kept = screen(candidates(catalog), needs, TODAY, evidence, prices, TODAY).kept
    return rank(kept, criteria(needs), evidence, prices, frozenset(MAKERS))


def entry(i: int, quality: float, price: float, window: int) -> list[Offer | Score]:
    """One model with its three facts; names without versions, so none is another's successor."""
    model = f"{MAKERS[i % 3]}/{'abcdefghijklmnop'[i]}word"
    return [offer(model, read=f"{price:.4f}", written=f"{4 * price:.4f}", context_tokens=window), score(model, quality)]


facts = st.tuples(st.floats(0.3, 0.95), st.floats(0.01, 50), st.integers(10_000, 2_000_000))


@settings(max_examples=60, deadline=None)
@given(st.lists(facts, min_size=2, max_size=6), st.data())
def test_a_dominated_newcomer_never_changes_the_order_of_the_others(field: list[Facts], data: st.DataObject) -> None:
    """Rank reversal: added anywhere below an existing candidate, it leaves the others as they were."""
    others = [e for i, f in enumerate(field) for e in entry(i, *f)]
    quality, price, window = field[data.draw(st.integers(0, len(field) - 1))]
    worse = entry(
        9,
        max(0.26, quality - data.draw(st.floats(0, 0.3))),
        price * data.draw(st.floats(1, 20)),
        max(9000, window - data.draw(st.integers(0, 900_000))),
    )
    before = [r.candidate.id for r in ranked(others)]
    after = ranked([*others, *worse])
    newcomer = worse[0].id if isinstance(worse[0], Offer) else ""
    assert [r.candidate.id for r in after if r.candidate.id != newcomer] == before


@settings(max_examples=40, deadline=None)
@given(st.lists(facts, min_size=3, max_size=6), st.integers(0, 5))
def test_nor_does_a_departure(field: list[Facts], gone: int) -> None:
    """Whoever leaves, even the best: the others keep order and score."""
    everybody = [entry(i, *f) for i, f in enumerate(field)]
    stay = [e for i, es in enumerate(everybody) if i != gone % len(field) for e in es]
    left = {r.candidate.id: r.score for r in ranked(stay)}
    full = ranked([e for es in everybody for e in es])
    assert [r.candidate.id for r in full if r.candidate.id in left] == list(left)
    assert all(left[r.candidate.id] == r.score for r in full if r.candidate.id in left)


@settings(max_examples=40, deadline=None)
@given(st.lists(facts, min_size=2, max_size=8))
def test_the_front_is_what_comparing_all_pairs_gives(field: list[Facts]) -> None:
    """Nobody on it is beaten by anybody; everybody off it is beaten by the one named."""
    everybody = ranked([e for i, f in enumerate(field) for e in entry(i, *f)])
    found = front(everybody)
    by_id = {r.candidate.id: r for r in everybody}
    on_front = {r.candidate.id for r in everybody if not any(dominates(o, r) for o in everybody)}
    assert {m.candidate.id for m in found.members} == on_front
    assert all(dominates(by_id[b.by], by_id[b.offer]) for b in found.beaten)


# It warns of dominated alternatives, which fields drawn at random are full of.
@pytest.mark.filterwarnings("ignore:Alternatives with indices:UserWarning")
@settings(max_examples=40, deadline=None)
@given(st.lists(facts, min_size=2, max_size=8), st.lists(st.floats(0.1, 5), min_size=3, max_size=3))
def test_the_weighted_sum_agrees_with_pymcdm(field: list[Facts], weights: list[float]) -> None:
    """With the same anchors as bounds, scores and order are those of its weighted sum."""
    pymcdm = pytest.importorskip("pymcdm")
    needs = Requirements(nice=dict(zip(("quality", "cost", "context"), weights, strict=True)))
    wishes = criteria(needs)
    everybody = ranked([e for i, f in enumerate(field) for e in entry(i, *f)], needs)
    raw = np.array([[_on_scale(p.raw, w.logarithmic) for p, w in zip(r.parts, wishes, strict=True)] for r in everybody])
    bounds = np.array([[_on_scale(w.worst, w.logarithmic), _on_scale(w.best, w.logarithmic)] for w in wishes])

    def between_anchors(column: np.ndarray, cost: bool = False) -> np.ndarray:
        j = next(i for i in range(raw.shape[1]) if np.array_equal(raw[:, i], column))
        return np.clip((column - bounds[j, 0]) / (bounds[j, 1] - bounds[j, 0]), 0, 1)

    wsm = pymcdm.methods.WSM(normalization_function=between_anchors)
    theirs = wsm(raw, np.array([w.weight for w in wishes]), np.ones(len(wishes)))
    assert [r.score.value for r in everybody] == pytest.approx(list(theirs), abs=1e-9)
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(theirs))


def _on_scale(x: float | None, logarithmic: bool) -> float:
    assert x is not None
    return float(np.log(x)) if logarithmic else x


def test_what_nobody_knows_earns_nothing_and_may_be_anything() -> None:
    """An unscored model counts 0 for quality, between 0 and 1."""
    [only] = ranked([offer("openai/word")])
    part = only.part("quality")
    assert part is not None
    assert (part.value, part.low, part.high, part.known) == (0.0, 0.0, 1.0, False)
    assert only.score.high - only.score.low == pytest.approx(0.5)


def test_anchors_of_your_own() -> None:
    """A wish may say what is worth nothing and what everything."""
    needs = Requirements(nice={"cost": Nice(weight=1, worst=0.01, best=0.0001)})
    [only] = ranked([offer("openai/word", read="1", written="0")], needs)
    assert only.score.value == pytest.approx(0.5)  # $0.001 lies half-way between, on a logarithmic scale


def test_weights_are_shares_and_an_accepted_wish_has_none() -> None:
    """3 : 2 : 1 are a half, a third and a sixth; accepting one leaves the others' proportions."""
    assert [c.weight for c in criteria(NEEDS)] == pytest.approx([1 / 2, 1 / 3, 1 / 6])
    without = Requirements(nice=dict(NEEDS.nice), accept={"quality": "good enough anywhere"})
    assert {c.name: c.weight for c in criteria(without)} == pytest.approx({"cost": 2 / 3, "context": 1 / 3})


def test_every_price_is_looked_up_only_where_it_moves() -> None:
    """A flat list price needs no price list; what cannot be priced says why."""
    needs = Requirements(volume=Volume(requests_per_day=10, input_tokens=1000, output_tokens=500))
    catalog = market(offer("openai/word", read="2", written="8"), offer("openai/voiceword", read="0", written="0"))
    prices = Prices(needs, TODAY)
    free, flat = candidates(catalog)
    assert prices.per_request(flat) == Decimal("0.006")
    assert isinstance(prices.per_request(free), Unknown)
