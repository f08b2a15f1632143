"""Which entry of the price list a model's name means.

The list's own lookup falls back to prefix and substring matches. Ours accepts a name only if the
list spells it out, describes it, or it is a listed name plus a version or date.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pointsman.catalog.price_sheet import Match

if TYPE_CHECKING:
    from genai_prices.types import MatchLogic, ModelInfo, Provider

__all__ = ["best_match", "moved_alias"]

# The maker's API served exactly these weights under the shorter name.
_SYNONYMS = {
    ("mistral", "mixtral-8x7b-instruct"): "open-mixtral-8x7b",
    ("mistral", "mistral-7b-instruct"): "open-mistral-7b",
}

_TAIL = re.compile(r"(?:[-@:](?:\d{2,8}|v\d+(?::\d+)?|latest|preview|exp))*")
_LOOSE_TAIL = re.compile(r"\d{1,8}" + _TAIL.pattern)
_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=$|[-:])")
_STRENGTH: dict[Match, int] = {"exact": 4, "listed": 3, "pattern": 2, "version": 1}


def best_match(provider: Provider, model: str) -> tuple[ModelInfo, Match] | None:
    """The entry with the strongest match, and how strong it is; None if no match is strong enough."""
    name = model.lower()
    plain = name.removeprefix("models/").removeprefix(f"{provider.id}/")
    plain = _SYNONYMS.get((provider.id, plain), plain)
    by_id = _ids(provider)
    for ref in dict.fromkeys((name, plain, _COMPACT_DATE.sub(r"-\1-\2-\3", plain))):
        if ref in by_id:
            return by_id[ref], "exact"
        hits = [(m, s) for m in provider.models if (s := _clause(m.match, ref)) is not None]
        if hits:
            # max() keeps the first of equals, which is the list's own order of preference.
            return max(hits, key=lambda hit: _rank(hit[1]))
    return None


_ids_of: dict[int, tuple[Provider, dict[str, ModelInfo]]] = {}


def _ids(provider: Provider) -> dict[str, ModelInfo]:
    # Keyed by identity, because the package's providers cannot be hashed; keeping the provider keeps its id its own.
    if id(provider) not in _ids_of:
        _ids_of[id(provider)] = (provider, {m.id.lower(): m for m in reversed(provider.models)})
    return _ids_of[id(provider)][1]


def _clause(clause: MatchLogic, ref: str) -> Match | None:
    from genai_prices import types as gp  # noqa: PLC0415 - loaded with the list

    match clause:
        case gp.ClauseOr():
            return max((_clause(c, ref) for c in clause.or_), key=_rank, default=None)
        case gp.ClauseAnd():
            # A lookahead regex inside an And only excludes names; the other clauses say how good the match is.
            parts = [_clause(c, ref) for c in clause.and_ if not _only_excludes(c)]
            return min(parts, key=_rank, default=None) if clause.is_match(ref) else None
        case gp.ClauseEquals():
            return "listed" if clause.is_match(ref) else None
        case gp.ClauseRegex():
            return "pattern" if clause.regex.endswith(("$", r"\d")) and clause.is_match(ref) else None
        case gp.ClauseStartsWith():
            return _versioned(ref, clause.starts_with.lower(), anywhere=False)
        case gp.ClauseContains():
            return _versioned(ref, clause.contains.lower(), anywhere=True)
        case gp.ClauseEndsWith():
            return _versioned(ref, clause.ends_with.lower(), anywhere=True)


def _rank(match: Match | None) -> int:
    return 0 if match is None else _STRENGTH[match]


def _only_excludes(clause: MatchLogic) -> bool:
    return getattr(clause, "regex", "").startswith("^(?!")


def _versioned(ref: str, stem: str, *, anywhere: bool) -> Match | None:
    """`version` if `ref` is `stem` after a path and before a version or date; None otherwise."""
    head, found, tail = ref.partition(stem)
    if not found or (head and not anywhere):
        return None
    if stem.startswith("ft:"):
        return "version"  # the owner names a fine-tuned model; its base and `ft:` are what is billed
    if head and head[-1] not in "/.:" and stem[0] not in "/.:":
        return None
    rule = _LOOSE_TAIL if tail[:1].isdigit() and (stem[-1] in "-@." or stem.endswith("-0")) else _TAIL
    return "version" if rule.fullmatch(tail) else None


def moved_alias(provider: Provider, model: str, info: ModelInfo) -> str | None:
    """Why a `…-latest` name cannot be priced: the list knows later versions of its family than the entry it names."""
    name = model.lower()
    if not name.endswith("-latest") or info.id.lower() == name:
        return None
    stem = name.removesuffix("-latest")
    later = [m.id for m in provider.models if re.fullmatch(re.escape(stem) + r"-\d+(?:[.-]\d+)*", m.id.lower())]
    if not later or info.id in later:
        return None
    newer = ", ".join(later)
    return f"{model!r} is an alias that moves: the list prices {info.id!r} for it but also knows {newer}; name the version"
