"""What goes out for our own requests, replies, streams and errors, in every protocol, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.golden import GOLDEN, NAMES, SOURCES, made


@pytest.mark.parametrize("folder", SOURCES, ids=lambda f: f"{f.parent.name}-{f.name}")
def test_the_golden_files_hold(folder: Path) -> None:
    """If a change is meant, `make golden` writes them anew, and the difference is there to be read."""
    recorded = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "source.json"}
    assert recorded == made(folder)


def test_every_kind_of_message_has_golden_files() -> None:
    """So that the test above cannot pass by finding nothing."""
    assert {
        kind: len(list((GOLDEN / kind).glob("*/source.json"))) for kind in ("requests", "replies", "streams", "failures")
    } == {
        "requests": 7,
        "replies": 6,
        "streams": 3,
        "failures": 3,
    }
    assert len(list(GOLDEN.glob("*/*/*.txt"))) == len(SOURCES) * len(NAMES)
