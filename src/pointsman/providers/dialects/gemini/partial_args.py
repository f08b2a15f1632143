"""Arguments of a call that arrive one value at a time (`partialArgs`), each with the path where it belongs."""

from __future__ import annotations

import itertools
import re

import msgspec

from pointsman.providers.http_failure import malformed
from pointsman.providers.json_body import json_text

__all__ = ["PartialArg", "PartialArguments"]

_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_LONGEST_LIST = 100_000


class PartialArg(msgspec.Struct, frozen=True, rename="camel"):
    """One value, or one piece of a text."""

    json_path: str
    string_value: str | None = None
    number_value: int | float | None = None
    bool_value: bool | None = None
    will_continue: bool = False

    @property
    def value(self) -> object:
        """The value; null if no other is given."""
        given = (self.string_value, self.bool_value, self.number_value)
        return next((v for v in given if v is not None), None)


class PartialArguments:
    """The object that the pieces make."""

    def __init__(self) -> None:
        self._root: dict[str, object] = {}
        self._growing: str | None = None

    def add(self, arg: PartialArg) -> None:
        """Put one piece in its place: more of a text that was to continue, or a new value."""
        steps = _steps(arg.json_path)
        holder: dict[str, object] | list[object] = self._root
        for step, following in itertools.pairwise(steps):
            inner = _get(holder, step)
            if not isinstance(inner, dict | list):
                inner = _empty(following)
                _set(holder, step, inner)
            holder = inner
        value = arg.value
        old = _get(holder, steps[-1])
        if self._growing == arg.json_path and isinstance(old, str) and isinstance(value, str):
            value = old + value
        _set(holder, steps[-1], value)
        self._growing = arg.json_path if arg.will_continue else None

    def text(self) -> str:
        """The arguments so far as JSON text."""
        return json_text(self._root)


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    at = 1
    while path.startswith("$") and (found := _STEP.match(path, at)):
        name, index, single, double = found.groups()
        steps.append(int(index[:9]) if index is not None else name or single or double or "")
        at = found.end()
    if not steps or at != len(path):
        raise malformed(f"partialArgs: not a path to one value: {path[:100]}")
    return steps


def _empty(step: str | int) -> dict[str, object] | list[object]:
    if isinstance(step, int):
        return []
    return {}


def _get(holder: dict[str, object] | list[object], step: str | int) -> object:
    if isinstance(holder, dict):
        return holder.get(str(step))
    return holder[step] if isinstance(step, int) and step < len(holder) else None


def _set(holder: dict[str, object] | list[object], step: str | int, value: object) -> None:
    if isinstance(holder, dict):
        holder[str(step)] = value
        return
    if not isinstance(step, int) or step > _LONGEST_LIST:
        raise malformed("partialArgs: a path that does not fit the list it leads into")
    holder.extend([None] * (step + 1 - len(holder)))
    holder[step] = value
