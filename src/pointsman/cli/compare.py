"""`pointsman compare`: two runs, variant by variant: a regression gate."""

from __future__ import annotations

from pathlib import Path

import click

from pointsman.cli.options import json_option, runs_option
from pointsman.cli.output import EXIT_CODES, print_json, with_example

__all__ = ["command"]


@click.command(
    name="compare",
    short_help="Compare two runs: a regression gate.",
    epilog=with_example("pointsman compare runs/before runs/after --margin 0.02"),
)
@click.argument("run_a")
@click.argument("run_b")
@click.option(
    "--margin", type=click.FloatRange(0, 1), default=0.02, show_default=True, help="Loss of quality that is still acceptable."
)
@click.option("--variant", "pairs", multiple=True, metavar="A=B", help="Compare variant A of the first run with B of the second.")
@runs_option
@json_option
def command(run_a: str, run_b: str, margin: float, pairs: tuple[str, ...], runs: Path, as_json: bool) -> int:
    """Has RUN_B become worse than RUN_A?

    Compares variants of the same name (or those given by --variant) on the cases both runs hold, pair by
    pair. Refuses runs whose scorers differ, because then a difference would be the instrument's.
    """
    from pointsman.app.regression import compare_runs
    from pointsman.app.run_dir import find_run

    found = compare_runs(find_run(runs, run_a), find_run(runs, run_b), margin=margin, pairs=pairs)
    if as_json:
        from pointsman.report.document import compare_document

        names = (found.baseline_run, found.candidate_run)
        print_json(compare_document(names, found.comparisons, found.verdict, found.reason, found.warnings))
    else:
        from pointsman.app.show import show_regression

        show_regression(found)
    return EXIT_CODES[found.verdict]
