"""Gemini's `logprobsResult` and the form of Chat Completions, in which log probabilities stand in ours.

https://ai.google.dev/api/generate-content#LogprobsResult
"""

from __future__ import annotations

import msgspec

from pointsman.providers.json_body import decode_reply
from pointsman.providers.logprobs import content_tokens, of_content

__all__ = ["read_logprobs", "write_logprobs"]


class _Candidate(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    token: str = ""
    token_id: int | None = None
    log_probability: float = 0.0


class _Top(msgspec.Struct, frozen=True):
    candidates: tuple[_Candidate, ...] = ()


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    chosen_candidates: tuple[_Candidate, ...] = ()
    top_candidates: tuple[_Top, ...] = ()


class _Token(msgspec.Struct, frozen=True):
    token: str = ""
    logprob: float = 0.0
    token_id: int | None = None
    top_logprobs: tuple[_Token, ...] | None = None


_RESULT = msgspec.json.Decoder(_Result)
_TOKEN = msgspec.json.Decoder(_Token)


def read_logprobs(result: msgspec.Raw, at: str) -> msgspec.Raw | None:
    """A `logprobsResult` in our form; None if it has no token. `token_id` stays beside what OpenAI has."""
    wire = decode_reply(_RESULT, result, at)
    tops = [top.candidates for top in wire.top_candidates]
    tops += [()] * (len(wire.chosen_candidates) - len(tops))
    return of_content([{**_token(c), "top_logprobs": [_token(t) for t in top]} for c, top in zip(wire.chosen_candidates, tops)])  # noqa: B905  # surplus alternatives belong to no token


def write_logprobs(logprobs: msgspec.Raw | None) -> dict[str, object]:
    """Our form as members of a candidate; nothing if it has no tokens."""
    try:
        tokens = [_TOKEN.decode(token) for token in content_tokens(logprobs)]
    except (ValueError, RecursionError):  # a server's own form
        return {}
    if not tokens:
        return {}
    chosen = [_candidate(t) for t in tokens]
    tops = [_Top(tuple(_candidate(a) for a in t.top_logprobs or ())) for t in tokens]
    return {"logprobsResult": {"chosenCandidates": chosen, "topCandidates": tops}}


def _token(candidate: _Candidate) -> dict[str, object]:
    said: dict[str, object] = {
        "token": candidate.token,
        "logprob": candidate.log_probability,
        "bytes": list(candidate.token.encode("utf-8", "surrogatepass")),
    }
    return said if candidate.token_id is None else said | {"token_id": candidate.token_id}


def _candidate(token: _Token) -> _Candidate:
    return _Candidate(token=token.token, token_id=token.token_id, log_probability=token.logprob)
