"""What is out, and by which fact; and what nobody says, which is neither a refusal nor a pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import Literal, TypeVar

import msgspec

from pointsman.catalog.entry import Offer
from pointsman.catalog.lifecycle import Lifecycle, lifecycle
from pointsman.catalog.naming import MAKER_OF_PROVIDER
from pointsman.core.estimate import Estimate, Unknown
from pointsman.core.fact import Fact
from pointsman.selection.candidate import Candidate
from pointsman.selection.evidence import Evidence
from pointsman.selection.latency import latency_limit_s
from pointsman.selection.money import Prices
from pointsman.selection.requirements import QualityFloor, Requirements, budget_limit_usd
from pointsman.selection.scale import benchmarks
from pointsman.selection.terms import region_fact, training_fact

__all__ = ["Finding", "Screened", "Screening", "month_after", "screen"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One need against one fact."""

    offer: str
    constraint: str
    state: Literal["refused", "unknown"]
    need: str
    fact: str
    """What is known, in words; for an unknown, what is not."""
    source: str = ""
    checked_on: str = ""
    blocking: bool = False
    """An unknown that a document could answer: those who answer it come first. Otherwise only measuring or a
    contract can, for everybody alike."""


class Screened(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that nothing refuses, with what is still open about it."""

    candidate: Candidate
    to_verify: tuple[Finding, ...]

    @property
    def verified(self) -> bool:
        """Whether every need that documents can answer is answered."""
        return not any(f.blocking for f in self.to_verify)


class Screening(msgspec.Struct, frozen=True, kw_only=True):
    """All candidates, sorted into kept and refused."""

    kept: tuple[Screened, ...]
    refused: tuple[Finding, ...]
    """The first fact that rules each one out."""


T = TypeVar("T")
_MAKERS_WITH_API = frozenset(MAKER_OF_PROVIDER.values())
_PERMISSIVE = re.compile(r"(apache|mit|bsd)\b", re.IGNORECASE)
_REQUIREMENTS = ("your requirements", "")
Judge = Callable[[Candidate], Iterator[Finding]]


def screen(
    candidates: Iterable[Candidate], requirements: Requirements, as_of: date, evidence: Evidence, prices: Prices, today: date
) -> Screening:
    """Judge every candidate by every must until one refuses it.

    `today` is the day the catalogue speaks of: on an earlier `as_of`, a model without a release date may
    not have existed yet, and what the lists name now says nothing.
    """
    judges = list(_judges(requirements, as_of, evidence, prices, today))
    kept, refused = [], []
    for candidate in candidates:
        refusal, open_questions = _judge(candidate, judges)
        if refusal is not None:
            refused.append(refusal)
        else:
            kept.append(Screened(candidate=candidate, to_verify=tuple(open_questions)))
    return Screening(kept=tuple(kept), refused=tuple(refused))


def _judge(candidate: Candidate, judges: list[Judge]) -> tuple[Finding | None, list[Finding]]:
    unknown: list[Finding] = []
    for judge in judges:
        for finding in judge(candidate):
            if finding.state == "refused":
                return finding, unknown
            unknown.append(finding)
    return None, unknown


def month_after(day: date, months: int) -> date:
    """The same day so many months later, or the month's last."""
    year, month = divmod(day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(day.year + year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError  # every month has 28 days


def _judges(r: Requirements, as_of: date, evidence: Evidence, prices: Prices, today: date) -> Iterator[Judge]:
    """One judge for each must, the cheapest and most telling first; a must that is accepted as a trade-off has none."""
    m = r.must
    every: list[tuple[str, Judge | None]] = [
        ("horizon_months", _lives(as_of, month_after(as_of, m.horizon_months), today)),
        ("providers", _allowed(r)),
        ("modalities_in", _reads("modalities_in", m.modalities_in)),
        ("modalities_out", _reads("modalities_out", m.modalities_out)),
        ("context_tokens", _window(r.context_tokens, m.context_tokens > 0)),
        ("output_tokens", _writes(m.output_tokens) if m.output_tokens else None),
        *(("capabilities", _can(c)) for c in m.capabilities),
        ("open_weights", _open(m.open_weights) if m.open_weights is not None else None),
        ("commercial_use", _licensed if m.commercial_use else None),
        ("privacy", _stays if m.privacy.stays_on_premises else None),
        ("privacy", _region(m.privacy.region) if m.privacy.region else None),
        ("privacy", _untrained if m.privacy.no_training else None),
        ("budget", _affordable(r, prices)),
        *(("quality", _good(floor, evidence)) for floor in m.quality),
        ("latency", _quick(r, evidence)),
    ]
    yield from (judge for name, judge in every if judge is not None and name not in r.accept)


def _lives(as_of: date, until: date, today: date) -> Judge:
    past = as_of < today
    need = f"answers on {as_of} and until {until}"
    at_the_maker: dict[str, tuple[Offer, Lifecycle] | None] = {}

    def makers(c: Candidate) -> tuple[Offer, Lifecycle] | None:
        """The maker's own offer that lasts longest; None for open weights and where the maker offers none."""
        if c.model not in at_the_maker:
            model = c.facts.models.get(c.model)
            closed = not (model is not None and model.open_weights)
            own = [o for o in c.facts.offers_by_model.get(c.model, ()) if closed and MAKER_OF_PROVIDER.get(o.provider) == c.maker]
            cycles = [(o, lifecycle(o, as_of)) for o in own]
            at_the_maker[c.model] = max(cycles, key=lambda pair: _lasting(pair[1]), default=None)
        return at_the_maker[c.model]

    def judge(c: Candidate) -> Iterator[Finding]:
        if past:
            yield from _born(c, as_of)
        if c.offer is None:
            return
        own = lifecycle(c.offer, as_of)
        yield from _ends(c, need, own, until, past=past)
        if c.own_offer or own.ends_on is not None:
            return
        maker = makers(c)
        if maker is None:
            yield from _orphaned(c, need)
            return
        for finding in _ends(c, need, maker[1], until, past=past, at=f" at its maker ({maker[0].id})"):
            # A router has nothing to pass on to; a platform with a schedule of its own may go on, or not.
            yield msgspec.structs.replace(finding, state="unknown", blocking=True) if c.own_schedule else finding

    return judge


def _orphaned(c: Candidate, need: str) -> Iterator[Finding]:
    """A router's copy of a model with closed weights that its maker, who has an API, does not offer."""
    model = c.facts.models.get(c.model)
    is_open = model is not None and model.open_weights
    if not is_open and c.maker in _MAKERS_WITH_API and not c.own_schedule:
        yield _unknown(c, "lifecycle", need, "its maker has an API and does not list it there", blocking=True)


def _lasting(cycle: Lifecycle) -> tuple[date, bool]:
    return cycle.ends_on or date.max, cycle.stage != "unconfirmed"


def _ends(c: Candidate, need: str, cycle: Lifecycle, until: date, *, past: bool, at: str = "") -> Iterator[Finding]:
    source = c.facts.sources.get(cycle.source)
    by = (source.name if source else cycle.source, source.checked_on if source else "")
    if cycle.stage in ("shut_down", "rerouted"):
        word = "shut down" if cycle.stage == "shut_down" else f"rerouted to {cycle.to}"
        yield _refused(c, "lifecycle", need, f"{word}{at} on {cycle.ends_on}", by)
    elif not cycle.alive(until):
        hint = f"; {cycle.to} is advised instead" if cycle.to else ""
        yield _refused(c, "lifecycle", need, f"stops{at} on {cycle.ends_on}{hint}", by)
    elif cycle.stage == "unconfirmed" and not past:
        yield _unknown(c, "lifecycle", need, f"no current list of its maker names it any more{at}", blocking=True)


def _born(c: Candidate, as_of: date) -> Iterator[Finding]:
    need = f"released by {as_of}"
    released, cutoff = c.fact("released_on"), c.fact("knowledge_cutoff")
    if released is not None and str(released.value) > as_of.isoformat()[: len(str(released.value))]:
        yield _refused(c, "lifecycle", need, f"released {released.value}", _by(released))
    elif released is None and cutoff is not None and str(cutoff.value) > as_of.isoformat():
        yield _refused(c, "lifecycle", need, f"knows of {cutoff.value}", _by(cutoff))
    elif released is None:
        yield _unknown(c, "lifecycle", need, "nobody says when it was released", blocking=True)


def _allowed(r: Requirements) -> Judge | None:
    m = r.must
    if not (m.providers or m.not_providers or m.not_makers):
        return None

    def judge(c: Candidate) -> Iterator[Finding]:
        if m.providers and c.provider not in m.providers:
            yield _refused(c, "providers", f"one of {', '.join(m.providers)}", f"offered by {c.provider}", _REQUIREMENTS)
        elif c.provider in m.not_providers or c.maker in m.not_makers:
            said = f"{c.maker}'s, offered by {c.provider}"
            yield _refused(c, "providers", "not a provider or maker you rule out", said, _REQUIREMENTS)

    return judge


def _reads(field: str, wanted: tuple[str, ...]) -> Judge:
    verb = "reads" if field == "modalities_in" else "writes"

    def judge(c: Candidate) -> Iterator[Finding]:
        fact = c.fact(field)
        if fact is None:
            # Every chat offer reads and writes text; what else it does has to be said by somebody.
            if set(wanted) - {"text"}:
                yield _unknown(c, field, f"{verb} {', '.join(wanted)}", f"nobody says what it {verb}", blocking=True)
            return
        has = fact.value if isinstance(fact.value, tuple) else ()
        if lacking := [w for w in wanted if w not in has]:
            said = f"{verb} {', '.join(has)}; not {', '.join(lacking)}"
            yield _refused(c, field, f"{verb} {', '.join(wanted)}", said, _by(fact))

    return judge


def _window(needed: int, asked: bool) -> Judge:  # noqa: FBT001 - named at its only call
    def judge(c: Candidate) -> Iterator[Finding]:
        whole, reads = c.fact("context_tokens"), c.fact("max_input_tokens")
        facts = [f for f in (whole, reads) if f is not None and isinstance(f.value, int)]
        # A maximum input beside a larger window is the binding one; alone, either is all that is known.
        binding = min(facts, key=lambda f: int(str(f.value))) if facts else None
        need = f"{needed:,} tokens in one request"
        if binding is None:
            if asked:
                yield _unknown(c, "context_tokens", need, "nobody states its window", blocking=True)
        elif int(str(binding.value)) < needed:
            yield _refused(c, "context_tokens", need, f"a window of {binding.value:,} tokens", _by(binding))

    return judge


def _writes(needed: int) -> Judge:
    def judge(c: Candidate) -> Iterator[Finding]:
        fact, need = c.fact("max_output_tokens"), f"answers of {needed:,} tokens"
        if fact is None:
            yield _unknown(c, "output_tokens", need, "nobody states its longest answer", blocking=True)
        elif isinstance(fact.value, int) and fact.value < needed:
            yield _refused(c, "output_tokens", need, f"at most {fact.value:,} tokens", _by(fact))

    return judge


def _can(capability: str) -> Judge:
    word = capability.replace("_", " ")

    def judge(c: Candidate) -> Iterator[Finding]:
        fact = capability_fact(c, capability)
        if fact is None:
            yield _unknown(c, f"capabilities.{capability}", word, f"nobody says whether it has {word}", blocking=True)
        elif fact.value is False:
            yield _refused(c, f"capabilities.{capability}", word, f"no {word}", _by(fact))

    return judge


def capability_fact(c: Candidate, capability: str) -> Fact[object] | None:
    """Whether a candidate has a capability; what follows from other facts is followed."""
    if capability == "fine_tuning":
        fact = c.fact("open_weights")
        return fact if fact is not None and fact.value is True else _tuned_offer(c)
    if capability == "batch":
        modes = c.fact("modes")
        return None if modes is None else Fact("batch" in str(modes.value), modes.source, modes.checked_on)
    return c.fact(f"capabilities.{capability}")


def _tuned_offer(c: Candidate) -> Fact[object] | None:
    tuned = c.facts.offers.get(f"{c.provider}:ft:{c.name}")
    return c.facts.fact(tuned, "provider") if tuned is not None else None


def _open(wanted: bool) -> Judge:  # noqa: FBT001 - a value of the file, not a switch
    need = "open weights" if wanted else "closed weights"

    def judge(c: Candidate) -> Iterator[Finding]:
        fact = c.fact("open_weights")
        if fact is None:
            yield _unknown(c, "open_weights", need, "nobody says whether its weights are open", blocking=True)
        elif fact.value is not wanted:
            yield _refused(c, "open_weights", need, f"weights are {'open' if fact.value else 'closed'}", _by(fact))

    return judge


def _licensed(c: Candidate) -> Iterator[Finding]:
    if c.deployment != "self_hosted":
        return
    fact, licence = c.fact("commercial_use"), c.fact("licence")
    name = f" ({licence.value})" if licence else ""
    if fact is None and licence is not None and _PERMISSIVE.match(str(licence.value)):
        return
    if fact is None:
        yield _unknown(c, "commercial_use", "commercial use", f"read its licence{name}: nobody says whether it allows this")
    elif fact.value is False:
        yield _refused(c, "commercial_use", "commercial use", f"its licence{name} does not allow it", _by(fact))


def _stays(c: Candidate) -> Iterator[Finding]:
    if c.deployment == "api":
        said = f"{c.provider} answers over its own API"
        yield _refused(c, "privacy.stays_on_premises", "data stays on your premises", said, (f"provider row {c.provider}", ""))


def _region(region: str) -> Judge:
    def judge(c: Candidate) -> Iterator[Finding]:
        if c.deployment == "self_hosted":
            return
        need, found = f"processing inside {region.upper()}", region_fact(c.provider)
        if found is None:
            yield _unknown(c, "privacy.region", need, f"nobody says where {c.provider} processes", blocking=True)
            return
        fact, note = found
        if region not in fact.value:
            said = f"{c.provider}: {', '.join(fact.value).upper()}{'; ' + note if note else ''}"
            yield _refused(c, "privacy.region", need, said, _by(fact))
        else:
            said = f"possible at {c.provider} as far as we recall, not read anew{'; ' + note if note else ''}: read the contract"
            yield _unknown(c, "privacy.region", need, said, _by(fact))

    return judge


def _untrained(c: Candidate) -> Iterator[Finding]:
    if c.deployment == "self_hosted":
        return
    need, found = "no training on your data", training_fact(c.provider)
    if found is None:
        yield _unknown(c, "privacy.no_training", need, f"nobody says what {c.provider} does with the data", blocking=True)
        return
    fact, note = found
    said = (fact.source, fact.checked_on)
    if not fact.value:
        yield _refused(c, "privacy.no_training", need, f"{c.provider}: {note or 'may train on it'}", said)
    else:
        promise = f"promised by {c.provider} as far as we recall, not read anew{'; ' + note if note else ''}: read the contract"
        yield _unknown(c, "privacy.no_training", need, promise, said)


def _affordable(r: Requirements, prices: Prices) -> Judge | None:
    month_limit, request_limit = budget_limit_usd(r), r.must.budget_usd_per_request
    requests = prices.requests_per_month
    if request_limit is None and (month_limit is None or requests is None):
        return None

    def judge(c: Candidate) -> Iterator[Finding]:
        price = prices.per_request(c)
        if isinstance(price, Unknown):
            yield _unknown(c, "budget", _budget_words(month_limit, request_limit), price.reason, blocking=True)
            return
        fact = c.fact("usd_per_million") or Fact(None, "sizing of own cards", "")
        month = price * (requests or Decimal(0))
        if month_limit is not None and requests is not None and month > Decimal(str(month_limit)):
            said = f"${month:,.0f} a month at {requests:,.0f} requests of ${price:.6f}"
            yield _refused(c, "budget", _budget_words(month_limit, None), said, _by(fact))
        elif request_limit is not None and price > Decimal(str(request_limit)):
            yield _refused(c, "budget", _budget_words(None, request_limit), f"${price:.6f} a request", _by(fact))

    return judge


def _budget_words(month: float | None, request: float | None) -> str:
    words = [f"at most ${month:,.0f} a month"] if month is not None else []
    return " and ".join([*words, *([f"at most ${request:g} a request"] if request is not None else [])])


def _good(floor: QualityFloor, evidence: Evidence) -> Judge:
    def judge(c: Candidate) -> Iterator[Finding]:
        title = "your own tests" if floor.benchmark == "own" else benchmarks()[floor.benchmark].title
        need = f"at least {floor.min:g} on {title}"
        found = _own_range(c, evidence) if floor.benchmark == "own" else _published_range(c, floor.benchmark, evidence)
        if found is None:
            yield _unknown(c, "quality", need, f"no result on {title}")
            return
        low, high, said, source, day = found
        if high < floor.min:
            yield _refused(c, "quality", need, said, (source, day))
        elif low < floor.min:
            yield _unknown(c, "quality", need, said, (source, day))

    return judge


def _own_range(c: Candidate, evidence: Evidence) -> tuple[float, float, str, str, str] | None:
    own = evidence.own_offer(c.model, c.provider, c.name)
    q = own.quality if own is not None else None
    if own is None or not isinstance(q, Estimate):
        return None
    return q.low, q.high, f"{q.value:.3f} [{q.low:.3f}, {q.high:.3f}] on {own.tests}", own.source, own.day


def _published_range(c: Candidate, benchmark: str, evidence: Evidence) -> tuple[float, float, str, str, str] | None:
    found = evidence.range_of(c.model, benchmark)
    if found is None:
        return None
    low, high, best = found
    source = c.facts.sources.get(best.source)
    said = f"{high:.3f} at best" if low == high else f"between {low:.3f} and {high:.3f}, by setting"
    return low, high, said, source.name if source else best.source, best.day or (source.checked_on if source else "")


def _quick(r: Requirements, evidence: Evidence) -> Judge | None:
    limit = latency_limit_s(r.must.latency)
    if limit is None:
        return None

    def judge(c: Candidate) -> Iterator[Finding]:
        need = f"answers within {limit:g} s at the 95th percentile"
        own = evidence.own_offer(c.model, c.provider, c.name)
        p95 = own.latency_p95_s if own is not None else None
        if own is None or not isinstance(p95, Estimate):
            yield _unknown(c, "latency", need, "no public source states latency for your requests: a bake-off measures it")
        elif p95.low > limit:
            yield _refused(c, "latency", need, f"{p95.value:.2f} s measured", (own.source, own.day))
        elif p95.high > limit:
            said = f"{p95.value:.2f} s measured, interval [{p95.low:.2f}, {p95.high:.2f}]"
            yield _unknown(c, "latency", need, said, (own.source, own.day))

    return judge


def _by(fact: Fact[T]) -> tuple[str, str]:
    return fact.source, fact.checked_on


def _refused(c: Candidate, constraint: str, need: str, said: str, by: tuple[str, str] = ("", "")) -> Finding:
    return Finding(offer=c.id, constraint=constraint, state="refused", need=need, fact=said, source=by[0], checked_on=by[1])


def _unknown(
    c: Candidate, constraint: str, need: str, said: str, by: tuple[str, str] = ("", ""), *, blocking: bool = False
) -> Finding:
    return Finding(
        offer=c.id,
        constraint=constraint,
        state="unknown",
        need=need,
        fact=said,
        source=by[0],
        checked_on=by[1],
        blocking=blocking,
    )
