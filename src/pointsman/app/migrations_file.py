"""Where a project keeps its migrations: beside its ledger."""

from __future__ import annotations

from pathlib import Path

from pointsman.app.config import ProjectSpec

__all__ = ["migrations_file"]


def migrations_file(project: ProjectSpec, folder: Path) -> Path:
    """`folder` is the one `pointsman.yaml` stands in."""
    ledger = project.store.ledger
    return (folder / ledger if ledger is not None else folder / ".pointsman" / "ledger.sqlite").with_name("migrations.sqlite")
