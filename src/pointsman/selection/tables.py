"""The tables that are installed with this package, read into types."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TypeVar

import msgspec

__all__ = ["table", "table_names"]

T = TypeVar("T")


def table(name: str, kind: type[T]) -> T:
    """One TOML table of `selection/data`. Raises `msgspec.ValidationError` if it does not say what `kind` asks."""
    return msgspec.convert(_document(name), kind)


@cache
def table_names(folder: str) -> tuple[str, ...]:
    """Names of the tables in one folder of `selection/data`, sorted, without their ending."""
    place = resources.files("pointsman.selection").joinpath("data", folder)
    return tuple(sorted(f.name.removesuffix(".toml") for f in place.iterdir() if f.name.endswith(".toml")))


@cache
def _document(name: str) -> dict[str, object]:
    text = resources.files("pointsman.selection").joinpath("data", *name.split("/")).read_text(encoding="utf-8")
    return tomllib.loads(text)
