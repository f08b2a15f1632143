"""How able a model is, from everything known about it: own results, published scores, its predecessors.

Each score points to an ability on the common scale (`scale`), with a variance:

    σ² = (noise / slope)² · caution + spread² where the benchmark measures another skill than the one asked

`caution` is 4 for saturated or contaminated benchmarks and for results only the maker reports, so they
count a quarter. Abilities are averaged by 1/σ², and √(1/Σ(1/σ²)) gives the interval. Nothing here looks
at other candidates.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from statistics import median

import msgspec

from pointsman.catalog.entry import Score
from pointsman.catalog.load import Catalog
from pointsman.core.estimate import Estimate, Unknown
from pointsman.selection.lineage import GAIN, GAIN_SD, Lineage
from pointsman.selection.own_results import OwnResult
from pointsman.selection.scale import Benchmark, ability_of, benchmarks, skill_spread, skills

__all__ = ["Ability", "Basis", "Evidence"]

_CAUTIOUS = 4.0
_FLOOR_SD = 0.12
"""No number of published results makes an ability surer than this: they share settings, harnesses and motives."""
_OWN_CASES_SD = 0.5
"""How far a user's task may lie from everything benchmarks measure: spread of a test set's difficulty between models."""
_Z = 1.96
_SECONDS = {"aider-polyglot-seconds": 1.0, "aider-edit-seconds": 1.7}
"""Seconds for a case, and what turns them into seconds of the harder set: the median ratio of models timed on both."""
_SECONDS_SD = 0.5
"""Of the logarithm: the same model timed by the same team at different times and settings."""


class Basis(msgspec.Struct, frozen=True):
    """One piece of evidence, in words, with its source and date."""

    text: str
    source: str
    checked_on: str
    caution: str = ""


class Ability(msgspec.Struct, frozen=True, kw_only=True):
    """Where a model stands on the common scale."""

    value: float
    sd: float
    basis: tuple[Basis, ...]
    inherited_from: str = ""
    """The predecessor whose results stand in for its own; empty if the evidence is its own."""
    own: bool = False
    """Whether the user's own runs are part of it."""
    on_skill: bool = True
    """Whether anything here measures the skill asked for; otherwise it is ability in general."""

    @property
    def estimate(self) -> Estimate:
        """The same as an Estimate; n counts pieces of evidence."""
        method = "inherited from " + self.inherited_from if self.inherited_from else "benchmarks on one scale"
        reach = _Z * self.sd
        return Estimate(value=self.value, low=self.value - reach, high=self.value + reach, n=len(self.basis), method=method)


class Evidence:
    """All evidence of one catalogue and the user's runs, as known at one date. Answers are kept."""

    def __init__(self, catalog: Catalog, own: Mapping[str, tuple[OwnResult, ...]], as_of: str | None = None) -> None:
        """`own` is by model id; `as_of` hides scores dated later (most carry no date and stay)."""
        self._catalog = catalog
        self._own = own
        self._as_of = as_of
        self._scores = catalog.scores_by_model
        self._lineage = Lineage(catalog, self._scores)
        self._times: dict[str, tuple[Estimate, Basis, str] | Unknown] = {}
        self._kept: dict[tuple[str, str], Ability | Unknown] = {}

    def ability(self, model: str, skill: str = "") -> Ability | Unknown:
        """Ability in a skill, or in general. Unknown if neither the model nor a predecessor has a usable score."""
        key = (model, skill)
        if key not in self._kept:
            self._kept[key] = self._ability(model, skill)
        return self._kept[key]

    def seconds(self, model: str) -> tuple[Estimate, Basis, str] | Unknown:
        """Published seconds for one coding case (an Aider run), with basis and predecessor.

        The price says nothing about speed (Spearman's ρ with the median list price is below 0.2), so nothing is
        guessed from it: Unknown where neither the model nor a predecessor was timed.
        """
        if model not in self._times:
            self._times[model] = self._seconds(model)
        return self._times[model]

    def _seconds(self, model: str) -> tuple[Estimate, Basis, str] | Unknown:
        found = self._own_seconds(model)
        if found is not None:
            return (*found, "")
        for older, _ in self._lineage.predecessors(model):
            inherited = self._own_seconds(older)
            if inherited is not None:
                estimate, basis = inherited
                wide = _log_estimate(estimate.value, 2 * _SECONDS_SD, estimate.n, f"inherited from {older}")
                return wide, basis, older
        return Unknown("nobody has published a time for it")

    def range_of(self, model: str, benchmark: str) -> tuple[float, float, Score] | None:
        """Least and greatest published result on a benchmark, and the greatest; None without any."""
        found = [s for s in self._usable(model) if s.benchmark == benchmark]
        if not found:
            return None
        best = max(found, key=lambda s: s.value)
        scale = 100 if best.value > 1 else 1
        return min(s.value for s in found) / scale, best.value / scale, best

    def measured(self, model: str) -> bool:
        """Whether any offer of the model was in a run of the user's."""
        return model in self._own

    def own_offer(self, model: str, provider: str, name: str) -> OwnResult | None:
        """The user's newest result for exactly this offer; None if it was never in a run."""
        own = [r for r in self._own.get(model, ()) if (r.provider, r.model) == (provider, name)]
        return max(own, key=lambda r: (r.day, r.run), default=None)

    def _usable(self, model: str) -> Iterable[Score]:
        scores = self._scores.get(model, ())
        if self._as_of is None:
            return scores
        return [s for s in scores if s.day is None or s.day <= self._as_of]

    def _ability(self, model: str, skill: str) -> Ability | Unknown:
        own = self._measured(model)
        published = self._published(model, skill)
        if own is not None:
            return _joined(own, published)
        if published is not None:
            return published
        for older, why in self._lineage.predecessors(model):
            known = self._published(older, skill)
            if known is not None:
                text = f"no result of its own; read as {older} and the usual gain of {GAIN:+.2f}: {why}"
                note = Basis(text, "our reading of the names", "")
                return msgspec.structs.replace(
                    known,
                    value=known.value + GAIN,
                    sd=math.hypot(known.sd, GAIN_SD),
                    basis=(note, *known.basis),
                    inherited_from=older,
                )
        return Unknown("no published result on the common scale, nor of a predecessor")

    def _published(self, model: str, skill: str) -> Ability | None:
        known = benchmarks()
        by_benchmark: dict[str, list[Score]] = {}
        for score in self._usable(model):
            if score.benchmark in known:
                by_benchmark.setdefault(score.benchmark, []).append(score)
        if not by_benchmark:
            return None
        total = weighted = 0.0
        basis = []
        for name, scores in sorted(by_benchmark.items()):
            value, precision = self._one(known[name], scores, skill)
            total += precision
            weighted += precision * value
            basis.append((precision, self._words(known[name], scores)))
        ranked = tuple(b for _, b in sorted(basis, key=lambda pair: -pair[0]))
        return Ability(
            value=weighted / total,
            sd=math.hypot(_FLOOR_SD, math.sqrt(1 / total)),
            basis=ranked,
            on_skill=skill not in skills() or any(skill in known[name].skills for name in by_benchmark),
        )

    @staticmethod
    def _one(benchmark: Benchmark, scores: list[Score], skill: str) -> tuple[float, float]:
        value = ability_of(median(s.value for s in scores), benchmark)
        cautious = bool(benchmark.caution) or all(s.self_reported for s in scores)
        variance = (benchmark.noise / benchmark.slope) ** 2 * (_CAUTIOUS if cautious else 1.0)
        if skill in skills() and skill not in benchmark.skills:
            variance += skill_spread() ** 2 * 2
        return value, 1 / variance

    def _words(self, benchmark: Benchmark, scores: list[Score]) -> Basis:
        middle = median(s.value for s in scores)
        shown = f"{middle:.1f}" if middle > 1 else f"{100 * middle:.1f} %"
        source = self._catalog.sources.get(scores[0].source)
        said: list[str] = [benchmark.caution] if benchmark.caution else []
        if all(s.self_reported for s in scores):
            said.append("reported by its maker only")
        return Basis(
            f"{benchmark.title} {shown}",
            source.name if source else scores[0].source,
            scores[0].day or (source.checked_on if source else ""),
            ", ".join(said),
        )

    def _own_seconds(self, model: str) -> tuple[Estimate, Basis] | None:
        for benchmark, factor in _SECONDS.items():
            found = [s for s in self._usable(model) if s.benchmark == benchmark and s.value > 0]
            if found:
                seconds = median(s.value for s in found) * factor
                source = self._catalog.sources.get(found[0].source)
                text = f"{median(s.value for s in found):.1f} s a case ({benchmark.removesuffix('-seconds')})"
                basis = Basis(text, source.name if source else found[0].source, found[0].day or "")
                return _log_estimate(seconds, _SECONDS_SD, len(found), "published time for a coding case"), basis
        return None

    def _measured(self, model: str) -> Ability | None:
        """The user's own quality, put on the common scale through the models that are on both."""
        results = [r for r in self._own.get(model, ()) if isinstance(r.quality, Estimate)]
        if not results:
            return None
        newest = max(results, key=lambda r: (r.day, r.run))
        q = newest.quality
        assert isinstance(q, Estimate)
        low, value, high = (_logit(x) for x in (q.low, q.value, q.high))
        sd = math.hypot((high - low) / (2 * _Z), 0.05)
        text = f"{100 * q.value:.1f} % on {newest.tests} [{100 * q.low:.1f}, {100 * q.high:.1f}], n = {q.n}"
        return Ability(
            value=value + self._link(newest.tests_hash), sd=sd, basis=(Basis(text, newest.source, newest.day),), own=True
        )

    def _link(self, tests_hash: str) -> float:
        """Difficulty of the user's test set on the common scale: mean of (published ability − logit quality)."""
        pairs = [(self._published(model, ""), r) for model, results in self._own.items() for r in results]
        gaps = [
            published.value - _logit(r.quality.value)
            for published, r in pairs
            if published is not None and r.tests_hash == tests_hash and isinstance(r.quality, Estimate)
        ]
        return sum(gaps) / len(gaps) if gaps else 0.0


def _joined(own: Ability, published: Ability | None) -> Ability:
    """Own results and published ones: the latter know nothing of the user's task, so they are widened by its spread."""
    if published is None:
        return own
    a, b = 1 / own.sd**2, 1 / (published.sd**2 + _OWN_CASES_SD**2)
    return Ability(
        value=(a * own.value + b * published.value) / (a + b),
        sd=math.sqrt(1 / (a + b)),
        basis=(*own.basis, *published.basis),
        own=True,
    )


def _log_estimate(value: float, sd: float, n: int, method: str) -> Estimate:
    reach = math.exp(_Z * sd)
    return Estimate(value=value, low=value / reach, high=value * reach, n=n, method=method)


def _logit(share: float) -> float:
    p = min(0.995, max(0.005, share))
    return math.log(p / (1 - p))
