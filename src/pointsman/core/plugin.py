"""Plug-ins found by file name, imported when first used.

A family is a package; each module in it whose name has no leading underscore is one plug-in and
defines `PLUGIN`. Packages from outside join through an entry point in the group
`pointsman.<family>`. Nothing registers on import and there is no central list to extend.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.metadata
import importlib.util
import pkgutil
from typing import Generic, TypeVar

from pointsman.core.failure import PointsmanError

__all__ = ["Family"]

T = TypeVar("T")


class Family(Generic[T]):
    """All plug-ins of one kind.

    `package` is where our own live, `contract` the class or runtime-checkable protocol each
    `PLUGIN` must satisfy, `noun` the word used in messages.
    """

    def __init__(self, package: str, contract: type[T], noun: str) -> None:
        self.package = package
        self.contract = contract
        self.noun = noun
        self._loaded: dict[str, T] = {}

    @property
    def entry_point_group(self) -> str:
        """Entry-point group through which other packages add members: the package path without `pointsman.`"""
        return self.package

    def names(self) -> list[str]:
        """Every member's name, sorted. Reads file names and package metadata; imports no plug-in."""
        return sorted({*self._own_names(), *self._outside()})

    def load(self, name: str) -> T:
        """Import the plug-in called `name` on first use.

        Raises `PointsmanError` if there is none of that name, or if it does not keep the contract.
        """
        if name in self._loaded:
            return self._loaded[name]
        if name in self._own_names():
            plugin = self._plugin_of(name, importlib.import_module(f"{self.package}.{name}"))
        elif (entry := self._outside().get(name)) is not None:
            plugin = self._plugin_of(name, entry.load())
        else:
            near = difflib.get_close_matches(name, self.names(), n=1)
            raise PointsmanError(
                f"there is no {self.noun} called {name!r}",
                hint=(f"did you mean {near[0]!r}? " if near else "") + f"known: {', '.join(self.names())}",
            )
        self._loaded[name] = plugin
        return plugin

    def _own_names(self) -> list[str]:
        # pkgutil would import the package; its search locations are enough to list it.
        spec = importlib.util.find_spec(self.package)
        locations = spec.submodule_search_locations if spec and spec.submodule_search_locations else []
        return [m.name for m in pkgutil.iter_modules(locations) if not m.name.startswith("_")]

    def _outside(self) -> dict[str, importlib.metadata.EntryPoint]:
        return {e.name: e for e in _entry_points(self.entry_point_group)}

    def _plugin_of(self, name: str, module: object) -> T:
        plugin = getattr(module, "PLUGIN", None)
        if plugin is None:
            raise PointsmanError(f"{self.noun} {name!r} defines no PLUGIN", hint="end the module with PLUGIN = …")
        if not isinstance(plugin, self.contract):
            raise PointsmanError(
                f"PLUGIN of {self.noun} {name!r} is not a {self.contract.__name__}",
                hint=f"see {self.contract.__module__}.{self.contract.__name__} for what it must have",
            )
        return plugin


@functools.cache
def _entry_points(group: str) -> tuple[importlib.metadata.EntryPoint, ...]:
    """What other packages add; looking through all that are installed takes milliseconds."""
    return tuple(importlib.metadata.entry_points(group=group))
