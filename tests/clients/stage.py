"""The two servers between which a client stands: scripted providers behind, a real `pointsman serve` in front."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from clients.cells import ANSWER, CASES, KNOWN_QUESTION, PROVIDERS
from pointsman.core.chat import ChatReply, ChatRequest
from pointsman.providers.scripted.answer_book import AnswerBook
from pointsman.providers.scripted.director import Director, Plan, Question
from pointsman.providers.scripted.running import in_thread
from pointsman.providers.scripted.script_file import scripts_of
from pointsman.providers.scripted.server import ScriptedServer
from support.command import pointsman, start

__all__ = ["Gateway", "Providers", "Request", "providers", "route_of", "serving"]

_URLS = {"openai_chat": "/v1", "openai_responses": "/v1", "anthropic_messages": "", "gemini": ""}
_OVERLOADED = {"anthropic_messages": "529"}


class Request(msgspec.Struct):
    """One request as a provider got it, with the answer it meant to give."""

    asked: ChatRequest
    reply: ChatReply | None
    """None: the whole answer is an error."""


class _RecordingDirector(Director):
    """Keeps what was asked and what is answered, before any protocol's words are made of it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.requests: list[Request] = []

    def plan(self, question: Question, **options: Any) -> Plan:
        plan = super().plan(question, **options)
        self.requests.append(Request(question.request, plan.reply))
        return plan


class Providers:
    """The scripted providers, one server for all four protocols."""

    def __init__(self, base_url: str, director: _RecordingDirector) -> None:
        self.base_url = base_url
        self._director = director

    def take(self) -> list[Request]:
        """What was asked since the last call."""
        taken, self._director.requests = self._director.requests, []
        return taken

    def forget(self) -> None:
        """As if nobody had asked anything yet: no prompt is cached."""
        self._director.reset()


@contextlib.contextmanager
def providers() -> Iterator[Providers]:
    """Serve them while the block runs."""
    sound: dict[str, Any] = {"reasoning_tokens": 9, "cache_min_tokens": 4}
    paced = {"paced": sound | {"latency": {"tokens_per_s": 400}}, "slow": sound | {"latency": {"tokens_per_s": 40}}}
    script = {"default": sound, **paced, "calling": sound | {"tool_calls": 2}}
    with tempfile.TemporaryDirectory() as folder:
        answers = Path(folder) / "answers.jsonl"
        answers.write_text(json.dumps({"input": KNOWN_QUESTION, "target": ANSWER}) + "\n", encoding="utf-8")
        director = _RecordingDirector(scripts_of(script), seed=11, book=AnswerBook.read(answers))
    with in_thread(ScriptedServer(director)) as base_url:
        yield Providers(base_url, director)


class Gateway(msgspec.Struct, frozen=True):
    """A running `pointsman serve`."""

    base_url: str
    key: str
    """A tenant's key."""


def route_of(provider: str, case: str) -> str:
    """The model name a client asks for."""
    found = CASES[case]
    if found.fault is not None:
        return _name(provider, case)
    if found.op in ("call_tools", "stream_tools"):
        return _name(provider, "calling")
    return _name(provider, "paced") if found.paced else provider


@contextlib.contextmanager
def serving(behind: Providers) -> Iterator[Gateway]:
    """A gateway with one tenant, a sound route per provider protocol, and one per fault and protocol."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = pointsman("serve", "--new-key", "--json", cwd=folder).document
        (folder / "pointsman.yaml").write_text(yaml.safe_dump(_config(behind.base_url, made["hash"])), encoding="utf-8")
        process = start("serve", "--port", "0", "--workers", "1", "--json", cwd=folder)
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            line = process.stdout.readline()
            if not line:
                raise SystemExit(f"pointsman serve did not start: {process.stderr.read()}")
            yield Gateway(json.loads(line)["base_url"], made["key"])
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=20)
            process.kill()


def _config(base_url: str, key_hash: str) -> dict[str, Any]:
    variants, routes = {}, {}
    for provider in PROVIDERS:
        models = {provider: "sound", _name(provider, "paced"): "paced", _name(provider, "calling"): "calling"}
        for case, found in CASES.items():
            if found.fault is not None:
                model = "slow" if found.paced else "sound"  # so that what came before the fault is certainly on its way
                models[_name(provider, case)] = f"{model}+{_fault(provider, found.fault)}"
        for name, model in models.items():
            variants[name] = {
                "provider": f"scripted-{name}",
                "model": model,
                "base_url": base_url + _URLS[provider],
                "dialect": provider,
                "key": f"sk-{name}",
                "price": {"input": "1.25", "output": "10", "cache_read": "0.125"},
            }
            routes[name] = {"variant": name, "retries": 0}
    gateway = {"tenants": {"a-team": {"keys": [key_hash]}}}
    return {"variants": variants, "routes": routes, "gateway": gateway}


def _name(provider: str, case: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{provider} {case}".lower())


def _fault(provider: str, fault: str) -> str:
    return _OVERLOADED.get(provider, "503") if fault == "overloaded" else fault
