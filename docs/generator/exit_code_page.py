"""`reference/exit-codes.md`."""

from __future__ import annotations

from generator.markdown import page, table
from pointsman.cli.output import EXIT_CODES, EXIT_ERROR

__all__ = ["pages"]

_MEANING = {
    "pass": ("pass", "a candidate meets every bound; nothing has become worse; or nothing was judged"),
    "fail": ("fail or regression", "every candidate breaks a bound; a variant lost more than the margin"),
    "unknown": ("not enough evidence", "the report says what is open, and how many more cases would settle it"),
}


def pages() -> dict[str, str]:
    """The page, by its path below `reference`."""
    codes = {code: _MEANING[verdict] for verdict, code in EXIT_CODES.items()}
    codes[EXIT_ERROR] = ("error", "wrong usage, a bad file, a full disk, a run that was stopped; stderr says what to do")
    rows = [(f"`{code}`", *codes[code]) for code in sorted(codes)]
    text = (
        "The same for every command. `demo` and `--dry-run` exit with 0 whatever they found; "
        "`doctor` exits with 1 if something will not work."
    )
    return {"exit-codes.md": page("Exit codes", table(("code", "name", "meaning"), rows), text)}
