"""What the admin listener answers at which path: one table, for its 404s and 405s, the docs and the OpenAPI document."""

from __future__ import annotations

import re

__all__ = ["ADMIN_PATHS", "allowed_methods"]

ADMIN_PATHS: dict[str, dict[str, str]] = {
    "/dashboard": {
        "GET": "a page for people that asks for the key and then shows what follows, every two seconds; needs no key itself"
    },
    "/dashboard/live": {"GET": "routes, migrations and variants at this moment, as the piece of HTML that the page shows"},
    "/metrics": {"GET": "[metrics](metrics.md) in Prometheus's text format"},
    "/health": {"GET": "workers, their configuration, open breakers, the ledger's state"},
    "/ready": {"GET": "200 if every worker serves the configuration in force, else 503"},
    "/snapshot": {"GET": "the configuration in force, keys left out"},
    "/reload": {"POST": "read the file again; 409 if it cannot be used, and then the last good one stays"},
    "/migrations": {
        "GET": "all migrations, and how they stand",
        "POST": "begin the migration whose plan is the body: what `migration.yaml` holds, as JSON",
    },
    "/migrations/{id}": {"GET": "one migration: how it stands, and what the log says"},
    "/migrations/{id}/{command}": {"POST": "what `pointsman migrate COMMAND` does; the body says why and who, or is empty"},
    "/openapi.json": {"GET": "[the data plane](openapi.json) as an OpenAPI document"},
    "/openapi-admin.json": {"GET": "[this listener](openapi-admin.json) as an OpenAPI document"},
}
"""Path → method → what it answers. A part in braces stands for any one name."""

_PATTERNS = {re.compile(re.sub(r"\{\w+\}", "[^/]+", path)): tuple(methods) for path, methods in ADMIN_PATHS.items()}


def allowed_methods(path: str) -> tuple[str, ...]:
    """What may be asked at `path`; empty if there is nothing."""
    return next((methods for pattern, methods in _PATTERNS.items() if pattern.fullmatch(path)), ())
