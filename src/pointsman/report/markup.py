"""HTML and SVG that cannot carry a stranger's markup: only text made by `tag` passes unescaped."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

__all__ = ["Html", "join", "raw", "tag"]

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_VOID = frozenset({"br", "input", "link", "meta", "wbr"})


class Html(str):
    """Markup of ours, ready to be put into a page. Everything that is merely `str` gets escaped."""

    __slots__ = ()


# Most of a page is coordinates and class names, so looking first saves a quarter of the time to write one.
_SUSPECT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff&<>\"']")


Child = str | int | None
Attribute = str | int | float | bool | None


def raw(markup: str) -> Html:
    """Vouch for text written by us (style sheets, scripts). Never for anything read from a run."""
    return Html(markup)


def join(parts: Iterable[Child], between: str = "") -> Html:
    """Parts in order, each escaped unless it is `Html`; None is left out."""
    return Html(between.join(_child(p) for p in parts if p is not None))


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """An element. `class_` and `for_` lose their underscore, other underscores become hyphens.

    An attribute that is None or False is left out, one that is True stands without a value, and a
    float is written with two decimals, which is finer than a pixel.
    """
    opened = f"<{name}{''.join(_attribute(k, v) for k, v in attributes.items() if v is not None and v is not False)}>"
    if name in _VOID:
        return Html(opened)
    return Html(f"{opened}{''.join([_child(c) for c in children if c is not None])}</{name}>")


def _child(child: Child) -> str:
    return child if isinstance(child, Html) else _escaped(str(child))


def _attribute(name: str, value: Attribute) -> str:
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    if isinstance(value, float):
        return f' {name}="{value:.2f}"'
    # Html in an attribute is escaped again: it is text there, not markup.
    return f' {name}="{_escaped(str(value))}"'


def _escaped(text: str) -> str:
    return escape(_UNWRITABLE.sub("�", text)) if _SUSPECT.search(text) else text
