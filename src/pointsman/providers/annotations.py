"""Citations of web pages as OpenAI's two protocols write them: nested in Chat Completions, flat in Responses.

`{"type": "url_citation", "url_citation": {"url": …}}` and `{"type": "url_citation", "url": …}` say the same;
other kinds of annotation (files) exist in Responses alone.
"""

from __future__ import annotations

import msgspec

from pointsman.providers.json_body import raw

__all__ = ["flat_annotations", "nested_annotations"]

_ITEMS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KIND = b'"url_citation"'


def nested_annotations(citations: msgspec.Raw) -> msgspec.Raw | None:
    """Flat ones in the form of Chat Completions; None unless all are citations of web pages."""
    items = _web_citations(citations)
    if items is None:
        return None
    return raw([{"type": "url_citation", "url_citation": {k: v for k, v in item.items() if k != "type"}} for item in items])


def flat_annotations(citations: msgspec.Raw) -> msgspec.Raw | None:
    """Nested ones in the form of Responses; None unless all are citations of web pages."""
    items = _web_citations(citations)
    if items is None or any("url_citation" not in item for item in items):
        return None
    try:
        return raw([{"type": "url_citation", **_FIELDS.decode(item["url_citation"])} for item in items])
    except (ValueError, RecursionError):
        return None


def _web_citations(citations: msgspec.Raw) -> list[dict[str, msgspec.Raw]] | None:
    try:
        items = _ITEMS.decode(citations)
    except (ValueError, RecursionError):
        return None
    return items if items and all(bytes(item.get("type", b"")) == _KIND for item in items) else None
