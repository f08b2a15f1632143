"""The runner: sends what the schedule says, judges what comes back, and writes it down at once.

This is the shell around pure parts (schedule, budget, judge, tally). It sends nothing it could not
pay for, journals each trial the moment it ends, and stops in three ways: when all is done, when
`stop` is called (what is in flight is awaited and kept), and when the disk refuses a record.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence

import msgspec

from pointsman.core.chat import ChatRequest
from pointsman.core.exchange import Cost, Exchange
from pointsman.core.failure import FailureClass, StorageError
from pointsman.core.ids import content_hash
from pointsman.core.units import ZERO_USD, Usd, add_usd
from pointsman.evals.budget import Budget
from pointsman.evals.case import Case
from pointsman.evals.contestant import Contestant, Price
from pointsman.evals.dataset import Dataset
from pointsman.evals.pace import Pace
from pointsman.evals.schedule import Slot, schedule
from pointsman.evals.scorer_set import ScorerSet
from pointsman.evals.scoring import judge
from pointsman.evals.stored_answer import StoredAnswer, restored, stored
from pointsman.evals.tally import Tally
from pointsman.evals.trial import Trial
from pointsman.providers.provider import Answer, Call
from pointsman.store.answers import AnswerCache
from pointsman.store.journal import Journal

__all__ = ["Runner", "Stopped"]

# A call whose output limit is unknown is reserved at this many tokens until enough answers have been seen.
_UNSEEN_OUTPUT_TOKENS = 2_048
_SEEN_ENOUGH = 20
_SEEN_MARGIN = 1.5
# A variant that only ever failed, this many times in a row in a way waiting does not heal, is asked no more.
_GIVE_UP_AFTER = 5
_HOPELESS = frozenset(
    {FailureClass.AUTH, FailureClass.QUOTA, FailureClass.HARD_DOWN, FailureClass.CLIENT_FAULT},
)
# Answers that need no network never yield to the event loop by themselves; let it breathe this often.
_BREATHE_S = 0.02
_SYNC_EVERY_S = 5.0
_ENCODER = msgspec.json.Encoder()


class Stopped(msgspec.Struct, frozen=True):
    """Why a run ended before its last trial."""

    reason: str


class _Lane(msgspec.Struct, kw_only=True):
    """The contestants that share one provider's limits, and their part of the schedule."""

    number: int
    slots: Iterator[Slot]
    workers: int


class _Memory(msgspec.Struct):
    """What this process has seen of one contestant, to bound the cost of its next call."""

    most_output_tokens: int = 0
    answers: int = 0
    failures_in_a_row: int = 0
    last_failure: str = ""


class Runner:
    """Runs the trials that the tallies do not have yet.

    `tallies[i]` belongs to `contestants[i]` and is filled from the journal before a resumed run.
    """

    def __init__(
        self,
        *,
        dataset: Dataset,
        contestants: Sequence[Contestant],
        tallies: Sequence[Tally],
        scorers: ScorerSet,
        journal: Journal,
        budget: Budget,
        repeats: int,
        concurrency: int,
        seed: int,
        cache: AnswerCache | None = None,
    ) -> None:
        self._dataset = dataset
        self._contestants = contestants
        self._tallies = tallies
        self._scorers = scorers
        self._journal = journal
        self._budget = budget
        self._repeats = repeats
        self._concurrency = concurrency
        self._seed = seed
        self._cache = cache
        self._memory = [_Memory() for _ in contestants]
        self._hashes = [c.variant.hash for c in contestants]
        self._stopped: str | None = None
        self._unsaved: list[tuple[Trial, Slot]] = []
        self._disk: StorageError | None = None
        self._settled: list[asyncio.Future[None]] = []
        self._breathed_s = 0.0
        self._synced_s = 0.0
        self._workers: list[asyncio.Task[None]] = []
        self.in_flight = 0

    async def run(self) -> Stopped | None:
        """Work until nothing is left or something stops it; None means every trial exists.

        Raises `StorageError` if the disk refused records; all that could be written has been.
        """
        lanes = self._lanes()
        pace = Pace(len(lanes), window=max(64, 4 * self._concurrency) * len(self._contestants))
        self._workers = [asyncio.ensure_future(self._work(lane, pace)) for lane in lanes for _ in range(lane.workers)]
        try:
            await asyncio.gather(*self._workers)
        except asyncio.CancelledError:
            if self._stopped is None:
                raise
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)
            self._save_the_unsaved()
        self._journal.sync()
        given_up = [f"{c.name}: {c.abandoned}" for c in self._contestants if c.abandoned]
        if self._stopped is None and given_up:
            return Stopped("; ".join(given_up))
        return Stopped(self._stopped) if self._stopped is not None else None

    def stop(self, reason: str) -> None:
        """Send nothing more; what is in flight is awaited, judged and kept."""
        self._stopped = self._stopped or reason
        self._wake_budget()

    def abort(self) -> None:
        """Give up what is in flight too: upstream requests are cancelled, their answers are lost."""
        self.stop("aborted")
        for worker in self._workers:
            worker.cancel()

    def _lanes(self) -> list[_Lane]:
        names = list(dict.fromkeys(c.lane for c in self._contestants))
        lanes = []
        for number, name in enumerate(names):
            members = frozenset(i for i, c in enumerate(self._contestants) if c.lane == name)
            # Without a gate an answer needs no network, and one worker is as fast as many.
            networked = any(self._contestants[i].gate is not None for i in members)
            lanes.append(_Lane(number=number, slots=self._slots(members), workers=self._concurrency if networked else 1))
        return lanes

    def _slots(self, members: frozenset[int]) -> Iterator[Slot]:
        for slot in schedule(len(self._dataset), len(self._contestants), self._repeats, self._seed):
            if slot.variant not in members or self._tallies[slot.variant].has(slot.case, slot.repeat):
                continue
            if self._contestants[slot.variant].abandoned is None:
                yield slot

    async def _work(self, lane: _Lane, pace: Pace) -> None:
        for slot in lane.slots:
            if not pace.alone:
                await pace.keep(lane.number, slot.order)
            if self._stopped is not None:
                break
            if self._contestants[slot.variant].abandoned is None:
                await self._trial(slot)
        pace.leave(lane.number)

    async def _trial(self, slot: Slot) -> None:
        contestant = self._contestants[slot.variant]
        case = self._dataset[slot.case]
        request = _request(case, contestant)
        answer = self._recall(request, slot)
        if answer is None:
            most_usd = self._most_usd(case, slot.variant)
            if not await self._reserve(most_usd, contestant):
                return
            call = Call(request=request, case_id=case.id, repeat=slot.repeat, target=case.target, tags=case.tags)
            answer = await self._ask(call, slot, most_usd)
        self._keep(case, slot, answer)
        now_s = time.perf_counter()
        if now_s - self._breathed_s > _BREATHE_S:
            await self._breathe(now_s)

    async def _ask(self, call: Call, slot: Slot, most_usd: Usd) -> Answer:
        contestant = self._contestants[slot.variant]
        queued_s = await contestant.gate.acquire() if contestant.gate is not None else 0.0
        self.in_flight += 1
        paid = ZERO_USD
        try:
            answer = await contestant.provider.answer(call)
            answer = _priced(answer, contestant, queued_s)
            cost = answer.exchange.cost
            paid = cost.usd if cost is not None and contestant.billed else ZERO_USD
        finally:
            self.in_flight -= 1
            if contestant.gate is not None:
                contestant.gate.release()
            self._budget.settle(most_usd, paid)
            self._wake_budget()
        self._remember(slot.variant, answer)
        if self._cache is not None and answer.reply is not None:
            self._cache.put(self._cache_key(call.request, slot), msgspec.json.encode(stored(answer)))
        return answer

    def _keep(self, case: Case, slot: Slot, answer: Answer) -> None:
        judged = judge(case, answer, self._scorers)
        reply = answer.reply
        trial = Trial(
            case=case.id,
            case_hash=self._dataset.case_hash(slot.case),
            variant=self._hashes[slot.variant],
            repeat=slot.repeat,
            order=slot.order,
            index=slot.case,
            outcome=judged.outcome,
            score=judged.score,
            scores=judged.scores,
            read=judged.read,
            reason=judged.reason,
            output=reply.text if reply is not None else None,
            refusal=reply.refusal if reply is not None else None,
            tool_calls=reply.tool_calls if reply is not None else (),
            exchange=answer.exchange,
        )
        if self._disk is None:
            try:
                self._record(trial, slot)
            except StorageError as error:
                self._disk = error
                self.stop(error.message)
        if self._disk is not None:
            self._unsaved.append((trial, slot))

    def _record(self, trial: Trial, slot: Slot) -> None:
        offset = self._journal.append(_ENCODER.encode(trial))
        self._tallies[slot.variant].add(trial, slot.case, offset)

    def _save_the_unsaved(self) -> None:
        """A disk that was full a moment ago may take the last answers now; they are paid for."""
        if self._disk is None:
            return
        saved = 0
        try:
            for trial, slot in self._unsaved:
                self._record(trial, slot)
                saved += 1
        except StorageError:
            lost = len(self._unsaved) - saved
            raise StorageError(
                f"{self._disk.message}; {lost} finished answer{'s' if lost != 1 else ''} could not be written",
                hint=self._disk.hint,
            ) from self._disk
        raise self._disk

    async def _breathe(self, now_s: float) -> None:
        self._breathed_s = now_s
        if now_s - self._synced_s > _SYNC_EVERY_S:
            self._synced_s = now_s
            await asyncio.get_running_loop().run_in_executor(None, self._journal.sync)
        await asyncio.sleep(0)

    async def _reserve(self, most_usd: Usd, contestant: Contestant) -> bool:
        while self._stopped is None and contestant.abandoned is None:
            if self._budget.reserve(most_usd):
                return True
            if not self._budget.in_flight:
                self.stop(f"the budget of {self._budget.limit_usd} USD would be exceeded by the next call")
                return False
            settled: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._settled.append(settled)
            await settled
        return False

    def _wake_budget(self) -> None:
        settled, self._settled = self._settled, []
        for waiter in settled:
            if not waiter.done():
                waiter.set_result(None)

    def _most_usd(self, case: Case, variant: int) -> Usd:
        contestant, memory = self._contestants[variant], self._memory[variant]
        if not contestant.billed or self._budget.limit_usd is None:
            return ZERO_USD
        seen = int(memory.most_output_tokens * _SEEN_MARGIN) if memory.answers >= _SEEN_ENOUGH else _UNSEEN_OUTPUT_TOKENS
        # No tokenizer makes more tokens than bytes; a third of the characters is already generous for text.
        input_tokens = sum(len(m.text) for m in case.messages) // 3 + 64
        return contestant.most_usd(input_tokens, contestant.max_output_tokens or max(seen, 1))

    def _remember(self, variant: int, answer: Answer) -> None:
        memory, contestant = self._memory[variant], self._contestants[variant]
        failure = answer.exchange.failure
        if failure is None:
            memory.answers += 1
            memory.failures_in_a_row = 0
            usage = answer.exchange.usage
            memory.most_output_tokens = max(memory.most_output_tokens, (usage and usage.total_output_tokens) or 0)
        elif failure.kind in _HOPELESS and contestant.gate is not None:
            memory.failures_in_a_row += 1
            memory.last_failure = failure.message
            if memory.answers == 0 and memory.failures_in_a_row >= _GIVE_UP_AFTER:
                contestant.abandoned = f"gave up after {memory.failures_in_a_row} failures ({failure.kind}): {failure.message}"

    def _recall(self, request: ChatRequest, slot: Slot) -> Answer | None:
        if self._cache is None:
            return None
        found = self._cache.get(self._cache_key(request, slot))
        if found is None:
            return None
        answer = restored(msgspec.json.decode(found, type=StoredAnswer))
        return msgspec.structs.replace(answer, exchange=msgspec.structs.replace(answer.exchange, cached=True))

    def _cache_key(self, request: ChatRequest, slot: Slot) -> str:
        return content_hash((self._hashes[slot.variant], request, slot.repeat))


def _request(case: Case, contestant: Contestant) -> ChatRequest:
    return ChatRequest(
        model=contestant.variant.model,
        messages=case.messages,
        tools=case.tools,
        output=case.output,
        stream=contestant.stream,
        stream_usage=contestant.stream,
    )


def _priced(answer: Answer, contestant: Contestant, queued_s: float) -> Answer:
    exchange = answer.exchange
    cost = _cost(exchange, contestant.price) if contestant.price is not None else None
    return msgspec.structs.replace(answer, exchange=msgspec.structs.replace(exchange, cost=cost, queued_s=queued_s))


def _cost(exchange: Exchange, price: Price) -> Cost | None:
    """What the whole exchange cost: the last try, and earlier ones that broke off in mid-answer and were billed."""
    used = [attempt.usage for attempt in exchange.attempts if attempt.usage is not None]
    if exchange.usage is not None:
        used.append(exchange.usage)
    if len(used) <= 1:
        return price.cost(used[0]) if used else None
    costs = [price.cost(usage) for usage in used]
    return msgspec.structs.replace(costs[-1], usd=add_usd(*(c.usd for c in costs)), complete=all(c.complete for c in costs))
