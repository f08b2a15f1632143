"""What an error looks like to the clients of each protocol."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["assert_error"]


def assert_error(dialect: str, status: int, body: bytes) -> None:
    """`body` is an error in the protocol's own shape, with words in it, and not one of our own making."""
    document: Any = json.loads(body)
    error = document["error"]
    assert isinstance(error["message"], str)
    assert error["message"]
    assert "a fault of its own" not in error["message"], document
    match dialect:
        case "anthropic_messages":
            assert document["type"] == "error"
            assert isinstance(error["type"], str)
        case "gemini":
            assert error["code"] == status
            assert error["status"].isupper()
        case _:
            assert isinstance(error["type"], str)
            assert {"param", "code"} <= error.keys()
