"""The scorers of a run, built from what the user wrote."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import msgspec

from pointsman.core.failure import ConfigError, PointsmanError
from pointsman.core.ids import content_hash
from pointsman.evals.scorer import SCORERS, Scorer, ScorerPlugin

__all__ = ["NamedScorer", "ScorerSet", "build_scorers"]


class NamedScorer(msgspec.Struct, frozen=True, kw_only=True):
    """One scorer with its options set."""

    name: str
    """What its values are filed under: the plug-in's name, or what the user wrote under `as`."""
    plugin: str
    version: int
    options: dict[str, Any]
    """All options, defaults filled in."""
    weight: float | None
    scorer: Scorer


class ScorerSet:
    """The scorers of a run, in order. Without weights the first alone decides and the rest is reported beside it;
    with weights the score is their weighted mean, and a trial is correct only if every weighted scorer says so.
    """

    def __init__(self, scorers: Sequence[NamedScorer]) -> None:
        self.scorers = tuple(scorers)
        self.names = tuple(s.name for s in self.scorers)
        self.fingerprint = content_hash([(s.name, s.plugin, s.version, s.options, s.weight) for s in self.scorers])
        weighted = any(s.weight is not None for s in self.scorers)
        self.weights = tuple((s.weight or 0.0) if weighted else float(i == 0) for i, s in enumerate(self.scorers))


def build_scorers(entries: Sequence[str | dict[str, Any]]) -> ScorerSet:
    """Scorers from the `scorers:` of `eval.yaml`: names, or `{name: {option: value}, weight: 2, as: label}`.

    Raises `ConfigError` for no scorer, an unknown one, unknown or contradicting options, a name
    used twice, and weights that are not positive.
    """
    if not entries:
        raise ConfigError(
            "no scorer is given", key="scorers", hint=f"for example `scorers: [exact]`; known: {', '.join(SCORERS.names())}"
        )
    scorers = [_scorer(entry, f"scorers[{n}]") for n, entry in enumerate(entries)]
    names = [s.name for s in scorers]
    if twice := next((n for n in names if names.count(n) > 1), None):
        raise ConfigError(f"two scorers are called {twice!r}", key="scorers", hint="give one another name: `as: …`")
    return ScorerSet(scorers)


def _scorer(entry: str | dict[str, Any], key: str) -> NamedScorer:
    settings = {entry: None} if isinstance(entry, str) else dict(entry)
    label, weight = settings.pop("as", None), settings.pop("weight", None)
    if len(settings) != 1:
        raise ConfigError("an entry names one scorer", key=key, value=list(settings), hint="write `- name: {option: value}`")
    [(name, given)] = settings.items()
    if weight is not None and (isinstance(weight, bool) or not isinstance(weight, int | float) or not weight > 0):
        raise ConfigError("a weight is a number above 0", key=f"{key}.weight", value=weight)
    plugin = _plugin(str(name), key)
    options = _options(plugin, given, f"{key}.{name}")
    return NamedScorer(
        name=str(label or name),
        plugin=str(name),
        version=plugin.version,
        options=msgspec.to_builtins(options),
        weight=None if weight is None else float(weight),
        scorer=_built(plugin, options, key),
    )


def _built(plugin: ScorerPlugin, options: msgspec.Struct, key: str) -> Scorer:
    try:
        return plugin.build(options)
    except ConfigError as problem:  # the plug-in names its own key; where that stands in the file is known here
        raise problem.under(key) from None


def _plugin(name: str, key: str) -> ScorerPlugin:
    try:
        return SCORERS.load(name)
    except PointsmanError as problem:
        raise ConfigError(problem.message, key=key, hint=problem.hint) from problem


def _options(plugin: ScorerPlugin, given: Any, key: str) -> msgspec.Struct:
    known = [field.encode_name for field in msgspec.structs.fields(plugin.options)]
    for unknown in [str(k) for k in given or () if str(k) not in known] if isinstance(given, dict) else ():
        near = difflib.get_close_matches(unknown, known, n=1)
        guess = f"did you mean {near[0]!r}? " if near else ""
        raise ConfigError(f"there is no option {unknown!r}", key=key, hint=f"{guess}known: {', '.join(known)}")
    try:
        return msgspec.convert({} if given is None else given, plugin.options)
    except msgspec.ValidationError as problem:
        raise ConfigError(str(problem), key=key, value=given) from None
