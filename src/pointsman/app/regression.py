"""Two runs of the same kind, one after the other: has anything become worse?"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from pointsman.app.run_dir import Manifest, RunDir
from pointsman.core.failure import PointsmanError
from pointsman.core.verdict import VerdictName
from pointsman.evals.compare import compare_cost, compare_latency, compare_quality
from pointsman.evals.dataset import Dataset
from pointsman.evals.facts import CaseFacts, facts_of
from pointsman.evals.load import load_tallies
from pointsman.evals.result import Comparison
from pointsman.evals.tally import Tally

__all__ = ["Regression", "compare_runs"]


class Regression(msgspec.Struct, frozen=True, kw_only=True):
    """Every paired variant of two runs, and the verdict over their quality."""

    baseline_run: str
    candidate_run: str
    comparisons: tuple[Comparison, ...]
    verdict: VerdictName
    reason: str
    warnings: tuple[str, ...]


class _Opened(msgspec.Struct):
    manifest: Manifest
    dataset: Dataset
    tallies: dict[str, Tally]


def compare_runs(before: RunDir, after: RunDir, *, margin: float, pairs: Sequence[str] = ()) -> Regression:
    """`after` against `before` on the cases both hold, for variants of one name or for each `A=B` of `pairs`.

    Raises `PointsmanError` if their scorers differ, if no case is in both, or if nothing can be paired.
    """
    a, b = _open(before), _open(after)
    if a.manifest.scorer_fingerprint != b.manifest.scorer_fingerprint:
        raise PointsmanError(
            f"{before.path.name} and {after.path.name} were scored differently, so a difference could be the scorer's",
            hint="score both alike: `pointsman eval --rescore RUN` with the newer eval.yaml",
        )
    _, in_a, in_b = np.intersect1d(a.dataset.hashes, b.dataset.hashes, return_indices=True)
    if in_a.size == 0:
        raise PointsmanError("the two runs have no case in common", hint="compare runs over the same test set")
    facts = _facts_on(facts_of(a.dataset), in_a)
    comparisons: list[Comparison] = []
    for old, new in _paired(a, b, pairs):
        base, tally = a.tallies[old].on(in_a), b.tallies[new].on(in_b)
        level, seed = b.manifest.level, b.manifest.seed
        comparisons.append(compare_quality(new, tally, old, base, facts, margin, level, seed))
        comparisons.append(compare_latency(new, tally, old, base, facts, None, level, seed))
        comparisons.append(compare_cost(new, tally, old, base, facts, None, level, seed))
    verdict, reason = _verdict([c for c in comparisons if c.metric == "quality"])
    return Regression(
        baseline_run=before.path.name,
        candidate_run=after.path.name,
        comparisons=tuple(comparisons),
        verdict=verdict,
        reason=reason,
        warnings=_warnings(a, b, in_a.size),
    )


def _open(directory: RunDir) -> _Opened:
    manifest = directory.manifest()
    dataset = Dataset.from_spool(directory.cases, file=manifest.tests_file)
    names = list(manifest.variant_hashes)
    tallies = load_tallies(directory.journal, dataset, list(manifest.variant_hashes.values()), manifest.repeats)
    return _Opened(manifest, dataset, dict(zip(names, tallies, strict=True)))


def _paired(a: _Opened, b: _Opened, pairs: Sequence[str]) -> list[tuple[str, str]]:
    if not pairs:
        same = [(name, name) for name in a.tallies if name in b.tallies]
        if not same:
            hint = f"name them with --variant A=B; first run: {', '.join(a.tallies)}; second: {', '.join(b.tallies)}"
            raise PointsmanError("no variant has the same name in both runs", hint=hint)
        return same
    found: list[tuple[str, str]] = []
    for pair in pairs:
        old, _, new = pair.partition("=")
        if old not in a.tallies or (new or old) not in b.tallies:
            hint = f"first run: {', '.join(a.tallies)}; second: {', '.join(b.tallies)}"
            raise PointsmanError(f"--variant {pair}: there is no such pair", hint=hint)
        found.append((old, new or old))
    return found


def _facts_on(facts: CaseFacts, cases: np.ndarray[tuple[int], np.dtype[np.intp]]) -> CaseFacts:
    clusters = None if facts.clusters is None else facts.clusters[cases]
    return CaseFacts(cases=len(cases), clusters=clusters, tags={})


def _verdict(comparisons: Sequence[Comparison]) -> tuple[VerdictName, str]:
    for wanted, word in (("fail", "worse"), ("unknown", "not settled")):
        found = [c for c in comparisons if c.verdict == wanted]
        if found:
            return found[0].verdict, "; ".join(f"{c.candidate} is {word}: {c.reason}" for c in found)
    return "pass", "no variant lost more than the margin"


def _warnings(a: _Opened, b: _Opened, common: int) -> tuple[str, ...]:
    found: list[str] = []
    for opened, word in ((a, "first"), (b, "second")):
        if common < len(opened.dataset):
            found.append(f"{len(opened.dataset) - common} cases of the {word} run are not in the other and were left out")
    if a.manifest.repeats != b.manifest.repeats:
        found.append(f"repeats differ ({a.manifest.repeats} and {b.manifest.repeats}); each case counts once in either run")
    return tuple(found)
