"""The guide's use cases, as needs to start from."""

from __future__ import annotations

import difflib
from typing import Any

import msgspec

from pointsman.core.failure import PointsmanError
from pointsman.selection.requirements import Requirements
from pointsman.selection.tables import table, table_names

__all__ = ["UseCase", "find_use_case", "use_case_needs", "use_cases"]


class UseCase(msgspec.Struct, frozen=True, kw_only=True):
    """One profile: what the guide says of it, and needs to start from."""

    title: str
    best: tuple[str, ...]
    """The guide's choice, by its names."""
    because: str
    requirements: Requirements
    advice: tuple[str, ...] = ()
    roles: dict[str, str] = {}
    """Parts of the work that the guide gives to different models, and the role each plays."""
    guide_lines: str = ""


class _Raw(msgspec.Struct):
    requirements: dict[str, Any]


def use_cases() -> tuple[str, ...]:
    """Names of all profiles."""
    return table_names("usecases")


def find_use_case(name: str) -> UseCase:
    """A profile by its name. Raises `PointsmanError` with the nearest."""
    _refuse_unknown(name)
    return table(f"usecases/{name}.toml", UseCase)


def use_case_needs(name: str) -> dict[str, Any]:
    """A profile's needs as plain data, to lay a user's file over. Raises `PointsmanError` with the nearest name."""
    _refuse_unknown(name)
    return table(f"usecases/{name}.toml", _Raw).requirements


def _refuse_unknown(name: str) -> None:
    if name not in use_cases():
        near = difflib.get_close_matches(name, use_cases(), n=1)
        hint = (f"did you mean {near[0]!r}? " if near else "") + f"profiles: {', '.join(use_cases())}"
        raise PointsmanError(f"there is no profile {name!r}", hint=hint)
