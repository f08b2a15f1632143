"""How a target is said, and wrong answers that a scorer cannot take for it."""

from __future__ import annotations

import re

import msgspec

from pointsman.providers.scripted.dice import rolls
from pointsman.providers.scripted.prose import count_tokens, prose

__all__ = ["said", "wrong_answer"]

_LAST_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?!.*\d)", re.DOTALL)
_OPPOSITES = {"yes": "no", "true": "false"}
_OPPOSITES |= {v: k for k, v in _OPPOSITES.items()}
_TRIES = 16


def said(target: object) -> str:
    """The target as a model would say it: text as it is, anything else as JSON; of a list, the first."""
    if isinstance(target, list | tuple):
        return said(target[0]) if target else ""
    return target if isinstance(target, str) else msgspec.json.encode(target).decode()


def wrong_answer(target: object, style: str | tuple[str, ...], key: tuple[object, ...]) -> str:
    """A seeded answer unlike every accepted form of `target`; see `Script.wrong` for the styles.

    From a list of texts, those that are the target are passed over; if nothing is left, filler.
    """
    right = {_plain(said(t)) for t in (target if isinstance(target, list | tuple) else (target,))}
    for attempt in range(_TRIES):
        u, v, *_ = rolls("wrong", *key, attempt)
        answer = _candidate(target, style, u, v)
        if _plain(answer) not in right:
            return answer
    return prose(0.5, 3)


def _candidate(target: object, style: str | tuple[str, ...], u: float, v: float) -> str:
    if isinstance(style, tuple):
        return style[int(u * len(style))] if style else ""
    if style == "empty":
        return ""
    text = said(target)
    return _near(text, u, v) if style == "near" else prose(u, max(1, count_tokens(text)))


def _near(text: str, u: float, v: float) -> str:
    bare = text.strip()
    if len(bare) == 1 and bare.isalpha():
        letters = "ABCD" if bare.upper() in "ABCD" else "ABCDEFGHIJ"
        letter = letters[int(u * len(letters))]
        return letter if bare.isupper() else letter.lower()
    if bare.lower() in _OPPOSITES:
        other = _OPPOSITES[bare.lower()]
        return other.capitalize() if bare[0].isupper() else other
    if (found := _LAST_NUMBER.search(text)) is not None:
        return text[: found.start()] + _other_number(found.group(), u, v) + text[found.end() :]
    return prose(u, max(1, count_tokens(text)))


def _other_number(text: str, u: float, v: float) -> str:
    decimals = len(text.partition(".")[2])
    value = float(text.replace(",", ""))
    step = max(1, round(abs(value) * 0.3))
    change = (1 + int(u * step)) * (1 if v < 0.5 else -1)
    return f"{value + change:.{decimals}f}"


def _plain(text: str) -> str:
    return " ".join(text.lower().split()).strip(" .")
