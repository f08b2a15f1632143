"""Whose successor a model is: what makers rarely break is that the next of a line is no worse.

A line is a maker's series of names without their version: `claude-haiku-4-5` and `claude-3-5-haiku` are
both `claude-haiku`. A model without published results is read, until it has its own, as its nearest
scored predecessor and the usual gain. How far that can be trusted is measured on the catalogue's own pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache, lru_cache

import msgspec

from pointsman.catalog.load import Catalog
from pointsman.catalog.naming import model_id
from pointsman.selection.tables import table

__all__ = ["GAIN", "GAIN_SD", "Line", "Lineage", "line_of"]

GAIN, GAIN_SD = 0.50, 0.47
"""How much abler a successor is than its nearest scored predecessor, and the spread of that (standard
deviation), over the 54 pairs of the bundled catalogue that are both scored; 46 of them gained. A test
measures it again. One step is counted, however many versions lie between."""

_VERSION = re.compile(r"^v?\d{1,2}(\.\d{1,2})*$")
_PACKAGING = frozenset({"preview", "exp", "instruct", "it", "beta", "latest", "chat"})
_DATE = re.compile(r"^\d{3,}$")


class Line(msgspec.Struct, frozen=True):
    """Where a model stands in its maker's series."""

    name: str
    version: tuple[int, ...]


class _Continues(msgspec.Struct):
    line: str
    continues: str
    because: str


class _Table(msgspec.Struct):
    continues: tuple[_Continues, ...]


@lru_cache(maxsize=8192)
def line_of(model: str) -> Line | None:
    """The line and version of a model id; None if its name carries no version."""
    maker, _, key = model.partition("/")
    words, version = [], []
    for word in re.split(r"[-_:]", key):
        glued = re.fullmatch(r"([a-z]+)v?(\d+(?:\.\d+)*)", word)
        if _VERSION.match(word):
            version += [int(n) for n in word.removeprefix("v").split(".")]
        elif glued and glued[1] in ("qwen", "glm", "o", "kimi", "k", "m", "grok", "gemma", "phi"):
            words.append(glued[1])
            version += [int(n) for n in glued[2].split(".")]
        elif word not in _PACKAGING and not _DATE.match(word):
            words.append(word)
    return Line(f"{maker}/{'-'.join(words)}", tuple(version)) if version else None


class Lineage:
    """Predecessors among the models that have evidence, found quickly."""

    def __init__(self, catalog: Catalog, known: Iterable[str]) -> None:
        self._lines: dict[str, list[tuple[tuple[int, ...], str]]] = {}
        self._known = frozenset(known)
        for model in self._known:
            if (line := line_of(model)) is not None:
                self._lines.setdefault(line.name, []).append((line.version, model))
        for members in self._lines.values():
            members.sort(reverse=True)
        self._replaced = self._replacements(catalog)

    def predecessors(self, model: str) -> tuple[tuple[str, str], ...]:
        """Models with evidence that this one follows, nearest first, each with why we think so.

        Three ways: the same line with a lower version; a line that our own table says continues another;
        the maker names this model as the replacement.
        """
        line = line_of(model)
        found = [] if line is None else [(m, "an earlier version of the same line") for m in self._older(line.name, line)]
        row = _continuations().get(line.name) if line else None
        if line is not None and row is not None:
            found += [(m, row.because) for m in self._older(row.continues, line)]
        found += [(m, "its maker names this model as the replacement") for m in self._replaced.get(model, ())]
        return tuple(dict.fromkeys(found))

    def _older(self, name: str, than: Line) -> list[str]:
        return [model for version, model in self._lines.get(name, ()) if version < than.version]

    def _replacements(self, catalog: Catalog) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for offer in catalog.offers.values():
            for event in offer.events:
                old = catalog.model_id_of(offer) if event.to and event.kind in ("shut_down", "replacement") else None
                if old in self._known:
                    new = model_id(event.to, offer.provider) or event.to
                    found[new] = (*found.get(new, ()), str(old))
        return found


@cache
def _continuations() -> dict[str, _Continues]:
    return {row.line: row for row in table("lines.toml", _Table).continues}
