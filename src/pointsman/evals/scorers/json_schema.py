"""Is the answer JSON that keeps a schema and, if asked, says what the target says?"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, Literal, Never

import jsonschema_rs
import msgspec

from pointsman.core.chat import ChatReply
from pointsman.core.failure import ConfigError
from pointsman.evals.case import Case
from pointsman.evals.extract_json import first_json
from pointsman.evals.scorer import BadFormat, Judgement, Score, ScorerExample, ScorerPlugin, Unscored

__all__ = ["PLUGIN"]


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which schema, how the JSON may be wrapped, and what of it must be right."""

    schema: dict[str, Any] | None = None
    """JSON Schema; by default the one the case asks for. References are resolved within it alone, never fetched."""
    mode: Literal["strict", "lenient"] = "strict"
    """`strict`: the whole answer is JSON. `lenient`: the first complete value in fences, tags or prose counts."""
    drop_newlines: bool = False
    """With `lenient`: delete newlines before reading."""
    compare: Literal["none", "fields", "equal"] = "none"
    """`fields`: every field of the target has that value in the answer (others may be there); `equal`: all of it."""
    partial: bool = False
    """With `fields`: the value is the share of fields that are right, instead of all or nothing."""
    threshold: float = 1.0
    """With `partial`: the share from which on an answer counts as correct."""


class JsonSchema:
    """`json_schema` with its options set."""

    def __init__(self, options: Options) -> None:
        if options.partial and options.compare != "fields":
            raise ConfigError("`partial` goes with `compare: fields`", key="json_schema.partial")
        if not 0 < options.threshold <= 1:
            raise ConfigError("is a share above 0", key="json_schema.threshold", value=options.threshold)
        self._options = options
        self._validator = _validator(msgspec.json.encode(options.schema)) if options.schema is not None else None
        self._read = self._strict if options.mode == "strict" else self._lenient

    def score(self, case: Case, reply: ChatReply) -> Judgement:
        if self._options.compare != "none" and case.target is None:
            return Unscored("the case has no target to compare with")
        if self._options.compare == "fields" and not isinstance(case.target, dict):
            return Unscored("the target is not an object, so it has no fields")
        validator = self._validator
        if validator is None:
            if case.output is None or case.output.schema is None:
                return Unscored("neither the scorer nor the case has a schema")
            validator = _validator(bytes(case.output.schema))
        if not reply.text.strip():
            return BadFormat("the answer is empty")
        found = self._read(reply.text)
        if found is None:
            return BadFormat(
                "the answer is not JSON" if self._options.mode == "strict" else "there is no complete JSON in the answer"
            )
        [value] = found
        if (broken := _first_error(validator, value)) is not None:
            return BadFormat(broken)
        share = self._share(value, case.target)
        shown = msgspec.json.encode(value).decode(errors="replace")[:500]
        return Score(value=share, correct=share >= self._options.threshold, read=shown)

    def _strict(self, text: str) -> tuple[Any] | None:
        try:
            return (msgspec.json.decode(text.strip()),)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None

    def _lenient(self, text: str) -> tuple[Any] | None:
        if (whole := self._strict(text)) is not None:
            return whole
        found = first_json(text, drop_newlines=self._options.drop_newlines)
        return None if found is None else (found.value,)

    def _share(self, value: Any, target: Any) -> float:
        match self._options.compare:
            case "none":
                return 1.0
            case "equal":
                return float(_alike(value, target))
            case "fields":
                hits = [
                    isinstance(value, dict) and name in value and _alike(value[name], wanted) for name, wanted in target.items()
                ]
                share = sum(hits) / len(hits) if hits else 1.0
                return share if self._options.partial else float(share == 1.0)


def _alike(got: Any, wanted: Any) -> bool:
    """JSON equality: 1 and 1.0 are one number, true is not 1."""
    if isinstance(got, bool) or isinstance(wanted, bool):
        return got is wanted
    if isinstance(got, dict) and isinstance(wanted, dict):
        return got.keys() == wanted.keys() and all(_alike(got[k], wanted[k]) for k in got)
    if isinstance(got, list) and isinstance(wanted, list):
        return len(got) == len(wanted) and all(map(_alike, got, wanted))
    return bool(got == wanted)


def _first_error(validator: jsonschema_rs.Validator, value: Any) -> str | None:
    try:
        error = next(iter(validator.iter_errors(value)), None)
    except (ValueError, RecursionError, OverflowError) as problem:  # values JSON has and the validator cannot hold
        return f"cannot be checked: {problem}"
    if error is None:
        return None
    path = "/".join(map(str, error.instance_path))
    return f"breaks the schema at {'/' + path if path else 'the top'}: {error.message[:200]}"


def _never_fetch(uri: str) -> Never:
    raise ValueError(f"{uri} is outside the schema, and nothing is fetched")


@lru_cache(maxsize=1024)
def _validator(schema: bytes) -> jsonschema_rs.Validator:
    build: Callable[..., jsonschema_rs.Validator] = jsonschema_rs.validator_for
    try:
        return build(msgspec.json.decode(schema), retriever=_never_fetch)
    except (ValueError, jsonschema_rs.ReferencingError) as problem:
        raise ConfigError(f"is not a JSON Schema we can use: {problem}", key="json_schema.schema") from None


PLUGIN = ScorerPlugin(
    summary="The answer is JSON that keeps a schema and, if asked, has the target's values.",
    options=Options,
    build=JsonSchema,
    example=ScorerExample(
        options={
            "schema": {"type": "object", "required": ["city"], "properties": {"city": {"type": "string"}}},
            "mode": "lenient",
            "compare": "fields",
        },
        target={"city": "Paris"},
        answer='Here you are:\n```json\n{"city": "Paris", "country": "France"}\n```',
        value=1.0,
    ),
)
