"""Recorded answers of a real model, played back: what it said once is judged as if it said it now."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import msgspec

from pointsman.core.chat import ChatReply, Choice, Text
from pointsman.core.clock import SYSTEM_CLOCK, Clock
from pointsman.core.exchange import Attempt, Exchange
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.ids import content_hash
from pointsman.core.variant import Variant
from pointsman.providers.answer_index import AnswerIndex, file_hash
from pointsman.providers.local_provider import LocalPlugin
from pointsman.providers.provider import Answer, Call
from pointsman.providers.recorded_answer import RecordedAnswer, finish_of, recorded_failure

__all__ = ["PLUGIN", "ReplayOptions", "ReplayProvider"]


class ReplayOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of a variant with `provider: replay`."""

    answers: str
    """JSON-lines file of recorded answers, gzipped or not."""


class ReplayProvider:
    """Answers each case with what was recorded for it. It never answers one repeat with another's recording."""

    def __init__(self, path: Path, variant: Variant, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._index = AnswerIndex(path)
        self._name = path.name
        self._model = variant.model
        self._hash = variant.hash
        self._clock = clock

    async def answer(self, call: Call) -> Answer:
        """The recorded answer; a failure that names file and case if there is none."""
        found = next(islice(self._index.recorded(call.case_id), call.repeat, None), None)
        if found is None:
            return self._failed(call, self._missing(call))
        if found.error:
            return self._failed(call, recorded_failure(found.error), found)
        reply = _reply(found, self._model)
        exchange = Exchange(
            variant=self._hash,
            request=content_hash(call.request),
            attempts=(self._attempt(found),),
            queued_s=call.queued_s,
            served_model=self._model,
            finish=reply.finish,
            usage=found.usage,
        )
        return Answer(exchange=exchange, reply=reply)

    async def close(self) -> None:
        """Release the file."""
        self._index.close()

    def _missing(self, call: Call) -> Failure:
        recorded = sum(1 for _ in self._index.recorded(call.case_id))
        what = (
            f"has no answer for case {call.case_id!r}"
            if recorded == 0
            else f"has {recorded} answer{'s' if recorded > 1 else ''} for case {call.case_id!r}, none for repeat {call.repeat}"
        )
        return Failure(kind=FailureClass.HARD_DOWN, message=f"{self._name} {what}", code="not_recorded")

    def _attempt(self, found: RecordedAnswer | None, failure: Failure | None = None) -> Attempt:
        latency_s = found.latency_s if found else None
        return Attempt(
            started_s=self._clock.wall_s(),
            duration_s=latency_s or 0.0,
            timed=latency_s is not None,
            ttft_s=found.ttft_s if found else None,
            failure=failure,
        )

    def _failed(self, call: Call, failure: Failure, found: RecordedAnswer | None = None) -> Answer:
        return Answer(
            exchange=Exchange(
                variant=self._hash,
                request=content_hash(call.request),
                attempts=(self._attempt(found, failure),),
                queued_s=call.queued_s,
                usage=found.usage if found else None,
            )
        )


def _reply(found: RecordedAnswer, model: str) -> ChatReply:
    parts = (Text(text=found.text),) if found.text else ()
    choice = Choice(parts=parts, finish=finish_of(found.finish_reason), finish_raw=found.finish_reason)
    return ChatReply(model=model, choices=(choice,), usage=found.usage)


def _open(options: ReplayOptions, variant: Variant, base_dir: Path, seed: int) -> ReplayProvider:
    del seed  # a recording has no dice
    return ReplayProvider(base_dir / options.answers, variant)


def _source_hash(options: ReplayOptions, _model: str, base_dir: Path) -> str:
    return file_hash(base_dir / options.answers)


PLUGIN = LocalPlugin(options=ReplayOptions, open=_open, source_hash=_source_hash)
