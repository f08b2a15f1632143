"""One JSON object taken apart member by member, each with its type; what nobody asked for is left over.

For wire objects whose unknown members matter because they must be handed on. `null` counts as absent,
as all protocols here have it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

import msgspec

from pointsman.providers.json_body import decode_request

__all__ = ["BOOL", "FLOAT", "INT", "RAW", "RAWS", "STR", "STRS", "Decode", "Fields"]

T = TypeVar("T")

STR = msgspec.json.Decoder(str)
STRS = msgspec.json.Decoder(tuple[str, ...])
INT = msgspec.json.Decoder(int)
FLOAT = msgspec.json.Decoder(float)
BOOL = msgspec.json.Decoder(bool)
RAW = msgspec.json.Decoder(msgspec.Raw)
RAWS = msgspec.json.Decoder(list[msgspec.Raw])

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Decode(Protocol):
    """`decode_request` or `decode_reply`: who is to blame if it does not fit."""

    def __call__(self, decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, at: str, /) -> T: ...


class Fields:
    """Members of the object at path `at`. `rename` maps spellings of names to the one they are asked by.

    Whatever does not fit raises what `decode` raises, naming the member.
    """

    __slots__ = ("_at", "_decode", "left")

    def __init__(
        self,
        body: bytes | msgspec.Raw,
        at: str = "",
        *,
        decode: Decode = decode_request,
        rename: Callable[[str], str] | None = None,
    ) -> None:
        if isinstance(body, bytes):
            _check_utf8(body, at, decode)
        members = decode(_MEMBERS, body, at)
        self.left = {rename(k): v for k, v in members.items()} if rename else members
        """Members not yet taken, untouched."""
        self._at = f"{at}." if at else ""
        self._decode = decode

    def at(self, name: str) -> str:
        """Path of a member, for messages."""
        return self._at + name

    def take(self, name: str, decoder: msgspec.json.Decoder[T]) -> T | None:
        """The member of that name; None if it is absent or null."""
        value = self.left.pop(name, None)
        return None if value is None or _is_null(value) else self._decode(decoder, value, self._at + name)

    def need(self, name: str, decoder: msgspec.json.Decoder[T]) -> T:
        """The member of that name, which must be there."""
        value = self.take(name, decoder)
        return self._decode(decoder, b"null", self._at + name) if value is None else value

    def spare(self, prefix: str = "") -> dict[str, msgspec.Raw]:
        """What is left and says something, under `prefix` + name, as copies that do not keep the whole body alive."""
        return {prefix + name: value.copy() for name, value in self.left.items() if not _is_null(value)}


def _check_utf8(body: bytes, at: str, decode: Decode) -> None:
    """Raw members are handed on unread, so what is not UTF-8 must be found before."""
    if body.isascii():
        return
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        decode(STR, b'"%b"' % body[error.start : error.end], at)


def _is_null(value: msgspec.Raw) -> bool:
    return len(memoryview(value)) == 4 and bytes(value) == b"null"
