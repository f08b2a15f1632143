"""What Anthropic Messages can say in a reply."""

from __future__ import annotations

from pointsman.core.chat import Audio, Choice, File, FinishReason, Image, Opaque, Part, Reasoning, Refusal, Text, ToolCall, Video
from pointsman.providers.dialects.anthropic_messages.blocks_read import NAME
from pointsman.providers.dialects.anthropic_messages.blocks_write import arguments_object, is_own_citations
from pointsman.providers.reply_losses import NO_PLACE, Lost, ReplyForm, kind_of

__all__ = ["FORM", "IN_USAGE", "PASSED_ON"]

PASSED_ON = ("container", "context_management", "diagnostics")
"""Top-level members of a message beyond the protocol's common ones, handed on to clients of the same protocol."""
IN_USAGE = ("service_tier", "server_tool_use")
"""What `usage` says besides counts, likewise."""
_FOREIGN_PROOF = "a proof only its issuer understands"


def _lost_of(part: Part) -> Lost:
    match part:
        case Text(citations=citations, signature=signature):
            if citations is not None and not is_own_citations(citations):
                yield "text.citations", "annotations of another provider"
            if signature:
                yield "text.signature", _FOREIGN_PROOF
        case ToolCall(arguments=arguments, signature=signature):
            if not arguments_object(arguments)[1]:
                yield "tool_call", "its arguments are no JSON object and stand in one as text"
            if signature:
                yield "tool_call.signature", _FOREIGN_PROOF
        case Reasoning(encrypted=str(), id=None, text=text, signature=signature):
            if text:
                yield "reasoning", "thoughts are told in words or encrypted, not both"
            if signature:
                yield "reasoning.signature", "thoughts are signed or encrypted, not both"
        case Reasoning(encrypted=str()):
            yield "reasoning.encrypted", "only the provider that encrypted these thoughts could use them"
        case Opaque(dialect=dialect) if dialect != NAME:
            yield kind_of(part), f"only {dialect} has this"
        case Image() | Audio() | Video() | File():
            yield kind_of(part), NO_PLACE


def _lost_of_choice(choice: Choice) -> Lost:
    """A refusal's words stand in `stop_details`, which only a message that ended for this reason has."""
    refused = choice.finish in (FinishReason.REFUSAL, FinishReason.CONTENT_FILTER)
    if not refused and any(isinstance(p, Refusal) for p in choice.parts):
        yield "refusal", "only a message that was refused tells why"


FORM = ReplyForm(
    dialect=NAME,
    lost_of=_lost_of,
    lost_of_choice=_lost_of_choice,
    finish={FinishReason.CONTENT_FILTER: FinishReason.REFUSAL, FinishReason.UNKNOWN: FinishReason.STOP},
    stop_sequence=True,
    extra={NAME: frozenset({*PASSED_ON, *IN_USAGE})},
    uncounted={
        "input_audio_tokens": "input_tokens",
        "input_image_tokens": "input_tokens",
        "output_audio_tokens": "output_tokens",
        "output_image_tokens": "output_tokens",
    },
    demands_counts=True,
)
