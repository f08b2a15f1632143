"""Live traffic of many conversations on a gateway that migrates, and what became of each."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import openai
import yaml

from pointsman.store.migrations import Migration, Migrations
from support.command import Ran, pointsman
from support.gateway import variant
from support.serving import Serving, until

SCRIPTS = {
    "steady": {"output_tokens": 8, "error": 0.05},
    "failing": {"output_tokens": 8, "error": 0.6},
    "dead": {"output_tokens": 8, "error": 1.0},
    "curt": {"output_tokens": 8, "truncation": 0.5},
    "sound": {"output_tokens": 8},
}


def config(base_url: str, *, old: str = "steady", new: str = "steady", **route: Any) -> dict[str, Any]:
    """A route `support` that `old` serves, and `new` beside it."""
    variants = {"old": variant(base_url, model=old), "new": variant(base_url, model=new)}
    return {"variants": variants, "routes": {"support": {"variant": "old", "retries": 0, **route}}, "gateway": {"port": 0}}


def write_plan(folder: Path, *phases: Mapping[str, Any], **more: Any) -> Path:
    """A plan of phases that last seconds."""
    plan = {"route": "support", "from": "old", "to": "new", "guardrails": {"error_rate": {}}, "signals": {}, **more}
    path = folder / "migration.yaml"
    path.write_text(yaml.safe_dump({**plan, "phases": [dict(p) for p in phases]}, sort_keys=False))
    return path


def migrate(folder: Path, *arguments: str | Path) -> Ran:
    """`pointsman migrate` in that folder."""
    return pointsman("migrate", *arguments, cwd=folder)


def started(folder: Path, *phases: Mapping[str, Any], **more: Any) -> str:
    """Start a migration; its id."""
    ran = migrate(folder, "start", write_plan(folder, *phases, **more))
    assert ran.code == 0, ran.err
    return ran.out.strip()


def store_of(folder: Path) -> Migrations:
    return Migrations(folder / ".pointsman" / "migrations.sqlite")


def standing(folder: Path, id: str) -> Migration:  # noqa: A002  # it is what it is
    """The migration as the store has it."""
    with store_of(folder) as store:
        return next(m for m in store.all() if m.id == id)


ENDED = ("rolled_back", "aborted", "closed")


def until_status(folder: Path, id: str, *statuses: str, within_s: float = 60.0) -> Migration:  # noqa: A002  # it is what it is
    """Wait for the migration to come to one of these; tells its last moves where it doesn't, or has ended another way."""
    with store_of(folder) as store:

        def there() -> Migration | None:
            now = next(m for m in store.all() if m.id == id)
            assert now.status in statuses or now.status not in ENDED, f"it is {now.status}"
            return now if now.status in statuses else None

        try:
            found = until(there, f"{id} becomes {' or '.join(statuses)}", within_s)
        except AssertionError as failed:
            last = [str(e.data) for e in store.events(id)][-4:]
            raise AssertionError("\n".join([str(failed), *last])) from None
        assert isinstance(found, Migration)
        return found


class Turn(NamedTuple):
    """One request of a conversation."""

    conversation: str
    sent_s: float
    variant: str | None
    status: int
    done_s: float


class Traffic:
    """Conversations of a few turns each, by OpenAI's SDK, from several threads, until it is stopped."""

    def __init__(self, base_url: str, *, threads: int = 4, turns: int = 3, named: bool = False, stream: bool = False) -> None:
        """`named`: the client names its conversations by a header; otherwise they are known by how they begin."""
        self.turns: list[Turn] = []
        self._base_url, self._per, self._named, self._stream = base_url, turns, named, stream
        self._stop = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._talk, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def by_conversation(self) -> dict[str, list[Turn]]:
        """Turns of each conversation in order."""
        found: dict[str, list[Turn]] = {}
        for turn in sorted(self.turns, key=lambda t: t.sent_s):
            found.setdefault(turn.conversation, []).append(turn)
        return found

    def to(self, variant_: str, after_s: float = 0.0) -> list[Turn]:
        """Turns that a variant got."""
        return [t for t in self.turns if t.variant == variant_ and t.sent_s >= after_s]

    def _note(self, conversation: str, sent_s: float, variant_: str | None, status: int) -> None:
        self.turns.append(Turn(conversation, sent_s, variant_, status, time.time()))

    def _talk(self, thread: int) -> None:
        with openai.OpenAI(base_url=self._base_url, api_key="unused", max_retries=0, timeout=30) as sdk:
            while not self._stop.is_set():
                self._converse(sdk, f"{thread}-{next(self._numbers)}")

    def _converse(self, sdk: openai.OpenAI, name: str) -> None:
        history: list[Any] = [{"role": "user", "content": f"I am {name}; hello"}]
        headers = {"x-pointsman-conversation": name} if self._named else {}
        for number in range(self._per):
            sent_s = time.time()
            try:
                raw = sdk.chat.completions.with_raw_response.create(
                    model="support", messages=history, extra_headers=headers, stream=self._stream
                )
            except openai.APIStatusError as error:
                self._note(name, sent_s, error.response.headers.get("x-pointsman-variant"), error.status_code)
                answer = "(nothing)"
            except openai.APIConnectionError:
                self._note(name, sent_s, None, 0)
                if self._stop.wait(0.05):
                    return
                continue
            else:
                self._note(name, sent_s, raw.headers.get("x-pointsman-variant"), raw.status_code)
                answer = _said(raw.parse(), stream=self._stream)
            history += [{"role": "assistant", "content": answer}, {"role": "user", "content": f"and then? ({number})"}]
            if self._stop.is_set():
                return


def _said(parsed: Any, *, stream: bool) -> str:
    if not stream:
        return parsed.choices[0].message.content or ""
    return "".join(c.choices[0].delta.content or "" for c in parsed if c.choices)


def changed_sides(traffic: Traffic, until_s: float = float("inf")) -> list[str]:
    """Conversations that two variants answered before `until_s`."""
    return [
        name
        for name, turns in traffic.by_conversation().items()
        if len({t.variant for t in turns if t.variant is not None and t.sent_s < until_s}) > 1
    ]


def url(running: Serving) -> str:
    return running.openai_url
