"""Gemini `generateContent` and `streamGenerateContent`, of the Gemini API and of Vertex AI."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.core.chat import ChatReply, ChatRequest, Loss
from pointsman.core.failure import Failure
from pointsman.providers.dialect import HttpReply, HttpRequest
from pointsman.providers.dialects.gemini.failure import classify, write_failure
from pointsman.providers.dialects.gemini.names import NAME
from pointsman.providers.dialects.gemini.reply import read_reply, write_reply
from pointsman.providers.dialects.gemini.reply_form import FORM
from pointsman.providers.dialects.gemini.request_read import read_request
from pointsman.providers.dialects.gemini.request_write import write_request
from pointsman.providers.dialects.gemini.stream_read import StreamReader
from pointsman.providers.dialects.gemini.stream_write import StreamWriter
from pointsman.providers.reply_losses import lost_in_reply

__all__ = ["PLUGIN", "Gemini"]


class Gemini:
    """The dialect. The model stands in the path, both when we ask and when we are asked."""

    name = NAME
    stream_content_type = "text/event-stream"
    telling: tuple[bytes, ...] = (b'"finishReason"', b'"error"', b'"promptFeedback"')

    def auth_headers(self, key: str) -> dict[str, str]:
        """The key as `x-goog-api-key`; an OAuth token (Vertex) as a bearer."""
        return {"authorization": f"Bearer {key}"} if key.startswith("ya29.") else {"x-goog-api-key": key}

    def write_request(self, request: ChatRequest) -> HttpRequest:
        """Our form → a request with its path."""
        return write_request(request)

    def read_reply(self, body: bytes) -> ChatReply:
        """A response → our form."""
        return read_reply(body)

    def stream_reader(self) -> StreamReader:
        """Reads one streamed response, as events or as a JSON list."""
        return StreamReader()

    def read_end(self, data: bytes) -> ChatReply | None:  # noqa: ARG002  # a reader is cheap enough where few events tell
        """Left to a reader."""
        return None

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        """An error response → its class."""
        return classify(status, headers, body)

    def read_request(self, body: bytes, path: str) -> ChatRequest:
        """A client's request → our form; `path` names the model and whether to stream."""
        return read_request(body, path)

    def write_reply(self, reply: ChatReply, request: ChatRequest) -> HttpReply:
        """Our form → a response."""
        return write_reply(reply, request)

    def stream_writer(self, request: ChatRequest) -> StreamWriter:
        """Writes one streamed response as events."""
        return StreamWriter(request)

    def lost_in_reply(self, reply: ChatReply, *, streamed: bool = False) -> tuple[Loss, ...]:
        """What of a reply this protocol cannot say."""
        return lost_in_reply(reply, FORM, streamed=streamed)

    def write_failure(self, failure: Failure) -> HttpReply:
        """A failure in Google's error shape."""
        return write_failure(failure)


PLUGIN = Gemini()
