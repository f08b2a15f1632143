"""How hard to think: `thinking` and `output_config.effort` on the wire, `ReasoningSpec` with us.

Claude before 4.6 takes a budget of tokens, later ones take `adaptive` and an effort.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from pointsman.core.chat import Effort, ReasoningSpec
from pointsman.providers.dialects.anthropic_messages.models import takes_effort
from pointsman.providers.http_failure import client_fault
from pointsman.providers.losses import Losses

__all__ = ["SMALLEST_BUDGET_TOKENS", "read_thinking", "write_thinking"]

SMALLEST_BUDGET_TOKENS = 1024
"""The API refuses smaller budgets."""

_BUDGET_OF: dict[Effort, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 32768,
}
"""Ours, for models without efforts: 16384 and up is what Anthropic advises for hard tasks."""

_EFFORTS: dict[str, Effort] = {e: e for e in get_args(Effort)}


class _Thinking(msgspec.Struct, frozen=True):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


THINKING = msgspec.json.Decoder(_Thinking)


def read_thinking(thinking: _Thinking | None, effort: str | None) -> tuple[ReasoningSpec | None, bool]:
    """What was asked for, and whether our form says all of it.

    It does not where `thinking` is absent beside an effort (our effort alone would switch it on),
    where it is adaptive without an effort, and for kinds newer than this code.
    """
    if effort is not None and effort not in _EFFORTS:
        raise client_fault(f"output_config.effort: expected one of {', '.join(_EFFORTS)}, got {effort}")
    level = _EFFORTS.get(effort or "")
    if thinking is None:
        return (None, True) if level is None else (ReasoningSpec(effort=level), False)
    show = {"summarized": True, "omitted": False}.get(thinking.display or "")
    match thinking.type:
        case "disabled":
            return ReasoningSpec(effort="none"), level is None
        case "enabled":
            if thinking.budget_tokens is None:
                raise client_fault("thinking.budget_tokens: required, but missing")
            return ReasoningSpec(effort=level, budget_tokens=thinking.budget_tokens, show=show), True
        case "adaptive":
            return ReasoningSpec(effort=level, show=show), level is not None or show is not None
        case _:
            return ReasoningSpec(effort=level, show=show), False


def write_thinking(
    spec: ReasoningSpec, model: str, max_tokens: int | None, default_max_tokens: int, losses: Losses
) -> tuple[dict[str, object] | None, str | None, int | None]:
    """`thinking`, the effort, and `max_tokens`, which must exceed the budget: it grows if the caller
    left it open, otherwise the budget shrinks.
    """
    if spec.summary not in (None, "auto"):
        losses.add("reasoning.summary", "Anthropic Messages has one kind of summary only")
    if spec.effort == "none" or (spec.budget_tokens is not None and spec.budget_tokens <= 0):
        return {"type": "disabled"}, None, max_tokens
    effort = _effort(spec, losses)
    budget = spec.budget_tokens
    if budget is None and effort is not None and not takes_effort(model):
        budget = _BUDGET_OF[spec.effort or "high"]
        losses.add("reasoning.effort", f"this model takes a budget instead: {budget} tokens")
        effort = None
    if budget is not None:
        return _enabled(spec, budget, effort, max_tokens, default_max_tokens, losses)
    if effort is None and (spec.show is None or not takes_effort(model)):
        losses.unless_none("this model shows thoughts only where a budget is given", **{"reasoning.show": spec.show})
        return None, None, max_tokens
    return _with_display({"type": "adaptive"}, spec), effort, max_tokens


def _enabled(
    spec: ReasoningSpec, budget: int, effort: str | None, max_tokens: int | None, default_max_tokens: int, losses: Losses
) -> tuple[dict[str, object] | None, str | None, int | None]:
    if max_tokens is not None and max_tokens <= SMALLEST_BUDGET_TOKENS:
        losses.add("reasoning", f"{max_tokens} output tokens leave no room for the smallest budget of {SMALLEST_BUDGET_TOKENS}")
        return None, effort, max_tokens
    allowed = max(budget, SMALLEST_BUDGET_TOKENS)
    if max_tokens is not None:
        allowed = min(allowed, max_tokens - 1)
    if allowed != budget:
        losses.add("reasoning.budget_tokens", f"must be at least {SMALLEST_BUDGET_TOKENS} and below max_tokens; became {allowed}")
    thinking = _with_display({"type": "enabled", "budget_tokens": allowed}, spec)
    return thinking, effort, max_tokens if max_tokens is not None else allowed + default_max_tokens


def _with_display(thinking: dict[str, object], spec: ReasoningSpec) -> dict[str, object]:
    if spec.show is not None:
        thinking["display"] = "summarized" if spec.show else "omitted"
    return thinking


def _effort(spec: ReasoningSpec, losses: Losses) -> str | None:
    if spec.effort == "minimal":
        losses.add("reasoning.effort", "Anthropic's lowest effort is low")
        return "low"
    return spec.effort
