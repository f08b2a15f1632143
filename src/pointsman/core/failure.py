"""What can go wrong: our own errors for people, and the closed set of provider failures.

PointsmanError               anything a user can act on; carries a hint that says what to do next
├── ConfigError              a file the user wrote is wrong: names file, line, key, value
├── DatasetError             a test set is wrong: names file and line
├── StorageError             the disk refused (full, read-only)
├── BudgetError              going on would cost more than was allowed
└── ProviderError            an upstream call failed; carries a classified Failure
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec

__all__ = [
    "BudgetError",
    "ConfigError",
    "DatasetError",
    "Failure",
    "FailureClass",
    "Phase",
    "PointsmanError",
    "ProviderError",
    "StorageError",
]


class FailureClass(StrEnum):
    """Every way an upstream call fails. The class decides retry, fallback, breaker, and whose fault it is."""

    TRANSIENT = "transient"
    """Network trouble, 408, 5xx, 529, a stream cut short: the same call may succeed in a moment."""
    TIMEOUT = "timeout"
    """One of our own clocks ran out (connect, first token, idle, total)."""
    RATE_LIMIT = "rate_limit"
    """Too many requests now; wait and it passes."""
    QUOTA = "quota"
    """The money or the allowance is spent; waiting does not help."""
    HARD_DOWN = "hard_down"
    """The model or endpoint is gone or not there (404, 410, retired model)."""
    AUTH = "auth"
    """The key is missing, wrong, or not allowed (401, 403)."""
    CLIENT_FAULT = "client_fault"
    """The request itself is invalid; every provider of the model would refuse it."""
    CONTEXT_TOO_LONG = "context_too_long"
    """The prompt does not fit; a model with a larger window may take it."""
    CONTENT_POLICY = "content_policy"
    """The provider's filter refused the content."""
    MALFORMED = "malformed"
    """The provider answered something that is not its protocol (HTML, broken JSON)."""

    @property
    def retryable(self) -> bool:
        """Whether the same call to the same target is worth another try."""
        return self in _RETRYABLE

    @property
    def fault(self) -> Literal["provider", "caller", "account"]:
        """Who has to act: only `provider` failures count against a provider's health."""
        if self in (FailureClass.CLIENT_FAULT, FailureClass.CONTEXT_TOO_LONG, FailureClass.CONTENT_POLICY):
            return "caller"
        return "account" if self in (FailureClass.AUTH, FailureClass.QUOTA) else "provider"


_RETRYABLE = frozenset({FailureClass.TRANSIENT, FailureClass.TIMEOUT, FailureClass.RATE_LIMIT, FailureClass.MALFORMED})

Phase = Literal["connect", "send", "headers", "first_token", "body", "total"]
"""Where in the life of a call it failed."""


class Failure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One classified upstream failure. It never holds a key, a header value of ours, or an upstream URL."""

    kind: FailureClass
    message: str
    """The provider's own words where it gave any, otherwise ours."""
    status: int | None = None
    """HTTP status; None if no response arrived."""
    code: str | None = None
    """The provider's own machine-readable code, as text."""
    retry_after_s: float | None = None
    """The provider's request to wait, in seconds; None if it made none."""
    phase: Phase = "headers"
    request_id: str | None = None


class PointsmanError(Exception):
    """An error a user can act on. `str(error)` is the message, `error.hint` the next step."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(PointsmanError):
    """A file the user wrote does not say something we can use."""

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        key: str | None = None,
        value: object = None,
        hint: str | None = None,
    ) -> None:
        where = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        at = f"{key}: " if key else ""
        got = f" (got {value!r})" if value is not None else ""
        super().__init__(f"{where}{at}{message}{got}", hint=hint)
        self.problem = message
        self.file, self.line, self.key, self.value = file, line, key, value

    def under(self, prefix: str) -> ConfigError:
        """The same complaint, of a key that stands under `prefix` in the user's file."""
        key = f"{prefix}.{self.key}" if self.key else prefix
        return ConfigError(self.problem, file=self.file, line=self.line, key=key, value=self.value, hint=self.hint)

    def at(self, file: str, line: int | None) -> ConfigError:
        """The same complaint, with the place where the key stands."""
        return ConfigError(self.problem, file=file, line=line, key=self.key, value=self.value, hint=self.hint)


class DatasetError(PointsmanError):
    """A test set cannot be read as written."""

    def __init__(self, message: str, *, file: str, line: int | None = None, hint: str | None = None) -> None:
        super().__init__(f"{file}:{line}: {message}" if line else f"{file}: {message}", hint=hint)
        self.file, self.line = file, line


class StorageError(PointsmanError):
    """The disk would not take or give a record."""


class BudgetError(PointsmanError):
    """Going on would spend more than the user allowed."""


class ProviderError(PointsmanError):
    """An upstream call failed; `failure` says how."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
