"""What can be chosen: an offer of a model by a provider, or open weights served by the user."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from pointsman.catalog.entry import Model, Offer
from pointsman.catalog.load import Catalog
from pointsman.catalog.naming import MAKER_OF_PROVIDER
from pointsman.core.fact import Fact

__all__ = ["SELF_HOSTED", "Candidate", "candidates"]

SELF_HOSTED = "vllm"
"""Provider of open weights on the user's own cards: the row whose server most people run."""
_NOT_A_CHOICE = re.compile(
    r"^ft:|\.ft-|^~|:(batch|free|extended)$|-fast$|embed|rerank|whisper|transcri|-tts|^tts|-ocr|moderation"
)
"""Fine-tuned models of somebody, modes and moving aliases written as names, free tiers without a promise, and
models for one other purpose (embedding, ranking, speech, reading pages) that some lists call chat models."""
_OWN_SCHEDULE = frozenset({"azure", "bedrock", "vertex", "databricks", "github-copilot"})
"""Platforms that keep a maker's closed model longer or shorter than the maker does, by dates of their own."""
_KINDS = frozenset({"chat", "realtime"})
_ANSWERS = frozenset({"language", "multimodal", "code", "medical", "legal", "scientific", "financial"})


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One choice with its facts at hand."""

    id: str
    """`provider:name`."""
    provider: str
    name: str
    model: str
    """Model id; the offer's own name where nobody knows the model."""
    entry: Offer | Model
    deployment: Literal["api", "self_hosted"]
    facts: Catalog
    told: dict[str, Fact[object] | None] = msgspec.field(default_factory=dict)
    """Answers of `fact` so far."""

    @property
    def offer(self) -> Offer | None:
        """None for weights served by the user."""
        return self.entry if isinstance(self.entry, Offer) else None

    @property
    def maker(self) -> str:
        return self.model.partition("/")[0]

    @property
    def own_offer(self) -> bool:
        """Whether the maker itself serves it."""
        return MAKER_OF_PROVIDER.get(self.provider) == self.maker

    @property
    def own_schedule(self) -> bool:
        """Whether its platform ends models by dates of its own; anybody else ends with the maker."""
        return self.provider in _OWN_SCHEDULE

    def fact(self, field: str) -> Fact[object] | None:
        """A field with its provenance; None if nobody says. Needs and every role ask the same, so answers are kept."""
        told = self.told
        if field not in told:
            told[field] = self.facts.fact(self.entry, field)
        return told[field]


def candidates(catalog: Catalog, modalities_out: tuple[str, ...] = ("text",)) -> tuple[Candidate, ...]:
    """Every offer that answers requests, and every model whose weights are open; sorted by id."""
    kinds = _KINDS | ({"image_generation"} if "image" in modalities_out else set())
    offers = (o for o in catalog.offers.values() if o.kind in kinds and not _NOT_A_CHOICE.search(o.name))
    served = [
        Candidate(
            id=o.id,
            provider=o.provider,
            name=o.name,
            model=catalog.model_id_of(o) or o.id,
            entry=o,
            deployment="api",
            facts=catalog,
        )
        for o in offers
    ]
    hosted = [
        Candidate(
            id=f"{SELF_HOSTED}:{m.id}",
            provider=SELF_HOSTED,
            name=m.id,
            model=m.id,
            entry=m,
            deployment="self_hosted",
            facts=catalog,
        )
        for m in catalog.models.values()
        if m.open_weights and m.kind in _ANSWERS
    ]
    return tuple(sorted((*served, *hosted), key=lambda c: c.id))
