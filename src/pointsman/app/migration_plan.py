"""Write a `migration.yaml` sized to the traffic."""

from __future__ import annotations

from pathlib import Path

import msgspec
import yaml

from pointsman.core.failure import PointsmanError
from pointsman.rollout.plan import Phase, Plan, Traffic, checked
from pointsman.rollout.reasons import reason_called
from pointsman.rollout.sizing import sized_phases

__all__ = ["Proposal", "propose", "write_plan"]


class Proposal(msgspec.Struct, frozen=True):
    """A plan, and what a person should know about it."""

    plan: Plan
    notes: tuple[str, ...]
    questioned: bool
    """Whether the reason is one that usually does not carry a migration."""


def propose(route: str, from_: str, to: str, reason: str, traffic: Traffic) -> Proposal:
    """Raises `PointsmanError` for a reason we do not know."""
    why = reason_called(reason)
    sized = sized_phases(traffic)
    plan = checked(Plan(route=route, from_=from_, to=to, reason=reason, phases=sized.phases, traffic=traffic))
    asked = f"“{why.says}” is {'a good reason' if why.good else 'seldom reason enough'}; have ready: {why.evidence}"
    return Proposal(plan, (asked, *sized.notes), not why.good)


def write_plan(plan: Plan, path: Path, *, force: bool) -> None:
    """Write the file. Raises `PointsmanError` if it is there already and `force` is not set."""
    if path.exists() and not force:
        raise PointsmanError(f"{path} is there already", hint="--force writes over it")
    data = msgspec.to_builtins(plan)
    shown = {k: data[k] for k in ("route", "from", "to", "reason")}
    traffic = {k: v for k, v in data["traffic"].items() if v != getattr(Traffic(), k) or k == "requests_per_minute"}
    shown |= {"traffic": traffic, "phases": [_plain(p) for p in plan.phases], "guardrails": data["guardrails"]}
    path.write_text(yaml.safe_dump(shown, sort_keys=False, default_flow_style=None, allow_unicode=True), encoding="utf-8")


def _plain(phase: Phase) -> dict[str, object]:
    """Only what is not a default, but always how long."""
    default = Phase()
    said = {f: getattr(phase, f) for f in Phase.__struct_fields__ if getattr(phase, f) != getattr(default, f)}
    return {**said, **({} if phase.shadow is not None else {"hold": phase.hold})}
