"""How many connections the system lets a process hold: as many as it may have, not as many as it is given at first."""

from __future__ import annotations

import contextlib
import resource

__all__ = ["raise_open_files"]

_ENOUGH = 1_048_576
"""Where the system sets no bound: what Linux allows a process unless it is told otherwise."""


def raise_open_files() -> int:
    """Raise the soft limit of open files to the hard one, for this process and those it starts; returns what is in force.

    Shells give 256 to 1024, and each request under way holds two: its client's connection and its provider's.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):  # some systems name a hard limit that they do not allow
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
