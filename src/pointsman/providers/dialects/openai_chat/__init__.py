"""Chat Completions, as OpenAI defines it and as the servers compatible with it speak it."""

from __future__ import annotations

from collections.abc import Mapping

from pointsman.core.chat import ChatReply, ChatRequest, Loss
from pointsman.core.failure import Failure
from pointsman.providers.dialect import HttpReply, HttpRequest, StreamReader, StreamWriter
from pointsman.providers.dialects.openai_chat.failure import classify, write_failure
from pointsman.providers.dialects.openai_chat.reply import read_reply, write_reply
from pointsman.providers.dialects.openai_chat.reply_form import FORM
from pointsman.providers.dialects.openai_chat.request import read_request, write_request
from pointsman.providers.dialects.openai_chat.stream import Reader
from pointsman.providers.dialects.openai_chat.stream_end import read_end
from pointsman.providers.dialects.openai_chat.stream_writer import Writer
from pointsman.providers.reply_losses import lost_in_reply

__all__ = ["PLUGIN"]


class _OpenAIChat:
    name = "openai_chat"
    stream_content_type = "text/event-stream"
    telling: tuple[bytes, ...] = (b'"finish_reason":"', b'"finish_reason": "', b'"usage":{', b'"usage": {', b'"error"', b"[DONE]")

    def auth_headers(self, key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    def write_request(self, request: ChatRequest) -> HttpRequest:
        return write_request(request)

    def read_reply(self, body: bytes) -> ChatReply:
        return read_reply(body)

    def stream_reader(self) -> StreamReader:
        return Reader()

    def read_end(self, data: bytes) -> ChatReply | None:
        return read_end(data)

    def classify(self, status: int, headers: Mapping[str, str], body: bytes) -> Failure:
        return classify(status, headers, body)

    def read_request(self, body: bytes, path: str) -> ChatRequest:
        return read_request(body, path)

    def write_reply(self, reply: ChatReply, request: ChatRequest) -> HttpReply:
        return write_reply(reply, request)

    def stream_writer(self, request: ChatRequest) -> StreamWriter:
        return Writer(request)

    def lost_in_reply(self, reply: ChatReply, *, streamed: bool = False) -> tuple[Loss, ...]:
        """What of a reply this protocol cannot say."""
        return lost_in_reply(reply, FORM, streamed=streamed)

    def write_failure(self, failure: Failure) -> HttpReply:
        return write_failure(failure)


PLUGIN = _OpenAIChat()
