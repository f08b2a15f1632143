"""What is left to tidy up after a migration: a patch for `pointsman.yaml`, and what only a person can do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import yaml

from pointsman.app.config import ProjectSpec
from pointsman.app.snapshots import variants_of_routes
from pointsman.core.failure import ConfigError

__all__ = ["Cleanup", "cleanup", "without_keys"]

_SECRET = re.compile(r"((?:key|keys|password|secret|token|authorization)[\"']?\s*:\s*)(?!\$\{)\S.*", re.IGNORECASE)

_Edit = tuple[int, int, str]
"""From, to, and what stands there from now on; places in the text."""


class Cleanup(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done."""

    patch: str
    """A unified diff of `pointsman.yaml`, for `patch -p0`; empty if nothing in it changes."""
    by_hand: tuple[str, ...]


def cleanup(path: Path, project: ProjectSpec, route: str, baseline: str, candidate: str) -> Cleanup:
    """After everybody was moved: the route names the candidate, nothing falls back to the baseline, and a baseline that
    nobody uses any more goes. Comments and layout stay. Raises `ConfigError` for a file that cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from error
    edits = list(_edits(text, root, route, baseline, candidate))
    others = {r: used for r, used in variants_of_routes(project).items() if r != route and baseline in used}
    by_hand = [f"route {other} still uses {baseline}: move it too, or keep the variant" for other in others]
    if not project.routes:
        by_hand.append(f"clients still call {route!r} by the variant's name: add `routes: {{{route}: {{variant: {candidate}}}}}`")
    elif not others and (gone := _removed(text, root, baseline)) is not None:
        edits.append(gone)
    return Cleanup(patch=_patch(path.name, text, _applied(text, edits)), by_hand=(*by_hand, *_always(baseline, candidate)))


def without_keys(patch: str) -> str:
    """The patch as it may be shown: whoever wrote a key into the file in place of its variable did not mean to publish it."""
    return _SECRET.sub(r"\1•••", patch)


def _always(baseline: str, candidate: str) -> Iterator[str]:
    yield f"prompts: those written for {baseline} can go to an archive; tune {candidate}'s own, each change a bake-off"
    yield f"keys and quotas held for {baseline} can be given back once nothing else uses them"
    yield f"pin {candidate} with `pointsman regress`, so that a silent change of it is seen"


def _edits(text: str, root: yaml.Node | None, route: str, baseline: str, candidate: str) -> Iterator[_Edit]:
    spec = _under(root, "routes", route)
    served = _under(spec, "variant")
    if isinstance(served, yaml.ScalarNode) and served.value == baseline:
        yield served.start_mark.index, served.end_mark.index, candidate
    fallbacks = _under(spec, "fallbacks")
    if isinstance(fallbacks, yaml.SequenceNode):
        kept = [n for n in fallbacks.value if n.value not in (baseline, candidate)]
        if len(kept) < len(fallbacks.value):
            names = ", ".join(text[n.start_mark.index : n.end_mark.index] for n in kept)
            yield _span(text, fallbacks, f"[{names}]")


def _span(text: str, node: yaml.Node, new: str) -> _Edit:
    """A node's own place; a block sequence ends with its last line and not where the next thing begins."""
    start, end = node.start_mark.index, node.end_mark.index
    return start, start + len(text[start:end].rstrip()), new


def _removed(text: str, root: yaml.Node | None, baseline: str) -> _Edit | None:
    """The lines of the baseline's entry, where it has lines of its own."""
    variants = _under(root, "variants")
    if not isinstance(variants, yaml.MappingNode) or variants.flow_style:
        return None
    for key, value in variants.value:
        if key.value == baseline:
            start = text.rfind("\n", 0, key.start_mark.index) + 1
            end = start + len(text[start : value.end_mark.index].rstrip())
            after = text.find("\n", end)
            return start, len(text) if after < 0 else after + 1, ""
    return None


def _under(node: yaml.Node | None, *path: str) -> yaml.Node | None:
    for name in path:
        if not isinstance(node, yaml.MappingNode):
            return None
        node = next((value for key, value in node.value if key.value == name), None)
    return node


def _applied(text: str, edits: list[_Edit]) -> str:
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _patch(name: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), name, name)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
