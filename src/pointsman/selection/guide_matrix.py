"""The guide's feature matrix held against the catalogue: what of it is refuted, and by which fact."""

from __future__ import annotations

from typing import Literal

import msgspec

from pointsman.catalog.load import Catalog
from pointsman.core.fact import Fact
from pointsman.selection.tables import table
from pointsman.selection.tree import guide_model_id

__all__ = ["Claim", "matrix_claims"]

_ROUNDING = 0.06
"""128K is written for 128,000 and for 131,072, 2M for 2,097,152."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One cell of the matrix."""

    model: str
    """By the guide's name."""
    column: str
    says: str
    fact: str
    verdict: Literal["holds", "refuted", "unknown"]
    source: str = ""
    checked_on: str = ""

    @property
    def words(self) -> str:
        """As a conflict."""
        by = f" ({self.source}, {self.checked_on})" if self.source else ""
        return f"the guide's matrix gives {self.model} {self.says}; the catalogue says {self.fact}{by}"


class _Row(msgspec.Struct):
    model: str
    context_tokens: int
    reasoning: int
    code: int
    speed: int
    cost: str
    modalities: tuple[str, ...]


class _Table(msgspec.Struct):
    row: tuple[_Row, ...]


def matrix_claims(catalog: Catalog) -> tuple[Claim, ...]:
    """Window and modalities of every row; none of a model the catalogue does not have.

    Stars and price signs are opinions on a scale: `pointsman catalog compare` computes ours.
    """
    return tuple(c for row in table("feature_matrix.toml", _Table).row for c in _claims(catalog, row))


def _claims(catalog: Catalog, row: _Row) -> tuple[Claim, ...]:
    model = catalog.models.get(guide_model_id(row.model))
    if model is None:
        return ()
    window, reads = catalog.fact(model, "context_tokens"), catalog.fact(model, "modalities_in")
    has = reads.value if reads is not None and isinstance(reads.value, tuple) else ()
    near = window is not None and isinstance(window.value, int) and abs(window.value / row.context_tokens - 1) <= _ROUNDING
    lacking = [m for m in row.modalities if m not in has]
    return (
        _claim(row, "context", f"a window of {row.context_tokens:,}", f"{window.value:,}" if window else "", window, near),
        _claim(row, "multimodal", f"{', '.join(row.modalities)} to read", ", ".join(has), reads, not lacking),
    )


def _claim(row: _Row, column: str, says: str, said: str, fact: Fact[object] | None, holds: bool) -> Claim:  # noqa: FBT001 - what was found
    if fact is None:
        return Claim(model=row.model, column=column, says=says, fact="nothing", verdict="unknown")
    verdict: Literal["holds", "refuted"] = "holds" if holds else "refuted"
    return Claim(
        model=row.model, column=column, says=says, fact=said, verdict=verdict, source=fact.source, checked_on=fact.checked_on
    )
