"""Two answers to one request, compared without knowing the right one: is each sound, and how alike are they?"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from pointsman.core.chat import ChatReply, ChatRequest, FinishReason
from pointsman.core.shadow_pair import Compared
from pointsman.evals.refusals import looks_refused
from pointsman.evals.text_overlap import token_f1

__all__ = ["compare", "flaw_of"]

_MOST_CHARS = 4_000


def compare(request: ChatRequest, baseline: ChatReply | None, candidate: ChatReply | None) -> Compared:
    """Flaws of both, and the F1 of their words. An answer that is missing is flawed."""
    similarity = None
    if baseline is not None and candidate is not None and (baseline.text or candidate.text):
        similarity = token_f1(candidate.text[:_MOST_CHARS], baseline.text[:_MOST_CHARS])
    return Compared(baseline_flaw=flaw_of(request, baseline), candidate_flaw=flaw_of(request, candidate), similarity=similarity)


def flaw_of(request: ChatRequest, reply: ChatReply | None) -> str:
    """What is wrong with an answer on its face; the first of these, empty if none: no answer, refused, truncated,
    bad tool call, empty, bad JSON, JSON against its schema.
    """
    if reply is None or not reply.choices:
        return "no answer"
    if looks_refused(reply) is not None:
        return "refused"
    if reply.finish is FinishReason.LENGTH:
        return "truncated"
    if reply.tool_calls:
        return "" if _calls_are_sound(request, reply) else "bad tool call"
    if not reply.text.strip():
        return "empty"
    return _form_flaw(request, reply.text)


def _calls_are_sound(request: ChatRequest, reply: ChatReply) -> bool:
    known = {tool.name: tool for tool in request.tools}
    for call in reply.tool_calls:
        if call.name not in known:
            return False
        try:
            arguments = msgspec.json.decode(call.arguments or "{}")
        except msgspec.DecodeError:
            return False
        schema = known[call.name].parameters
        if schema is not None and not _keeps(bytes(schema), arguments):
            return False
    return True


def _form_flaw(request: ChatRequest, text: str) -> str:
    form = request.output
    if form is None or form.kind == "text":
        return ""
    try:
        said = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return "bad JSON"
    if form.schema is not None and not _keeps(bytes(form.schema), said):
        return "against its schema"
    return ""


def _keeps(schema: bytes, value: Any) -> bool:
    validator = _validator(schema)
    return validator is None or bool(validator.is_valid(value))


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Any:
    """None for a schema that is none: whose fault that is, the answer cannot show."""
    try:
        return jsonschema_rs.validator_for(msgspec.json.decode(schema))
    except (jsonschema_rs.ValidationError, ValueError, msgspec.DecodeError):
        return None
