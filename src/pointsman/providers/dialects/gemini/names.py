"""Spellings: members in camelCase or snake_case, enums by name or (Vertex with `enum-encoding=int`) by number."""

from __future__ import annotations

import re

__all__ = ["BLOCK_REASONS", "FINISH_REASONS", "MODALITIES", "NAME", "SCHEMA_TYPES", "camel", "enum_name"]

NAME = "gemini"

_SNAKE = re.compile(r"_([a-z0-9])")

# Numbers of google.cloud.aiplatform.v1 (content.proto, prediction_service.proto, openapi.proto): only Vertex sends numbers.
FINISH_REASONS = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
)
BLOCKED = "promptFeedback"
"""The member of a response that says why its prompt was refused."""
BLOCK_REASONS = ("BLOCKED_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "MODEL_ARMOR", "JAILBREAK")
MODALITIES = ("MODALITY_UNSPECIFIED", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT")
SCHEMA_TYPES = ("TYPE_UNSPECIFIED", "STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")


def camel(name: str) -> str:
    """`inline_data` → `inlineData`; a name without underscores stays."""
    return _SNAKE.sub(lambda m: m[1].upper(), name) if "_" in name else name


def enum_name(value: str | int | None, names: tuple[str, ...]) -> str | None:
    """The enum's name in capitals; a number beyond our list stays as its digits."""
    if isinstance(value, int):
        return names[value] if 0 <= value < len(names) else str(value)
    return value.upper() if value else None
