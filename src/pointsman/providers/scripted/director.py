"""What the server does with each chat request: which script, which fault, which reply. No bytes here."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from hashlib import blake2b

import msgspec

from pointsman.core.chat import ChatReply, ChatRequest, Text
from pointsman.core.clock import SYSTEM_CLOCK, Clock
from pointsman.providers.local_provider import LocalPrice
from pointsman.providers.scripted.alter import altered
from pointsman.providers.scripted.answer_book import AnswerBook, Entry, last_user_text
from pointsman.providers.scripted.behaviour import Behaviour, behave
from pointsman.providers.scripted.compose import compose, part_chars, prompt_tokens
from pointsman.providers.scripted.dice import roll
from pointsman.providers.scripted.faults import FAULTS, Fault
from pointsman.providers.scripted.limits import Bucket
from pointsman.providers.scripted.prose import CHARS_PER_TOKEN
from pointsman.providers.scripted.script import Script
from pointsman.providers.scripted.script_file import DEFAULT

__all__ = ["Armed", "Director", "Plan", "Question", "split_marker"]

_REMEMBERED = 100_000
"""Prompts, and prefixes of prompts, whose repetition is noticed; the oldest are forgotten first."""


class Armed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A fault laid for the next requests."""

    fault: str
    count: int = 1
    model: str | None = None
    """None: whichever model is asked next."""
    key: str | None = None
    """API key; None: whoever asks."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a request asks, as far as it does not depend on who asks and when."""

    request: ChatRequest
    model: str
    """Without a fault's marker."""
    marker: str | None
    """The fault in the model's name."""
    known: Entry
    """The question with its target; under the hash of its prompt if nobody knows it."""
    input_tokens: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with one request."""

    behaviour: Behaviour
    reply: ChatReply | None
    """None: the call fails as `behaviour.failure` says, or as the fault does."""
    fault: Fault | None = None
    timeout_after_s: float = 30.0


class Director:
    """Decides, and remembers only counts: so a request's answer does not depend on what others ask."""

    def __init__(
        self, scripts: dict[str, Script], *, seed: int = 0, book: AnswerBook | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._scripts = scripts
        self._default = scripts.get(DEFAULT) or Script()
        self._seed = seed
        self._book = book or AnswerBook()
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget all counts, armed faults, limits and time passed: as if just started."""
        self._opened_s = self._clock.monotonic_s()
        self._served: dict[str, int] = {}
        self._attempts = _Counts(_REMEMBERED)
        self._replies = _Counts(_REMEMBERED)
        self._prefixes = _Counts(_REMEMBERED)
        self._buckets: dict[tuple[str, str | None, str], Bucket] = {}
        self.armed: deque[Armed] = deque()

    @property
    def now_s(self) -> float:
        """The time of day, Unix seconds."""
        return self._clock.wall_s()

    @property
    def models(self) -> list[str]:
        """Names that have a script of their own."""
        return [name for name in self._scripts if name != DEFAULT] or ["scripted"]

    def script(self, model: str) -> Script:
        """The script of a model."""
        return self._scripts.get(model, self._default)

    def price(self, model: str) -> LocalPrice | None:
        """The price of a model; None if its script has none."""
        return self.script(model).price

    def question(self, request: ChatRequest) -> Question:
        """Read a request once; the result may be kept for the next one that says the same."""
        model, marker = split_marker(request.model)
        known = self._book.find(last_user_text(request)) or Entry(_prompt_hash(request), None)
        return Question(request=request, model=model, marker=marker, known=known, input_tokens=prompt_tokens(request))

    def plan(
        self,
        question: Question,
        *,
        key: str | None,
        asked_fault: str | None = None,
        repeat: int | None = None,
        calls: int | None = None,
        number: int,
    ) -> Plan:
        """Decide one request. Raises ValueError for an `asked_fault` that does not exist."""
        request, model, entry = question.request, question.model, question.known
        script = self.script(model).for_key(key)
        prompt = (model, entry.case_id)
        attempt = self._attempts.count(prompt)
        serial = self._served.get(model, 0)
        self._served[model] = serial + 1
        fault = self._fault(script, asked_fault or question.marker, prompt, attempt, key, request)
        if fault is None and (wait_s := self._limited(script, model, key)) > 0:
            fault = _limit_reached(wait_s)
        behaviour = behave(
            script,
            seed=self._seed,
            model=model,
            case_id=entry.case_id,
            repeat=self._repeat(request, prompt) if repeat is None else repeat,
            attempt=attempt,
            request_number=serial,
            elapsed_s=self._clock.monotonic_s() - self._opened_s,
            target=entry.target,
            tags=entry.tags,
        )
        if fault is not None and fault.name == "error-in-stream" and not request.stream:
            fault = Fault(name="500")
        if fault is not None and fault.replaces_reply:
            return Plan(behaviour=behaviour, reply=None, fault=fault)
        if fault is None and behaviour.failure is not None:
            return Plan(behaviour=behaviour, reply=None, timeout_after_s=script.timeout_after_s)
        reply = compose(
            behaviour,
            request,
            reply_id=f"scripted-{number}",
            calls=calls or script.tool_calls,
            input_tokens=question.input_tokens,
            cached_tokens=self._cached_tokens(script, model, request),
            created_s=self._clock.wall_s(),
        )
        if fault is None or not fault.ends_early:
            self._replies.count(prompt)
        return Plan(behaviour=behaviour, reply=reply if fault is None else altered(reply, fault), fault=fault)

    def spent(self, model: str, key: str | None, tokens: int) -> None:
        """Book the tokens of a finished request against the limits of its key."""
        bucket = self._buckets.get((model, key, "tokens"))
        if bucket is not None:
            bucket.take(tokens)

    def _fault(
        self, script: Script, asked: str | None, prompt: tuple[str, str], attempt: int, key: str | None, request: ChatRequest
    ) -> Fault | None:
        found = Fault.parse(asked) if asked else self._armed_fault(prompt[0], key) if self.armed else None
        if found is None and script.faults:
            found = _by_share(script.faults, roll("fault", self._seed, *prompt, attempt))
        if found is not None and found.name == "no-prefill":
            return found if request.messages and request.messages[-1].role == "assistant" else None
        return found

    def _armed_fault(self, model: str, key: str | None) -> Fault | None:
        for armed in self.armed:
            if armed.model in (None, model) and armed.key in (None, key):
                armed.count -= 1
                if armed.count <= 0:
                    self.armed.remove(armed)
                return Fault.parse(armed.fault)
        return None

    def _limited(self, script: Script, model: str, key: str | None) -> float:
        """Seconds until the limits let this request in; 0 lets it in and counts it."""
        if script.requests_per_minute is None and script.tokens_per_minute is None:
            return 0.0
        now_s = self._clock.monotonic_s()
        waits_s = [0.0]
        limits = (("requests", script.requests_per_minute), ("tokens", script.tokens_per_minute))
        buckets = [self._bucket((model, key, unit), limit, now_s) for unit, limit in limits if limit is not None]
        waits_s += [bucket.wait_s(now_s) for bucket in buckets]
        if max(waits_s) <= 0 and script.requests_per_minute is not None:
            self._buckets[model, key, "requests"].take(1)
        return max(waits_s)

    def _bucket(self, name: tuple[str, str | None, str], per_minute: int, now_s: float) -> Bucket:
        found = self._buckets.get(name)
        if found is None:
            found = self._buckets[name] = Bucket(per_minute, now_s)
        return found

    def _repeat(self, request: ChatRequest, prompt: tuple[str, str]) -> int:
        # A model at temperature 0 or with a seed says the same again; others need not.
        return 0 if request.temperature == 0 or request.seed is not None else self._replies.seen(prompt)

    def _cached_tokens(self, script: Script, model: str, request: ChatRequest) -> int | None:
        """Tokens of the longest run of leading messages that this model has read before."""
        if script.cache_min_tokens is None:
            return None
        chars, cached, state = 0, 0, blake2b(model.encode(), digest_size=16)
        for message in request.messages:
            state.update(msgspec.json.encode(message))
            chars += sum(map(part_chars, message.parts))
            known = self._prefixes.count((model, state.hexdigest())) > 0
            if known and chars // CHARS_PER_TOKEN >= script.cache_min_tokens:
                cached = chars // CHARS_PER_TOKEN
        return cached


class _Counts:
    """How often each thing was met, for the most recent things."""

    def __init__(self, most: int) -> None:
        self._counts: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._most = most

    def seen(self, thing: tuple[str, str]) -> int:
        """How often it was counted."""
        return self._counts.get(thing, 0)

    def count(self, thing: tuple[str, str]) -> int:
        """Count it; returns how often it had been counted before."""
        before = self._counts.pop(thing, 0)
        self._counts[thing] = before + 1
        if len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return before


def split_marker(model: str) -> tuple[str, str | None]:
    """`gpt-x+stall;after=3` → (`gpt-x`, `stall;after=3`); a name without a known fault behind a `+` stays whole."""
    name, plus, marker = model.rpartition("+")
    if plus and marker.partition(";")[0].strip() in FAULTS:
        return name or "scripted", marker
    return model, None


def _limit_reached(wait_s: float) -> Fault:
    if wait_s == math.inf:
        return Fault(name="429")
    return Fault(name="429", retry_after_s=float(math.ceil(wait_s)))


def _by_share(shares: dict[str, float], u: float) -> Fault | None:
    reached = 0.0
    for text, share in shares.items():
        reached += share
        if u < reached:
            return Fault.parse(text)
    return None


def _prompt_hash(request: ChatRequest) -> str:
    digest = blake2b(digest_size=12)
    for message in request.messages:
        for part in message.parts:
            digest.update(part.text.encode("utf-8", "surrogatepass") if isinstance(part, Text) else msgspec.json.encode(part))
        digest.update(message.role.encode())
    return digest.hexdigest()
