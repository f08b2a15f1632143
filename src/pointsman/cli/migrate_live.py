"""`pointsman migrate start`, `status` and the verbs a person has over a migration under way."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pointsman.cli.migrate_report import leave_files, report
from pointsman.cli.options import json_option
from pointsman.cli.output import EXIT_CODES, print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.app.migrate import Desk

__all__ = ["LIVE_COMMANDS"]

F = TypeVar("F", bound=Callable[..., Any])

_VERBS = {
    "approve": ("Let a migration that asks for it leave its phase.", "the numbers were reviewed"),
    "pause": ("Stay in this phase until `resume`; guardrails still roll back.", "release freeze"),
    "resume": ("Go on after a pause.", "freeze is over"),
    "promote": ("Go to the next phase now, without waiting for evidence.", "load test passed"),
    "rollback": ("Send everybody back to the baseline at once; the migration is over.", "complaints"),
    "abort": ("End the migration; everybody gets the baseline. Also after the last phase.", "plans changed"),
    "close": ("End a completed migration for good, once pointsman.yaml names the new variant.", "two quiet weeks"),
}


def _config_option(command: F) -> F:
    return click.option("--config", type=click.Path(path_type=Path), help="pointsman.yaml; by default the nearest one.")(command)


@click.command("start", epilog=with_example("pointsman migrate start migration.yaml --dry-run"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@_config_option
@click.option("--dry-run", is_flag=True, help="Check the plan against pointsman.yaml, and begin nothing.")
@json_option
def _start(file: Path, config: Path | None, dry_run: bool, as_json: bool) -> None:
    """Begin to move live traffic as a migration.yaml says.

    The running `pointsman serve` of the same pointsman.yaml takes it up within a second; if none runs,
    the next one does. What was begun goes on after any restart.
    """
    from pointsman.app.migrate import Desk

    desk = Desk(config)
    if dry_run:
        plan = desk.check(file)
        if as_json:
            print_json({"route": plan.route, "from": plan.from_, "to": plan.to, "started": False})
        else:
            say(f"{file}: can begin: {plan.route}, {plan.from_} → {plan.to}, {len(plan.phases)} phases")
        return
    migration = desk.start(file)
    if as_json:
        document = {"migration": migration.id, "attended": desk.attended, "started": True}
        print_json({**document, "route": migration.route, "from": migration.baseline, "to": migration.candidate})
        return
    click.echo(migration.id)
    say("begun; `pointsman migrate status --watch` shows how it goes" if desk.attended else _UNATTENDED)


_UNATTENDED = "no gateway runs on this store: it begins when `pointsman serve` does"


@click.command("status", epilog=with_example("pointsman migrate status --json"))
@click.argument("migration", required=False)
@_config_option
@click.option("--watch", is_flag=True, help="Show it again every second until it is over.")
@click.option("--for-s", type=click.FloatRange(0), help="With --watch: stop after so many seconds.")
@json_option
def _status(migration: str | None, config: Path | None, watch: bool, for_s: float | None, as_json: bool) -> int:
    """How a migration stands: phase, share, checks, replicas, and what has happened.

    Without an id the newest one. The exit code is 0 if it runs or has been completed, 2 if it went
    back, 3 if no gateway attends to it.
    """
    from pointsman.app.migrate import Desk
    from pointsman.cli.migrate_status import print_status

    desk = Desk(config)
    end_s = None if for_s is None else time.monotonic() + for_s
    while True:
        document = desk.document(desk.chosen(migration))
        over = document["status"] in ("rolled_back", "aborted", "closed")
        if not watch or over or (end_s is not None and time.monotonic() >= end_s):
            break
        print_status(document, clear=True)
        time.sleep(1.0)
    if as_json:
        print_json(document)
    else:
        print_status(document, clear=watch)
    if document["status"] in ("rolled_back", "aborted"):
        return EXIT_CODES["fail"]
    return EXIT_CODES["pass"] if document["attended"] or over else EXIT_CODES["unknown"]


def _verb(name: str, does: str, because: str) -> click.Command:
    @click.command(name, help=does, epilog=with_example(f"pointsman migrate {name} --why '{because}'"))
    @click.argument("migration", required=False)
    @_config_option
    @click.option("--why", default="", help="Kept in the log beside who asked.")
    @json_option
    def verb(migration: str | None, config: Path | None, why: str, as_json: bool) -> int:
        from pointsman.app.migrate import Desk

        desk = Desk(config)
        return _asked(desk, migration, name, why, as_json=as_json)

    return verb


def _asked(desk: Desk, migration: str | None, name: str, why: str, *, as_json: bool) -> int:
    chosen = desk.chosen(migration)
    answer = desk.ask(chosen, name, why)
    now = desk.chosen(chosen.id)
    if as_json:
        print_json({"migration": now.id, "command": name, "answer": answer, "status": now.status, "weight": now.weight})
    elif answer is None:
        say(f"{now.id}: nobody has answered yet; the command waits for a gateway")
    else:
        click.echo(f"{now.id}: {answer}")
    if now.status == "closed":
        leave_files(desk, now.id)
    return EXIT_CODES["unknown" if answer is None else "pass"]


LIVE_COMMANDS = [_start, _status, report, *(_verb(name, does, because) for name, (does, because) in _VERBS.items())]
