#!/usr/bin/env python
"""Write what the documentation takes from the code: the reference pages, the schemas, the printed outputs.

`make docs` runs this. `tests/docs` fails while any of it is stale.
"""

import argparse
import sys
from pathlib import Path

from generator.blocks import refresh
from generator.pages import DOCS, REPOSITORY, generated


def main() -> None:
    """Write every file that differs, and name it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", action="store_true", help="leave out the outputs that the guides show")
    only_reference = parser.parse_args().reference
    for path, text in generated().items():
        _write(path, text)
    if not only_reference:
        for page in [REPOSITORY / "README.md", *sorted(DOCS.rglob("*.md"))]:
            _write(page, refresh(page))


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    sys.stdout.write(f"wrote {path.relative_to(REPOSITORY)}\n")


if __name__ == "__main__":
    main()
