"""The cases everybody is given: the same bytes each time, a short question and a target that is its own."""

from __future__ import annotations

import json
import random
from pathlib import Path

__all__ = ["write_cases"]

_WORDS = "order invoice parcel refund account window weather harbour signal meadow copper lantern river ticket".split()  # noqa: SIM905
_SEED = 7


def write_cases(path: Path, count: int) -> None:
    """`count` rows of id, input and target. The endpoint reads the number that each input begins with."""
    dice = random.Random(_SEED)
    with path.open("w") as file:
        for number in range(count):
            words = " ".join(dice.choice(_WORDS) for _ in range(60))
            row = {
                "id": f"q{number}",
                "input": f"Question {number}: {words}?",
                "target": f"{dice.choice(_WORDS)} {dice.randrange(10**6)}",
            }
            file.write(json.dumps(row) + "\n")
