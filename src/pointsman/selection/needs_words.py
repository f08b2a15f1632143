"""The needs in words, defaults and profile included: the figures of a report rest on them."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.selection.criteria import Criterion
from pointsman.selection.latency import latency_limit_s
from pointsman.selection.requirements import Must, Requirements, Volume, budget_limit_usd

__all__ = ["needs_words"]

_USUAL, _USUAL_MUST = Volume(), Must()
_OURS = " (our default)"


def needs_words(requirements: Requirements, wishes: Sequence[Criterion]) -> tuple[str, ...]:
    """One line each: what is asked and how often, what must hold, what is wished for, and whose figures these are."""
    wished = ", ".join(f"{c.name.replace('_', ' ')} {c.weight:.0%}" for c in wishes)
    return (
        f"asked: {_volume(requirements)}",
        f"must: {'; '.join(_musts(requirements))}",
        *([f"wished, by weight: {wished}"] if wished else []),
        *([f"what you did not say yourself is the profile's, {requirements.profile}"] if requirements.profile else []),
    )


def _volume(r: Requirements) -> str:
    v = r.volume
    heard = f", {v.input_audio_tokens:,} heard" if v.input_audio_tokens else ""
    spoken = f", {v.output_audio_tokens:,} spoken" if v.output_audio_tokens else ""
    each = f"{v.input_tokens:,} tokens read{heard}, {v.output_tokens:,} written{spoken}"
    if r.requests_per_day is None:
        return f"{each} a request{_default(v)}; no monthly bill, because volume.requests_per_day is not given"
    grown = f"{v.growth:g} times as many in twelve months{_OURS if v.growth == _USUAL.growth else ''}"
    return f"{r.requests_per_day:,.0f} requests a day; {each} each{_default(v)}; {grown}"


def _default(v: Volume) -> str:
    return _OURS if (v.input_tokens, v.output_tokens) == (_USUAL.input_tokens, _USUAL.output_tokens) else ""


def _musts(r: Requirements) -> list[str]:
    m = r.must
    limit, budget = latency_limit_s(m.latency), budget_limit_usd(r)
    said = [
        f"read {', '.join(m.modalities_in)} and write {', '.join(m.modalities_out)}",
        f"answer for {m.horizon_months} months to come{_OURS if m.horizon_months == _USUAL_MUST.horizon_months else ''}",
        f"take {r.context_tokens:,} tokens in one request",
        f"write {m.output_tokens:,} tokens in one answer" if m.output_tokens else "",
        f"answer within {limit:g} s at the 95th percentile" if limit is not None else "",
        f"cost at most ${budget:,.0f} a month" if budget is not None else "",
        f"cost at most ${m.budget_usd_per_request:g} a request" if m.budget_usd_per_request is not None else "",
        *(f"have {c.replace('_', ' ')}" for c in m.capabilities),
        *_where(m),
        *(f"reach {f.min:g} on {'your own tests' if f.benchmark == 'own' else f.benchmark}" for f in m.quality),
    ]
    return [line for line in said if line]


def _where(m: Must) -> list[str]:
    p = m.privacy
    weights = {True: "have open weights", False: "have closed weights"}
    return [
        *(["keep the data on your premises"] if p.stays_on_premises else []),
        *([f"be processed inside {p.region.upper()}"] if p.region else []),
        *(["not be trained on your data"] if p.no_training else []),
        *([weights[m.open_weights]] if m.open_weights is not None else []),
        *([f"be served by {' or '.join(m.providers)}"] if m.providers else []),
        *([f"not be served by {' or '.join(m.not_providers)}"] if m.not_providers else []),
        *([f"not be made by {' or '.join(m.not_makers)}"] if m.not_makers else []),
    ]
