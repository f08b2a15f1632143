"""What a Claude model takes, as far as its name tells; an unknown name counts as the newest."""

from __future__ import annotations

import re

__all__ = ["takes_effort", "takes_system_turns"]

_VERSION = re.compile(
    r"claude-(?:(?P<old>instant|v?[23](?:[.-]\d{1,2}(?!\d))?)|[a-z]+-(?P<major>\d{1,2})(?:-(?P<minor>\d{1,2})(?!\d))?)(?!\d)"
)
_NEWEST = (99, 0)


def takes_effort(model: str) -> bool:
    """Whether thinking is asked for as `adaptive` with an effort (Claude 4.6 and later) instead of a budget.

    https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking
    """
    return _version(model) >= (4, 6)


def takes_system_turns(model: str) -> bool:
    """Whether `role: system` may stand among the messages (Claude 4.8 and later; not other makers' models).

    https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages
    """
    return "claude" in model and _version(model) >= (4, 8)


def _version(model: str) -> tuple[int, int]:
    found = _VERSION.search(model)
    if found is None:
        return _NEWEST
    return (3, 0) if found["old"] else (int(found["major"]), int(found["minor"] or 0))
