"""A run as one HTML file: no request leaves it, it needs no script, and it can be printed."""

from __future__ import annotations

from pathlib import Path

from pointsman.core.verdict import VerdictName
from pointsman.evals.result import RunResult
from pointsman.report import format as fmt
from pointsman.report import sections
from pointsman.report.charts.cost import cost_chart
from pointsman.report.charts.latency import latency_chart
from pointsman.report.charts.rows import outcome_chart, pairs_chart, quality_chart
from pointsman.report.charts.slices import slices_chart
from pointsman.report.disagreements import disagreements
from pointsman.report.markup import Html, join, raw, tag
from pointsman.report.words import headline, notices, open_questions, scope, verdict_lines

__all__ = ["run_page"]

_HERE = Path(__file__).parent
# Nothing may be fetched, and only our own inline style and script run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_NO_CRITERIA = tag("p", "No criteria were set, so only the comparisons could pass or fail.", class_="note")
_DONE: dict[VerdictName, str] = {"pass": "done", "fail": "not done", "unknown": "cannot be told"}
_AVOIDED: dict[VerdictName, str] = {"pass": "avoided", "fail": "look out", "unknown": "cannot be told"}


def run_page(result: RunResult) -> str:
    """The whole page. Any run has one, also one without a single finished trial."""
    parts = [(name, title, body) for name, title, body in _parts(result) if body is not None]
    nav = tag("nav", tag("ul", *(tag("li", tag("a", title, href=f"#{name}")) for name, title, _ in parts)), aria_label="Contents")
    main = tag(
        "main",
        *(
            tag("section", tag("h2", title, id=f"{name}-h"), body, id=name, aria_labelledby=f"{name}-h")
            for name, title, body in parts
        ),
    )
    footer = tag("footer", "Made by ", tag("b", "pointsman"), f" from run {fmt.plain(result.run)}.")
    page = tag(
        "html", _head(result), tag("body", _header(result), nav, main, footer, tag("script", raw(_asset("page.js")))), lang="en"
    )
    return f"<!doctype html>\n{page}\n"


def _parts(result: RunResult) -> list[tuple[str, str, Html | None]]:
    return [
        ("findings", "Findings", _findings(result)),
        ("quality-part", "Quality", join((quality_chart(result), sections.variant_table(result)))),
        ("comparisons", "Against the baseline", _comparisons(result)),
        ("outcomes-part", "Outcomes", join((outcome_chart(result), sections.outcome_table(result)))),
        (
            "speed",
            "Speed and cost",
            join((latency_chart(result), cost_chart(result), sections.speed_table(result))),
        ),
        ("slices", "By tag", _slices(result)),
        ("disagreements", "Disagreements", disagreements(result) if result.disagreements else None),
        (
            "checklist",
            "Proof-of-concept checklist",
            sections.checks_table("Checklist", result.checklist, _DONE) if result.checklist else None,
        ),
        ("pitfalls", "Pitfalls", sections.checks_table("Pitfalls", result.pitfalls, _AVOIDED) if result.pitfalls else None),
        ("reading", "How to read this", sections.how_to_read(result)),
        ("provenance", "Provenance", sections.provenance(result)),
    ]


def _head(result: RunResult) -> Html:
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("meta", name="color-scheme", content="light dark"),
        tag("title", f"{fmt.plain(result.name, 80)}: evaluation report"),
        tag("style", raw(_asset("page.css"))),
    )


def _header(result: RunResult) -> Html:
    lines = verdict_lines(result)
    reason = join(tag("p", sections.verdict(verdict), " ", words, class_="reason") for verdict, words in lines)
    said = tag("p", headline(result), class_="headline")
    return tag("header", tag("p", scope(result), class_="facts-line"), tag("h1", fmt.plain(result.name)), said, reason)


def _findings(result: RunResult) -> Html:
    noticed, open_ = notices(result), open_questions(result)
    warned = tag("ul", *(tag("li", w) for w in noticed), class_="warnings", aria_label="Warnings") if noticed else None
    settle = join((tag("h3", "What is open, and what would settle it"), tag("ul", *(tag("li", q) for q in open_))))
    return join((warned, sections.criteria_table(result) if result.criteria else _NO_CRITERIA, settle if open_ else None))


def _comparisons(result: RunResult) -> Html | None:
    if not result.comparisons:
        return None
    return join((pairs_chart(result), sections.comparison_table(result.comparisons)))


def _slices(result: RunResult) -> Html | None:
    drawn = slices_chart(result)
    return drawn and join((drawn, tag("details", tag("summary", "As a table"), sections.slice_table(result))))


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")
