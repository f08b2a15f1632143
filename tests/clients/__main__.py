"""`python -m clients`: run every cell, print the table, keep it as a page."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
from pathlib import Path

from clients.driving import missing_home
from clients.roster import CLIENTS
from clients.running import run_client
from clients.stage import providers
from clients.table import page, summary


def main() -> int:
    """0 if every cell is good, 1 if one is not, 2 if an environment is missing."""
    parser = argparse.ArgumentParser(prog="python -m clients", description=__doc__)
    parser.add_argument("--only", default="", help="only clients whose name has this in it")
    parser.add_argument("--write", type=Path, help="file to keep the table in")
    arguments = parser.parse_args()
    chosen = [c for c in CLIENTS if arguments.only.lower() in c.name.lower()]
    missing = sorted({home for c in chosen if (home := missing_home(c)) is not None})
    if missing:
        sys.stderr.write(f"not installed: {', '.join(missing)}; run: make test-clients\n")
        return 2
    outcomes = []
    with providers() as behind:
        for client in chosen:
            outcomes.append(run_client(client, behind))
            sys.stderr.write("\n".join(summary(outcomes[-1])) + "\n")
    table = page(outcomes, dt.datetime.now(dt.UTC).date())
    sys.stdout.write(table)
    if arguments.write is not None:
        arguments.write.write_text(table, encoding="utf-8")
    return int(any(complaints for o in outcomes for complaints in o.complaints.values()))


if __name__ == "__main__":
    sys.exit(main())
