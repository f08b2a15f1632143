"""What became of the offers that no must refuses: how so many became a handful of finalists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pointsman.selection.rank import Ranked

__all__ = ["sifted"]


def sifted(
    kept: Sequence[Ranked], of_each_model: Sequence[Ranked], sure: Sequence[Ranked], lines: Sequence[Ranked], finalists: int
) -> tuple[str, ...]:
    """One line for each step that set some aside, with how many and why; none for a step that set nobody aside.

    Each argument holds a part of the one before it: all kept, one for each model, those whose documents answer every
    must, one for each line of versions (of those about whom enough is known); `finalists` is how many were looked at.
    """
    steps = (
        (len(kept) - len(of_each_model), "further offers of models that are in the race by a better one"),
        (len(of_each_model) - len(sure), _unsure(of_each_model, sure)),
        (len(sure) - len(lines), "other versions of the same lines, or models of which no result on a heavy wish is known"),
        (len(lines) - finalists, f"scored below the best {finalists}"),
    )
    return tuple(f"{n:,} × {why}" for n, why in steps if n > 0)


def _unsure(of_each_model: Sequence[Ranked], sure: Sequence[Ranked]) -> str:
    among = {id(r) for r in sure}
    out = [r for r in of_each_model if id(r) not in among]
    open_ = Counter(f.need for r in out for f in r.to_verify if f.blocking)
    if not open_:
        return "at providers that pointsman eval cannot ask"
    needs = ", ".join(f"{need} ({n:,})" for need, n in open_.most_common(3))
    return f"left aside because no document answers a must, or nobody we can ask offers them: {needs}"
