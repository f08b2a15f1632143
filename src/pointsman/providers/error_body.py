"""The facts in an error body, whichever of the many shapes it has.

OpenAI's `{"error": {…}}`, Anthropic's `{"type": "error", "error": {…}}`, Google's (also inside a list),
xAI's `{"code": …, "error": "words"}`, FastAPI's `{"detail": …}` and flat `{"message": …}` say the
same few things. Nothing here raises: a body that says nothing yields facts that are all None.
"""

from __future__ import annotations

import re

import msgspec

__all__ = ["ErrorFacts", "error_facts", "facts_of", "without_keys"]

_DECODE = msgspec.json.Decoder().decode
_LONGEST_MESSAGE = 2000

# Providers may quote the key they refuse; it must not travel on in our messages, logs and replies.
_KEY = re.compile(
    r"\b(?:sk|pk|rk|xai|gsk|hf|csk|pplx|nvapi|key)[-_][\w*.-]{8,}"
    r"|\bAIza[\w-]{20,}|(?<=Bearer )\S+|(?<=API key provided: )[^\s,]+[^\s.,]"
)


class ErrorFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an error body says; each is None if it does not say it."""

    message: str | None = None
    code: str | None = None
    """The most specific machine-readable code, as text (also where the wire has a number)."""
    kind: str | None = None
    """The wider category: `type` (OpenAI, Anthropic) or `status` (Google)."""
    request_id: str | None = None
    detail: str | None = None
    """Codes and words of the layers below (`innererror`, `metadata.raw`), for recognition only."""

    @property
    def silent(self) -> bool:
        """Whether the body said nothing at all about an error."""
        return self.message is None and self.code is None and self.kind is None


def error_facts(body: bytes) -> ErrorFacts:
    """Facts in the raw body of an error response."""
    try:
        return facts_of(_DECODE(body))
    except (ValueError, RecursionError):
        return ErrorFacts(message=_plain(body))


def facts_of(error: object) -> ErrorFacts:
    """Facts in decoded JSON: a whole error body or the value of its `error` field."""
    if isinstance(error, list):
        error = next((e for e in error if isinstance(e, dict)), None)
    if isinstance(error, str):
        return ErrorFacts(message=_clean(error))
    return _from_object(error) if isinstance(error, dict) else ErrorFacts()


def _from_object(outer: dict[str, object]) -> ErrorFacts:
    inner = outer.get("error")
    if isinstance(inner, list):
        inner = next((e for e in inner if isinstance(e, dict)), None)
    fields = inner if isinstance(inner, dict) else outer
    words = inner if isinstance(inner, str) else fields.get("message") or fields.get("msg") or outer.get("detail")
    return ErrorFacts(
        message=_clean(_words(words)),
        code=_code(fields.get("code")) or _code(outer.get("code")),
        kind=_text(fields.get("type")) or _text(fields.get("status")) or _text(outer.get("error_type")),
        request_id=_text(outer.get("request_id")) or _text(fields.get("request_id")),
        detail=_detail(fields),
    )


def _detail(fields: dict[str, object]) -> str | None:
    parts: list[str] = []
    layer: object = fields.get("innererror")
    while isinstance(layer, dict):
        parts.append(_text(layer.get("code")) or "")
        layer = layer.get("innererror")
    metadata = fields.get("metadata")
    if isinstance(metadata, dict):
        parts += [_text(metadata.get(k)) or "" for k in ("raw", "error_type")]
        parts.append("flagged" if metadata.get("flagged_input") or metadata.get("reasons") else "")
    return _clean(" ".join(p for p in parts if p)) or None


def _words(value: object) -> str | None:
    """Text of a message field; a list of complaints (FastAPI) is joined."""
    if isinstance(value, list):
        joined = "; ".join(w for w in (_complaint(v) for v in value) if w)
        return joined or None
    if isinstance(value, dict):
        return _words(value.get("message") or value.get("detail") or value.get("msg"))
    return _text(value)


def _complaint(value: object) -> str | None:
    if isinstance(value, dict) and isinstance(at := value.get("loc"), list):
        return f"{'.'.join(str(step) for step in at)}: {_text(value.get('msg')) or 'invalid'}"
    return _words(value) if not isinstance(value, list) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _code(value: object) -> str | None:
    if isinstance(value, bool):
        return None
    return str(value) if isinstance(value, int | float) else _text(value)


def _plain(body: bytes) -> str | None:
    """The body itself if it is a short line for people; pages of HTML and binary rubbish are nobody's message."""
    text = body[:_LONGEST_MESSAGE].decode("utf-8", "replace").strip()
    if not text or text.startswith(("<", "{", "[")) or not text.replace("\n", " ").isprintable() or "\ufffd" in text:
        return None
    return _clean(text)


def _clean(text: str | None) -> str | None:
    return without_keys(text[:_LONGEST_MESSAGE]) if text else None


def without_keys(text: str) -> str:
    """The text with everything that looks like an API key blacked out."""
    return _KEY.sub("[key]", text)
