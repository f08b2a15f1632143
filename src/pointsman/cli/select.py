"""`pointsman select`: from needs to a shortlist."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pointsman.cli.options import json_option, runs_option
from pointsman.cli.output import EXIT_CODES, print_json, say, with_example

if TYPE_CHECKING:
    from pointsman.selection.questions import Question
    from pointsman.selection.requirements import Requirements
    from pointsman.selection.select import Selection

__all__ = ["command"]


@click.command(name="select", epilog=with_example("pointsman select --profile customer_support_chatbot --tree"))
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--profile", metavar="NAME", help="Start from one of the guide's use cases; FILE wins over it. `list` shows them.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="Choose as on this day: lifecycle, prices, releases.")
@click.option("--tree", is_flag=True, help="Show each question of the guide's decision tree with its answer.")
@click.option("--interactive", is_flag=True, help="Ask for the needs, question by question.")
@click.option(
    "--write-eval", type=click.Path(path_type=Path, dir_okay=False), help="Write an eval.yaml for the shortlist to this file."
)
@click.option(
    "--write-requirements",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the needs to this file, after --interactive or --profile.",
)
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a page for whoever must agree to this file.")
@click.option("--md", type=click.Path(path_type=Path, dir_okay=False), help="Write Markdown, as for a pull request.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the draws that say how sure the first place is.")
@runs_option
@json_option
def command(
    file: Path | None,
    *,
    profile: str | None,
    as_of: datetime | None,
    tree: bool,
    interactive: bool,
    write_eval: Path | None,
    write_requirements: Path | None,
    html: Path | None,
    md: Path | None,
    seed: int,
    runs: Path,
    as_json: bool,
) -> int:
    """Turn needs into a shortlist of two or three models, with reasons.

    FILE is a requirements.yaml. Facts come from the catalogue with their source and day; results of your
    own runs count most. Exit code 3 if nobody is known to meet every must.
    """
    if profile == "list":
        _list_profiles()
        return 0
    from pointsman.app import select as app

    requirements = _requirements(file, profile, interactive=interactive)
    if write_requirements is not None:
        app.write_requirements(write_requirements, requirements)
        say(f"wrote {write_requirements}")
    selection = app.choose(requirements, as_of=as_of.date() if as_of else None, runs=runs, seed=seed)
    if write_eval is not None and selection.shortlist:
        app.write_eval(write_eval, selection)
        say(f"wrote {write_eval}: put your own cases beside it, then run `pointsman eval {write_eval}`")
    _write_reports(selection, html, md)
    if as_json:
        from pointsman.report.selection_document import selection_document

        print_json(selection_document(selection))
    else:
        from pointsman.report.selection import print_selection
        from pointsman.report.terminal import open_console

        print_selection(selection, open_console(), tree=tree)
    return EXIT_CODES["pass" if selection.verified else "unknown"]


def _requirements(file: Path | None, profile: str | None, *, interactive: bool) -> Requirements:
    from pointsman.app import select as app

    if interactive:
        if file is not None or profile is not None:
            raise click.UsageError("--interactive asks for everything; leave FILE and --profile away")
        from pointsman.selection.questions import needs_from

        return app.from_answers(needs_from(_ask_all()))
    if file is None and profile is None:
        raise click.UsageError("name a requirements.yaml, a --profile, or ask for --interactive")
    return app.load_requirements(file, profile, os.environ)


def _write_reports(selection: Selection, html: Path | None, md: Path | None) -> None:
    from pointsman.app import select as app

    if html is not None:
        app.write_page(html, selection)
        say(f"wrote {html}")
    if md is not None:
        app.write_markdown(md, selection)
        say(f"wrote {md}")


def _list_profiles() -> None:
    from pointsman.selection.usecases import find_use_case, use_cases

    for name in use_cases():
        click.echo(f"{name:28}{find_use_case(name).title}")


def _ask_all() -> dict[str, Any]:
    from pointsman.selection.questions import questions

    said: dict[str, Any] = {}
    for question in questions(said):
        said[question.id] = _ask(question)
    return said


def _ask(question: Question) -> Any:
    if question.kind == "yes_no":
        return click.confirm(question.text, default=question.default, err=True)
    if question.kind == "number":
        return click.prompt(question.text, default=question.default, type=click.IntRange(min=0), err=True)
    if question.kind == "choice":
        return click.prompt(question.text, default=question.default, type=click.Choice(question.choices), err=True)
    text = f"{question.text} ({', '.join(question.choices)}; several with commas)"
    return click.prompt(
        text, default=",".join(question.default), show_default=bool(question.default), value_proc=_several(question), err=True
    )


def _several(question: Question) -> Any:
    def read(text: str) -> tuple[str, ...]:
        named = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
        for name in named:
            if name not in question.choices:
                raise click.BadParameter(f"{name!r} is not one of {', '.join(question.choices)}")
        return named

    return read
