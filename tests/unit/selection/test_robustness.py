"""How sure the first place is."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.core.estimate import Estimate
from pointsman.selection.candidate import candidates
from pointsman.selection.criteria import Criterion, Part
from pointsman.selection.rank import Ranked, score_of
from pointsman.selection.robustness import flips, overtakers, robustness, separator
from pointsman.selection.shortlist import shortlist
from support.selection import market, offer

Utilities = dict[str, float | tuple[float, float, float] | None]


def wishes(**weights: float) -> tuple[Criterion, ...]:
    """Criteria worth what they measure, 0…1."""
    total = sum(weights.values())
    return tuple(Criterion(name=n, weight=w / total) for n, w in weights.items())


def finalist(name: str, criteria: tuple[Criterion, ...], utilities: Utilities) -> Ranked:
    """A candidate with these utilities: a number, (low, value, high), or None for unknown."""
    parts = []
    for c in criteria:
        u = utilities[c.name]
        low, value, high = (0.0, 0.0, 1.0) if u is None else u if isinstance(u, tuple) else (u, u, u)
        parts.append(
            Part(
                criterion=c.name,
                weight=c.weight,
                value=value,
                low=low,
                high=high,
                raw=None if u is None else value,
                words="",
                known=u is not None,
            )
        )
    [candidate] = candidates(market(offer(name)))
    own = tuple(parts)
    return Ranked(candidate=candidate, parts=own, score=score_of(own), to_verify=(), callable=True)


def test_the_flip_is_where_both_are_level() -> None:
    """A leads by 0.6 in quality, B by 0.3 in cost: level where w·0.6 = (1 − w)·0.3, at a third."""
    w = wishes(quality=1, cost=1)
    a = finalist("openai/a", w, {"quality": 0.9, "cost": 0.4})
    b = finalist("anthropic/b", w, {"quality": 0.3, "cost": 0.7})
    by_name = {f.criterion: f for f in flips([a, b], w)}
    assert by_name["quality"].at == pytest.approx(1 / 3)
    assert by_name["cost"].at == pytest.approx(2 / 3)
    assert by_name["quality"].new_first == "anthropic:b"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.05, 1)), min_size=2, max_size=5))
def test_at_the_flip_the_scores_are_equal(rows: list[tuple[float, float, float]]) -> None:
    """Put the weight where the flip says, the others in proportion: the two scores agree."""
    w = wishes(**{f"c{i}": row[2] for i, row in enumerate(rows)})
    a = finalist("openai/a", w, {f"c{i}": row[0] for i, row in enumerate(rows)})
    b = finalist("anthropic/b", w, {f"c{i}": row[1] for i, row in enumerate(rows)})
    first, second = sorted((a, b), key=lambda r: -r.score.value)
    for flip in flips([first, second], w):
        rest = 1 - next(c.weight for c in w if c.name == flip.criterion)
        new = {c.name: flip.at if c.name == flip.criterion else c.weight / rest * (1 - flip.at) for c in w}
        left, right = (sum(new[p.criterion] * p.value for p in r.parts) for r in (first, second))
        assert left == pytest.approx(right, abs=1e-6)


def test_whoever_is_better_on_everything_is_always_first() -> None:
    """No weight flips it, it wins every draw, and nothing needs asking."""
    w = wishes(quality=1, cost=1)
    a = finalist("openai/a", w, {"quality": 0.9, "cost": 0.9})
    b = finalist("anthropic/b", w, {"quality": 0.3, "cost": 0.3})
    found = robustness([a, b], (), w, seed=1, draws=2000)
    assert found.flips == ()
    assert found.first_place["openai:a"].value == 1.0
    assert found.separator is not None
    assert found.separator.how == "none"


def test_two_alike_share_the_draws() -> None:
    """Equal values and equal intervals: half of the draws each, within the error of drawing."""
    w = wishes(quality=1, cost=1)
    alike: Utilities = {"quality": (0.2, 0.5, 0.8), "cost": 0.5}
    found = robustness([finalist("openai/a", w, alike), finalist("anthropic/b", w, alike)], (), w, seed=3)
    share = found.first_place["openai:a"]
    assert share.low <= 0.5 <= share.high


def test_the_seed_decides_the_draws() -> None:
    """The same seed gives the same shares; another seed other ones, close by."""
    w = wishes(quality=1, cost=1)
    field = [
        finalist("openai/a", w, {"quality": (0.2, 0.6, 0.9), "cost": 0.4}),
        finalist("anthropic/b", w, {"quality": (0.3, 0.5, 0.8), "cost": 0.6}),
    ]
    one, again, other = (robustness(field, (), w, seed=s).first_place["openai:a"].value for s in (1, 1, 2))
    assert one == again
    assert one != other
    assert one == pytest.approx(other, abs=0.03)


def test_uncertain_evidence_is_what_to_measure() -> None:
    """The widest interval that could change the first two is the question."""
    w = wishes(quality=2, speed=1)
    a = finalist("openai/a", w, {"quality": (0.2, 0.6, 0.9), "speed": 0.5})
    b = finalist("anthropic/b", w, {"quality": 0.55, "speed": 0.5})
    found = separator([a, b], w)
    assert found is not None
    assert (found.how, found.criterion) == ("measure", "quality")
    assert "your own cases" in found.question


def test_sure_evidence_leaves_weights_to_weigh() -> None:
    """Where nothing can turn out otherwise, the question is how much something counts."""
    w = wishes(quality=2, cost=1)
    a = finalist("openai/a", w, {"quality": 0.9, "cost": 0.4})
    b = finalist("anthropic/b", w, {"quality": 0.3, "cost": 0.7})
    found = separator([a, b], w)
    assert found is not None
    assert found.how == "weigh"
    assert "33%" in found.question


def test_an_unknown_one_is_told_what_it_would_have_to_show() -> None:
    """Level with the first at exactly the utility named."""
    w = wishes(quality=1, cost=1)
    best = finalist("openai/a", w, {"quality": 0.6, "cost": 0.6})
    dark = finalist("anthropic/b", w, {"quality": None, "cost": 0.9})
    [found] = overtakers([best], [dark], w)
    assert found.needs_utility == pytest.approx(0.3)
    assert overtakers([best], [finalist("mistral/c", w, {"quality": None, "cost": 0.1})], w) == ()


def test_of_nobody_nothing_is_said() -> None:
    """No finalists, no shares, no question."""
    found = robustness([], (), wishes(quality=1), seed=0)
    assert (found.first_place, found.flips, found.separator, found.overtakers) == ({}, (), None, ())


def _chances(**shares: float) -> dict[str, Estimate]:
    return {k.replace("__", ":"): Estimate(value=v, low=v, high=v, n=1, method="given") for k, v in shares.items()}


def test_the_shortlist_wants_a_second_maker() -> None:
    """First, then the best of another maker, then the likeliest of the rest."""
    w = wishes(quality=1, cost=1)
    a, b, c, d = (
        finalist("openai/a", w, {"quality": 0.9, "cost": 0.5}),
        finalist("openai/b", w, {"quality": 0.6, "cost": 0.7}),
        finalist("anthropic/c", w, {"quality": 0.5, "cost": 0.75}),
        finalist("mistral/d", w, {"quality": 0.1, "cost": 0.99}),
    )
    chosen = shortlist([a, b, c, d], _chances(openai__a=0.6, openai__b=0.05, anthropic__c=0.1, mistral__d=0.25))
    assert [r.candidate.id for r in chosen] == ["openai:a", "anthropic:c", "mistral:d"]


def test_the_shortlist_leaves_out_who_has_no_chance_and_who_is_beaten() -> None:
    """Two places then."""
    w = wishes(quality=1, cost=1)
    a = finalist("openai/a", w, {"quality": 0.9, "cost": 0.8})
    b = finalist("openai/b", w, {"quality": 0.8, "cost": 0.7})
    c = finalist("anthropic/c", w, {"quality": 0.5, "cost": 0.85})
    beaten = shortlist([a, b, c], _chances(openai__a=0.6, openai__b=0.3, anthropic__c=0.1))
    assert [r.candidate.id for r in beaten] == ["openai:a", "anthropic:c"]
    hopeless = finalist("mistral/d", w, {"quality": 0.1, "cost": 0.9})
    none = shortlist([a, c, hopeless], _chances(openai__a=0.8, anthropic__c=0.2, mistral__d=0.001))
    assert [r.candidate.id for r in none] == ["openai:a", "anthropic:c"]


def test_the_shortlist_of_nobody_and_of_one() -> None:
    """Empty, and one."""
    w = wishes(quality=1)
    one = finalist("openai/a", w, {"quality": 0.9})
    assert shortlist([], {}) == ()
    assert shortlist([one], {}) == (one,)
    assert shortlist([msgspec.structs.replace(one, callable=False)], {})[0].candidate is one.candidate
