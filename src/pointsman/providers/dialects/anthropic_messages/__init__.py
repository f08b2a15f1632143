"""Anthropic Messages: `POST /v1/messages`, as the official SDKs speak it (version 2023-06-01)."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.core.chat import ChatReply, ChatRequest, Loss
from pointsman.core.failure import Failure
from pointsman.providers.dialect import HttpReply, HttpRequest
from pointsman.providers.dialects.anthropic_messages.blocks_read import NAME
from pointsman.providers.dialects.anthropic_messages.failure import classify, write_failure
from pointsman.providers.dialects.anthropic_messages.reply import read_reply, write_reply
from pointsman.providers.dialects.anthropic_messages.reply_form import FORM
from pointsman.providers.dialects.anthropic_messages.request_read import read_request
from pointsman.providers.dialects.anthropic_messages.request_write import write_request
from pointsman.providers.dialects.anthropic_messages.stream_read import StreamReader
from pointsman.providers.dialects.anthropic_messages.stream_write import StreamWriter
from pointsman.providers.reply_losses import lost_in_reply

__all__ = ["PLUGIN", "AnthropicMessages"]


class AnthropicMessages:
    """The dialect. `default_max_tokens` goes where a caller set no limit, because the API wants one."""

    name = NAME
    stream_content_type = "text/event-stream"
    telling: tuple[bytes, ...] = (b'"message_start"', b'"message_delta"', b'"message_stop"', b'"error"')

    def __init__(self, default_max_tokens: int = 4096) -> None:
        self.default_max_tokens = default_max_tokens

    def auth_headers(self, key: str) -> dict[str, str]:
        """The key as `x-api-key`."""
        return {"x-api-key": key}

    def write_request(self, request: ChatRequest) -> HttpRequest:
        """Our form → `POST /v1/messages`."""
        return write_request(request, self.default_max_tokens)

    def read_reply(self, body: bytes) -> ChatReply:
        """A message → our form."""
        return read_reply(body)

    def stream_reader(self) -> StreamReader:
        """Reads one streamed message."""
        return StreamReader()

    def read_end(self, data: bytes) -> ChatReply | None:  # noqa: ARG002  # a reader is cheap enough where few events tell
        """Left to a reader."""
        return None

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """An error response → its class."""
        return classify(status, headers, body)

    def read_request(self, body: bytes, path: str) -> ChatRequest:
        """A client's request → our form; Bedrock's and Vertex's paths name the model where the body does not."""
        return read_request(body, path)

    def write_reply(self, reply: ChatReply, request: ChatRequest) -> HttpReply:
        """Our form → a message."""
        return write_reply(reply, request)

    def stream_writer(self, request: ChatRequest) -> StreamWriter:
        """Writes one streamed message."""
        return StreamWriter(request)

    def lost_in_reply(self, reply: ChatReply, *, streamed: bool = False) -> tuple[Loss, ...]:
        """What of a reply this protocol cannot say."""
        return lost_in_reply(reply, FORM, streamed=streamed)

    def write_failure(self, failure: Failure) -> HttpReply:
        """A failure in Anthropic's error shape."""
        return write_failure(failure)


PLUGIN = AnthropicMessages()
