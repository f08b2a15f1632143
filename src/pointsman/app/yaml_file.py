"""Reading a YAML file the user wrote into typed data, with errors that name file, line, key and value.

The text is parsed once into nodes that know their line; the values go through msgspec, which is
strict about types and unknown keys; what it says is then traced back to the line it speaks of.
`${NAME}` in any text stands for an environment variable; `$${` is a literal `${`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

import msgspec
import yaml

from pointsman.core.failure import ConfigError

__all__ = ["Located", "convert", "read_yaml", "substitute"]

T = TypeVar("T")

_ENV = re.compile(r"\$(\$?)\{([A-Za-z_][A-Za-z0-9_]*)\}")
_AT_PATH = re.compile(r"^(?P<message>.*?)(?: - at `(?:key in )?\$(?P<path>.*)`)?$", re.DOTALL)
_STEP = re.compile(r"\.(?P<key>[^.\[\]]+)|\[(?P<index>\d+|\.\.\.)\]")
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<field>.*)`")
_QUOTING = re.compile(r"(alias|anchor|tag|tag handle) '.*", re.DOTALL)
"""Where the parser quotes what the user wrote, which may be a key with a mark of YAML's in front."""
_SECRET = frozenset({"key", "keys", "headers", "notify"})
"""What stands under these names is never quoted in an error."""
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<field>.*)`")


class Located(msgspec.Struct, frozen=True):
    """Plain data and, for each path in it, the line it stands on."""

    file: str
    data: Any
    lines: dict[tuple[str, ...], int]

    def line(self, path: tuple[str, ...]) -> int | None:
        """The line of `path`, or of the nearest thing around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)


def read_yaml(path: Path) -> Located:
    """Parse a file. Raises `ConfigError` if it is absent, unreadable, not YAML, or repeats a key."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError("there is no such file", file=str(path), hint="`pointsman init` writes one to start from") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot be read: {error}", file=str(path)) from error
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        reader = _Reader(loader, str(path))
        data = None if node is None else reader.read(node, ())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        problem = _QUOTING.sub(r"\1", error.problem or "")
        raise ConfigError(f"is not valid YAML: {problem}", file=str(path), line=line) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"is not valid YAML: {error}", file=str(path)) from None
    finally:
        loader.dispose()
    return Located(str(path), data, reader.lines)


class _Reader:
    """Turns YAML nodes into plain data and notes the line of every path on the way."""

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self._loader = loader
        self._file = file
        self._flattened: set[int] = set()
        self.lines: dict[tuple[str, ...], int] = {}

    def read(self, node: yaml.Node, path: tuple[str, ...]) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, str(i))) for i, item in enumerate(node.value)]
        return self._loader.construct_object(node, deep=True)

    def _mapping(self, node: yaml.MappingNode, path: tuple[str, ...]) -> dict[str, Any]:
        if id(node) not in self._flattened:  # an alias brings the same node again
            self._flattened.add(id(node))
            self._refuse_twins(node, path)
            self._loader.flatten_mapping(node)  # puts what `<<` brings first, so that the mapping's own keys win
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                line = key_node.start_mark.line + 1
                raise ConfigError(
                    "a key must be text",
                    file=self._file,
                    line=line,
                    key=".".join(path) or None,
                    hint="look for a stray `{` or `?`",
                )
            key = str(key_node.value)
            self.lines[(*path, key)] = key_node.start_mark.line + 1
            mapping[key] = self.read(value_node, (*path, key))
        return mapping

    def _refuse_twins(self, node: yaml.MappingNode, path: tuple[str, ...]) -> None:
        seen: set[str] = set()
        for key_node, _ in node.value:
            key = str(key_node.value)
            if key in seen:
                line = key_node.start_mark.line + 1
                raise ConfigError("is given twice", file=self._file, line=line, key=".".join((*path, key)))
            seen.add(key)


def substitute(located: Located, environment: Mapping[str, str]) -> Located:
    """Put environment variables in place of `${NAME}`. Raises `ConfigError` naming the variable that is not set."""

    def walk(value: Any, path: tuple[str, ...]) -> Any:
        if isinstance(value, dict):
            return {k: walk(v, (*path, k)) for k, v in value.items()}
        if isinstance(value, list):
            return [walk(v, (*path, str(i))) for i, v in enumerate(value)]
        return _ENV.sub(lambda m: put(m, path), value) if isinstance(value, str) else value

    def put(match: re.Match[str], path: tuple[str, ...]) -> str:
        escaped, name = match.groups()
        if escaped:
            return f"${{{name}}}"
        if name not in environment:
            raise ConfigError(
                f"the environment variable {name} is not set",
                file=located.file,
                line=located.line(path),
                key=".".join(path),
                hint=f"export {name}=…, or take ${{{name}}} out",
            )
        return environment[name]

    return Located(located.file, walk(located.data, ()), located.lines)


def convert(located: Located, kind: type[T]) -> T:
    """Plain data → `kind`. Raises `ConfigError` with line, key, value and the nearest valid key."""
    if located.data is None:
        raise ConfigError("is empty", file=located.file)
    try:
        return msgspec.convert(located.data, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _explain(located, str(error), kind) from None


def _explain(located: Located, error: str, kind: Any) -> ConfigError:
    match = _AT_PATH.match(error)
    message = match["message"] if match else error
    path = _find_path(located.data, match["path"] or "" if match else "", message)
    hint = None
    if unknown := _UNKNOWN_FIELD.fullmatch(message):
        field = unknown["field"]
        path = (*path, field)
        known = _fields_at(kind, path[:-1])
        near = difflib.get_close_matches(field, known, n=1)
        message = "unknown key"
        hint = (f"did you mean `{near[0]}`? " if near else "") + (f"known keys: {', '.join(known)}" if known else "")
        return ConfigError(message, file=located.file, line=located.line(path), key=".".join(path), hint=hint or None)
    if missing := _MISSING_FIELD.fullmatch(message):
        here = ".".join((*path, missing["field"]))
        return ConfigError(
            "is missing", file=located.file, line=located.line(path), key=here, hint=f"add `{missing['field']}: …`"
        )
    value = _value_at(located.data, path)
    words = _words_at(kind, path) if message.startswith("Invalid enum value") else []
    if words:
        near = difflib.get_close_matches(str(value), words, n=1)
        message = "is none of the known words"
        hint = (f"did you mean `{near[0]}`? " if near else "") + f"known: {', '.join(words)}"
    return ConfigError(
        message[0].lower() + message[1:],
        file=located.file,
        line=located.line(path),
        key=".".join(path) or None,
        value=value if _may_be_quoted(value, path, message) else None,
        hint=hint,
    )


def _may_be_quoted(value: Any, path: tuple[str, ...], message: str) -> bool:
    """Whether an error may show this value. A mapping or list may hold a key somewhere, and a text in their place be one."""
    if isinstance(value, dict | list) or not _SECRET.isdisjoint(path):
        return False
    return not (isinstance(value, str) and message.startswith(("Expected `object", "Expected `array")))


def _find_path(data: Any, path: str, message: str) -> tuple[str, ...]:
    """The path of a complaint. The library writes `[...]` for "some value of this mapping": find the one it means."""
    steps = [m["key"] or m["index"] for m in _STEP.finditer(path)]
    unknown = _UNKNOWN_FIELD.fullmatch(message)
    missing = _MISSING_FIELD.fullmatch(message)

    def fits(value: Any) -> bool:
        if unknown:
            return isinstance(value, dict) and unknown["field"] in value
        if missing:
            return isinstance(value, dict) and missing["field"] not in value
        wanted = re.search(r"got `(\w+)`", message)
        return wanted is None or _TYPE_NAMES.get(type(value), "") == wanted[1]

    def search(value: Any, left: list[str], done: tuple[str, ...]) -> tuple[str, ...] | None:
        if not left:
            return done if fits(value) else None
        step, rest = left[0], left[1:]
        if step == "...":
            options = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            found = (search(v, rest, (*done, str(k))) for k, v in options)
            return next((f for f in found if f is not None), None)
        inner = _value_at(value, (step,))
        return search(inner, rest, (*done, step))

    return search(data, steps, ()) or tuple(s for s in steps if s != "...")


_TYPE_NAMES: dict[type, str] = {
    str: "str",
    int: "int",
    float: "float",
    bool: "bool",
    list: "array",
    dict: "object",
    type(None): "null",
}


def _value_at(data: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        if isinstance(data, dict):
            data = data.get(step)
        elif isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


def _fields_at(kind: Any, path: tuple[str, ...]) -> list[str]:
    """Names of the fields that may stand at `path` of a value of type `kind`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if not path:
            return [f.encode_name for f in msgspec.structs.fields(kind)]
        hint = get_type_hints(kind, include_extras=True).get(path[0])
        return _fields_at(hint, path[1:]) if hint is not None else []
    inner = [_fields_at(a, path[1:] if _is_container(kind) else path) for a in get_args(kind)]
    return next((fields for fields in inner if fields), [])


def _words_at(kind: Any, path: tuple[str, ...]) -> list[str]:
    """The words that may stand at `path` of a value of type `kind`, where it takes only certain ones."""
    if not path and getattr(kind, "__origin__", None) is Literal:
        return [str(word) for word in get_args(kind)]
    if not path and isinstance(kind, type) and issubclass(kind, Enum):
        return [str(word.value) for word in kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hint = get_type_hints(kind, include_extras=True)
        named = {f.encode_name: hint[f.name] for f in msgspec.structs.fields(kind)}
        return _words_at(named.get(path[0]), path[1:]) if path else []
    inner = [_words_at(a, path[1:] if _is_container(kind) and path else path) for a in get_args(kind)]
    return next((words for words in inner if words), [])


def _is_container(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) in (dict, list, tuple)
