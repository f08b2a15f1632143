"""What Gemini's generateContent can say in a reply."""

from __future__ import annotations

from pointsman.core.chat import Audio, File, FinishReason, Image, Opaque, Part, Reasoning, Refusal, Text, ToolCall, Video
from pointsman.providers.dialects.gemini.media import write_media
from pointsman.providers.dialects.gemini.names import BLOCKED, NAME
from pointsman.providers.dialects.gemini.parts_write import arguments_object
from pointsman.providers.losses import Losses
from pointsman.providers.reply_losses import Lost, ReplyForm, kind_of

__all__ = ["FORM"]

_FOREIGN_PROOF = "a proof only its issuer understands"


def _lost_of(part: Part) -> Lost:
    match part:
        case Text(citations=citations) if citations is not None:
            yield "text.citations", "annotations of another provider"
        case Reasoning(signature=signature, encrypted=encrypted):
            if signature:
                yield "reasoning.signature", _FOREIGN_PROOF
            if encrypted:
                yield "reasoning.encrypted", "only the provider that encrypted these thoughts could use them"
        case ToolCall(arguments=arguments) if not arguments_object(arguments)[1]:
            yield "tool_call", "its arguments are no JSON object and stand in one as text"
        case Refusal():
            yield "refusal", "a refusal is told as plain text"
        case Opaque(dialect=dialect) if dialect != NAME:
            yield kind_of(part), f"only {dialect} has this"
        case Image() | Audio() | Video() | File():
            losses = Losses()
            write_media(part, kind_of(part), losses)
            for loss in losses.all():
                yield loss.field, loss.why


FORM = ReplyForm(
    dialect=NAME,
    lost_of=_lost_of,
    finish={
        FinishReason.REFUSAL: FinishReason.CONTENT_FILTER,
        FinishReason.STOP_SEQUENCE: FinishReason.STOP,
        FinishReason.PAUSE: FinishReason.UNKNOWN,
        FinishReason.ERROR: FinishReason.UNKNOWN,
    },
    logprobs=True,
    choices=True,
    extra={NAME: frozenset({BLOCKED})},
    uncounted={"cache_write_tokens": "promptTokenCount", "cache_write_1h_tokens": "promptTokenCount"},
)
