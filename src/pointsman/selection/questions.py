"""The questions of an interview: what to ask, in which order, and where each answer goes in the needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from pointsman.selection.latency import latency_classes
from pointsman.selection.requirements import CAPABILITIES, Task

__all__ = ["Question", "needs_from", "questions"]

Kind = Literal["yes_no", "number", "choice", "choices"]
Asked = Mapping[str, Any]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One question. An empty answer takes the default; None as default leaves it unsaid."""

    id: str
    text: str
    kind: Kind
    default: Any = None
    choices: tuple[str, ...] = ()
    place: tuple[str, ...]
    """Where in the needs the answer stands."""
    only_if: Callable[[Asked], bool] | None = None
    """Asked only where this holds of the answers so far, as the tree does."""


def _yes(name: str) -> Callable[[Asked], bool]:
    return lambda said: said.get(name) is True


_TASKS: tuple[str, ...] = Task.__args__  # type: ignore[attr-defined]  # a Literal's values
_MODALITIES = ("text", "image", "audio", "video", "pdf")


def _all() -> tuple[Question, ...]:
    classes = tuple(c.id for c in latency_classes())
    return (
        Question(id="task", text="What is the task?", kind="choice", choices=_TASKS, default="general", place=("task",)),
        Question(
            id="private",
            text="Is data privacy critical: may the data not leave your premises?",
            kind="yes_no",
            default=False,
            place=("must", "privacy", "stays_on_premises"),
        ),
        Question(
            id="gpus",
            text="Is there a budget for GPUs?",
            kind="yes_no",
            default=False,
            place=("situation", "gpu_budget"),
            only_if=_yes("private"),
        ),
        Question(
            id="reads",
            text="What does it read?",
            kind="choices",
            choices=_MODALITIES,
            default=("text",),
            place=("must", "modalities_in"),
        ),
        Question(
            id="writes",
            text="What does it write?",
            kind="choices",
            choices=("text", "image", "audio"),
            default=("text",),
            place=("must", "modalities_out"),
        ),
        Question(
            id="context",
            text="How many tokens has the longest request, answer included?",
            kind="number",
            default=8000,
            place=("must", "context_tokens"),
        ),
        Question(
            id="video",
            text="Is it mostly video?",
            kind="yes_no",
            default=False,
            place=("situation", "mostly_video"),
            only_if=lambda said: "video" in said.get("reads", ()),
        ),
        Question(
            id="latency",
            text="How fast must it answer?",
            kind="choice",
            choices=classes,
            default="near_real_time",
            place=("must", "latency"),
        ),
        Question(
            id="reasoning",
            text="How much reasoning does it need?",
            kind="choice",
            choices=("none", "high", "maximum"),
            default="none",
            place=("situation", "reasoning"),
        ),
        Question(
            id="reasoning_type",
            text="Which kind of reasoning?",
            kind="choice",
            choices=("creative_nuanced", "code_technical", "general_complex", "mathematical"),
            default="general_complex",
            place=("situation", "reasoning_type"),
            only_if=lambda said: said.get("reasoning") == "maximum",
        ),
        Question(
            id="capabilities",
            text="What must it be able to do?",
            kind="choices",
            choices=CAPABILITIES,
            default=(),
            place=("must", "capabilities"),
        ),
        Question(id="volume", text="How many requests a day?", kind="number", default=1000, place=("volume", "requests_per_day")),
        Question(
            id="input",
            text="How many tokens does an average request read?",
            kind="number",
            default=1000,
            place=("volume", "input_tokens"),
        ),
        Question(
            id="output", text="How many tokens does it write?", kind="number", default=300, place=("volume", "output_tokens")
        ),
        Question(
            id="complexity",
            text="How hard are the requests?",
            kind="choice",
            choices=("low", "mixed", "high"),
            default="mixed",
            place=("situation", "complexity"),
        ),
        Question(
            id="budget",
            text="What may a month cost, in US dollars (0 for no limit)?",
            kind="number",
            default=0,
            place=("must", "budget_usd_per_month"),
        ),
        Question(
            id="self_host",
            text="Can you host a model yourselves?",
            kind="yes_no",
            default=False,
            place=("situation", "can_self_host"),
            only_if=lambda said: not said.get("private"),
        ),
        Question(
            id="horizon",
            text="For how many months must it go on answering?",
            kind="number",
            default=6,
            place=("must", "horizon_months"),
        ),
        Question(id="quality", text="How much does quality count (0-10)?", kind="number", default=3, place=("nice", "quality")),
        Question(id="cost", text="How much does cost count (0-10)?", kind="number", default=2, place=("nice", "cost")),
        Question(id="speed", text="How much does speed count (0-10)?", kind="number", default=1, place=("nice", "speed")),
    )


def questions(said: Asked) -> Iterator[Question]:
    """Questions still to be asked, in order; `said` may grow between them."""
    for question in _all():
        if question.only_if is None or question.only_if(said):
            yield question


def needs_from(said: Asked) -> dict[str, Any]:
    """The answers as the plain data of a `requirements.yaml`. Unsaid ones and a budget of 0 are left out."""
    needs: dict[str, Any] = {"name": "interview"}
    for question in _all():
        value = said.get(question.id)
        if value is None or (question.id == "budget" and not value):
            continue
        place = needs
        for step in question.place[:-1]:
            place = place.setdefault(step, {})
        place[question.place[-1]] = list(value) if isinstance(value, tuple) else value
    return needs
