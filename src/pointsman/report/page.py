"""The frame of every page we write: one HTML file, no request leaves it, it needs no script, and it can be printed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pointsman.report.markup import Child, Html, raw, tag

__all__ = ["Part", "whole_page"]

_HERE = Path(__file__).parent
# Nothing may be fetched, and only our own inline style and script run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

Part = tuple[str, str, Html | None]
"""A section: its anchor, its title, and what it says; None leaves it out."""


def whole_page(title: str, header: Html, parts: Sequence[Part], footer: Sequence[Child]) -> str:
    """The document, with a table of contents of the parts that say something."""
    told = [(name, heading, body) for name, heading, body in parts if body is not None]
    links = (tag("li", tag("a", heading, href=f"#{name}")) for name, heading, _ in told)
    sections = (
        tag("section", tag("h2", heading, id=f"{name}-h"), body, id=name, aria_labelledby=f"{name}-h")
        for name, heading, body in told
    )
    body = tag(
        "body",
        header,
        tag("nav", tag("ul", *links), aria_label="Contents"),
        tag("main", *sections),
        tag("footer", "Made by ", tag("b", "pointsman"), *footer),
        tag("script", raw(_asset("page.js"))),
    )
    return f"<!doctype html>\n{tag('html', _head(title), body, lang='en')}\n"


def _head(title: str) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", title),
        tag("style", raw(_asset("page.css"))),
    )


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
