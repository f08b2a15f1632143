"""What the end of a forwarded stream says, read without opening the rest of it.

Nearly every stream that went well ends with a chunk that gives the finish, one that gives the usage (or both in one)
and `[DONE]`. Reading these takes a quarter of the time that a reader of the whole protocol takes.
"""

from __future__ import annotations

import msgspec

from pointsman.core.chat import ChatReply, Choice, FinishReason
from pointsman.providers.dialects.openai_chat.finish import finish_of
from pointsman.providers.dialects.openai_chat.usage import read_usage
from pointsman.providers.dialects.openai_chat.wire import Chunk
from pointsman.providers.token_ledger import told_tier

__all__ = ["read_end"]

_CHUNK = msgspec.json.Decoder(Chunk)
_DONE = b"data: [DONE]\n\n"
_USAGE = b'"usage":{'
_UNUSUAL = (b'"error"', b"tool_calls", b"function_call", b'"refusal":"')
"""Where one of these stands, the finish is more than the word for it."""


def read_end(data: bytes) -> ChatReply | None:
    """Model, finish and usage of a whole stream; None if anything about it is unusual."""
    if not data.endswith(_DONE) or b"\r" in data or any(word in data for word in _UNUSUAL):
        return None
    events = data.rsplit(b"\n\n", 4)
    if len(events) < 5:
        return None
    before, last = events[1:3]
    if data.find(_USAGE) < len(data) - len(last) - len(_DONE) - 2:
        return None
    try:
        end = _CHUNK.decode(last.removeprefix(b"data: "))
        choices = end.choices or _CHUNK.decode(before.removeprefix(b"data: ")).choices
    except ValueError:
        return None
    usage = read_usage(end.usage, told_tier(end.service_tier)) if end.usage is not None else None
    if not end.model or usage is None or not choices or len(choices) > 1:
        return None
    choice = choices[0]
    if choice.index != 0 or choice.stop_reason is not None or choice.error is not None:
        return None
    finish = finish_of(choice.finish_reason, called=False, refused=False)
    if finish is FinishReason.UNKNOWN:
        return None
    return ChatReply(id=None, model=end.model, choices=(Choice(parts=(), finish=finish),), usage=usage)
