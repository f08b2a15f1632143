"""The right answers of a case, one or several."""

from __future__ import annotations

from pointsman.evals.dataset.columns import written

__all__ = ["target_texts"]


def target_texts(target: object) -> tuple[str, ...]:
    """Every accepted answer as text. Empty if there is none, or if the target is an object, which no text equals."""
    if isinstance(target, str):
        return (target,)
    if target is None or isinstance(target, dict):
        return ()
    if isinstance(target, list | tuple):
        return tuple(written(t) for t in target if t is not None and not isinstance(t, dict))
    return (written(target),)
