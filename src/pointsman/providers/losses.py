"""What gets lost in writing a request, collected on the way."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pointsman.core.chat import ChatRequest, Loss, Part, Tool

__all__ = ["Losses", "foreign_fields", "own_extra", "request_extra"]


class Losses:
    """A list of `Loss` that grows while a request is written."""

    __slots__ = ("_found",)

    def __init__(self) -> None:
        self._found: list[Loss] = []

    def add(self, field: str, why: str) -> None:
        """`field` (a path in our form) is not on the wire, or not as it was, because of `why`."""
        self._found.append(Loss(field, why))

    def unless_none(self, why: str, **fields: object) -> None:
        """A loss for each field that says something; None and empty say nothing."""
        for name, value in fields.items():
            if value is not None and value != ():
                self.add(name, why)

    def all(self) -> tuple[Loss, ...]:
        """In the order in which they were found."""
        return tuple(self._found)


def own_extra(item: Part | Tool, dialect: str, at: str, losses: Losses) -> dict[str, msgspec.Raw]:
    """The fields of a part or tool that belong to `dialect`, by their names on the wire; others are lost."""
    if not item.extra:
        return {}
    prefix = f"{dialect}."
    for name in _foreign(item.extra, prefix):
        losses.add(f"{at}.extra.{name}", "only its own protocol has this field")
    return {name[len(prefix) :]: value for name, value in item.extra.items() if name.startswith(prefix)}


def request_extra(request: ChatRequest, dialect: str, losses: Losses) -> dict[str, msgspec.Raw]:
    """The top-level extras that belong in a request of `dialect`; those read from another one are lost."""
    if request.extra_from in (None, dialect):
        return dict(request.extra)
    for name in request.extra:
        losses.add(f"extra.{name}", f"only {request.extra_from} has this field")
    return {}


def foreign_fields(item: Part | Tool, dialect: str, at: str) -> list[Loss]:
    """A loss for each field of a part or tool that another protocol has. An id is none: only its issuer knows it."""
    names = _foreign(item.extra or (), f"{dialect}.")
    return [Loss(f"{at}.extra.{n}", "only its own protocol has this field") for n in names if not n.endswith(".id")]


def _foreign(names: Iterable[str], prefix: str) -> list[str]:
    return [name for name in names if not name.startswith(prefix)]
