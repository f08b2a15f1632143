"""A bounded queue between those who must not wait and those who may: full, it drops and counts."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

__all__ = ["Ring"]

T = TypeVar("T")


class Ring(Generic[T]):
    """Newest items are dropped when it is full, so what was taken in is never lost to what came later."""

    __slots__ = ("_items", "capacity", "dropped")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.dropped = 0
        """How many items did not fit, ever."""
        self._items: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def offer(self, item: T) -> None:
        """Take an item in, or drop it; never waits and never raises."""
        if len(self._items) >= self.capacity:
            self.dropped += 1
        else:
            self._items.append(item)

    def take(self, most: int) -> list[T]:
        """Up to `most` of the oldest items, out of the ring."""
        items = self._items
        return [items.popleft() for _ in range(min(most, len(items)))]
