"""Pictures, sound and other data inside text: replaced by their size and hash, which tell two apart without showing either."""

from __future__ import annotations

import base64
import binascii
import re

from pointsman.core.ids import hash_bytes

__all__ = ["without_media"]

_LEAST = 256
_DATA_URL = re.compile(r"data:([\w.+-]{1,64}/[\w.+-]{1,64})?(?:;[\w=.+-]{1,64}){0,4};base64,([A-Za-z0-9+/_=-]*)")
_RUN = re.compile(rf"[A-Za-z0-9+/_-]{{{_LEAST},}}={{0,2}}")
# As mail programs break it: lines of one width, also where the line ends are written as escapes.
_LINES = re.compile(r"(?:[A-Za-z0-9+/]{60,76}(?:\r?\n|(?:\\r)?\\n)){3,}[A-Za-z0-9+/]{0,76}={0,2}")
_LINE_END = re.compile(r"\s+|\\[rn]")


def without_media(text: str) -> str:
    """The text with data URLs and long runs of base64 (256 characters and more) as `‹image/png 48213 bytes 3f…›`."""
    if len(text) < _LEAST and "base64," not in text:
        return text
    text = _DATA_URL.sub(lambda m: _said(m[1] or "data", m[2]), text)
    text = _LINES.sub(lambda m: _said("base64", _LINE_END.sub("", m[0])), text)
    return _RUN.sub(lambda m: _said("base64", m[0]), text)


def _said(kind: str, encoded: str) -> str:
    """Hash and size of what it stands for; of the text itself where that is no base64 after all."""
    plain = encoded.rstrip("=").translate(_STANDARD)
    try:
        data = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        data = encoded.encode()
    return f"‹{kind} {len(data)} bytes {hash_bytes(data)}›"


_STANDARD = str.maketrans("-_", "+/")
