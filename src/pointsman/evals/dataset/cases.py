"""Rows into cases, as the user's `tests:` says."""

from __future__ import annotations

import difflib
import re
from typing import Any

import msgspec

from pointsman.core.chat import Message, OutputFormat, Text, Tool, user_says
from pointsman.core.failure import ConfigError
from pointsman.core.ids import content_hash
from pointsman.evals.case import Case
from pointsman.evals.dataset.chat_messages import messages_from, raw_json, tools_from
from pointsman.evals.dataset.columns import ABSENT, RowError, column, flag, json_value, lettered, listed, plain, written
from pointsman.evals.dataset.spec import TestsSpec
from pointsman.evals.dataset.template import Template

__all__ = ["CaseReader"]

_PLAIN = frozenset({"id", "input", "messages", "target"})
"""A row with no other columns has no other fields."""
_OPTIONAL = ("choices", "tags", "cluster", "edge", "tools", "output_schema")


class CaseReader:
    """Reads rows of one test set. Raises `ConfigError` at once for a template or pattern that cannot work."""

    def __init__(self, spec: TestsSpec) -> None:
        self._spec = spec
        self._template = Template(spec.template, "template") if spec.template is not None else None
        self._system = Template(spec.system, "system") if spec.system is not None else None
        self._pattern = _compiled(spec.target_pattern)
        self._where = {name: _accepted(value) for name, value in spec.where.items()}
        self._tools = _fixed_tools(spec.tools)
        self._output = None if isinstance(spec.output_schema, str | None) else _output(spec.output_schema)
        self._plain = not any(getattr(spec, name) for name in _OPTIONAL)

    def keeps(self, row: dict[str, Any]) -> bool:
        """Whether the row passes `where`. Raises `RowError` if the column is not there."""
        return all(written(self._named(row, name, "where")) in accepted for name, accepted in self._where.items())

    def read(self, row: dict[str, Any]) -> Case:
        """The case a row describes. Raises `RowError` saying which column is wrong and what to do."""
        if self._plain and row.keys() <= _PLAIN:
            messages, target = self._messages(row, ()), self._target(row)
            return Case(id=self._id(row, (messages, target, (), None, ())), messages=messages, target=target)
        spec = self._spec
        choices = self._choices(row)
        messages = self._messages(row, choices)
        target = self._target(row)
        tools = self._tools if self._tools is not None else _row_tools(self._value(row, spec.tools, "tools"))
        output = self._output or _row_output(self._value(row, spec.output_schema, "output_schema"))
        cluster = self._value(row, spec.cluster, "cluster")
        return Case(
            id=self._id(row, (messages, target, tools, output, choices)),
            messages=messages,
            target=target,
            tags=self._tags(row),
            cluster=written(cluster) or None,
            tools=tools,
            output=output,
            edge=flag(self._value(row, spec.edge, "edge")),
            choices=choices,
        )

    def _id(self, row: dict[str, Any], content: tuple[object, ...]) -> str:
        """What the row calls itself, or else the hash of its content."""
        found = written(self._value(row, self._spec.id, "id"))
        if found:
            return found
        if self._spec.id is not None:
            hint = "every case needs its own id; without `id:` its content names it"
            raise RowError(f"has an empty `{self._spec.id}`", hint=hint)
        return content_hash(content)

    def _named(self, row: dict[str, Any], name: str, key: str) -> Any:
        value = column(row, name)
        if value is ABSENT:
            near = difflib.get_close_matches(name, list(row), n=1)
            guess = f"did you mean {near[0]!r}? " if near else ""
            raise RowError(f"has no column {name!r} (`{key}`)", hint=f"{guess}columns: {', '.join(row)}")
        return value

    def _value(self, row: dict[str, Any], name: object, key: str) -> Any:
        """The named column, which must be there, or the one called `key`, which need not."""
        if isinstance(name, str):
            return self._named(row, name, key)
        return row.get(key)

    def _messages(self, row: dict[str, Any], choices: tuple[str, ...]) -> tuple[Message, ...]:
        messages = self._asked(row, choices)
        if self._system is None:
            return messages
        system = Message(role="system", parts=(Text(text=self._filled(self._system, row, choices)),))
        return (system, *messages)

    def _asked(self, row: dict[str, Any], choices: tuple[str, ...]) -> tuple[Message, ...]:
        spec = self._spec
        if self._template is not None:
            return (user_says(self._filled(self._template, row, choices)),)
        if spec.messages is not None or (spec.input is None and "input" not in row and "messages" in row):
            return messages_from(json_value(self._named(row, spec.messages or "messages", "messages")))
        asked = self._named(row, spec.input or "input", "input")
        if isinstance(asked, list):
            return messages_from(asked)
        text = written(asked)
        if not text:
            raise RowError(f"has an empty `{spec.input or 'input'}`", hint="a case asks something; drop the row or fill it in")
        return (user_says(text),)

    def _filled(self, template: Template, row: dict[str, Any], choices: tuple[str, ...]) -> str:
        def value_of(name: str) -> object:
            if choices and name in ("choices", self._spec.choices):
                return lettered(list(choices))
            value = column(row, name)
            return value if value is ABSENT else written(value)

        return template.fill(value_of, list(row))

    def _target(self, row: dict[str, Any]) -> object:
        name = self._spec.target
        if name is None:
            return None
        if name is msgspec.UNSET:
            value = column(row, "target")
            if value is ABSENT:
                hint = f"name the column: `target: …`, or `target: null` for a set without targets; columns: {', '.join(row)}"
                raise RowError("has no column 'target'", hint=hint)
        else:
            value = self._named(row, str(name), "target")
        if self._pattern is not None and value is not None:
            return self._cut(written(value))
        return plain(value)

    def _cut(self, text: str) -> str:
        assert self._pattern is not None
        found = None
        for found in self._pattern.finditer(text):  # noqa: B007 - the last match is what is wanted
            pass
        if found is None:
            raise RowError(
                f"target does not match `target_pattern` {self._pattern.pattern!r}", hint=f"the target is {text[-80:]!r}"
            )
        return (found[1] if self._pattern.groups else found[0]) or ""

    def _choices(self, row: dict[str, Any]) -> tuple[str, ...]:
        value = json_value(self._value(row, self._spec.choices, "choices"))
        if isinstance(value, dict):
            value = list(value.values())
        if value is not None and not isinstance(value, list):
            raise RowError(f"`{self._spec.choices or 'choices'}` is not a list of options", hint='write ["first", "second"]')
        return tuple(written(option) for option in value or ())

    def _tags(self, row: dict[str, Any]) -> tuple[str, ...]:
        names = self._spec.tags
        if isinstance(names, tuple):
            return tuple(tag for name in names if (tag := written(self._named(row, name, "tags")).strip()))
        return tuple(listed(self._value(row, names, "tags")))


def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    try:
        return re.compile(pattern, re.MULTILINE)
    except re.error as problem:
        raise ConfigError(f"is not a regular expression: {problem}", key="target_pattern", value=pattern) from None


def _accepted(value: Any) -> frozenset[str]:
    return frozenset(written(v) for v in value) if isinstance(value, list | tuple) else frozenset([written(value)])


def _fixed_tools(tools: object) -> tuple[Tool, ...] | None:
    if tools is None or isinstance(tools, str):
        return None
    try:
        return tools_from(tools)
    except RowError as problem:
        raise ConfigError(problem.message, key="tools", hint=problem.hint) from None


def _row_tools(value: Any) -> tuple[Tool, ...]:
    value = json_value(value)
    return tools_from(value) if value else ()


def _row_output(value: Any) -> OutputFormat | None:
    value = json_value(value)
    if value is not None and not isinstance(value, dict):
        raise RowError("`output_schema` is not a JSON Schema", hint="it must be an object")
    return _output(value) if value else None


def _output(schema: dict[str, Any]) -> OutputFormat:
    return OutputFormat(kind="json_schema", schema=raw_json(schema), name="answer")
