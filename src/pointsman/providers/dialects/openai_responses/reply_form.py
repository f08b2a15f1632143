"""What the Responses API can say in a reply."""

from __future__ import annotations

from pointsman.core.chat import Audio, File, FinishReason, Image, Opaque, Part, Reasoning, Text, ToolCall, Video
from pointsman.providers.dialects.openai_responses.items import DIALECT, annotations_of, is_own_item
from pointsman.providers.reply_losses import NO_PLACE, Lost, ReplyForm, kind_of

__all__ = ["FORM", "PASSED_ON"]

PASSED_ON = ("service_tier", "metadata", "previous_response_id")
"""Of what a response says beyond our form, what a client of this protocol gets to see."""
_FOREIGN_PROOF = "a proof of thought has no place in this protocol"


def _lost_of(part: Part) -> Lost:
    match part:
        case Text(citations=citations, signature=signature):
            if citations is not None and annotations_of(citations) is None:
                yield "text.citations", "annotations of another provider"
            if signature:
                yield "text.signature", _FOREIGN_PROOF
        case Reasoning(signature=str()) | ToolCall(signature=str()):
            yield f"{kind_of(part)}.signature", _FOREIGN_PROOF
        case Opaque(dialect=dialect) if not is_own_item(part):
            yield kind_of(part), f"only {dialect} has this"
        case Image() | Audio() | Video() | File():
            yield kind_of(part), NO_PLACE


FORM = ReplyForm(
    dialect=DIALECT,
    lost_of=_lost_of,
    finish={
        FinishReason.STOP_SEQUENCE: FinishReason.STOP,
        FinishReason.PAUSE: FinishReason.STOP,
        FinishReason.ERROR: FinishReason.UNKNOWN,
    },
    logprobs=True,
    extra={DIALECT: frozenset(PASSED_ON), "openai_chat": frozenset({"service_tier"})},
    uncounted={
        "cache_write_1h_tokens": "cache_write_tokens",
        "input_audio_tokens": "input_tokens",
        "input_image_tokens": "input_tokens",
        "output_audio_tokens": "output_tokens",
        "output_image_tokens": "output_tokens",
    },
)
