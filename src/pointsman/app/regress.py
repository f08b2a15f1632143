"""Has a hosted model changed in silence? A pinned run, and reruns of the same test set compared with it.

A watch is one journal beside the runs: which run is pinned, and what each look found. All looks
together keep one promise: a model that has not become worse is accused with chance at most α, however
many months it is watched.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from pointsman.app.run_dir import RunDir, find_run
from pointsman.core.clock import SYSTEM_CLOCK
from pointsman.core.estimate import Measured, Unknown, measured_json
from pointsman.core.failure import PointsmanError, StorageError
from pointsman.core.verdict import VerdictName
from pointsman.evals.compare import compare_quality
from pointsman.evals.dataset import Dataset
from pointsman.evals.facts import CaseFacts, facts_of
from pointsman.evals.load import load_tallies
from pointsman.evals.signs import losses_and_wins
from pointsman.evals.tally import Tally
from pointsman.stats.sequential.looks import log_sign_evidence, log_total
from pointsman.store.journal import Journal, read_lines
from pointsman.store.migrations import Migration

__all__ = ["Finding", "Look", "Watch", "look_at", "look_document", "migrations_to"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One variant at one look."""

    variant: str
    verdict: VerdictName
    reason: str
    difference: Measured
    """Quality now minus quality pinned, with the interval of this look alone."""
    lost: int
    won: int
    log_e: float
    """Evidence of this look that it has become worse."""
    log_total: float
    """Evidence of all looks since the pin."""
    changed: tuple[str, ...] = ()
    """What else is no longer as it was, such as the model that says it answered."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """A rerun compared with the pin."""

    number: int
    at_s: float
    pinned: str
    run: str
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> VerdictName:
        """Fail if any variant has become worse, unknown if any cannot be told, else pass."""
        found = {f.verdict for f in self.findings}
        return "fail" if "fail" in found else "unknown" if "unknown" in found else "pass"


class _Pin(msgspec.Struct, frozen=True, kw_only=True, tag="pin"):
    run: str
    at_s: float
    tests_hash: str
    scorer_fingerprint: str


class _Looked(msgspec.Struct, frozen=True, kw_only=True, tag="look"):
    run: str
    at_s: float
    variants: dict[str, tuple[int, int]]
    """Losses and wins by variant: all that the next look needs."""
    verdict: Literal["pass", "fail", "unknown"]


_ENCODE = msgspec.json.Encoder().encode
_DECODER = msgspec.json.Decoder(_Pin | _Looked)


class Watch:
    """The journal of one watch."""

    def __init__(self, runs: Path, name: str) -> None:
        """`name` is the eval's. Raises `StorageError` for a journal that cannot be read."""
        self.path = runs / f"regress-{name}.jsonl"
        self.runs = runs
        self._pin: _Pin | None = None
        self._looks: list[_Looked] = []
        for number, (_, line) in enumerate(read_lines(self.path), 1):
            try:
                self._take(_DECODER.decode(line))
            except msgspec.MsgspecError as error:
                hint = "something else has changed the file; `--pin RUN` begins a new watch if you move it away"
                raise StorageError(f"{self.path}:{number}: not a record of a watch: {error}", hint=hint) from error

    @property
    def pinned(self) -> str | None:
        """The run everything is compared with."""
        return self._pin.run if self._pin is not None else None

    @property
    def looks(self) -> int:
        """Looks since the pin."""
        return len(self._looks)

    def losses_and_wins(self, variant: str) -> list[tuple[int, int]]:
        """What earlier looks found of a variant, in order."""
        return [look.variants[variant] for look in self._looks if variant in look.variants]

    def pin(self, directory: RunDir) -> None:
        """Compare with this run from now on; what earlier looks found no longer counts."""
        manifest = directory.manifest()
        self._append(
            _Pin(
                run=directory.path.name,
                at_s=SYSTEM_CLOCK.wall_s(),
                tests_hash=manifest.tests_hash,
                scorer_fingerprint=manifest.scorer_fingerprint,
            )
        )

    def pinned_run(self, after: RunDir) -> RunDir:
        """The pinned run. Raises `PointsmanError` if it is gone, or if `after` asked or judged otherwise."""
        assert self._pin is not None, "pinned first"
        directory = find_run(self.runs, self._pin.run)
        manifest = after.manifest()
        for ours, theirs, what in (
            (self._pin.tests_hash, manifest.tests_hash, "the test set"),
            (self._pin.scorer_fingerprint, manifest.scorer_fingerprint, "the scoring"),
        ):
            if ours != theirs:
                hint = f"a new watch needs a new pin: --pin {after.path.name}"
                raise PointsmanError(f"{what} is not what it was at the pin ({self._pin.run}), so nothing can be told", hint=hint)
        return directory

    def remember(self, look: Look) -> None:
        """Keep what a look found."""
        variants = {f.variant: (f.lost, f.won) for f in look.findings}
        self._append(_Looked(run=look.run, at_s=look.at_s, variants=variants, verdict=look.verdict))

    def _append(self, record: _Pin | _Looked) -> None:
        with Journal(self.path) as journal:
            journal.append(_ENCODE(record))
            journal.sync()
        self._take(record)

    def _take(self, record: _Pin | _Looked) -> None:
        if isinstance(record, _Pin):
            self._pin, self._looks = record, []
        else:
            self._looks.append(record)


def look_at(watch: Watch, after: RunDir, *, margin: float, alpha: float) -> Look:
    """Compare a finished rerun with the pin. Pure but for reading the two runs.

    A variant fails if all looks together say that it loses more cases than it wins (chance at most α if it
    does not, shared among the variants), and this look finds it below by more than `margin`.
    """
    before = watch.pinned_run(after)
    pinned, now = _tallies(before), _tallies(after)
    dataset = Dataset.from_spool(after.cases, file=after.manifest().tests_file)
    facts = facts_of(dataset)
    common = [name for name in now if name in pinned]
    if not common:
        raise PointsmanError("no variant has the name it had at the pin", hint=f"at the pin: {', '.join(pinned)}")
    threshold = math.log(len(common) / alpha)
    findings = tuple(
        _finding(name, now[name], pinned[name], facts, watch.losses_and_wins(name), margin, threshold) for name in common
    )
    return Look(
        number=watch.looks + 1,
        at_s=SYSTEM_CLOCK.wall_s(),
        pinned=before.path.name,
        run=after.path.name,
        findings=findings,
    )


def migrations_to(look: Look, migrations: Sequence[Migration]) -> list[tuple[Finding, Migration]]:
    """The migrations that moved, or are moving, traffic to a variant that this look found worse."""
    failed = {f.variant: f for f in look.findings if f.verdict == "fail"}
    return [(failed[m.candidate], m) for m in migrations if m.candidate in failed and m.status in ("running", "completed")]


def look_document(look: Look) -> dict[str, object]:
    """The published JSON."""
    return {
        "run": look.run,
        "pinned": look.pinned,
        "look": look.number,
        "verdict": look.verdict,
        "variants": {f.variant: _finding_document(f) for f in look.findings},
    }


def _finding_document(found: Finding) -> Mapping[str, object]:
    return {
        "verdict": found.verdict,
        "reason": found.reason,
        "difference": measured_json(found.difference),
        "lost": found.lost,
        "won": found.won,
        "e_value": {"this_look": _exp(found.log_e), "all_looks": _exp(found.log_total)},
        "changed": list(found.changed),
    }


def _exp(log_e: float) -> float:
    return math.exp(min(log_e, 700.0))


def _tallies(directory: RunDir) -> dict[str, Tally]:
    manifest = directory.manifest()
    dataset = Dataset.from_spool(directory.cases, file=manifest.tests_file)
    found = load_tallies(directory.journal, dataset, list(manifest.variant_hashes.values()), manifest.repeats)
    return dict(zip(manifest.variant_hashes, found, strict=True))


def _finding(
    name: str,
    now: Tally,
    pinned: Tally,
    facts: CaseFacts,
    earlier: list[tuple[int, int]],
    margin: float,
    threshold: float,
) -> Finding:
    compared = compare_quality(name, now, "pinned", pinned, facts, margin, 0.95, 0)
    lost, won = losses_and_wins(now.case_scores(), pinned.case_scores(), facts.clusters)
    log_e = log_sign_evidence(lost, won)
    total = log_total([*(log_sign_evidence(*each) for each in earlier), log_e])
    verdict, reason = _verdict(compared.difference, compared.verdict, total, threshold, margin)
    return Finding(
        variant=name,
        verdict=verdict,
        reason=reason,
        difference=compared.difference,
        lost=lost,
        won=won,
        log_e=log_e,
        log_total=total,
        changed=_changed(now, pinned),
    )


def _verdict(
    difference: Measured, this_look: VerdictName, total: float, threshold: float, margin: float
) -> tuple[VerdictName, str]:
    points = f"{100 * margin:g} points"
    if isinstance(difference, Unknown):
        return "unknown", difference.reason
    if total >= threshold and difference.value < -margin:
        return "fail", f"it has become worse by more than {points}"
    if total >= threshold:
        return "unknown", f"it has become worse, but this look does not put it beyond {points}"
    if this_look == "pass":
        return "pass", f"a loss of more than {points} is ruled out"
    return "unknown", f"no proof of a loss, and a loss of more than {points} is not ruled out"


def _changed(now: Tally, pinned: Tally) -> tuple[str, ...]:
    found: list[str] = []
    if now.served_models != pinned.served_models:
        was, is_ = (", ".join(sorted(t.served_models)) or "nobody" for t in (pinned, now))
        found.append(f"served by {is_}; at the pin by {was}")
    for what, ours, theirs in (
        ("latency", now.case_mean(now.latency_s), pinned.case_mean(pinned.latency_s)),
        ("cost", now.case_mean(now.cost_usd), pinned.case_mean(pinned.cost_usd)),
    ):
        both = (ours > 0.0) & (theirs > 0.0)
        ratio = float(np.median(ours[both] / theirs[both])) if both.any() else 1.0
        if not 2 / 3 <= ratio <= 1.5:
            found.append(f"median {what} is {ratio:.2g} times what it was")
    return tuple(found)
