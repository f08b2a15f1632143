"""The provider's own name for a request, by which its support finds it."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["request_id"]

_NAMES = ("x-request-id", "request-id", "apim-request-id", "x-goog-request-id", "x-amzn-requestid")


def request_id(headers: Mapping[str, str]) -> str | None:
    """From a response's headers (lower-case names, or compared without regard to case); None if none of them says.

    What is not ASCII becomes question marks: headers may hold bytes that no text has, and this is written as JSON.
    """
    for name in _NAMES:
        if (found := headers.get(name)) is not None:
            return found if found.isascii() else found.encode("ascii", "replace").decode()
    return None
