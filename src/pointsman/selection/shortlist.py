"""Two or three variants worth a bake-off, unlike each other, ready for `pointsman eval`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import yaml

from pointsman.core.estimate import Estimate
from pointsman.selection.latency import latency_limit_s
from pointsman.selection.lineage import line_of
from pointsman.selection.pareto import dominates
from pointsman.selection.rank import Ranked
from pointsman.selection.requirements import Requirements

__all__ = ["best_of_each_line", "eval_skeleton", "shortlist"]

MOST = 3
_HOPELESS = 0.02
"""Nobody with less than this chance of coming first takes a third place."""


def best_of_each_line(ranked: Sequence[Ranked]) -> tuple[Ranked, ...]:
    """The first of each maker's line: its siblings rest on the same evidence and would only split its chances."""
    first: dict[str, Ranked] = {}
    for r in ranked:
        line = line_of(r.candidate.model)
        first.setdefault(line.name if line else r.candidate.model, r)
    return tuple(first.values())


def shortlist(finalists: Sequence[Ranked], first_place: Mapping[str, Estimate]) -> tuple[Ranked, ...]:
    """The first; then the best of another maker; then the likeliest of the rest, if it has a chance at all.

    Two variants of one maker fail together and are trained alike: a second maker is worth more than a
    second model, even one that the first beats on paper; a third one must not be beaten. A candidate of
    which nothing is known comes in only if of nobody anything is. Fewer than two finalists give a shorter list.
    """
    finalists = [r for r in finalists if r.score.n] or finalists
    if not finalists:
        return ()
    first = finalists[0]
    other = next((r for r in finalists[1:] if r.candidate.maker != first.candidate.maker), None)
    chosen = [first, other] if other is not None else [first]
    unbeaten = (r for r in finalists if r not in chosen and not any(_beats(c, r) for c in chosen))
    rest = sorted(unbeaten, key=lambda r: -_chance(r, first_place))
    room = MOST if len(chosen) > 1 else 2
    for r in rest:
        if len(chosen) < room and (_chance(r, first_place) >= _HOPELESS or len(chosen) < 2):
            chosen.append(r)
    return tuple(r for r in finalists if r in chosen)


def _beats(a: Ranked, b: Ranked) -> bool:
    return all(p.known for p in (*a.parts, *b.parts)) and dominates(a, b)


def _chance(r: Ranked, first_place: Mapping[str, Estimate]) -> float:
    found = first_place.get(r.candidate.id)
    return found.value if found is not None else 0.0


def eval_skeleton(chosen: Sequence[Ranked], requirements: Requirements) -> str:
    """An `eval.yaml` for the shortlist: variants and criteria filled in, the test set left to the user."""
    limit_s = latency_limit_s(requirements.must.latency)
    criteria: dict[str, dict[str, float]] = {"quality": {"margin": 0.02}}
    if limit_s is not None:
        criteria["latency_p95_s"] = {"max": limit_s}
    if requirements.must.budget_usd_per_request is not None:
        criteria["cost_per_request_usd"] = {"max": requirements.must.budget_usd_per_request}
    names = {r.candidate.id: _variant_name(r) for r in chosen}
    document = {
        "name": requirements.name,
        "tests": "cases.jsonl",
        "variants": {names[r.candidate.id]: _variant(r, requirements) for r in chosen},
        "baseline": next(iter(names.values()), None),
        "scorers": ["exact"],
        "criteria": criteria,
        "budget_usd": 5,
        "seed": 7,
    }
    head = (
        "# From `pointsman select`. Put 100 or more of your own cases into cases.jsonl, one JSON object a line:\n"
        '#   {"id": "1", "input": "…", "target": "…"}\n'
        "# choose the scorer that fits your task, and run `pointsman eval`.\n"
    )
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def _variant(r: Ranked, requirements: Requirements) -> dict[str, object]:
    longest = max(requirements.must.output_tokens, 4 * requirements.volume.output_tokens, 256)
    return {"provider": r.candidate.provider, "model": r.candidate.name, "params": {"max_output_tokens": longest}}


def _variant_name(r: Ranked) -> str:
    return r.candidate.model.partition("/")[2] or r.candidate.name
