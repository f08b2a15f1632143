"""What a variant adds to every request: its model, its parameters, its system prompt."""

from __future__ import annotations

import difflib
from typing import Any

import msgspec

from pointsman.core.chat import ChatRequest, Message, Text
from pointsman.core.failure import ConfigError
from pointsman.core.variant import Variant

__all__ = ["VariantRequest"]

_ALIASES = {"max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens"}
_NOT_PARAMS = frozenset({"model", "messages", "extra", "extra_from", "stream_usage"})
_FIELDS = {f.name: f for f in msgspec.structs.fields(ChatRequest)}


class VariantRequest:
    """Applies one variant to requests. Everything about the variant is read once, here."""

    def __init__(self, variant: Variant) -> None:
        """Raises `ConfigError` for a parameter whose value has the wrong type or that is not a parameter."""
        self._model = variant.model
        self._named: dict[str, Any] = {}
        self._extra: dict[str, msgspec.Raw] = {}
        for given, value in variant.params.items():
            name = _ALIASES.get(given, given)
            if name in _NOT_PARAMS:
                raise ConfigError("is not a parameter of a variant", key=f"params.{given}", hint=_NOT_PARAM_HINT)
            if name in _FIELDS:
                self._named[name] = _converted(given, name, value)
            else:
                self._extra[name] = msgspec.Raw(msgspec.json.encode(value))
        system = variant.system
        self._system = Message(role="system", parts=(Text(text=system),)) if system is not None else None

    def apply(self, request: ChatRequest) -> ChatRequest:
        """The request as this variant sends it.

        A parameter of the variant replaces the request's own, because what was measured is what is served.
        The system prompt is put first unless the request brings one. Parameters we have no name for go to `extra`.
        """
        changes: dict[str, Any] = {"model": self._model, **self._named}
        if self._extra:
            changes["extra"] = {**request.extra, **self._extra}
        if self._system is not None and not any(m.role in ("system", "developer") for m in request.messages):
            changes["messages"] = (self._system, *request.messages)
        return msgspec.structs.replace(request, **changes)


_NOT_PARAM_HINT = "the model stands beside params; what the case asks stands in the test set"


def _converted(given: str, name: str, value: object) -> object:
    if name == "stop" and isinstance(value, str):
        value = (value,)
    try:
        return msgspec.convert(value, _FIELDS[name].type, str_keys=True)
    except msgspec.ValidationError as error:
        near = difflib.get_close_matches(given, _FIELDS, n=1)
        raise ConfigError(str(error), key=f"params.{given}", value=value, hint=f"see {near[0]}" if near else None) from None
