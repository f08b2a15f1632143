"""What Ollama's protocol can say in a reply."""

from __future__ import annotations

from pointsman.core.chat import Audio, File, FinishReason, Image, Opaque, Part, Reasoning, Refusal, Text, ToolCall, Video
from pointsman.providers.dialects.ollama.message import is_object
from pointsman.providers.reply_losses import NO_PLACE, Lost, ReplyForm, kind_of

__all__ = ["DURATIONS", "FORM"]

DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")
"""How long the server took for what, in nanoseconds."""
_NAME = "ollama"


def _lost_of(part: Part) -> Lost:
    match part:
        case Text(citations=citations, signature=signature):
            lost = {"citations": citations is not None, "signature": bool(signature)}
        case Reasoning():
            lost = {"signature": bool(part.signature), "encrypted": bool(part.encrypted)}
        case ToolCall(arguments=arguments, signature=signature):
            lost = {"signature": bool(signature)}
            if not is_object(arguments):
                yield "tool_call", "its arguments are no JSON object"
        case Refusal():
            lost = {}
            yield "refusal", "a refusal is told as plain text"
        case Image(media=media) if media.data:
            lost = {}
        case Opaque() | Image() | Audio() | Video() | File() | _:
            lost = {}
            yield kind_of(part), NO_PLACE
    for name, is_lost in lost.items():
        if is_lost:
            yield f"{kind_of(part)}.{name}", NO_PLACE


FORM = ReplyForm(
    dialect=_NAME,
    lost_of=_lost_of,
    finish=dict.fromkeys(
        set(FinishReason) - {FinishReason.STOP, FinishReason.LENGTH, FinishReason.TOOL_CALLS}, FinishReason.STOP
    ),
    order=("reasoning", "text", "image", "tool_call"),
    extra={_NAME: frozenset(DURATIONS)},
    uncounted={
        "cache_read_tokens": "prompt_eval_count",
        "cache_write_tokens": "prompt_eval_count",
        "cache_write_1h_tokens": "prompt_eval_count",
        "input_audio_tokens": "prompt_eval_count",
        "input_image_tokens": "prompt_eval_count",
        "reasoning_tokens": "eval_count",
        "output_audio_tokens": "eval_count",
        "output_image_tokens": "eval_count",
    },
)
