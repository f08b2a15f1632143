"""`reference/openapi*.json`: our HTTP interfaces, as the admin listener serves them."""

from __future__ import annotations

import json

from pointsman.app.openapi import admin_document, gateway_document

__all__ = ["pages"]


def pages() -> dict[str, str]:
    """File name → text."""
    made = {"openapi.json": gateway_document(), "openapi-admin.json": admin_document()}
    return {name: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for name, document in made.items()}
