"""What a request to each endpoint holds at least, and the fields that every provider can be asked: for our OpenAPI document.

Requests are not checked against these shapes. Other fields of a protocol go on as they came to a provider
of that protocol, and are translated, reported or refused for others, as the route's `on_loss` says.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from pointsman.gateway.endpoints import Endpoint
from pointsman.gateway.feedback import FeedbackBody

__all__ = ["shape_of"]

Named = Annotated[str, msgspec.Meta(min_length=1, description="The route's name.")]
Tokens = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class TextPart(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A text among other parts. What other kinds of part hold (`image_url`) would be read, and refused if it is not theirs."""

    type: Literal["text"]
    text: str


class ChatMessage(msgspec.Struct, kw_only=True):
    """One turn."""

    role: Literal["system", "user", "assistant"]
    content: str | Annotated[list[TextPart], msgspec.Meta(min_length=1)]


class StreamOptions(msgspec.Struct):
    """What a stream tells beside the answer."""

    include_usage: bool | None = None


class OpenAIChatRequest(msgspec.Struct, kw_only=True):
    """A request of OpenAI's Chat Completions."""

    model: Named
    messages: Annotated[list[ChatMessage], msgspec.Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: Tokens | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    user: str | None = None


class ResponsesMessage(msgspec.Struct, kw_only=True):
    """One turn of the input."""

    type: Literal["message"]
    role: Literal["system", "developer", "user"]
    content: str


class OpenAIResponsesRequest(msgspec.Struct, kw_only=True):
    """A request of OpenAI's Responses."""

    model: Named
    input: str | Annotated[list[ResponsesMessage], msgspec.Meta(min_length=1)]
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Tokens | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    user: str | None = None


class ClaudeMessage(msgspec.Struct, kw_only=True):
    """One turn."""

    role: Literal["user", "assistant"]
    content: str | Annotated[list[TextPart], msgspec.Meta(min_length=1)]


class AnthropicCountRequest(msgspec.Struct, kw_only=True):
    """A request whose tokens Anthropic's Messages is to count."""

    model: Named
    messages: Annotated[list[ClaudeMessage], msgspec.Meta(min_length=1)]
    system: str | Annotated[list[TextPart], msgspec.Meta(min_length=1)] | None = None


class AnthropicMessagesRequest(AnthropicCountRequest, kw_only=True):
    """A request of Anthropic's Messages."""

    max_tokens: Tokens
    stream: bool | None = None
    temperature: Share | None = None
    top_p: Share | None = None
    stop_sequences: list[str] | None = None


class GeminiPart(msgspec.Struct, kw_only=True):
    """A text among other parts."""

    text: str


class GeminiContent(msgspec.Struct, kw_only=True):
    """One turn."""

    role: Literal["user", "model"]
    parts: Annotated[list[GeminiPart], msgspec.Meta(min_length=1)]


class GeminiInstruction(msgspec.Struct, kw_only=True):
    """What the model is to hold to."""

    parts: Annotated[list[GeminiPart], msgspec.Meta(min_length=1)]


class GenerationConfig(msgspec.Struct, kw_only=True):
    """How to answer."""

    maxOutputTokens: Tokens | None = None  # noqa: N815  # as on the wire
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    topP: Share | None = None  # noqa: N815  # as on the wire


class GeminiRequest(msgspec.Struct, kw_only=True):
    """A request of Gemini's generateContent."""

    contents: Annotated[list[GeminiContent], msgspec.Meta(min_length=1)]
    systemInstruction: GeminiInstruction | None = None  # noqa: N815  # as on the wire
    generationConfig: GenerationConfig | None = None  # noqa: N815  # as on the wire


class EmbeddingsRequest(msgspec.Struct, kw_only=True):
    """A request of OpenAI's embeddings."""

    model: Named
    input: str | Annotated[list[str], msgspec.Meta(min_length=1)]
    user: str | None = None


_CHAT: dict[str, type[msgspec.Struct]] = {
    "openai_chat": OpenAIChatRequest,
    "openai_responses": OpenAIResponsesRequest,
    "anthropic_messages": AnthropicMessagesRequest,
    "gemini": GeminiRequest,
}


def shape_of(endpoint: Endpoint) -> type[Any] | None:
    """The body an endpoint expects; None if it expects none."""
    match endpoint.kind:
        case "chat":
            return _CHAT[endpoint.dialect]
        case "count":
            return GeminiRequest if endpoint.dialect == "gemini" else AnthropicCountRequest
        case "embeddings":
            return EmbeddingsRequest
        case "feedback":
            return FeedbackBody
        case _:
            return None
