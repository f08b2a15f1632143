"""What Chat Completions can say in a reply."""

from __future__ import annotations

from pointsman.core.chat import Audio, File, FinishReason, Image, Opaque, Part, Text, Video
from pointsman.providers.dialects.openai_chat.message import DIALECT, annotations_of
from pointsman.providers.media import url_of
from pointsman.providers.reply_losses import NO_PLACE, Lost, ReplyForm, kind_of

__all__ = ["FORM", "PASSED_ON"]

PASSED_ON = ("system_fingerprint", "service_tier", "citations", "search_results")
"""Of what a reply says beyond our form, only these are this protocol's (or its search servers') own words."""


def _lost_of(part: Part) -> Lost:
    match part:
        case Text(citations=citations) if citations is not None and annotations_of(citations) is None:
            yield "text.citations", "annotations of another provider"
        case Image(media=media) if url_of(media) is None:
            yield "image", "only the provider that issued this reference understands it"
        case Audio(media=media) if media.data is None and media.file_id is None:
            yield "audio", NO_PLACE
        case Opaque(dialect=dialect, kind=kind) if (dialect, kind) != (DIALECT, "custom"):
            yield kind_of(part), f"only {dialect} has this"
        case Video() | File():
            yield kind_of(part), NO_PLACE


FORM = ReplyForm(
    dialect=DIALECT,
    lost_of=_lost_of,
    finish={
        FinishReason.STOP_SEQUENCE: FinishReason.STOP,
        FinishReason.PAUSE: FinishReason.STOP,
        FinishReason.UNKNOWN: FinishReason.STOP,
    },
    logprobs=True,
    choices=True,
    order=("reasoning", "text", "refusal", "image", "audio", "tool_call", f"opaque.{DIALECT}.custom"),
    once=frozenset({"text.citations", "text.signature", "audio"}),
    extra={DIALECT: frozenset(PASSED_ON), "openai_responses": frozenset({"service_tier"})},
    uncounted={"cache_write_1h_tokens": "cache_write_tokens"},
)
