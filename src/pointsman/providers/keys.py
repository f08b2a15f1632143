"""Several keys of one provider in rotation. Time comes in as an argument; there is no clock here.

A key is used until the provider limits it (429), then the next one that is not cooling down takes
over; a server error is not the key's fault, so it stays. A key that was refused or has no money
left goes to the bench. Bench and cool-down only say which key is preferred: with nothing better
left the one that has the least time to go is tried, so that the provider's own word is heard.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.core.failure import ConfigError, FailureClass
from pointsman.providers.secret import Secret

__all__ = ["KeyChoice", "KeyRing"]


class KeyChoice(msgspec.Struct, frozen=True):
    """One key, by position."""

    number: int
    """Counts from 1, as in `Attempt.key` (`#1`)."""
    secret: Secret
    ready_in_s: float = 0.0
    """How long it still cools down; 0 for a key at rest."""

    @property
    def name(self) -> str:
        """`#1`: the only thing about a key that is ever recorded."""
        return f"#{self.number}"


class KeyRing:
    """The keys of one provider and what is known of each. Shared by all callers of that provider."""

    def __init__(self, secrets: Sequence[Secret], *, cooldown_s: float = 10.0, bench_s: float = 900.0) -> None:
        """`cooldown_s` is how long a limited key rests if the provider names no time, `bench_s` how long a refused one does."""
        if not secrets:
            raise ConfigError("there is no key", hint="give at least one")
        self._secrets = tuple(secrets)
        self._rested = [KeyChoice(number, secret) for number, secret in enumerate(secrets, 1)]
        self._free_at_s = [float("-inf")] * len(secrets)
        self._benched = [False] * len(secrets)
        self._current = 0
        self.cooldown_s = cooldown_s
        self.bench_s = bench_s

    def __len__(self) -> int:
        return len(self._secrets)

    def __repr__(self) -> str:
        return f"KeyRing({len(self)} keys, #{self._current + 1} in use)"

    def pick(self, now_s: float) -> KeyChoice:
        """The key to use now: the current one if it is free, else the next free one, else the one soonest free.

        A cooling key is preferred to a benched one.
        """
        if self._free_at_s[self._current] <= now_s:  # nearly always
            self._benched[self._current] = False
            return self._rested[self._current]
        free = self._next_free(now_s)
        index = free if free is not None else min(range(len(self)), key=lambda i: (self._benched[i], self._free_at_s[i]))
        self._current = index
        return KeyChoice(index + 1, self._secrets[index], max(0.0, self._free_at_s[index] - now_s))

    def has_free(self, now_s: float) -> bool:
        """Whether `pick` would give a key that is neither cooling down nor benched."""
        return self._next_free(now_s) is not None

    def failed(self, number: int, kind: FailureClass, now_s: float, retry_after_s: float | None = None) -> None:
        """Key `number` failed with `kind`. A rest already granted is never shortened; other classes change nothing."""
        if kind is FailureClass.RATE_LIMIT:
            self._rest(number - 1, now_s + (self.cooldown_s if retry_after_s is None else retry_after_s))
        elif kind.fault == "account":
            self._benched[number - 1] = True
            self._rest(number - 1, now_s + self.bench_s)

    def worked(self, number: int) -> None:
        """Key `number` got an answer: it leaves the bench, and rests no longer if it was on it."""
        if self._benched[number - 1]:
            self._benched[number - 1] = False
            self._free_at_s[number - 1] = float("-inf")

    def _rest(self, index: int, until_s: float) -> None:
        self._free_at_s[index] = max(self._free_at_s[index], until_s)

    def _next_free(self, now_s: float) -> int | None:
        count = len(self)
        for step in range(count):
            index = (self._current + step) % count
            if self._free_at_s[index] <= now_s:
                self._benched[index] = False
                return index
        return None
