"""A selection as Markdown, for a pull request or a wiki: the answer on one screen, the rest folded."""

from __future__ import annotations

from collections.abc import Sequence

from pointsman.report import selection_lines as said
from pointsman.report.markdown import escaped, folded, listed, table
from pointsman.selection.needs_words import needs_words
from pointsman.selection.select import Choice, Selection

__all__ = ["selection_markdown"]

_HEADS = ("Offer", "Score", "First in", "A request", "A month", "Range", "In twelve months", "To verify")


def selection_markdown(s: Selection) -> str:
    """Headline, notes, shortlist, what would change it and what to verify; reasons, refusals and the tree folded."""
    asked = s.robustness.separator
    reasons = [listed(f"**{escaped(c.ranked.candidate.id)}**", c.why, most=None) for c in s.shortlist]
    refused = ((escaped(word), str(n), escaped(examples, None)) for n, word, examples in said.refused_rows(s))
    title, lines = said.use_case_lines(s)
    blocks = (
        f"### {escaped(s.requirements.name)}",
        f"**{escaped(said.headline(s))}**",
        escaped(said.near_tie(s), None),
        escaped(said.scope(s)),
        "\n".join(f"> [!NOTE]\n> {escaped(n, None)}\n" for n in s.notes),
        table(_HEADS, (_row(s, c) for c in s.shortlist)),
        f"The one question: **{escaped(asked.question, None)}**" if asked is not None else "",
        listed("**How sure is the first place**", said.robustness_lines(s), most=None),
        listed("**Verify before you rely on it**", said.verify_lines(s), most=None),
        folded("What was asked, and why these", (_lines(needs_words(s.requirements, s.wishes)), *reasons)),
        folded(
            "Refused, and the Pareto front",
            (table(("Constraint", "Offers", "The ablest"), refused), _lines([*s.sifted, *said.beaten_lines(s)])),
        ),
        folded(
            "The guide's decision tree",
            (
                _lines([*said.tree_steps(s), *said.leaf_lines(s)]),
                listed("**Conflicts with it**", s.guidance.conflicts, most=None),
                listed("**Other rules of the guide that apply**", s.guidance.rules, most=None),
                listed(f"**{escaped(title)}**", lines, most=None),
            ),
        ),
        f"{s.robustness.draws:,} draws, seed {s.robustness.seed}.",
    )
    return "\n\n".join(b.strip("\n") for b in blocks if b) + "\n"


def _row(s: Selection, c: Choice) -> list[str]:
    score = c.ranked.score
    cells = (
        c.ranked.candidate.id,
        f"{score.value:.2f} [{score.low:.2f}, {score.high:.2f}]",
        said.share(s.robustness.first_place.get(c.ranked.candidate.id)),
        said.per_request(c),
        said.month(c),
        said.month_range(c),
        said.grown(c),
        str(len(c.ranked.to_verify)),
    )
    return [escaped(cell) for cell in cells]


def _lines(lines: Sequence[str]) -> str:
    return "\n".join(f"- {escaped(line, None)}" for line in lines)
