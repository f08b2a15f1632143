"""The keys of a Struct that users write: name, type in words, default, and the docstring that stands below the field."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect as types

from generator.markdown import code

__all__ = ["Key", "about", "keys", "structs_in"]


class Key(NamedTuple):
    """One key of a file or of an option."""

    name: str
    kind: str
    """Its type, in words."""
    default: str
    """As it would be written; `required` if there is none."""
    meaning: str
    """Empty if the code says nothing, which a test refuses."""
    type: types.Type


def keys(struct: type[msgspec.Struct]) -> list[Key]:
    """Every key of `struct`, in its order."""
    meanings = _meanings(struct)
    info = types.type_info(struct)
    assert isinstance(info, types.StructType)
    return [
        Key(f.encode_name, words(f.type), _default(f), meanings.get(f.name, ""), f.type) for f in info.fields
    ]  # fmt: skip


def about(struct: type[msgspec.Struct]) -> str:
    """What the Struct's own docstring says, its paragraphs kept."""
    return inspect.cleandoc(struct.__doc__ or "")


def structs_in(kind: types.Type) -> list[type[msgspec.Struct]]:
    """The Structs a value of this type may be or hold, not those inside them."""
    match kind:
        case types.StructType(cls=cls):
            return [cls]
        case types.UnionType(types=members):
            return [s for m in members for s in structs_in(m)]
        case types.ListType(item_type=item) | types.VarTupleType(item_type=item):
            return structs_in(item)
        case types.DictType(value_type=value):
            return structs_in(value)
        case _:
            return []


def _meanings(struct: type[msgspec.Struct]) -> dict[str, str]:
    found: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if cls.__module__.startswith("pointsman"):
            [tree] = ast.parse(textwrap.dedent(inspect.getsource(cls))).body
            assert isinstance(tree, ast.ClassDef)
            for field, below in zip(tree.body, tree.body[1:], strict=False):
                match field, below:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        found[name] = " ".join(text.split())
    return found


def _default(field: types.Field) -> str:
    if field.required:
        return "required"
    value: Any = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
    if value is None or value is msgspec.NODEFAULT:  # msgspec states no default for a field that may be unset
        return ""
    return code(msgspec.json.encode(value).decode())


def words(kind: types.Type) -> str:
    """A type as people say it."""
    match kind:
        case types.UnionType(types=members):
            said = dict.fromkeys(w for m in members if (w := words(m)))
            if "number" in said:
                said.pop("whole number", None)
            return " or ".join(said) or "anything"
        case types.NoneType():
            return ""
        case types.LiteralType(values=values):
            return " or ".join(code(str(v)) for v in values)
        case types.EnumType(cls=cls):
            return " or ".join(code(str(member.value)) for member in cls)
        case types.ListType(item_type=item) | types.VarTupleType(item_type=item):
            return f"list of {words(item)}"
        case types.DictType(value_type=value):
            inside = words(value)
            return "keys with any value" if inside == "anything" else f"{_PLURALS.get(inside, inside)} by name"
        case types.StructType(cls=cls):
            return f"keys of {code(cls.__name__)}"
        case _:
            return _PLAIN[type(kind)] + _range(kind)


_PLAIN: dict[type[types.Type], str] = {
    types.StrType: "text",
    types.IntType: "whole number",
    types.FloatType: "number",
    types.DecimalType: "number",
    types.BoolType: "true or false",
    types.AnyType: "anything",
    types.RawType: "anything",
    types.CustomType: "anything",
}
_PLURALS = {"text": "texts", "number": "numbers"}


def _range(kind: types.Type) -> str:
    if not isinstance(kind, types.IntType | types.FloatType):
        return ""
    if kind.ge is not None and kind.le is not None:
        return f" from {kind.ge:g} to {kind.le:g}"
    bounds = ((kind.ge, "at least"), (kind.gt, "above"), (kind.le, "at most"), (kind.lt, "below"))
    said = " and ".join(f"{sign} {value:g}" for value, sign in bounds if value is not None)
    return f" {said}" if said else ""
