"""Where the shared recordings lie, and how a test says that it needs them."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(os.environ.get("POINTSMAN_SHARED") or Path(__file__).resolve().parents[3] / "shared")


def needs_shared(*parts: str) -> pytest.MarkDecorator:
    """Skip, saying so, unless every named path under the shared folder is there."""
    absent = [p for p in parts if not (SHARED / p).exists()]
    return pytest.mark.skipif(bool(absent), reason=f"shared recordings absent: {', '.join(absent)} (set POINTSMAN_SHARED)")


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSON-lines file, gzipped or not."""
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)
