"""The page around the live view: it holds nothing but itself, and asks for the key before it can show anything."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from pointsman.report.markup import Html, raw, tag

__all__ = ["policy", "shell"]

_HERE = Path(__file__).parent
_NO_SCRIPT = "This page needs JavaScript to send your key along. Without it: `pointsman migrate status --watch`."


@cache
def shell() -> str:
    """The document."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("link", rel="icon", href="data:,"),
        tag("title", "pointsman"),
        tag("style", raw(_style())),
    )
    body = tag(
        "body",
        tag("header", tag("h1", "pointsman"), _bar(), class_="top"),
        tag("noscript", tag("p", _NO_SCRIPT)),
        tag("p", id="said", role="status", class_="unseen"),
        tag("p", id="trouble", role="alert", class_="bad", hidden=True),
        _form(),
        tag("main", id="live", tabindex=-1),
        tag("script", raw(_script())),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


@cache
def policy() -> str:
    """Its content security policy: only our own style and script, by their hashes, and questions to where it came from."""
    return (
        f"default-src 'none'; script-src '{_hash(_script())}'; style-src '{_hash(_style())}'; connect-src 'self';"
        " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _bar() -> Html:
    return tag(
        "div",
        tag("span", id="updated", class_="note"),
        tag("button", "Pause", type="button", id="pause", aria_pressed="false"),
        tag("button", "Forget the key", type="button", id="forget"),
        class_="tools",
        id="bar",
        hidden=True,
    )


def _form() -> Html:
    return tag(
        "form",
        tag("label", "Admin key", for_="key"),
        tag("input", id="key", type="password", autocomplete="current-password", spellcheck="false", required=True),
        tag("button", "Show", type="submit"),
        tag("p", "The key of ", tag("code", "gateway.admin.key"), ". This tab keeps it until it is closed.", class_="note"),
        id="ask",
        hidden=True,
    )


def _style() -> str:
    return _asset("page.css") + _asset("dashboard.css")


def _script() -> str:
    return _asset("dashboard.js")


@cache
def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
