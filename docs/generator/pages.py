"""Everything that is generated, by the path it is written to."""

from __future__ import annotations

from pathlib import Path

from generator import (
    command_page,
    config_page,
    dashboard,
    document_page,
    exit_code_page,
    fault_page,
    gateway_page,
    metrics_page,
    openapi_files,
    provider_page,
    schemas,
    scorer_page,
)

__all__ = ["DOCS", "REPOSITORY", "generated"]

DOCS = Path(__file__).parents[1]
REPOSITORY = DOCS.parent
_SHIPPED = REPOSITORY / "src" / "pointsman" / "app" / "schemas"


def generated() -> dict[Path, str]:
    """Path → text."""
    found: dict[Path, str] = {}
    families = (
        command_page,
        config_page,
        document_page,
        exit_code_page,
        fault_page,
        gateway_page,
        metrics_page,
        openapi_files,
        provider_page,
        scorer_page,
    )
    for family in families:
        found |= {DOCS / "reference" / name: text for name, text in family.pages().items()}
    for name, text in schemas.schemas().items():
        found[DOCS / "reference" / "schemas" / name] = text
        found[_SHIPPED / name] = text
    found[REPOSITORY / "examples" / "monitoring" / "dashboard.json"] = dashboard.dashboard()
    return found
