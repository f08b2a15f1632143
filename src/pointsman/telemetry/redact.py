r"""Bodies without what is secret or personal. Pure: text in, text out.

JSON is read before it is searched, also JSON inside JSON's texts (the arguments of tool calls), so that no
escape hides anything: `a\u0040b.example` is the address it spells. What is cut or broken is searched as text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from pointsman.core.bodies import SensitiveKind
from pointsman.telemetry.embedded_media import without_media
from pointsman.telemetry.sensitive import SECRET_NAMES, SENSITIVE
from pointsman.telemetry.user_pattern import compiled, matches

__all__ = ["Redactor"]

_DECODE = msgspec.json.Decoder().decode
_ENCODE = msgspec.json.Encoder().encode
_DEEPEST = 64
_LEAST_DIGITS = 7
_LOOSE_END = 4096
_ESCAPE = re.compile(r"\\+u00([2-7][0-9A-Fa-f])")
_IN_A_SECRET = re.compile(r"[\w@+./()% -]")
_BY_KEY = "‹key›"


class Redactor:
    """Replaces what it finds by its kind: `‹email›`, `‹pattern›` for the user's own."""

    def __init__(self, kinds: Collection[SensitiveKind], patterns: Sequence[str] = ()) -> None:
        """Raises `ConfigError` for a pattern that cannot be used, as `patterns[0]`."""
        self._patterns = [compiled(pattern, f"patterns[{n}]") for n, pattern in enumerate(patterns)]
        self._replacers = [replace for kind, replace in SENSITIVE.items() if kind in kinds]
        self._hides_keys = "key" in kinds

    def body(self, data: bytes, *, cut: bool = False) -> str:
        """A body, JSON or not. Of one that is `cut` the last 4,096 characters are left out: half a secret has no form
        by which it could be known.
        """
        if not cut:
            try:
                return _ENCODE(self._value(_DECODE(data), 0)).decode()
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                pass  # no JSON: searched as text
        text = self.text(data.decode("utf-8", "replace"))
        return text[:-_LOOSE_END] if cut else text

    def text(self, text: str) -> str:
        """Plain text."""
        if "\\u00" in text:
            text = _ESCAPE.sub(_unescaped, text)
        text = without_media(text)
        if self._patterns:
            text = self._without_matches(text)
        for replace in self._replacers:
            text = replace(text)
        return text

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._string(value, depth)
        if isinstance(value, dict):
            if depth > _DEEPEST:
                return self.text(repr(value))
            return {self._string(k, depth): self._member(k, v, depth + 1) for k, v in value.items()}
        if isinstance(value, list):
            return self.text(repr(value)) if depth > _DEEPEST else [self._value(v, depth + 1) for v in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._number(value)
        return value

    def _member(self, name: str, value: Any, depth: int) -> Any:
        if self._hides_keys and isinstance(value, str) and value and _plain(name) in SECRET_NAMES:
            return _BY_KEY
        return self._value(value, depth)

    def _string(self, text: str, depth: int) -> str:
        if depth <= _DEEPEST and text[:64].lstrip()[:1] in ("{", "[", '"'):
            try:
                inner = _DECODE(text)
            except (msgspec.MsgspecError, RecursionError):
                return self.text(text)
            return _ENCODE(self._value(inner, depth + 1)).decode()
        return self.text(text)

    def _number(self, value: float) -> object:
        """Numbers may be cards and telephones too; one that is becomes text."""
        said = str(value)
        if len(said) < _LEAST_DIGITS:
            return value
        redacted = self.text(said)
        return value if redacted == said else redacted

    def _without_matches(self, text: str) -> str:
        spans = sorted(span for pattern in self._patterns for span in matches(pattern, text))
        out, begin = [], 0
        for start, end in spans:
            if start >= begin:
                out += [text[begin:start], "‹pattern›"]
            begin = max(begin, end)
        return "".join([*out, text[begin:]])


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _unescaped(escape: re.Match[str]) -> str:
    """What an escape in text that is no JSON stands for, where it could be part of a secret."""
    char = chr(int(escape[1], 16))
    return char if _IN_A_SECRET.match(char) else escape[0]
