"""A run as one page."""

from __future__ import annotations

from pointsman.core.verdict import VerdictName
from pointsman.evals.result import RunResult
from pointsman.report import format as fmt
from pointsman.report import sections
from pointsman.report.charts.cost import cost_chart
from pointsman.report.charts.latency import latency_chart
from pointsman.report.charts.rows import outcome_chart, pairs_chart, quality_chart
from pointsman.report.charts.slices import slices_chart
from pointsman.report.disagreements import disagreements
from pointsman.report.markup import Html, join, tag
from pointsman.report.page import Part, whole_page
from pointsman.report.words import headline, notices, open_questions, scope, verdict_lines

__all__ = ["run_page"]

_NO_CRITERIA = tag("p", "No criteria were set, so only the comparisons could pass or fail.", class_="note")
_DONE: dict[VerdictName, str] = {"pass": "done", "fail": "not done", "unknown": "cannot be told"}
_AVOIDED: dict[VerdictName, str] = {"pass": "avoided", "fail": "look out", "unknown": "cannot be told"}


def run_page(result: RunResult) -> str:
    """The whole page. Any run has one, also one without a single finished trial."""
    title = f"{fmt.plain(result.name, 80)}: evaluation report"
    return whole_page(title, _header(result), _parts(result), [f" from run {fmt.plain(result.run)}."])


def _parts(result: RunResult) -> list[Part]:
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
