"""In which order trials run: every variant meets each case at about the same time.

A provider is slow at noon and fast at night. Asking variants one after the other would measure the
hour; so the cases come in a random order, and for each case and repeat all variants follow one
another, in an order drawn anew. The whole order follows from the seed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

__all__ = ["Slot", "schedule"]


class Slot(NamedTuple):
    """One planned trial."""

    order: int
    """Position in the whole schedule, over all variants."""
    case: int
    """Index of the case in the test set."""
    variant: int
    """Index of the variant."""
    repeat: int


def schedule(cases: int, variants: int, repeats: int, seed: int) -> Iterator[Slot]:
    """All cases × variants × repeats, each once. Holds one permutation of the cases, nothing more.

    Repeats are the outer loop, so that two repeats of a case lie far apart and a run that is cut
    short has seen as many different cases as possible. With no cases or no variants, nothing.
    """
    dice = np.random.Generator(np.random.PCG64(seed))
    order = 0
    for repeat in range(repeats):
        for case in dice.permutation(cases).tolist():
            for variant in dice.permutation(variants).tolist() if variants > 1 else range(variants):
                yield Slot(order, case, variant, repeat)
                order += 1
