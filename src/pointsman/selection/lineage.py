"""Whose successor a model is: what makers rarely break is that the next of a line is no worse.

A line is a maker's series of names without their version: `claude-haiku-4-5` and `claude-3-5-haiku` are
both `claude-haiku`. A model without published results is read, until it has its own, as its nearest
scored predecessor. How far that can be trusted is measured on the catalogue's own pairs (`GAIN_SD`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

import msgspec

from pointsman.catalog.load import Catalog
from pointsman.catalog.naming import model_id
from pointsman.selection.tables import table

__all__ = ["GAIN_SD", "Line", "line_of", "predecessors"]

GAIN_SD = 0.47
"""Standard deviation of a successor's ability about its predecessor's. A test measures it on all scored
pairs of the bundled catalogue: there the mean gain is +0.5 and 46 of 54 successors gain; we count no gain."""

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


def predecessors(catalog: Catalog, model: str, known: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Models with evidence that this one follows, nearest first, each with why we think so.

    Three ways: the same line with a lower version; a line that our own table says continues another; the
    maker names this model as the replacement.
    """
    found = [*_same_line(model, known), *_continued(model, known), *_replaced_by(catalog, model, known)]
    return tuple(dict.fromkeys(found))


def _same_line(model: str, known: Iterable[str], line: str | None = None) -> list[tuple[str, str]]:
    own = line_of(model)
    if own is None:
        return []
    name = line or own.name
    older = [(other.version, m) for m in known if (other := line_of(m)) and other.name == name and other.version < own.version]
    return [(m, "an earlier version of the same line") for _, m in sorted(older, reverse=True)]


def _continued(model: str, known: Iterable[str]) -> list[tuple[str, str]]:
    own = line_of(model)
    rows = {r.line: r for r in table("lines.toml", _Table).continues}
    row = rows.get(own.name) if own else None
    return [(m, row.because) for m, _ in _same_line(model, known, row.continues)] if row else []


def _replaced_by(catalog: Catalog, model: str, known: Mapping[str, object]) -> list[tuple[str, str]]:
    return [(m, "its maker names this model as the replacement") for m in _replacements(catalog).get(model, ()) if m in known]


def _replacements(catalog: Catalog) -> dict[str, tuple[str, ...]]:
    """Model → the models whose makers name it as replacement."""
    cached = _cache.get(id(catalog))
    if cached is None:
        cached = {}
        for offer in catalog.offers.values():
            for event in offer.events:
                if event.to and event.kind in ("shut_down", "replacement") and (old := catalog.model_id_of(offer)):
                    new = model_id(event.to, offer.provider) or event.to
                    cached[new] = (*cached.get(new, ()), old)
        _cache.clear()
        _cache[id(catalog)] = cached
    return cached


_cache: dict[int, dict[str, tuple[str, ...]]] = {}
