"""The guides' code blocks: which of them are run, and what they print.

A comment on the line before a fence says what the block is:

    <!-- file: NAME -->      written to NAME in the page's folder
    <!-- run -->             run by bash in that folder, must exit with 0; `run: exit 3` names another code
    <!-- prints -->          what the last run block printed, stdout and stderr together

A line that consists of `…` stands for any lines. Run ids, dates and times of a run differ from one time to
the next and are not compared. A page may name the ports 9000, 9001 and 9002; each time free ones are used in
their place, and a block that leaves something running (`&` at a line's end) ends when its ports answer.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = ["Block", "Outcome", "blocks_of", "plain", "refresh", "run_page", "same"]

ELLIPSIS = "…"
_PORTS = ("9000", "9001", "9002")
_WIDTH = "100"
_MARK = re.compile(r"<!-- (?P<kind>run|prints|file)(?:: (?P<argument>.+?))? -->")
_VOLATILE = (
    (re.compile(r"-\d{8}-\d{6}-[0-9a-f]{4}"), "-DATE-TIME-HASH"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC · [\d.,]+ (?:ms|s|min)"), "WHEN · SO LONG"),
    (re.compile(r"(\(\w*|\w+)…[\w-]+\)"), "SHORTENED RUN"),
    (re.compile(r"[\d.]+ GB free"), "SPACE free"),
)


class Block(NamedTuple):
    """One marked block of a page."""

    kind: Literal["run", "prints", "file"]
    argument: str | None
    text: str
    line: int
    """Where its text begins, from 1."""

    @property
    def exit_code(self) -> int:
        """What a run block must exit with."""
        return int(self.argument.removeprefix("exit ")) if self.argument else 0


class Outcome(NamedTuple):
    """What became of a run block, and the block that shows its output, if one does."""

    block: Block
    code: int
    printed: str
    shown: Block | None


def blocks_of(text: str) -> list[Block]:
    """The marked blocks of a page, in order. Raises ValueError for a mark without a fence below it."""
    lines = text.splitlines()
    found: list[Block] = []
    for number, line in enumerate(lines):
        if (mark := _MARK.fullmatch(line)) is None:
            continue
        if number + 1 >= len(lines) or not lines[number + 1].startswith("```"):
            raise ValueError(f"line {number + 1}: no fence follows the mark")
        end = lines.index("```", number + 2)
        body = "\n".join(lines[number + 2 : end]) + "\n"
        found.append(Block(mark["kind"], mark["argument"], body, number + 3))  # type: ignore[arg-type]  # the pattern allows no other
    return found


def run_page(text: str, folder: Path) -> Iterator[Outcome]:
    """Write and run a page's blocks in `folder`, one after the other. Whatever they started ends with the page."""
    blocks = blocks_of(text)
    ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    started: list[int] = []
    try:
        for n, block in enumerate(blocks):
            body = _replaced(block.text, ports)
            if block.kind == "file":
                path = folder / str(block.argument)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(body, encoding="utf-8")
            elif block.kind == "run":
                code, printed = _run(body, folder, started)
                if re.search(r"&$", body, re.MULTILINE):
                    for port in ports.values():
                        if port in body:
                            _wait_for(int(port))
                shown = blocks[n + 1] if n + 1 < len(blocks) and blocks[n + 1].kind == "prints" else None
                named = _replaced(printed, {port: name for name, port in ports.items()})
                yield Outcome(block, code, named.replace(str(folder), "."), shown)
    finally:
        for group in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)


def same(shown: str, printed: str) -> bool:
    """Whether the shown text is what was printed, `…` lines and what differs each time apart."""
    parts = re.split(rf"^{ELLIPSIS}\n", plain(shown), flags=re.MULTILINE)
    pattern = "(?:.*\n)*?".join(map(re.escape, parts))
    return re.fullmatch(pattern, plain(printed)) is not None


def plain(text: str) -> str:
    """The text without what differs from one run to the next, and without spaces at the ends of lines."""
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").split("\n"))


def refresh(page: Path) -> str:
    """The page's text with every stale output replaced; an output with `…` lines keeps what its parts find.

    Raises RuntimeError for a block that exits with another code than it should.
    """
    text = page.read_text(encoding="utf-8")
    if "<!-- run" not in text:
        return text
    lines = text.splitlines(keepends=True)
    changes: list[tuple[Block, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        for outcome in run_page(text, Path(folder)):
            if outcome.code != outcome.block.exit_code:
                raise RuntimeError(f"{page}:{outcome.block.line}: exit {outcome.code}:\n{outcome.printed}")
            if outcome.shown is not None and not same(outcome.shown.text, outcome.printed):
                changes.append((outcome.shown, _renewed(outcome.shown.text, outcome.printed)))
    for block, new in reversed(changes):
        lines[block.line - 1 : block.line - 1 + block.text.count("\n")] = [new]
    return "".join(lines)


def _renewed(shown: str, printed: str) -> str:
    """The whole output; where the old text left some out, by as many lines before and after each `…`."""
    fresh = "".join(f"{line.rstrip()}\n" for line in printed.strip("\n").split("\n"))
    parts = re.split(rf"^{ELLIPSIS}\n", shown, flags=re.MULTILINE)
    if len(parts) == 1:
        return fresh
    lines, kept = fresh.splitlines(keepends=True), []
    at = 0
    for n, part in enumerate(parts):
        height = part.count("\n")
        if n == len(parts) - 1:
            at = len(lines) - height
        elif n > 0:
            at = _find(lines, part.partition("\n")[0], at)
        kept.append("".join(lines[at : at + height]))
        at += height
    return f"{ELLIPSIS}\n".join(kept)


def _find(lines: list[str], first: str, start: int) -> int:
    """Where a shown part begins now: at its old first line, or right after the part before it."""
    return next((i for i in range(start, len(lines)) if plain(lines[i]) == plain(first)), start)


def _run(command: str, folder: Path, started: list[int]) -> tuple[int, str]:
    environment = {k: v for k, v in os.environ.items() if not k.endswith(("_API_KEY", "_TOKEN")) and k != "POINTSMAN_RUNS"}
    environment |= {"COLUMNS": _WIDTH, "NO_COLOR": "1", "LC_ALL": "C.UTF-8"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    process = subprocess.Popen(  # noqa: S603  # the project's own pages
        ["bash", "-euo", "pipefail", "-c", command],  # noqa: S607  # wherever the machine keeps it
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    started.append(process.pid)
    printed, _ = process.communicate(timeout=100)
    return process.returncode, printed


def _replaced(text: str, by: Mapping[str, str]) -> str:
    return re.sub("|".join(by), lambda found: by[found[0]], text)


def _free_ports(count: int) -> list[str]:
    # Five digits, so that the number cannot be found inside another by chance of being short.
    with contextlib.ExitStack() as opened:
        probes = [opened.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [str(probe.getsockname()[1]) for probe in probes]


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
