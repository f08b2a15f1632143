"""What a scripted model does with one call: the same for the same seed, model, case and repeat."""

from __future__ import annotations

import functools
import math
from typing import Literal

import msgspec

from pointsman.core.chat import FinishReason
from pointsman.core.failure import FailureClass
from pointsman.providers.scripted.dice import normal, roll, rolls
from pointsman.providers.scripted.prose import count_tokens, prose
from pointsman.providers.scripted.script import Latency, Script, Spread, TokenSpread, drifted
from pointsman.providers.scripted.wrong import said, wrong_answer

__all__ = ["DEFAULT_TOKENS", "REFUSAL_TEXT", "Behaviour", "Kind", "behave"]

DEFAULT_TOKENS = 32
"""Length of an answer to which no target is known, if the script sets none."""

REFUSAL_TEXT = "I'm sorry, but I can't help with that."

Kind = Literal["correct", "wrong", "free", "bad_format", "refusal", "truncation", "error", "timeout"]


class Behaviour(msgspec.Struct, frozen=True, kw_only=True):
    """One reply to be, or one failure."""

    kind: Kind
    """`free`: a sound answer to a question whose target is not known."""
    key: tuple[object, ...]
    """What further draws of this call are keyed by."""
    text: str = ""
    finish: FinishReason = FinishReason.STOP
    failure: FailureClass | None = None
    u: float = 0.5
    """The draw that chooses a free answer's words."""
    tokens: int = DEFAULT_TOKENS
    """Length a free answer aims at."""
    reasoning_tokens: int | None = None
    ttft_s: float = 0.0
    full_s: float | None = None
    tokens_per_s: float | None = None

    def total_s(self, output_tokens: int) -> float:
        """Seconds to the last token of an answer of this length; never less than to the first."""
        if self.full_s is not None:
            return max(self.ttft_s, self.full_s)
        return self.ttft_s + (output_tokens / self.tokens_per_s if self.tokens_per_s else 0.0)


def behave(
    script: Script,
    *,
    seed: int,
    model: str,
    case_id: str,
    repeat: int = 0,
    attempt: int | None = None,
    request_number: int = 0,
    elapsed_s: float = 0.0,
    target: object = None,
    tags: tuple[str, ...] = (),
) -> Behaviour:
    """Decide one call.

    The draws depend on (seed, model, case, repeat) alone; `request_number` and `elapsed_s` only
    say how far the script has drifted. Models share nothing but the difficulty of each case, which
    depends on (seed, case). With `attempt`, errors and timeouts are drawn anew for each try of a
    repeat, so that a retry can succeed; the answer is the same whichever try gets it.
    """
    now = drifted(script, request_number, elapsed_s) if script.drift else script
    key = (seed, model, case_id, repeat)
    fate, form, luck, pace, length, filler, first, _ = rolls("call", *key)
    if attempt is not None and (now.error or now.timeout):
        fate = roll("fate", *key, attempt)
    latency = now.latency if isinstance(now.latency, Latency) else Latency(ttft_s=now.latency, total_s=now.latency)
    ttft_s = _seconds(latency.ttft_s, first)
    full_s = None if latency.total_s is None else _seconds(latency.total_s, pace)
    failed = _failure(now, fate)
    if failed is not None:
        kind: Kind = "timeout" if failed is FailureClass.TIMEOUT else "error"
        return Behaviour(kind=kind, key=key, failure=failed, ttft_s=ttft_s, full_s=full_s)
    tokens = _length(now.output_tokens, length)
    kind = _form(now, form)
    if kind == "free" and target is not None:
        kind = "correct" if _is_right(now, key, tags, luck) else "wrong"
    return Behaviour(
        kind=kind,
        key=key,
        text=_text(now, kind, target, key, tokens, filler),
        finish=_FINISH.get(kind, FinishReason.STOP),
        u=filler,
        tokens=tokens or DEFAULT_TOKENS,
        reasoning_tokens=now.reasoning_tokens,
        ttft_s=ttft_s,
        full_s=full_s,
        tokens_per_s=latency.tokens_per_s,
    )


_FINISH: dict[Kind, FinishReason] = {"refusal": FinishReason.REFUSAL, "truncation": FinishReason.LENGTH}


def _failure(script: Script, u: float) -> FailureClass | None:
    if u < script.timeout:
        return FailureClass.TIMEOUT
    reached = script.timeout
    errors = script.error if isinstance(script.error, dict) else {FailureClass.TRANSIENT: script.error}
    for kind, share in errors.items():
        reached += share
        if u < reached:
            return kind
    return None


def _form(script: Script, u: float) -> Kind:
    if u < script.refusal:
        return "refusal"
    if u < script.refusal + script.truncation:
        return "truncation"
    return "bad_format" if u < script.refusal + script.truncation + script.bad_format else "free"


def _is_right(script: Script, key: tuple[object, ...], tags: tuple[str, ...], luck: float) -> bool:
    quality = script.quality
    if script.quality_by_tag:
        quality = min((script.quality_by_tag[t] for t in tags if t in script.quality_by_tag), default=quality)
    shared, steady = script.difficulty_correlation, script.repeat_correlation
    if not 0 < quality < 1 or (shared == 0 and steady == 0):
        return luck < quality
    seed, model, case_id, _ = key
    z = math.sqrt(1 - steady) * normal(luck)
    if steady:
        z += math.sqrt(steady) * normal(roll("steady", seed, model, case_id))
    if shared:
        z = math.sqrt(1 - shared) * z + math.sqrt(shared) * _difficulty(seed, case_id)
    return z < normal(quality)


@functools.lru_cache(maxsize=4096)
def _difficulty(seed: object, case_id: object) -> float:
    """What all models find hard about a case, as a standard normal deviate; they ask for it one after the other."""
    return normal(roll("difficulty", seed, case_id))


def _text(script: Script, kind: Kind, target: object, key: tuple[object, ...], tokens: int | None, u: float) -> str:
    if kind == "refusal":
        return REFUSAL_TEXT
    if kind in ("truncation", "bad_format"):
        return prose(u, max(1, (tokens or DEFAULT_TOKENS) // (2 if kind == "truncation" else 1)))
    if kind == "free":
        return ""
    answer = said(target) if kind == "correct" else wrong_answer(target, script.wrong, key)
    sentence = script.say.replace("{answer}", answer)
    filling = (tokens or 0) - count_tokens(sentence)
    return f"{prose(u, filling)}\n{sentence}" if filling > 0 else sentence


def _length(spec: int | TokenSpread | None, u: float) -> int | None:
    return spec.at(normal(u)) if isinstance(spec, TokenSpread) else spec


def _seconds(spec: float | Spread, u: float) -> float:
    return spec.at(normal(u)) if isinstance(spec, Spread) else spec
