"""What the structured output is asked to be: nested, with a choice and a list, as applications have it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel


class Person(BaseModel):
    """Somebody a ticket belongs to."""

    name: str
    age: int


class Ticket(BaseModel):
    """A ticket of a help desk."""

    title: str
    priority: Literal["low", "high"]
    tags: list[str]
    owner: Person
