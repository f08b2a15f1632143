"""`pointsman.yaml`: providers and variants a project shares between its files. Read once, then frozen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from pointsman.app.alert_spec import AlertsSpec
from pointsman.app.gateway_spec import GatewaySpec, RouteSpec, StoreSpec
from pointsman.app.yaml_file import Located, convert, read_yaml, substitute
from pointsman.core.failure import ConfigError
from pointsman.evals.spec import EvalSpec, VariantSpec

__all__ = ["PROJECT_FILE", "ProjectSpec", "ProviderSpec", "find_project", "load_eval", "load_project"]

PROJECT_FILE = "pointsman.yaml"

T = TypeVar("T")
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class ProviderSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One provider as this project uses it.

    A provider we know needs only a key, and not even that if its usual variable is set; any other
    server needs a `base_url`.
    """

    keys: tuple[str, ...] = ()
    """`${NAME}` each; several are used in rotation."""
    base_url: str | None = None
    """The server's address, in place of the provider's own."""
    dialect: str | None = None
    """The protocol it speaks: `openai_chat` unless said otherwise."""
    settings: dict[str, str] = msgspec.field(default_factory=dict)
    """What the provider's address needs, such as an Azure resource or a Google project."""
    timeout_s: Seconds | None = None
    """For one attempt, from sending to the last byte; 600 if not given. `timeout_s` of an `eval.yaml` comes first."""
    connect_timeout_s: Seconds | None = None
    """For name look-up, TCP and TLS of a new connection; 10 if not given."""
    idle_timeout_s: Seconds | None = None
    """Between two pieces of an answer; 60 if not given."""
    ca_file: str | None = None
    """PEM file of authorities to trust beside the system's own."""
    on_client_gone: Literal["cancel", "drain"] = "cancel"
    """Gateway: what becomes of a call whose client left. `drain` reads it to its end, for providers that bill it anyway."""
    traceparent: bool = False
    """Gateway: whether calls carry a `traceparent` header, so that the provider's own spans join the trace."""


class ProjectSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The whole of `pointsman.yaml`."""

    providers: dict[str, ProviderSpec | None] = msgspec.field(default_factory=dict)
    """By name, as `provider:` of a variant says it."""
    variants: dict[str, VariantSpec] = msgspec.field(default_factory=dict)
    """By name; an `eval.yaml` takes one by naming it with nothing under it."""
    routes: dict[str, RouteSpec] = msgspec.field(default_factory=dict)
    """By the name clients call; without any, each variant can be called by its own name."""
    gateway: GatewaySpec = GatewaySpec()
    """How `pointsman serve` listens, and to whom."""
    store: StoreSpec = StoreSpec()
    """What `pointsman serve` keeps."""
    alerts: AlertsSpec = AlertsSpec()
    """What `pointsman serve` watches, and who is told."""

    def provider(self, name: str) -> ProviderSpec:
        """What the file says of a provider; nothing, if it does not mention it."""
        return self.providers.get(name) or ProviderSpec()


def find_project(start: Path) -> Path | None:
    """The nearest `pointsman.yaml` in `start` or a folder above it."""
    here = start.resolve()
    return next((p / PROJECT_FILE for p in (here, *here.parents) if (p / PROJECT_FILE).is_file()), None)


def load_project(path: Path | None, environment: Mapping[str, str] = os.environ) -> ProjectSpec:
    """Read `pointsman.yaml`; no file is an empty project. Raises `ConfigError`."""
    if path is None:
        return ProjectSpec()
    located = read_yaml(path)
    if located.data is None:
        return ProjectSpec()
    project = _typed(located, ProjectSpec, environment)
    return msgspec.structs.replace(project, providers={n: _at_home(p, path.parent) for n, p in project.providers.items()})


def _at_home(provider: ProviderSpec | None, folder: Path) -> ProviderSpec | None:
    """Paths in the file are relative to the file."""
    if provider is None or provider.ca_file is None:
        return provider
    return msgspec.structs.replace(provider, ca_file=str(folder / provider.ca_file))


def load_eval(path: Path, project: ProjectSpec, environment: Mapping[str, str] = os.environ) -> EvalSpec:
    """Read an `eval.yaml`, with the variants it only names filled in from the project. Raises `ConfigError`."""
    located = read_yaml(path)
    spec = _typed(located, EvalSpec, environment)
    variants = {name: _variant(name, given, project, located) for name, given in spec.variants.items()}
    if not variants:
        hint = "add at least one: `name: {provider: …, model: …}`"
        raise ConfigError("names no variant", file=located.file, key="variants", hint=hint)
    if spec.baseline is not None and spec.baseline not in variants:
        raise ConfigError(
            "is none of the variants",
            file=located.file,
            line=located.line(("baseline",)),
            key="baseline",
            value=spec.baseline,
            hint=f"variants: {', '.join(variants)}",
        )
    return msgspec.structs.replace(spec, variants=variants)


def _variant(name: str, given: VariantSpec | None, project: ProjectSpec, located: Located) -> VariantSpec:
    if given is not None:
        return given
    if name in project.variants:
        return project.variants[name]
    known = f"; pointsman.yaml has: {', '.join(project.variants)}" if project.variants else ""
    raise ConfigError(
        "says nothing, and pointsman.yaml has no variant of that name",
        file=located.file,
        line=located.line(("variants", name)),
        key=f"variants.{name}",
        hint="write `{provider: …, model: …}`" + known,
    )


def _typed(located: Located, kind: type[T], environment: Mapping[str, str]) -> T:
    # Unknown keys and wrong types are reported even where a variable is not set, so look at the shape first.
    convert(located, kind)
    return convert(substitute(located, environment), kind)
