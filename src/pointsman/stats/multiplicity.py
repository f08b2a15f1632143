"""Many tests at once: p-values adjusted so that the same α may be used for each."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["benjamini_hochberg", "holm"]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment: the chance of any false alarm among all stays at α (S. Holm 1979).

    In ascending order p̃₍ᵢ₎ = max_{j≤i} min(1, (m−j+1)·p₍ⱼ₎); answered in the order given. For many
    candidates against one baseline, or all pairs. Tested against statsmodels `multipletests("holm")`
    to 1e-15. Of nothing: an empty list; of one: itself.
    """
    order = _ascending(p_values)
    adjusted, running = [0.0] * len(order), 0.0
    for rank, place in enumerate(order):
        running = max(running, min(1.0, (len(order) - rank) * p_values[place]))
        adjusted[place] = running
    return adjusted


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Benjamini and Hochberg's step-up adjustment: among the alarms, at most a share α is false (1995).

    In ascending order p̃₍ᵢ₎ = min_{j≥i} min(1, m·p₍ⱼ₎/j); answered in the order given. For slices by tag.
    Tested against statsmodels `multipletests("fdr_bh")` to 1e-15. Of nothing: an empty list; of one: itself.
    """
    order = _ascending(p_values)
    adjusted, running = [0.0] * len(order), 1.0
    for rank in range(len(order), 0, -1):
        place = order[rank - 1]
        running = min(running, len(order) / rank * p_values[place])
        adjusted[place] = running
    return adjusted


def _ascending(p_values: Sequence[float]) -> list[int]:
    for p in p_values:
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"a p-value lies in [0, 1], not {p}")
    return sorted(range(len(p_values)), key=lambda i: p_values[i])
