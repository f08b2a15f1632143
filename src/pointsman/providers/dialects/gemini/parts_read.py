"""Parts of Gemini contents → our parts."""

from __future__ import annotations

import msgspec

from pointsman.core.chat import Opaque, Part, Reasoning, Text, ToolCall, ToolResult
from pointsman.providers.dialects.gemini.media import read_blob, read_file_data
from pointsman.providers.dialects.gemini.names import NAME, camel
from pointsman.providers.fields import BOOL, RAW, RAWS, STR, Decode, Fields
from pointsman.providers.json_body import decode_request

__all__ = ["PLACED", "CallIds", "arguments_text", "read_part"]

_SAYS_NOTHING = frozenset({"thought", "thoughtSignature", "partMetadata", "mediaResolution"})
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class CallIds:
    """Ids of calls and results. Gemini often sends none: then a call's id is derived from its place,
    and a result belongs to the oldest unanswered call of its name.
    """

    def __init__(self) -> None:
        self._unanswered: dict[str, list[str]] = {}

    def of_call(self, given: str | None, name: str, place: str) -> str:
        """The call's id."""
        found = given or f"{PLACED}{place}"
        self._unanswered.setdefault(name, []).append(found)
        return found

    def of_result(self, given: str | None, name: str, place: str) -> str:
        """The id of the call this result answers."""
        waiting = self._unanswered.get(name, [])
        if given is not None:
            if given in waiting:
                waiting.remove(given)
            return given
        return waiting.pop(0) if waiting else f"{PLACED}{place}"


PLACED = "gemini-call-"
"""Begins the ids we made up; they are not sent back, because Gemini never gave them."""


def read_part(raw: msgspec.Raw, at: str, ids: CallIds, decode: Decode = decode_request) -> Part:
    """One part. What we have no part for (code and its result, hosted tools) stays as it came."""
    fields = Fields(raw, at, decode=decode, rename=camel)
    part = _known(fields, ids, decode)
    if part is None:
        kind = next((k for k in fields.left if k not in _SAYS_NOTHING), "empty")
        return Opaque(dialect=NAME, kind=kind, raw=raw.copy())
    spare = fields.spare(f"{NAME}.")
    return msgspec.structs.replace(part, extra=spare) if spare else part


def _known(fields: Fields, ids: CallIds, decode: Decode) -> Part | None:
    if "text" in fields.left:
        return _text(fields)
    if "functionCall" in fields.left:
        return _call(fields, ids, decode)
    if "functionResponse" in fields.left:
        return _response(_inner(fields, "functionResponse", decode), ids, decode)
    if "inlineData" in fields.left:
        return read_blob(_inner(fields, "inlineData", decode))
    if "fileData" in fields.left:
        return read_file_data(_inner(fields, "fileData", decode))
    return None


def _inner(fields: Fields, name: str, decode: Decode) -> Fields:
    return Fields(fields.need(name, RAW), fields.at(name), decode=decode, rename=camel)


def _text(fields: Fields) -> Part:
    text = fields.need("text", STR)
    if fields.take("thought", BOOL):
        # Gemini signs calls and texts, never thoughts; a signature here stays where only Gemini gets it back.
        return Reasoning(text=text)
    return Text(text=text, signature=fields.take("thoughtSignature", STR))


def _call(fields: Fields, ids: CallIds, decode: Decode) -> Part:
    at = fields.at("functionCall")
    call = _inner(fields, "functionCall", decode)
    name = call.need("name", STR)
    given = call.take("args", RAW)
    if given is not None:
        decode(_OBJECT, given, call.at("args"))
    return ToolCall(
        id=ids.of_call(call.take("id", STR), name, _place(at)),
        name=name,
        arguments="{}" if given is None else arguments_text(given),
        signature=fields.take("thoughtSignature", STR),
    )


def arguments_text(args: msgspec.Raw) -> str:
    """`args` as compact JSON text: Gemini gives an object, and its indentation is no word of the model's."""
    return msgspec.json.format(bytes(args), indent=-1).decode("utf-8", "replace")


def _response(response: Fields, ids: CallIds, decode: Decode) -> Part:
    name = response.need("name", STR)
    given = response.take("response", RAW)
    text, is_error = ("", False) if given is None else _said(given, response.at("response"), decode)
    parts: list[Part] = [Text(text=text)] if text else []
    more = response.take("parts", RAWS) or []
    parts += [read_part(raw, f"{response.at('parts')}[{i}]", ids, decode) for i, raw in enumerate(more)]
    call_id = ids.of_result(response.take("id", STR), name, _place(response.at("")))
    extra = response.spare(f"{NAME}.functionResponse.")
    return ToolResult(call_id=call_id, name=name, parts=tuple(parts), is_error=is_error, extra=extra or None)


def _said(response: msgspec.Raw, at: str, decode: Decode) -> tuple[str, bool]:
    """The result as text. `{"output": text}` and `{"error": text}` are Google's envelope for plain text;
    any other object is the result itself.
    """
    members = decode(_OBJECT, response, at)
    if len(members) == 1:
        key, value = next(iter(members.items()))
        if key in ("output", "error") and bytes(value)[:1] == b'"':
            text = decode(STR, value, f"{at}.{key}")
            if not _is_object(text):
                return text, key == "error"
    return bytes(response).decode("utf-8", "replace"), False


def _is_object(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        _OBJECT.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def _place(at: str) -> str:
    return "-".join(part for part in "".join(c if c.isdigit() else " " for c in at).split())
