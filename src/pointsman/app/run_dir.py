"""A run's directory: everything needed to show it, judge it again, or go on with it. It can be moved.

eval.yaml      what was asked, as written (references to keys stay references)
run.json       what was resolved: hashes, seed, versions
cases.jsonl    the test set as it was
journal.jsonl  one line per finished trial
result.json    what was found; report.html and report.md show it
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from pointsman.core.failure import PointsmanError, StorageError
from pointsman.core.ids import content_hash
from pointsman.core.variant import Variant
from pointsman.store.journal import write_whole

__all__ = ["Manifest", "RunDir", "find_run", "new_run_dir"]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a run was started with; it never changes, so a resumed run is the same run."""

    run: str
    name: str
    created_s: float
    base_dir: str
    """Folder that relative paths in `eval.yaml` are relative to."""
    tests_file: str
    tests_hash: str
    variants: dict[str, Variant]
    variant_hashes: dict[str, str]
    scorers: tuple[str, ...]
    scorer_fingerprint: str
    baseline: str | None
    repeats: int
    seed: int
    level: float
    versions: dict[str, str]


class Session(msgspec.Struct, frozen=True):
    """One stretch of work on a run."""

    started_s: float
    elapsed_s: float
    stopped_because: str | None = None
    warnings: tuple[str, ...] = ()
    """What a reader of the result must know: prices nobody knows, parameters a protocol cannot say."""


class RunDir:
    """Paths and small files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.spec = path / "eval.yaml"
        self.cases = path / "cases.jsonl"
        self.journal = path / "journal.jsonl"
        self.result = path / "result.json"
        self.html = path / "report.html"
        self.markdown = path / "report.md"

    def write_manifest(self, manifest: Manifest) -> None:
        """Write `run.json`."""
        write_whole(self.path / "run.json", msgspec.json.format(msgspec.json.encode(manifest), indent=2))

    def manifest(self) -> Manifest:
        """Read `run.json`. Raises `PointsmanError` if it is not a run's."""
        path = self.path / "run.json"
        try:
            return msgspec.json.decode(path.read_bytes(), type=Manifest)
        except FileNotFoundError:
            raise PointsmanError(f"{self.path} holds no run", hint="name a run's folder, or its id under --runs") from None
        except (OSError, msgspec.MsgspecError) as error:
            raise StorageError(f"{path}: {error}") from error

    def add_session(self, session: Session) -> None:
        """Remember how long this stretch took and why it ended."""
        write_whole(self.path / "sessions.json", msgspec.json.encode([*self.sessions(), session]))

    def sessions(self) -> list[Session]:
        """All finished stretches; one that was killed left no mark."""
        try:
            return msgspec.json.decode((self.path / "sessions.json").read_bytes(), type=list[Session])
        except (FileNotFoundError, msgspec.MsgspecError):
            return []


def new_run_dir(runs: Path, name: str, seed_text: str, now_s: float) -> RunDir:
    """Make a fresh directory `<runs>/<name>-<time>-<4 digits>`. Raises `StorageError` if it cannot."""
    stamp = datetime.fromtimestamp(now_s, UTC).strftime("%Y%m%d-%H%M%S")
    safe = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)[:40] or "eval"
    for attempt in range(100):
        path = runs / f"{safe}-{stamp}-{content_hash((seed_text, now_s, attempt))[:4]}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise StorageError(
                f"{path}: {error.strerror or error}", hint="choose a folder you may write to, with --runs DIR"
            ) from error
        return RunDir(path)
    raise StorageError(f"{runs}: cannot make a new run directory", hint="choose another folder with --runs DIR")


def find_run(runs: Path, wanted: str) -> RunDir:
    """A run by path, by id, by the start of an id, or `latest`. Raises `PointsmanError` if there is none or several."""
    if Path(wanted).is_dir() and (Path(wanted) / "run.json").exists():
        return RunDir(Path(wanted))
    known = sorted((p.parent for p in runs.glob("*/run.json")), key=lambda p: p.stat().st_mtime)
    if wanted == "latest":
        if known:
            return RunDir(known[-1])
        raise PointsmanError(f"there are no runs under {runs}", hint="start one with `pointsman eval eval.yaml`")
    matches = [p for p in known if p.name.startswith(wanted)]
    if len(matches) == 1:
        return RunDir(matches[0])
    names = ", ".join(p.name for p in (matches or known)[-5:])
    hint = f"there are: {names}" if names else "start one with `pointsman eval`"
    raise PointsmanError(f"{len(matches) or 'no'} runs match {wanted!r} under {runs}", hint=hint)
