"""Log probabilities, which stand in our form as Chat Completions has them: lists of tokens under `content` and `refusal`.

https://platform.openai.com/docs/api-reference/chat/object
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pointsman.providers.json_body import raw

__all__ = ["content_tokens", "joined_logprobs", "of_content"]


class _Lists(msgspec.Struct):
    content: list[msgspec.Raw] | None = None
    refusal: list[msgspec.Raw] | None = None


_LISTS = msgspec.json.Decoder(_Lists)


def joined_logprobs(pieces: Sequence[msgspec.Raw]) -> msgspec.Raw | None:
    """The pieces of a stream as one; None if there is none."""
    if len(pieces) < 2:
        return pieces[0] if pieces else None
    read = [_lists(piece) for piece in pieces]
    content = [token for lists in read for token in lists.content or ()]
    refusal = [token for lists in read for token in lists.refusal or ()]
    return raw({"content": content or None, "refusal": refusal or None})


def content_tokens(logprobs: msgspec.Raw | None) -> list[msgspec.Raw]:
    """Tokens of the visible text; empty if there are none."""
    return [] if logprobs is None else _lists(logprobs).content or []


def of_content(tokens: Sequence[object]) -> msgspec.Raw | None:
    """Tokens of the visible text in our form; None if there are none."""
    return raw({"content": tokens}) if tokens else None


def _lists(piece: msgspec.Raw) -> _Lists:
    try:
        return _LISTS.decode(piece)
    except (ValueError, RecursionError):  # a server's own form, which passes through as it came and has no tokens to join
        return _Lists()
