"""`reference/eval-yaml.md`, `pointsman-yaml.md`, `requirements-yaml.md` and `script.md`: every key of the files users write."""

from __future__ import annotations

import msgspec

from generator.markdown import anchor, code, page, table
from generator.struct_keys import about, keys, structs_in
from pointsman.app.alert_spec import AlertsSpec, Receiver
from pointsman.app.config import ProjectSpec, ProviderSpec
from pointsman.app.gateway_spec import AdminSpec, BodiesSpec, GatewaySpec, OtelSpec, RouteSpec, StoreSpec, TenantSpec
from pointsman.evals.criteria import COMPARED, CRITERIA
from pointsman.evals.dataset import TestsSpec
from pointsman.evals.spec import CacheSpec, CriterionSpec, EvalSpec, PriceSpec, VariantSpec
from pointsman.providers.local_provider import LocalPrice
from pointsman.providers.scripted.script import Drift, KeyScript, Latency, Script, Spread, TokenSpread
from pointsman.rollout.check import CHECKS
from pointsman.rollout.plan import Caps, Phase, Plan, Traffic
from pointsman.selection.requirements import Must, Nice, Privacy, QualityFloor, Requirements, Situation, Volume
from pointsman.telemetry.alerts import AlertRule

__all__ = ["CRITERION_MEANINGS", "FILES", "pages"]

Section = tuple[str, type[msgspec.Struct]]

FILES: dict[str, tuple[Section, ...]] = {
    "eval.yaml": (
        ("eval.yaml", EvalSpec),
        ("tests", TestsSpec),
        ("variants.NAME", VariantSpec),
        ("variants.NAME.price", PriceSpec),
        ("criteria.NAME", CriterionSpec),
        ("cache", CacheSpec),
    ),
    "pointsman.yaml": (
        ("pointsman.yaml", ProjectSpec),
        ("providers.NAME", ProviderSpec),
        ("routes.NAME", RouteSpec),
        ("gateway.tenants.NAME", TenantSpec),
        ("gateway.admin", AdminSpec),
        ("gateway.otel", OtelSpec),
        ("gateway", GatewaySpec),
        ("store", StoreSpec),
        ("store.bodies", BodiesSpec),
        ("alerts", AlertsSpec),
        ("alerts.rules.NAME", AlertRule),
        ("alerts.notify.NAME", Receiver),
    ),
    "migration.yaml": (
        ("migration.yaml", Plan),
        ("phases", Phase),
        ("traffic", Traffic),
        ("caps", Caps),
    ),
    "requirements.yaml": (
        ("requirements.yaml", Requirements),
        ("volume", Volume),
        ("must", Must),
        ("must.privacy", Privacy),
        ("must.quality", QualityFloor),
        ("nice.CRITERION", Nice),
        ("situation", Situation),
    ),
    "script": (
        ("script", Script),
        ("script.latency", Latency),
        ("Spread", Spread),
        ("script.output_tokens", TokenSpread),
        ("script.price", LocalPrice),
        ("script.drift", Drift),
        ("script.keys.KEY", KeyScript),
    ),
}
"""By file, its parts with the place where each stands."""

CRITERION_MEANINGS = {
    "quality": "mean score over the trials in which the model did something",
    "latency_p50_s": "median time of the attempt that answered",
    "latency_p95_s": "95th percentile of that time",
    "ttft_p50_s": "median time to the first token; makes the run stream",
    "ttft_p95_s": "95th percentile of it",
    "cost_per_request_usd": "mean cost of a trial that has one",
    "cost_per_correct_usd": "dollars spent for each correct answer",
    "error_rate": "share of trials that ended in a provider error or a timeout",
    "refusal_rate": "share of trials in which the model refused",
    "truncation_rate": "share of trials cut off by the output limit",
    "bad_format_rate": "share of trials whose answer could not be read",
}
_UNITS = {"share": "share, 0 to 1", "s": "seconds", "usd": "US dollars"}
_COMPARED = {
    "quality": "share of cases: `0.02` accepts a loss of 2 points",
    "latency": "ratio of medians: `0.2` accepts a fifth more",
    "cost": "ratio of dollars: `0.2` accepts a fifth more",
}


def pages() -> dict[str, str]:
    """The pages, by path below `reference`."""
    return {
        "eval-yaml.md": page("eval.yaml", _EVAL, *_sections("eval.yaml"), _criteria(), _SCORERS),
        "pointsman-yaml.md": page("pointsman.yaml", _PROJECT, *_sections("pointsman.yaml")),
        "migration-yaml.md": page("migration.yaml", _MIGRATION, *_sections("migration.yaml"), *_checks()),
        "requirements-yaml.md": page("requirements.yaml", _REQUIREMENTS, *_sections("requirements.yaml")),
        "script.md": page("Scripts", _SCRIPT, *_sections("script")),
    }


_REFERENCES = (
    "`${NAME}` in any text stands for an environment variable, `$${` for a plain `${`. Unknown keys are errors. "
    "An editor that knows YAML schemas completes the keys if the file begins with "
    "`# yaml-language-server: $schema=PATH`, where PATH leads to [`schemas/{schema}`](schemas/{schema}); the package holds a "
    "copy in `pointsman/app/schemas/`."
)
_EVAL = "What one bake-off measures. Relative paths start at the file's folder. " + _REFERENCES.replace(
    "{schema}", "eval.schema.json"
)
_PROJECT = (
    "What the evaluations of a project share. It is looked for in the folder of the `eval.yaml` and those above it; without one, "
    "every default holds. Variants have the [keys they have in eval.yaml](eval-yaml.md#variantsname); "
    "their paths start at the folder of the `eval.yaml` that names them. "
    + _REFERENCES.replace("{schema}", "pointsman.schema.json")
)
_MIGRATION = (
    "How a route's traffic moves, for [`pointsman migrate`](../how-to/migrate.md). Variants and route are names in "
    "`pointsman.yaml`; durations are written `90s`, `30m`, `12h`, `7d`, `2w`. "
    + _REFERENCES.replace("{schema}", "migration.schema.json")
)
_REQUIREMENTS = "What is needed of a model, for [`pointsman select`](../how-to/select.md). " + _REFERENCES.replace(
    "{schema}", "requirements.schema.json"
)
_SCRIPT = (
    "How a scripted model behaves: inline under `script:` of a variant, or in a YAML file that maps model names to scripts, with "
    "`default` for any other. [Scripted models](../concepts/scripted-models.md) explains the ideas; the file's schema is "
    "[`schemas/scripts.schema.json`](schemas/scripts.schema.json)."
)
_SCORERS = "## scorers\n\nSee [Scorers](scorers.md) for their options, weights and labels."


def _sections(file: str) -> list[str]:
    return [_section(file, place, struct) for place, struct in FILES[file]]


def _section(file: str, place: str, struct: type[msgspec.Struct]) -> str:
    rows = []
    for key in keys(struct):
        kind = key.kind
        for inner in structs_in(key.type):
            kind = kind.replace(f"keys of {code(inner.__name__)}", _link(inner, file))
        rows.append((code(key.name), kind, key.default, key.meaning))
    return f"## {place}\n\n{about(struct)}\n\n{table(('key', 'type', 'default', 'meaning'), rows)}"


def _link(struct: type[msgspec.Struct], file: str) -> str:
    """A link to the part of a file that describes `struct`, from a page about `file`."""
    where, place = next((f, place) for f, sections in FILES.items() for place, s in sections if s is struct)
    page_name = "" if where == file else f"{where.replace('.', '-')}.md"
    return f"[{place}]({page_name}#{anchor(place)})"


def _checks() -> list[str]:
    """Each check that may be a guardrail or a signal, with its options."""
    head = "## Checks\n\nUnder `guardrails` and `signals`, by name; `{}` takes every option as it is here."
    found = [head]
    for name in CHECKS.names():
        plugin = CHECKS.load(name)
        rows = [(code(k.name), k.kind, k.default, k.meaning) for k in keys(plugin.options)]
        found.append(f"### {name}\n\n{plugin.summary}\n\n{table(('option', 'type', 'default', 'meaning'), rows)}")
    return found


def _criteria() -> str:
    absolute = [(code(n), CRITERION_MEANINGS[n], _UNITS[c.unit]) for n, c in CRITERIA.items()]
    compared = [(code(n), _COMPARED[n]) for n in COMPARED]
    bounds = table(("criterion", "measures", "unit"), absolute)
    return (
        f"## Criteria\n\nWith `max` or `min`, held against every variant:\n\n{bounds}\n\n"
        f"With `margin`, against the baseline:\n\n{table(('criterion', 'unit of the margin'), compared)}"
    )
