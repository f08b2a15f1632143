"""How a trial ended, as a closed set, so that no denominator is ever implicit."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ANSWERED", "MODEL_OUTCOMES", "Outcome"]


class Outcome(StrEnum):
    """Every trial ends as exactly one of these."""

    CORRECT = "correct"
    """Scored, and right (for graded scores: at or above the scorer's threshold)."""
    WRONG = "wrong"
    BAD_FORMAT = "bad_format"
    """An answer came, but not in the form asked for, so that no value could be read from it."""
    REFUSED = "refused"
    TRUNCATED = "truncated"
    """Cut off by the output limit before an answer could be read: the limit failed, not the knowledge."""
    PROVIDER_ERROR = "provider_error"
    TIMEOUT = "timeout"
    UNSCORED = "unscored"
    """An answer came and the instrument could not judge it (the scorer raised, the target is missing)."""


MODEL_OUTCOMES = (Outcome.CORRECT, Outcome.WRONG, Outcome.BAD_FORMAT, Outcome.REFUSED, Outcome.TRUNCATED)
"""The model did this: these are the denominator of quality. Errors, timeouts and unscored trials are
reported beside it with their own rates and bound the quality from below and above."""

ANSWERED = (*MODEL_OUTCOMES, Outcome.UNSCORED)
"""A reply arrived: these have a latency and a cost."""
