"""JSON out of an answer that may wrap it in prose, fences or tags, or write it almost right."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

__all__ = ["Found", "field_text", "first_json"]

# Not strict: models leave raw newlines inside strings. Floats keep their digits elsewhere; here values are compared.
_DECODER = json.JSONDecoder(strict=False)
_FENCE = re.compile(r"```(?:json|JSON)?[ \t]*\r?\n?(.*?)```", re.DOTALL)
_TAG = re.compile(r"<(answer|json|output|result|response)>", re.IGNORECASE)
_MOST_ATTEMPTS = 64
"""Openings tried before giving up: each costs one pass over the text at worst."""


class Found(NamedTuple):
    """A JSON value and where in the text it stood."""

    value: Any
    start: int
    end: int


def first_json(text: str, *, openings: str = "{[", drop_newlines: bool = False) -> Found | None:
    """The first complete JSON value that opens with one of `openings`; None if there is none.

    Looked for in fenced blocks first, then between tags such as `<answer>`, then anywhere.
    `drop_newlines` deletes newlines before reading, as some published harnesses do; offsets then
    refer to the shortened text. Prose with stray braces costs an attempt each, at most 64 in all.
    """
    if drop_newlines:
        text = text.replace("\r", "").replace("\n", "")
    for start, end in (*_fenced(text), *_tagged(text)):
        found = _scan(text, start, end, openings)
        if found is not None:
            return found
    return _scan(text, 0, len(text), openings)


def _fenced(text: str) -> list[tuple[int, int]]:
    return [block.span(1) for block in islice(_FENCE.finditer(text), _MOST_ATTEMPTS)]


def _tagged(text: str) -> list[tuple[int, int]]:
    """Spans between an opening tag and the next closing one of its name. A name once found unclosed stays so, which
    keeps the search linear.
    """
    spans: list[tuple[int, int]] = []
    unclosed: set[str] = set()
    for tag in islice(_TAG.finditer(text), _MOST_ATTEMPTS):
        if tag[1] not in unclosed:
            end = text.find(f"</{tag[1]}>", tag.end())
            if end < 0:
                unclosed.add(tag[1])
            else:
                spans.append((tag.end(), end))
    return spans


def _scan(text: str, start: int, end: int, openings: str) -> Found | None:
    opening = _opening(openings)
    for attempt, candidate in enumerate(opening.finditer(text, start, end)):
        if attempt == _MOST_ATTEMPTS:
            return None
        try:
            value, stop = _DECODER.raw_decode(text, candidate.start())
        except (ValueError, RecursionError):  # RecursionError: nested deeper than any answer means
            continue
        if stop <= end:
            return Found(value, candidate.start(), stop)
    return None


@lru_cache(maxsize=16)
def _opening(openings: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(openings)}]")


def field_text(text: str, name: str, *, first: bool = False) -> str | None:
    """What stands after `"name":` in text that is almost JSON (broken escapes, cut off, single quotes).

    A quoted value ends at its closing quote, a bare one at a comma, brace or line end. The last
    occurrence counts unless `first`; None if the name does not occur with a value.
    """
    found = None
    for match in _field(name).finditer(text):
        value = next((group for group in match.groups() if group is not None), "").strip()
        if value:
            found = value
            if first:
                break
    return found


@lru_cache(maxsize=256)
def _field(name: str) -> re.Pattern[str]:
    key = rf"""["'“]?{re.escape(name)}["'”]?\s{{0,20}}:\s{{0,20}}"""
    return re.compile(
        key + r"""(?:"((?:[^"\\]|\\.)*+)"?|'((?:[^'\\]|\\.)*+)'?|([^,}\n\]]*+))""",
        re.DOTALL,
    )
