"""Whether what a client saw, and what the provider was asked, is right. Every answer is a list of complaints; empty is good."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from clients.cells import ANSWER, BEFORE, CASES, CITIES, MAX_TOKENS, RESULTS, TEMPERATURE, Case
from clients.roster import Client
from clients.stage import Request
from pointsman.core.chat import ChatReply, FinishReason, Image, Text, ToolCall, ToolResult

__all__ = ["complaints"]

_FINISH = {FinishReason.STOP: "stop", FinishReason.TOOL_CALLS: "tools", FinishReason.LENGTH: "length"}


def complaints(client: Client, case: Case, seen: dict[str, Any], requests: list[Request]) -> Iterator[str]:
    """What is wrong with one cell."""
    if case.error is not None:
        yield from _error(client, case, seen, requests)
        return
    if seen["error"] is not None:
        yield f"failed: {seen['error']['classes'][0]}: {seen['error']['message'][:300]}"
        return
    rounds = 2 if case.op == "call_tools" else 1
    if len(requests) != rounds:
        yield f"the provider was asked {len(requests)} times, not {rounds}"
        return
    if not client.rewrites.keys() & {name for name, known in CASES.items() if known is case}:
        yield from _told(case, requests[0])
    yield from _asked(case, requests[0])
    yield from _answer(client, case, seen, requests)
    if case.op in ("call_tools", "stream_tools"):
        yield from _calls(client, seen, requests)


def _error(client: Client, case: Case, seen: dict[str, Any], requests: list[Request]) -> Iterator[str]:
    error = seen["error"]
    if error is None:
        yield f"no error, but {seen['text']!r} and finish {seen['finish']!r}"
        return
    wanted = client.errors[case.error or ""]
    if wanted.kind not in error["classes"]:
        yield f"{error['classes'][0]}, not {wanted.kind}: {error['message'][:300]}"
    if wanted.status is not None and error["status"] not in wanted.status:
        yield f"status {error['status']}, not {wanted.status}"
    if case.says not in error["message"] and not wanted.silent:
        yield f"the message does not say {case.says!r}: {error['message'][:300]!r}"
    if "sk-" in error["message"]:
        yield "the gateway's own key shows"
    if case.op == "stream" and case.error == "mid_stream":
        whole = requests[0].reply.text if requests and requests[0].reply else ""
        if not seen["text"] or not whole.startswith(seen["text"]):
            yield f"of {whole!r} the stream gave {seen['text']!r}"
    asked = 0 if case.key == "wrong" or case.route == "nobody" else 1
    if len(requests) != asked:
        yield f"the provider was asked {len(requests)} times, not {asked}"


def _told(case: Case, request: Request) -> Iterator[str]:
    asked = request.asked
    system = "".join(m.text for m in asked.messages if m.role in ("system", "developer"))
    turns = [(m.role, m.text) for m in asked.messages if m.role in ("user", "assistant")]
    wanted = [("user", BEFORE[1]), ("assistant", BEFORE[2]), ("user", case.question)]
    if system != BEFORE[0]:
        yield f"the provider's system prompt was {system!r}"
    if turns != wanted:
        yield f"the provider was told {turns!r}"
    if asked.temperature != TEMPERATURE or asked.max_output_tokens != MAX_TOKENS:
        yield f"the provider's temperature was {asked.temperature}, its limit {asked.max_output_tokens}"


def _asked(case: Case, request: Request) -> Iterator[str]:
    asked = request.asked
    if asked.stream != case.op.startswith("stream"):
        yield f"the provider was asked with stream={asked.stream}"
    images = [p.media for m in asked.messages for p in m.parts if isinstance(p, Image)]
    if [m.data for m in images if m.data] != ([case.image] if case.image else []):
        yield "the image's bytes did not arrive as they left"
    if [m.url for m in images if m.url] != ([case.image_url] if case.image_url else []):
        yield f"the image's address arrived as {[m.url for m in images]}"
    if case.op == "structured":
        schemas = [asked.output.schema if asked.output is not None else None, *(t.parameters for t in asked.tools)]
        known = [set(json.loads(bytes(schema)).get("properties", {})) for schema in schemas if schema is not None]
        if known != [{"title", "priority", "tags", "owner"}]:
            yield f"the provider was given the schemas {known}"


def _answer(client: Client, case: Case, seen: dict[str, Any], requests: list[Request]) -> Iterator[str]:
    first, last = requests[0].reply, requests[-1].reply
    if first is None or last is None:
        yield "the provider answered with an error"
        return
    if case.op != "structured" and seen["text"] != last.text:
        yield f"of {last.text!r} came {seen['text']!r}"
    if case.op == "structured" and seen["parsed"] != json.loads(_object_of(last)):
        yield f"of {_object_of(last)!r} was parsed {seen['parsed']!r}"
    if (
        case.fault is None
        and case.op in ("ask", "stream")
        and case.image is None
        and case.image_url is None
        and last.text != ANSWER
    ):
        yield f"the provider said {last.text!r}"  # or this whole test shows less than it says
    if case.op == "stream" and seen["pieces"] < 5:
        yield f"the stream came in {seen['pieces']} pieces"
    word = _FINISH[first.finish]
    if case.op != "structured" and seen["finish"] not in client.finish[word]:
        yield f"finish {seen['finish']!r}, not {client.finish[word]}"
    if case.op in ("ask", "stream"):
        yield from _usage(client, seen["usage"], last.usage)


def _object_of(reply: ChatReply) -> str:
    """Clients ask for an object as such, or as the arguments of a tool."""
    return reply.tool_calls[0].arguments if reply.tool_calls else reply.text


def _usage(client: Client, seen: dict[str, int | None] | None, usage: Any) -> Iterator[str]:
    if seen is None:
        yield "no usage"
        return
    spent = {
        "input": usage.total_input_tokens,
        "output": usage.total_output_tokens,
        "cached": usage.cache_read_tokens or 0,
        "reasoning": usage.reasoning_tokens or 0,
    }
    told = {name: count for name, count in seen.items() if name not in client.usage_untold}
    told = {name: count or 0 for name, count in told.items()}
    wanted = {name: count for name, count in spent.items() if name in told}
    if told != wanted:
        yield f"usage {told}, but it was {wanted}"


def _calls(client: Client, seen: dict[str, Any], requests: list[Request]) -> Iterator[str]:
    reply = requests[0].reply
    if reply is None:
        return
    made = [(c.name, json.loads(c.arguments)) for c in reply.tool_calls]
    if sorted(name for name, _ in made) != sorted(CITIES) or any(CITIES[n] not in a.values() for n, a in made):
        yield f"the provider called {made!r}"  # or this whole test shows less than it says
    got = [(c["name"], c["arguments"]) for c in seen["calls"]]
    if got != made:
        yield f"of the calls {made!r} came {got!r}"
    if len({c["id"] for c in seen["calls"]}) != len(made):
        yield f"the calls' ids are {[c['id'] for c in seen['calls']]}"
    if len(requests) == 2:
        yield from _results(client, requests[1], {c.id: c.name for c in reply.tool_calls})


def _results(client: Client, second: Request, names: dict[str, str]) -> Iterator[str]:
    results = {p.call_id: p for m in second.asked.messages for p in m.parts if isinstance(p, ToolResult)}
    if client.sends_no_call_ids:  # then the gateway's own have to pair calls and results
        names = {p.id: p.name for m in second.asked.messages for p in m.parts if isinstance(p, ToolCall)}
    if set(results) != set(names):
        yield f"results came for the calls {sorted(results)}, not {sorted(names)}"
        return
    for call_id, name in names.items():
        said = "".join(p.text for p in results[call_id].parts if isinstance(p, Text))
        if said != RESULTS[name] and RESULTS[name] not in _members(said):
            yield f"the result of {name} came as {said!r}"
    if not second.asked.tools:
        yield "the second request has no tools"


def _members(said: str) -> list[Any]:
    """Google's clients put a result into an object, each under a name of its own."""
    try:
        found = json.loads(said)
    except ValueError:
        return []
    return list(found.values()) if isinstance(found, dict) else []
