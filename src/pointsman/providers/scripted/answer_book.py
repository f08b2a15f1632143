"""Which right answer belongs to which question, for a server that is only told the question."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from pointsman.core.chat import ChatRequest
from pointsman.core.failure import DatasetError

__all__ = ["AnswerBook", "Entry", "last_user_text"]

_DECODER = msgspec.json.Decoder(dict[str, Any])


class Entry(msgspec.Struct, frozen=True):
    """One known question."""

    case_id: str
    target: object
    tags: tuple[str, ...] = ()


class AnswerBook:
    """Targets by question. A question is known by its exact text, white space at its ends aside."""

    def __init__(self, entries: dict[bytes, Entry] | None = None) -> None:
        self._entries = entries or {}

    @classmethod
    def read(cls, path: Path, *, input_field: str = "input", target_field: str = "target") -> AnswerBook:
        """Read JSON lines with an input (or `messages`) and a target, and perhaps `id` and `tags`.

        Raises `DatasetError` naming file and line.
        """
        entries: dict[bytes, Entry] = {}
        try:
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        row = _row(line, path, number)
                        question = _question(row, input_field, path, number)
                        entries[_key(question)] = _entry(row, target_field, path, number)
        except OSError as error:
            raise DatasetError(f"cannot be read: {error.strerror}", file=str(path)) from None
        return cls(entries)

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, question: str) -> Entry | None:
        """What is known about this question; None if nothing is."""
        return self._entries.get(_key(question)) if self._entries else None


def last_user_text(request: ChatRequest) -> str:
    """What the user said last; empty if nobody said anything."""
    return next((m.text for m in reversed(request.messages) if m.role == "user"), "")


def _row(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        return _DECODER.decode(line)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"this line is not a JSON object: {error}", file=str(path), line=number) from None


def _question(row: dict[str, Any], field: str, path: Path, number: int) -> str:
    asked = row.get(field)
    if asked is None and isinstance(messages := row.get("messages"), list):
        users = [m for m in messages if isinstance(m, dict) and m.get("role") == "user"]
        asked = users[-1].get("content") if users else None
    if not isinstance(asked, str):
        raise DatasetError(f"no text in {field!r} and no user message", file=str(path), line=number)
    return asked


def _entry(row: dict[str, Any], field: str, path: Path, number: int) -> Entry:
    if field not in row:
        raise DatasetError(f"no {field!r}", file=str(path), line=number, hint="each row needs an input and a target")
    tags = row.get("tags") or ()
    return Entry(str(row.get("id", number)), row[field], tuple(map(str, tags)) if isinstance(tags, list) else ())


def _key(question: str) -> bytes:
    return blake2b(question.strip().encode("utf-8", "surrogatepass"), digest_size=16).digest()
