"""The guide's decision tree, walked with the needs, its answer on the day, and everything that speaks against it.

The tree is asked from the top and the first yes decides. Its leaves name models of 2024 and, beside
them, a role. Where the named models still answer they are the leaf's answer; where one of them does not,
the role's holders of the day are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import msgspec

from pointsman.catalog.lifecycle import lifecycle
from pointsman.catalog.load import Catalog
from pointsman.catalog.naming import MAKER_OF_PROVIDER
from pointsman.selection.candidate import SELF_HOSTED, Candidate
from pointsman.selection.rank import Ranked
from pointsman.selection.roles import Role
from pointsman.selection.screen import Finding, month_after
from pointsman.selection.situation import Answer
from pointsman.selection.tables import table

__all__ = ["Bound", "GuideModel", "Leaf", "Step", "Trace", "bind", "guide_model_id", "model_state", "other_branches", "walk"]


class Step(msgspec.Struct, frozen=True):
    """One question asked."""

    node: str
    question: str
    input: str
    answer: str


class Leaf(msgspec.Struct, frozen=True, kw_only=True):
    """Where a walk ends."""

    id: str
    title: str
    models: tuple[str, ...] = ()
    """By the guide's names."""
    role: str = ""
    deployment: str = "api"
    action: str = ""
    also: tuple[str, ...] = ()
    note: str = ""
    lines: str = ""


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """A walk."""

    path: tuple[Step, ...]
    leaf: Leaf


class GuideModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model the guide names, on a day."""

    name: str
    model: str
    alive: bool
    state: str
    """In words: `answers`, `shut down on …`, `stops on …, within the horizon`, `not released yet`."""
    source: str = ""
    checked_on: str = ""


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """A leaf's answer on a day."""

    models: tuple[str, ...]
    """Model ids."""
    named: tuple[GuideModel, ...]
    """The guide's own names and what became of them."""
    by_role: bool
    """Whether the role's holders answer in place of the guide's models."""
    holders: tuple[Ranked, ...] = ()


class _Node(msgspec.Struct):
    id: str
    ask: str
    input: str
    yes: str = ""
    no: str = ""
    above: float | None = None
    at_most: float | None = None
    cases: dict[str, str] = {}
    otherwise: str = ""


_NO_API = {"not_public": "not public", "product": "part of a product, no API"}


class _Tree(msgspec.Struct):
    root: str
    node: tuple[_Node, ...]
    leaf: tuple[Leaf, ...]


class _Names(msgspec.Struct):
    models: dict[str, str]


def guide_model_id(name: str) -> str:
    """The catalogue's id of a model by the guide's name."""
    return table("guide_models.toml", _Names).models[name]


def walk(said: Mapping[str, Answer]) -> Trace:
    """From the root to a leaf. What was not said counts as no, and the path says so."""
    tree = table("tree.toml", _Tree)
    nodes = {n.id: n for n in tree.node}
    leaves = {leaf.id: leaf for leaf in tree.leaf}
    here, path = tree.root, []
    while here in nodes:
        node = nodes[here]
        step, here = _ask(node, said[node.input])
        path.append(step)
    return Trace(path=tuple(path), leaf=leaves[here])


def other_branches(said: Mapping[str, Answer], trace: Trace) -> tuple[tuple[Step, Leaf], ...]:
    """Questions further down the trunk that would also be answered yes, with the leaf each would lead to.

    The tree's order hides them: it decides by position, not by importance.
    """
    tree = table("tree.toml", _Tree)
    nodes = {n.id: n for n in tree.node}
    leaves = {leaf.id: leaf for leaf in tree.leaf}
    asked = {s.node for s in trace.path}
    found, here = [], tree.root
    while here in nodes:
        node = nodes[here]
        step, to = _ask(node, said[node.input])
        if step.answer == "yes" and node.id not in asked:
            end = to
            while end in nodes:
                _, end = _ask(nodes[end], said[nodes[end].input])
            found.append((step, leaves[end]))
        here = node.no
    return tuple(found)


def _ask(node: _Node, answer: Answer) -> tuple[Step, str]:
    if node.cases:
        chosen = str(answer.value) if answer.value in node.cases else node.otherwise
        word = chosen if answer.value in node.cases else f"{chosen} (not said)"
        return Step(node.id, node.ask, answer.said, word), node.cases[chosen]
    yes = _holds(node, answer.value)
    word = "yes" if yes else "no" if answer.value is not None else "no (not said)"
    return Step(node.id, node.ask, answer.said, word), node.yes if yes else node.no


def _holds(node: _Node, value: bool | float | str | None) -> bool:  # noqa: FBT001 - an answer, not a switch
    if value is None or isinstance(value, str):
        return False
    if node.above is not None:
        return value > node.above
    if node.at_most is not None:
        return value <= node.at_most
    return bool(value)


def model_state(catalog: Catalog, name: str, as_of: date, horizon_months: int, today: date) -> GuideModel:
    """What has become of a model the guide names.

    On a day in the past only what had happened by then counts, because nobody knew what was to come;
    from today on, a model must also outlive the horizon. Open weights do not end.
    """
    key = guide_model_id(name)
    model = catalog.models.get(key)

    def state(words: str, *, alive: bool, by: str = "") -> GuideModel:
        source = catalog.sources.get(by)
        said = {"source": source.name, "checked_on": source.checked_on} if source else {}
        return GuideModel(name=name, model=key, alive=alive, state=words, **said)

    if model is None:
        return state("not in the catalogue", alive=False)
    if model.released_on and model.released_on > as_of.isoformat()[: len(model.released_on)]:
        return state(f"not released before {model.released_on}", alive=False)
    if model.open_weights:
        return state("weights are there to be served", alive=True)
    if model.availability != "api":
        return state(_NO_API.get(model.availability, "no API"), alive=False)
    cycles = [
        lifecycle(o, as_of) for o in catalog.offers_by_model.get(key, ()) if MAKER_OF_PROVIDER.get(o.provider) == model.maker
    ]
    if not cycles:
        return state("its maker offers it no more", alive=False)
    last = max(cycles, key=lambda c: (c.ends_on or date.max, c.stage != "unconfirmed"))
    if last.stage in ("shut_down", "rerouted"):
        return state(f"{last.stage.replace('_', ' ')} on {last.ends_on}", alive=False, by=last.source)
    if as_of >= today and last.stage == "unconfirmed":
        return state("no current list of its maker names it any more", alive=False)
    if as_of >= today and not last.alive(month_after(as_of, horizon_months)):
        return state(f"stops on {last.ends_on}, within the horizon", alive=False, by=last.source)
    later = f"answers (was to stop on {last.ends_on})" if last.ends_on and as_of < today else "answers"
    return state(later, alive=True, by=last.source)


def bind(leaf: Leaf, named: tuple[GuideModel, ...], resolve: Callable[[str], tuple[Ranked, ...]]) -> Bound:
    """The leaf's answer: the guide's models if every one still answers, otherwise the role's holders.

    `resolve` finds a role's holders. A leaf without models and role has no answer.
    """
    if named and all(g.alive for g in named):
        return Bound(models=tuple(g.model for g in named), named=named, by_role=False)
    found = resolve(leaf.role) if leaf.role else ()
    return Bound(models=tuple(r.candidate.model for r in found), named=named, by_role=True, holders=found)


def candidate_for(model: str, everything: Sequence[Candidate], *, self_hosted: bool) -> Candidate | None:
    """How a leaf's model would be had: served by the user, from its maker, or from whoever offers it first."""
    own = [c for c in everything if c.model == model]
    if self_hosted:
        return next((c for c in own if c.provider == SELF_HOSTED), None)
    return min(own, key=lambda c: (not c.own_offer, c.deployment == "self_hosted", len(c.name), c.id), default=None)


def role_words(role: Role) -> str:
    """`fast_cheap (fast and cheap, for simple work in volume)`."""
    return f"{role.id} ({role.title})"


def refusal_words(name: str, finding: Finding) -> str:
    """A leaf's model against a must, as a conflict."""
    by = f" ({finding.source}, {finding.checked_on})" if finding.source and finding.checked_on else ""
    return f"{name}: {finding.fact}{by}, but you need: {finding.need}"
