"""`reference/scorers.md`: each scorer with its options and an example."""

from __future__ import annotations

import yaml

from generator.markdown import code, page, table
from generator.struct_keys import keys
from pointsman.evals.scorer import SCORERS, ScorerPlugin

__all__ = ["pages"]


def pages() -> dict[str, str]:
    """The page, by its path below `reference`."""
    how = (
        "Under `scorers:` stand names, or `{name: {option: value}}`. The first decides quality and the others are reported "
        "beside it. With `weight: 2` beside the options, the score is the weighted mean, and an answer is correct only "
        "if every weighted scorer says so; `as: label` names one, where a scorer is used twice. A scorer that is missing "
        "here is [one file](../how-to/write-a-scorer.md)."
    )
    return {"scorers.md": page("Scorers", how, *(_part(n, SCORERS.load(n)) for n in SCORERS.names()))}


def _part(name: str, plugin: ScorerPlugin) -> str:
    options = table(
        ("option", "type", "default", "meaning"), [(code(k.name), k.kind, k.default, k.meaning) for k in keys(plugin.options)]
    )
    example = plugin.example
    written = yaml.safe_dump(
        {"scorers": [{name: example.options} if example.options else name]}, sort_keys=False, allow_unicode=True
    )
    said = f"Target {code(str(example.target))}, answer {code(' '.join(example.answer.split()))}: score {example.value:g}."
    return f"## {name}\n\n{plugin.summary} Version {plugin.version}.\n\n{options}\n\n```yaml\n{written.strip()}\n```\n\n{said}"
