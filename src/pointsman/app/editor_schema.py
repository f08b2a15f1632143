"""The schemas beside the user's files, so that an editor completes keys wherever the project is checked out."""

from __future__ import annotations

from pathlib import Path

__all__ = ["schema_file", "schema_line", "schema_text"]

_SHIPPED = Path(__file__).with_name("schemas")


def schema_file(name: str) -> str:
    """Where a schema lies in a project, from the project's folder: `eval`, `pointsman`, `requirements`."""
    return f".pointsman/{name}.schema.json"


def schema_text(name: str) -> str:
    """The schema that ships with this version."""
    return (_SHIPPED / f"{name}.schema.json").read_text(encoding="utf-8")


def schema_line(name: str, folder: Path | None = None) -> str:
    """The comment by which editors find it; empty if `folder` is given and has no copy of the schema."""
    if folder is not None and not (folder / schema_file(name)).is_file():
        return ""
    return f"# yaml-language-server: $schema={schema_file(name)}\n"
