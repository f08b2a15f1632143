"""A scripted model in this process: no socket, and no waiting unless asked for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from pointsman.core.clock import SYSTEM_CLOCK, Clock
from pointsman.core.exchange import Attempt, Exchange
from pointsman.core.failure import Failure, FailureClass
from pointsman.core.ids import content_hash
from pointsman.core.variant import Variant
from pointsman.providers.local_provider import LocalPlugin, LocalPrice
from pointsman.providers.provider import Answer, Call
from pointsman.providers.scripted.behaviour import Behaviour, behave
from pointsman.providers.scripted.compose import compose, output_tokens, prompt_tokens
from pointsman.providers.scripted.script import Script
from pointsman.providers.scripted.script_file import DEFAULT, read_scripts, script_of

__all__ = ["PLUGIN", "ScriptedOptions", "ScriptedProvider"]


class ScriptedOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys of a variant with `provider: scripted`."""

    script: str | dict[str, object] | None = None
    """A script, or a YAML file that maps model names to scripts (`default` for any other); None: always right."""
    sleep: bool = False
    """Wait as long as the script says. Otherwise its times are reported and nobody waits."""


class ScriptedProvider:
    """Answers from a script. Its answers depend on seed, model, case and repeat, not on the order of calls."""

    def __init__(self, script: Script, variant: Variant, *, seed: int, sleep: bool = False, clock: Clock = SYSTEM_CLOCK) -> None:
        self._script = script
        self._model = variant.model
        self._hash = variant.hash
        self._seed = seed
        self._sleep = sleep
        self._clock = clock
        self._opened_s = clock.monotonic_s()
        self._requests = 0

    async def answer(self, call: Call) -> Answer:
        """Answer one call. A case without an id is known by its request."""
        started_s = self._clock.wall_s()
        request_hash = content_hash(call.request)
        number, self._requests = self._requests, self._requests + 1
        behaviour = behave(
            self._script,
            seed=self._seed,
            model=self._model,
            case_id=call.case_id or request_hash,
            repeat=call.repeat,
            request_number=number,
            elapsed_s=self._clock.monotonic_s() - self._opened_s,
            target=call.target,
            tags=call.tags,
        )
        answer = self._answer(call, behaviour, request_hash, started_s)
        if self._sleep:
            await asyncio.sleep(answer.exchange.attempts[0].duration_s)
        return answer

    async def close(self) -> None:
        """Nothing to release."""

    def _answer(self, call: Call, behaviour: Behaviour, request_hash: str, started_s: float) -> Answer:
        if behaviour.failure is not None:
            return self._failed(call, behaviour, behaviour.failure, request_hash, started_s)
        reply = compose(
            behaviour,
            call.request,
            reply_id=f"scripted-{request_hash}-{call.repeat}",
            calls=self._script.tool_calls,
            input_tokens=prompt_tokens(call.request),
        )
        written = output_tokens(reply)
        attempt = Attempt(
            started_s=started_s,
            duration_s=behaviour.total_s(written),
            ttft_s=behaviour.ttft_s if written and call.request.stream else None,
        )
        exchange = Exchange(
            variant=self._hash,
            request=request_hash,
            attempts=(attempt,),
            queued_s=call.queued_s,
            served_model=self._model,
            finish=reply.finish,
            usage=reply.usage,
        )
        return Answer(exchange=exchange, reply=reply)

    def _failed(self, call: Call, behaviour: Behaviour, kind: FailureClass, request_hash: str, started_s: float) -> Answer:
        late = kind is FailureClass.TIMEOUT
        attempt = Attempt(
            started_s=started_s,
            duration_s=self._script.timeout_after_s if late else behaviour.ttft_s,
            failure=Failure(kind=kind, message=f"scripted: {kind.value}", phase="total" if late else "headers"),
        )
        return Answer(exchange=Exchange(variant=self._hash, request=request_hash, attempts=(attempt,), queued_s=call.queued_s))


def script_for(options: ScriptedOptions, model: str, base_dir: Path) -> Script:
    """The script of this model. Raises `ConfigError`."""
    if not isinstance(options.script, str):
        return script_of(options.script, key="script")
    scripts = read_scripts(base_dir / options.script)
    return scripts.get(model) or scripts.get(DEFAULT) or Script()


def _open(options: ScriptedOptions, variant: Variant, base_dir: Path, seed: int) -> ScriptedProvider:
    return ScriptedProvider(script_for(options, variant.model, base_dir), variant, seed=seed, sleep=options.sleep)


def _source_hash(options: ScriptedOptions, model: str, base_dir: Path) -> str:
    return content_hash(script_for(options, model, base_dir))


def _price(options: ScriptedOptions, model: str, base_dir: Path) -> LocalPrice | None:
    return script_for(options, model, base_dir).price


PLUGIN = LocalPlugin(options=ScriptedOptions, open=_open, source_hash=_source_hash, price=_price)
