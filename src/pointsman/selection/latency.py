"""The guide's four latency classes."""

from __future__ import annotations

import difflib

import msgspec

from pointsman.core.failure import ConfigError
from pointsman.selection.tables import table

__all__ = ["LatencyClass", "latency_class", "latency_classes", "latency_limit_s"]


class LatencyClass(msgspec.Struct, frozen=True, kw_only=True):
    """One class, with what the guide advises in it."""

    id: str
    max_s: float | None = None
    """Seconds; None for no limit."""
    examples: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    guide_models: tuple[str, ...] = ()
    guide_lines: str = ""
    weights: dict[str, float] = {}
    """Weights to start from where the user gives none."""


class _Table(msgspec.Struct):
    latency_class: tuple[LatencyClass, ...]


def latency_classes() -> tuple[LatencyClass, ...]:
    """From the fastest to batch."""
    return table("latency_classes.toml", _Table).latency_class


def latency_limit_s(latency: str | float | None) -> float | None:
    """Seconds allowed by a class or a figure; None for no limit. Raises `ConfigError` for an unknown class."""
    if latency is None or isinstance(latency, int | float):
        return latency
    classes = {c.id: c for c in latency_classes()}
    if latency not in classes:
        near = difflib.get_close_matches(latency, classes, n=1)
        hint = (f"did you mean {near[0]!r}? " if near else "") + f"classes: {', '.join(classes)}, or a number of seconds"
        raise ConfigError("is not a latency class", key="must.latency", value=latency, hint=hint)
    return classes[latency].max_s


def latency_class(latency: str | float | None) -> LatencyClass | None:
    """The class named, or the tightest class that allows so many seconds; None if nothing is said."""
    if latency is None:
        return None
    if isinstance(latency, str):
        return next((c for c in latency_classes() if c.id == latency), None)
    return next(c for c in latency_classes() if c.max_s is None or latency <= c.max_s)
