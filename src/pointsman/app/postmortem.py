"""The story of a migration from its log, and the files that tell it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from pointsman.app.cleanup import cleanup, without_keys
from pointsman.app.config import ProjectSpec
from pointsman.app.live_rollout import plan_of
from pointsman.app.migrate import Desk
from pointsman.core.estimate import measured_json
from pointsman.core.verdict import verdict_name
from pointsman.report.postmortem import Aftermath, figures, headline, postmortem_markdown, postmortem_page
from pointsman.rollout.chronicle import Chronicle, Chronicler
from pointsman.rollout.history import Logged
from pointsman.store.journal import write_whole
from pointsman.store.migrations import Migration, Migrations, broken_at

__all__ = ["Told", "aftermath_of", "postmortem_document", "story_of", "tell", "write_postmortem"]


_NO_LINES: tuple[str, ...] = ()


class Told(NamedTuple):
    """A story with what belongs to it."""

    story: Chronicle
    aftermath: Aftermath


def tell(desk: Desk, migration: Migration) -> Told:
    """Everything there is to tell of a migration. Raises `PointsmanError`."""
    begun = datetime.fromtimestamp(migration.begun_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Told(story_of(desk.store, migration), aftermath_of(desk.store, migration, begun, desk.path, desk.project))


def story_of(store: Migrations, migration: Migration) -> Chronicle:
    """All that has happened so far. Raises `StorageError`."""
    chronicler = Chronicler(plan_of(migration))
    for event in store.events(migration.id):
        chronicler.take(event.at_s - migration.begun_s, Logged(event.kind, event.data, event.rows))
    return chronicler.story()


def aftermath_of(store: Migrations, migration: Migration, begun: str, path: Path, project: ProjectSpec) -> Aftermath:
    """What is told beside the story, with what is left to do if everybody was moved."""
    events = store.events(migration.id)
    patch, to_do = "", _NO_LINES
    if migration.status in ("completed", "closed"):
        left = cleanup(path, project, migration.route, migration.baseline, migration.candidate)
        patch, to_do = left.patch, left.by_hand
    elif migration.status in ("rolled_back", "aborted"):
        to_do = (
            f"find out why on a test set: add what {migration.candidate} got wrong, and run `pointsman eval` again",
            "a second attempt is a new migration with a salt and an error budget of its own",
        )
    head = events[-1].hash if events else ""
    return Aftermath(migration=migration.id, begun=begun, log_head=head, broken_at=broken_at(events), patch=patch, to_do=to_do)


def write_postmortem(
    story: Chronicle, aftermath: Aftermath, *, html: Path | None, markdown: Path | None, patch: Path | None
) -> None:
    """Write what is asked for. Raises `StorageError` if the disk refuses."""
    shown = msgspec.structs.replace(aftermath, patch=without_keys(aftermath.patch))
    if html is not None:
        write_whole(html, postmortem_page(story, shown).encode())
    if markdown is not None:
        write_whole(markdown, postmortem_markdown(story, shown).encode())
    if patch is not None:
        write_whole(patch, aftermath.patch.encode())
        patch.chmod(0o600)  # it holds what pointsman.yaml holds


def postmortem_document(story: Chronicle, aftermath: Aftermath) -> dict[str, object]:
    """The published JSON."""
    return {
        "migration": aftermath.migration,
        "route": story.plan.route,
        "from": story.plan.from_,
        "to": story.plan.to,
        "status": story.state.status,
        "says": headline(story),
        "lasted_s": story.lasted_s,
        "steps": [
            {"after_s": t.at_s, "action": t.action, "weight": t.weight, "reason": t.reason, "actor": t.actor, "why": t.why}
            for t in story.steps
        ],
        "figures": dict(figures(story)),
        "checks": {
            name: {"verdict": verdict_name(j.verdict), "reason": j.verdict.reason, "estimate": measured_json(j.estimate)}
            for name, j in story.judgements.items()
        },
        "log": {"head": aftermath.log_head, "broken_at": aftermath.broken_at, "differences": list(story.differences)},
        "patch": without_keys(aftermath.patch),
        "to_do": list(aftermath.to_do),
    }
