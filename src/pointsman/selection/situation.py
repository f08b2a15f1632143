"""The questions of the guide's rules, answered from the needs: each answer with the words it rests on."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.selection.latency import latency_limit_s
from pointsman.selection.requirements import Requirements, budget_limit_usd

__all__ = ["HIGH_VOLUME_PER_DAY", "Answer", "answers"]

HIGH_VOLUME_PER_DAY = 100_000
"""What the guide calls a high volume (its shortlist example, line 801)."""
_LONG_TOKENS = 100_000
_MASSIVE_TOKENS = 200_000
_TIGHT_USD_PER_MONTH = 500
_SENSITIVE = ("data_must_stay_on_prem", "healthcare", "legal", "classified")


class Answer(msgspec.Struct, frozen=True):
    """A value and how it is known. None: nothing was said."""

    value: bool | float | str | None
    said: str


def answers(r: Requirements) -> dict[str, Answer]:
    """By the input names that `tree.toml` and `rules.toml` use."""
    s, m = r.situation, r.must
    requests, limit_s = r.requests_per_day, latency_limit_s(m.latency)
    sensitive = [c for c in s.compliance if c in _SENSITIVE]
    tokens = r.context_tokens
    return {
        "privacy_critical": _privacy(m.privacy.stays_on_premises, sensitive, stated=bool(s.compliance)),
        "gpu_budget": _said(s.gpu_budget, "gpu_budget"),
        "can_self_host": _said(s.can_self_host, "can_self_host"),
        "context_tokens": Answer(tokens, f"{tokens:,} tokens in the longest request"),
        "long_input": Answer(tokens > _LONG_TOKENS, f"{tokens:,} tokens"),
        "massive_context": Answer(tokens > _MASSIVE_TOKENS, f"{tokens:,} tokens"),
        "mostly_video": _video(r),
        "latency_s": Answer(limit_s, f"{limit_s:g} s allowed" if limit_s is not None else "no limit is given"),
        "complex_reasoning": _reasoning(r, ("high", "maximum")),
        "maximum_reasoning": _reasoning(r, ("maximum",)),
        "reasoning_type": Answer(s.reasoning_type, s.reasoning_type or "not said"),
        "is_code": Answer(r.task == "code", f"the task is {r.task}"),
        "audio": Answer("audio" in (*m.modalities_in, *m.modalities_out), _modalities(r)),
        "multimodal": Answer(bool({*m.modalities_in, *m.modalities_out} - {"text"}), _modalities(r)),
        "requests_per_day": Answer(requests, f"{requests:,.0f} requests a day" if requests is not None else "no volume is given"),
        "high_volume": Answer(requests is not None and requests >= HIGH_VOLUME_PER_DAY, _volume(requests)),
        "high_volume_simple": _simple(r),
        "budget_constrained": _tight(r),
        "budget_unlimited": _said(s.budget_unlimited, "budget_unlimited"),
        "quality_critical": _said(s.quality_critical, "quality_critical"),
        "experimental": _said(s.experimental, "experimental"),
        "mvp": Answer(s.stage == "mvp" if s.stage else None, f"stage {s.stage or 'not said'}"),
        "production_at_scale": _at_scale(r),
    }


def _said(value: bool | None, name: str) -> Answer:  # noqa: FBT001 - a value of the file, not a switch
    return Answer(value, f"{name}: {'yes' if value else 'no'}" if value is not None else f"{name} is not said")


def _privacy(stays: bool, sensitive: Sequence[str], *, stated: bool) -> Answer:  # noqa: FBT001 - a value of the file
    if stays:
        return Answer(value=True, said="data stays on the premises")
    if sensitive:
        return Answer(value=True, said=", ".join(sensitive).replace("_", " "))
    return Answer(value=False, said="no such compliance is named" if stated else "neither compliance nor premises are named")


def _video(r: Requirements) -> Answer:
    if r.situation.mostly_video is not None:
        return _said(r.situation.mostly_video, "mostly_video")
    if "video" not in r.must.modalities_in:
        return Answer(value=False, said="no video is read")
    return Answer(None, "video is read, whether mostly is not said")


def _reasoning(r: Requirements, levels: tuple[str, ...]) -> Answer:
    wanted = r.situation.reasoning
    return Answer(wanted in levels, f"reasoning {wanted}") if wanted else Answer(None, "reasoning is not said")


def _modalities(r: Requirements) -> str:
    return f"reads {', '.join(r.must.modalities_in)}; writes {', '.join(r.must.modalities_out)}"


def _volume(requests: float | None) -> str:
    return "no volume is given" if requests is None else f"{requests:,.0f} a day; high from {HIGH_VOLUME_PER_DAY:,}"


def _simple(r: Requirements) -> Answer:
    requests, complexity = r.requests_per_day, r.situation.complexity
    if requests is None or complexity is None:
        return Answer(None, f"{_volume(requests)}; complexity {complexity or 'not said'}")
    simple = requests >= HIGH_VOLUME_PER_DAY and complexity == "low"
    return Answer(simple, f"{_volume(requests)}; complexity {complexity}")


def _tight(r: Requirements) -> Answer:
    if r.situation.budget_constrained is not None:
        return _said(r.situation.budget_constrained, "budget_constrained")
    limit = budget_limit_usd(r)
    if limit is None:
        return Answer(None, "no budget is given")
    return Answer(limit <= _TIGHT_USD_PER_MONTH, f"${limit:,.0f} a month; tight up to the startup band's ${_TIGHT_USD_PER_MONTH}")


def _at_scale(r: Requirements) -> Answer:
    stage, requests = r.situation.stage, r.requests_per_day
    if stage is None:
        return Answer(None, "stage not said")
    return Answer(stage == "production" and (requests or 0) >= HIGH_VOLUME_PER_DAY, f"stage {stage}; {_volume(requests)}")
