"""Scripts as the user writes them: a YAML file that gives each model name its script."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import msgspec
import yaml

from pointsman.core.failure import ConfigError
from pointsman.providers.scripted.script import Script

__all__ = ["DEFAULT", "read_scripts", "script_of", "scripts_of", "with_latency"]

DEFAULT = "default"
"""The entry that holds for every model name without one of its own."""

_UNKNOWN = re.compile(r"unknown field `(?P<field>[^`]+)`")
_PATH = re.compile(r" - at `\$(?:\.(?P<path>[^`]*))?`$")


def read_scripts(path: Path) -> dict[str, Script]:
    """Model name → script. Raises `ConfigError` that names file, key and the nearest valid key."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError("there is no such file", file=str(path)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise ConfigError(f"is not valid YAML: {problem}", file=str(path), line=mark.line + 1 if mark else None) from None
    return scripts_of(data, file=str(path))


def scripts_of(data: object, *, file: str | None = None) -> dict[str, Script]:
    """Model name → script, out of plain data. Raises `ConfigError`."""
    if not isinstance(data, dict):
        raise ConfigError("a script file maps model names to scripts", file=file, hint=f"begin with `{DEFAULT}:`")
    if bare := [k for k, v in data.items() if not isinstance(v, dict) and k in Script.__struct_fields__]:
        raise ConfigError(
            "a script stands under the name of its model", file=file, key=str(bare[0]), hint=f"put it under `{DEFAULT}:`"
        )
    return {str(name): script_of(entry, file=file, key=str(name)) for name, entry in data.items()}


def script_of(data: object, *, file: str | None = None, key: str | None = None) -> Script:
    """One script out of plain data; None is the default script. Raises `ConfigError`."""
    try:
        return msgspec.convert({} if data is None else data, Script)
    except msgspec.ValidationError as error:
        text = str(error)
        at = _PATH.search(text)
        where = ".".join(p for p in (key, at["path"] if at else None) if p)
        message = _PATH.sub("", text)
        if unknown := _UNKNOWN.search(text):
            raise _unknown_key(unknown["field"], where, file) from None
        raise ConfigError(message[0].lower() + message[1:], file=file, key=where or None) from None


def with_latency(scripts: dict[str, Script], text: str) -> dict[str, Script]:
    """The scripts with this latency where they say nothing of it: `0.5` seconds, or `0.2:0.8` as p50:p95.

    Raises `ConfigError` for any other text.
    """
    p50, _, p95 = text.partition(":")
    try:
        latency = script_of({"latency": {"total_s": {"p50_s": float(p50), "p95_s": float(p95)}} if p95 else float(p50)}).latency
    except (ValueError, ConfigError) as error:
        hint = "write 0.5, or 0.2:0.8 for p50:p95"
        raise ConfigError(f"not a latency: {error}", key="--latency", value=text, hint=hint) from None
    all_scripts = {DEFAULT: Script(), **scripts}
    return {m: s if s.latency else msgspec.structs.replace(s, latency=latency) for m, s in all_scripts.items()}


def _unknown_key(field: str, where: str, file: str | None) -> ConfigError:
    known = list(Script.__struct_fields__)
    near = difflib.get_close_matches(field, known, n=1)
    hint = f"did you mean `{near[0]}`?" if near else f"known keys: {', '.join(known)}"
    return ConfigError("unknown key", file=file, key=".".join(p for p in (where, field) if p), hint=hint)
