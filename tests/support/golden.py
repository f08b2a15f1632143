"""Golden files of translation: what of ours goes out in each protocol, byte for byte.

Each folder under `tests/golden/<kind>/` has a hand-made `source.json` (the protocol it is told in, what it is about,
and its body) and beside it one file per protocol: a head (path or status, headers, losses), an empty line, and then
the exact bytes. `make golden` writes them anew; look at the difference before it is committed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pointsman.core.chat import ChatRequest, Loss, user_says
from pointsman.providers.assemble import Assembler, deltas_of
from pointsman.providers.dialect import DIALECTS, Dialect
from support.streams import deltas_in, written

__all__ = ["GOLDEN", "NAMES", "SOURCES", "made", "source", "write"]

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = ("openai_chat", "openai_responses", "anthropic_messages", "gemini")
ASKED = ChatRequest(model="asked", messages=(user_says("hi"),), stream=True, stream_usage=True)
SOURCES = sorted(path.parent for path in GOLDEN.glob("*/*/source.json"))


def source(folder: Path) -> dict[str, Any]:
    """The hand-made file of one case."""
    found: dict[str, Any] = json.loads((folder / "source.json").read_bytes())
    return found


def made(folder: Path) -> dict[str, bytes]:
    """What our code makes of one case: the content of each golden file, by its name."""
    said = source(folder)
    tell = {"requests": _request, "replies": _reply, "streams": _stream, "failures": _failure}[folder.parent.name]
    came_in = DIALECTS.load(said["protocol"])
    return {f"{name}.txt": tell(said, came_in, DIALECTS.load(name)) for name in NAMES}


def _request(said: dict[str, Any], came_in: Dialect, target: Dialect) -> bytes:
    asked = came_in.read_request(_bytes(said["body"]), said.get("path", "/"))
    wire = target.write_request(asked)
    return _page([f"POST {wire.path}", *_headers(wire.headers)], wire.losses, wire.body)


def _reply(said: dict[str, Any], came_in: Dialect, target: Dialect) -> bytes:
    """Whole, and as a stream made of it."""
    reply = came_in.read_reply(_bytes(said["body"]))
    wire = target.write_reply(reply, ASKED)
    whole = _page([str(wire.status), *_headers(wire.headers)], target.lost_in_reply(reply), wire.body)
    return whole + b"\n\nas a stream\n\n" + written(target, deltas_of(reply), ASKED)


def _stream(said: dict[str, Any], came_in: Dialect, target: Dialect) -> bytes:
    deltas = deltas_in(came_in, [said["body"].encode()])
    assembler = Assembler()
    for delta in deltas:
        assembler.add(delta)
    losses = target.lost_in_reply(assembler.reply(), streamed=True)
    return _page(["200", f"content-type: {target.stream_content_type}"], losses, written(target, deltas, ASKED))


def _failure(said: dict[str, Any], came_in: Dialect, target: Dialect) -> bytes:
    wire = target.write_failure(came_in.classify(said["status"], said["headers"], _bytes(said["body"])))
    return _page([str(wire.status), *_headers(wire.headers)], (), wire.body)


def _bytes(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _headers(headers: dict[str, str]) -> list[str]:
    return [f"{name}: {value}" for name, value in sorted(headers.items())]


def _page(head: list[str], losses: Iterable[Loss], body: bytes) -> bytes:
    lost = [f"lost {loss.field}: {loss.why}" for loss in losses]
    return "\n".join([*head, *lost]).encode() + b"\n\n" + body


def write() -> None:
    """Write every golden file anew, and remove those that nothing makes any more."""
    for folder in SOURCES:
        now = made(folder)
        for stale in folder.iterdir():
            if stale.name not in {*now, "source.json"}:
                stale.unlink()
        for name, content in now.items():
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    write()
