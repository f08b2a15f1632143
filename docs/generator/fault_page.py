"""`reference/faults.md`: what the scripted server plays on demand."""

from __future__ import annotations

from generator.markdown import code, page, table
from pointsman.providers.scripted.faults import FAULTS

__all__ = ["pages"]


def pages() -> dict[str, str]:
    """The page, by its path below `reference`."""
    how = (
        "Written `name` or `name;key=value;…`: in the header `x-scripted-fault`, behind a `+` in a model name "
        "(`any+stall;after=20`), in a script's `faults`, or armed by `POST /_scripted/faults`. "
        "[Rehearse with scripted](../how-to/rehearse-with-scripted.md) shows each way."
    )
    rows = [(code(name), does) for name, does in FAULTS.items()]
    settings = [
        ("`after=N`", "tokens sent before it strikes"),
        ("`for_s=SECONDS`", "how long a silence lasts; until the client leaves if not given"),
        ("`per_token_s=SECONDS`", "pace of `slow`"),
        ("`retry_after=SECONDS`", "the wait the server asks for"),
        ("`as=seconds`, `date`, `ms`, `none`", "how that wait is told; `as=finish` belongs to `content_filter`"),
    ]
    return {"faults.md": page("Faults of the scripted server", how, table(("fault", "what it does and takes (default)"), rows),
                              "## Settings", table(("setting", "meaning"), settings))}  # fmt: skip
