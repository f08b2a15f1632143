"""YAML that holds a list of rows. Read whole, so for some ten thousand cases and more JSON lines serve better."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml

from pointsman.evals.dataset.source import Row, Source

__all__ = ["read"]


class _Loader(yaml.CSafeLoader):
    """Scalars as YAML 1.2 reads them: `yes`, `010`, `1:30` and `2020-01-01` are text, 3.10 stays 3.10."""


def _decimal(_loader: _Loader, node: yaml.ScalarNode) -> Decimal:
    try:
        return Decimal(node.value)
    except InvalidOperation:
        raise yaml.constructor.ConstructorError(None, None, f"{node.value} is not a number", node.start_mark) from None


# The class starts with its parent's table, so this replaces it, for this class alone.
_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"^[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?$|^[-+]?[0-9]+[eE][-+]?[0-9]+$|^[-+]?\.inf$|^\.nan$"
    ),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])
_Loader.add_constructor("tag:yaml.org,2002:float", _decimal)


def read(source: Source) -> Iterator[Row]:
    """Each item of the list as a row, at the line it begins on. Anchors, aliases and merges work.

    Raises `DatasetError` naming the line for what is not YAML, not a list of mappings, or NaN.
    """
    text = source.decode(source.whole(), 1)
    try:
        loader = _Loader(text)
        items = _list_node(source, loader.get_single_node())
        for node in items.value:
            line = node.start_mark.line + 1
            values: Any = loader.construct_object(node, deep=True)
            if not isinstance(values, dict):
                raise source.error("is not a mapping", place=line, hint="each item is one case with its columns")
            yield Row(line, {str(k): v for k, v in values.items()})
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise source.error(f"column {column}: not valid YAML: {problem.problem or problem.context}", place=line) from None
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise source.error(f"not valid YAML: {problem.reason}", place=line) from None


def _list_node(source: Source, node: yaml.Node | None) -> yaml.SequenceNode:
    for step in source.rows.split(".") if source.rows else ():
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        node = next((value for key, value in pairs if key.value == step), None)
        if node is None:
            raise source.error(f"`rows: {source.rows}` is not in the document")
    if node is None:
        raise source.error("is empty")
    if not isinstance(node, yaml.SequenceNode):
        raise source.error("is not a list of rows", place=node.start_mark.line + 1, hint="say where the list is with `rows:`")
    return node
