"""The guide's decision matrix and shortcuts: which of them speak to these needs, and where they disagree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from pointsman.selection.situation import Answer
from pointsman.selection.tables import table

__all__ = ["Rule", "disagreements", "firing"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the matrix or of the shortcuts."""

    id: str
    table: str
    when: tuple[str, ...]
    models: tuple[str, ...] = ()
    role: str = ""
    advice: str = ""

    @property
    def says(self) -> str:
        """Its advice in words."""
        return self.advice or " or ".join(self.models)


class _Table(msgspec.Struct):
    rule: tuple[Rule, ...]


def firing(said: Mapping[str, Answer]) -> tuple[Rule, ...]:
    """Rules all of whose conditions are known to be true."""
    return tuple(r for r in table("rules.toml", _Table).rule if all(said[name].value is True for name in r.when))


def disagreements(rules: Sequence[Rule], leaf: str, leaf_models: Sequence[str]) -> tuple[str, ...]:
    """Rules whose models share none with the leaf's, and pairs of rules that answer the same condition differently."""
    found = [
        f"{r.table} {r.id} ({' and '.join(r.when)}) says {r.says}, the tree's leaf {leaf} says {' or '.join(leaf_models)}"
        for r in rules
        if leaf_models and not set(r.models) & set(leaf_models)
    ]
    for i, a in enumerate(rules):
        found += [
            f"for the same condition ({' and '.join(a.when)}) {a.table} {a.id} says {a.says}, {b.table} {b.id} says {b.says}"
            for b in rules[i + 1 :]
            if set(a.when) == set(b.when) and not set(a.models) & set(b.models)
        ]
    return tuple(found)
