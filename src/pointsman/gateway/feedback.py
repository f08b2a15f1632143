"""`POST /v1/feedback`: a word on an answer given before, now or days later."""

from __future__ import annotations

from typing import Annotated

import msgspec

from pointsman.core.feedback import Feedback
from pointsman.providers.json_body import decode_request

__all__ = ["FeedbackBody", "read_feedback"]

_Label = Annotated[str, msgspec.Meta(max_length=200)] | float | bool


class FeedbackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a client says."""

    decision: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    score: Annotated[float, msgspec.Meta(ge=0, le=1)] | bool
    labels: Annotated[dict[Annotated[str, msgspec.Meta(max_length=64)], _Label], msgspec.Meta(max_length=20)] = {}


_BODY = msgspec.json.Decoder(FeedbackBody)


def read_feedback(body: bytes, tenant: str, at_s: float) -> Feedback:
    """Raises `ProviderError` (client fault) that names the field."""
    said = decode_request(_BODY, body)
    return Feedback(decision=said.decision, at_s=at_s, tenant=tenant, score=float(said.score), labels=said.labels)
