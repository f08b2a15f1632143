"""The smallest wire protocol that has everything a provider must handle."""

from __future__ import annotations

import json

from pointsman.core.chat import (
    ChatReply,
    Choice,
    Failed,
    Finished,
    FinishReason,
    ReasoningDelta,
    Started,
    Text,
    TextDelta,
    UsageSeen,
)
from pointsman.core.usage import Usage
from pointsman.providers.dialect import HttpRequest
from pointsman.providers.http_failure import cut_short, http_failure, in_band_failure, malformed
from pointsman.providers.sse import SseReader


class TinyDialect:
    """Request `{"model", "said", …}`; reply `{"text", "model", "in", "out"}`; stream events `{"t"}`, `{"r"}`, `{"end": true}`."""

    name = "tiny"
    stream_content_type = "text/event-stream"
    telling = ()

    def auth_headers(self, key):
        return {"x-tiny-key": key}

    def write_request(self, request):
        body = {"model": request.model, "said": [[m.role, m.text] for m in request.messages], "stream": request.stream}
        if request.temperature is not None:
            body["temperature"] = request.temperature
        if request.max_output_tokens is not None:
            body["max_tokens"] = request.max_output_tokens
        if request.stream:
            body["stream_options"] = {}
        body |= {k: json.loads(bytes(v)) for k, v in request.extra.items()}
        return HttpRequest(path="/v1/say", body=json.dumps(body).encode())

    def read_reply(self, body):
        try:
            said = json.loads(body)
        except ValueError:
            raise malformed("the reply is not JSON") from None
        if "text" not in said:
            raise malformed("the reply has no text")
        choice = Choice(parts=(Text(text=said["text"]),), finish=FinishReason.STOP)
        return ChatReply(model=said.get("model"), choices=(choice,), usage=_usage(said))

    def stream_reader(self):
        return _Reader()

    def read_end(self, data):
        return None

    def classify(self, status, headers, body):
        assert all(name == name.lower() for name in headers)
        return http_failure(status, headers, body)


class _Reader:
    def __init__(self):
        self._sse = SseReader()
        self._ended = False

    def feed(self, data):
        return [delta for event in self._sse.feed(data) for delta in self._deltas(event.data)]

    def close(self):
        return [] if self._ended else [Failed(cut_short())]

    def _deltas(self, data):
        try:
            said = json.loads(data)
        except ValueError:
            raise malformed("an event is not JSON") from None
        if "error" in said:
            self._ended = True
            return [Failed(in_band_failure(said["error"]))]
        deltas = [Started(model=said["model"])] if "model" in said else []
        deltas += [TextDelta(said["t"])] if "t" in said else []
        deltas += [ReasoningDelta(text=said["r"])] if "r" in said else []
        usage = _usage(said)
        deltas += [UsageSeen(usage)] if usage else []
        if said.get("end"):
            self._ended = True
            deltas.append(Finished(reason=FinishReason.STOP))
        return deltas


def _usage(said):
    return Usage(input_tokens=said.get("in"), output_tokens=said.get("out")) if "in" in said or "out" in said else None


TINY = TinyDialect()
