"""What a Gemini model takes, as far as its name tells; an unknown name counts as the newest."""

from __future__ import annotations

import re

__all__ = ["takes_levels", "wants_signatures"]

_OLD = re.compile(r"gemini-(?:1|2)[.-]|gemini-(?:pro|ultra)(?:-vision)?$|gemini-robotics")


def takes_levels(model: str) -> bool:
    """Whether thinking is asked for by level (Gemini 3 and later) instead of a budget of tokens.

    https://ai.google.dev/gemini-api/docs/thinking
    """
    return _OLD.search(model) is None


def wants_signatures(model: str) -> bool:
    """Whether the first call of a turn is refused without its thought signature (Gemini 3 and later).

    https://ai.google.dev/gemini-api/docs/thought-signatures
    """
    return "gemini" in model and _OLD.search(model) is None
