"""Client and provider speak the same protocol and nothing must change: bytes in, the same bytes out.

The body goes out as it came, but for the name of the model where the variant's differs and the wish for
usage where OpenAI's clients did not express it. Of the answer only what the record needs is opened:
usage, model, finish, failure; a stream is forwarded as it arrives and opened when it is over.
"""

from __future__ import annotations

import re

import msgspec

from pointsman.core.chat import ChatReply, Failed
from pointsman.core.failure import Failure, ProviderError
from pointsman.gateway.call import BrokenStream, send_whole
from pointsman.gateway.key_mask import KeyMask
from pointsman.gateway.snapshot import Target
from pointsman.gateway.visit import Visit
from pointsman.gateway.wire_errors import error_in_stream, without_secrets
from pointsman.providers.assemble import Assembler, deltas_of
from pointsman.providers.dialect import Dialect
from pointsman.providers.http_failure import cut_short
from pointsman.providers.json_body import decode_request
from pointsman.providers.keys import KeyChoice
from pointsman.providers.transport import BodyStream, Reply

__all__ = ["PassingCall", "StreamFacts", "read_passed", "renamed"]

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENCODE = msgspec.json.Encoder().encode
_WITH_USAGE = msgspec.Raw(b'{"include_usage":true}')
_CLIENTS_HEADERS = {
    "anthropic_messages": (b"anthropic-version", b"anthropic-beta"),
    "openai_chat": (b"openai-beta",),
    "openai_responses": (b"openai-beta",),
}
_NONE: tuple[bytes, ...] = ()


def renamed(body: bytes, model: str, **changes: msgspec.Raw) -> bytes:
    """The JSON object `body`, read before, with another model and `changes`; all else keeps its bytes and its place."""
    fields = _FIELDS.decode(body)
    fields["model"] = msgspec.Raw(_ENCODE(model))
    fields.update(changes)
    return _ENCODE(fields)


class PassingCall:
    """One request on its way to a target of the client's own protocol."""

    __slots__ = ("_hides_usage", "_target", "_visit", "body", "losses")

    def __init__(self, visit: Visit, target: Target) -> None:
        asked, body = visit.asked, visit.body
        self._visit = visit
        self._target = target
        self.losses: tuple[str, ...] = ()
        chat = target.dialect.name == "openai_chat"
        adds_usage = chat and asked.stream and not asked.wants_usage and target.endpoint.quirks.stream_options is not False
        self._hides_usage = adds_usage
        if adds_usage:
            body = renamed(body, target.model, stream_options=_with_usage(body))
        elif asked.model != target.model and target.dialect.name != "gemini":
            body = renamed(body, target.model)
        self.body = body

    def address(self, key: KeyChoice | None) -> tuple[str, dict[str, str]]:
        """The target's, with the protocol headers the client sent."""
        url, headers = self._target.address("stream" if self._visit.asked.stream else "whole", key)
        given = self._visit.headers
        own = {
            n.decode(): v.decode("latin-1") for n in _CLIENTS_HEADERS.get(self._target.dialect.name, _NONE) if (v := given.get(n))
        }
        return url, {**headers, **own} if own else headers

    async def answer(self, visit: Visit, reply: Reply) -> None:
        """See `Call.answer`."""
        if reply.stream is not None:
            await self._pass_stream(visit, reply, reply.stream)
        elif not visit.asked.stream:
            visit.answered(self._target.dialect.read_reply(reply.body))
            await send_whole(visit, reply, reply.body)
        else:  # a server that does not stream, although it was asked to
            said = self._target.dialect.read_reply(reply.body)
            visit.answered(said)
            await _send_as_stream(visit, reply, said)

    async def _pass_stream(self, visit: Visit, reply: Reply, stream: BodyStream) -> None:
        pieces: list[bytes] = []
        hider, mask = _UsageHider() if self._hides_usage else None, KeyMask(visit.key)
        client, within_s = visit.client, visit.snapshot.limits.write_s
        broken: Failure | None = None
        try:
            while piece := await stream.read():
                if not pieces:
                    visit.arrived()
                    if b"error" in piece or b"failed" in piece or b'"code"' in piece:
                        self._fail_early(visit, piece)
                    pieces.append(piece)
                    await client.start(200, visit.reply_headers(self._target.dialect.stream_content_type.encode(), reply.headers))
                else:
                    pieces.append(piece)
                if hider is not None:
                    piece = hider.feed(piece)  # what of it the client is to see
                piece = mask.feed(piece)
                if piece:
                    await client.write(piece, within_s=within_s)
        except ProviderError as error:
            if not pieces:
                raise
            broken = error.failure
        finally:
            stream.close()
            if pieces and visit.client.gone:
                _note(visit, StreamFacts(self._target.dialect, b"".join(pieces), whole=visit.keeps))
        facts = StreamFacts(self._target.dialect, b"".join(pieces), whole=visit.keeps)
        if not pieces:
            raise ProviderError(facts.failure or cut_short())
        if not client.gone:
            _note(visit, facts)
        await self._end(visit, facts, broken if not facts.whole else None, hider, mask)

    async def _end(
        self, visit: Visit, facts: StreamFacts, broken: Failure | None, hider: _UsageHider | None, mask: KeyMask
    ) -> None:
        failure = facts.failure if facts.told else broken or facts.failure
        last = mask.feed(hider.close()) if hider is not None and failure is None else b""
        last += mask.close()
        if failure is not None:
            failure = without_secrets(failure, visit.key, self._target.endpoint.base_url)
            if not facts.told:  # a half event must not run into the error's
                last += b"\n\n" + error_in_stream(visit.dialect, visit.asked.model, failure)
        await visit.client.write(last, more=False)
        if failure is not None:
            raise BrokenStream(failure)

    def _fail_early(self, visit: Visit, piece: bytes) -> None:
        """An error that came before anything of the answer was released; what was said before it may be billed."""
        reader, assembler = self._target.dialect.stream_reader(), Assembler()
        for delta in reader.feed(piece):
            assembler.add(delta)
            if isinstance(delta, Failed):
                visit.answered(assembler.reply(), cut=True)
                raise ProviderError(delta.failure)


async def _send_as_stream(visit: Visit, reply: Reply, said: ChatReply) -> None:
    writer = visit.dialect.stream_writer(visit.request())
    data = b"".join([*(writer.feed(delta) for delta in deltas_of(said)), writer.close()])
    await visit.client.start(200, visit.reply_headers(visit.dialect.stream_content_type.encode(), reply.headers))
    await visit.client.write(data, more=False)


def _with_usage(body: bytes) -> msgspec.Raw:
    given = _FIELDS.decode(body).get("stream_options")
    if given is None or bytes(given) == b"null":
        return _WITH_USAGE
    options: dict[str, msgspec.Raw] = decode_request(_FIELDS, given, "stream_options")
    return msgspec.Raw(_ENCODE({**options, "include_usage": msgspec.Raw(b"true")}))


def _note(visit: Visit, facts: StreamFacts) -> None:
    visit.answered(facts.reply, cut=not facts.whole)


class StreamFacts:
    """What a stream that is over says of itself."""

    __slots__ = ("failure", "reply", "told", "whole")

    def __init__(self, dialect: Dialect, data: bytes, *, whole: bool = False) -> None:
        """`whole`: read every event, and not only those that tell usage, finish and failure."""
        end = None if whole else dialect.read_end(data)
        if end is not None:
            self.reply, self.failure, self.told, self.whole = end, None, False, True
            return
        self.reply, self.failure, self.told = read_passed(dialect, data if whole else _telling_part(dialect, data))
        if not whole and (self.failure is not None or self.reply.usage is None):
            # Something is missing: usage must be estimated from all that was said.
            self.reply, self.failure, self.told = read_passed(dialect, data)
        if self.told and dialect.name == "openai_chat" and _told_beside_choices(data):
            self.told = False  # OpenRouter's way; clients that look at the choices alone would take it for a good end
        self.whole = self.failure is None


def read_passed(dialect: Dialect, data: bytes) -> tuple[ChatReply, Failure | None, bool]:
    """The reply a stream amounts to, how it failed if it did, and whether the stream itself said so."""
    reader, assembler = dialect.stream_reader(), Assembler()
    told = False
    try:
        for delta in reader.feed(data):
            assembler.add(delta)
        told = assembler.failure is not None
        for delta in reader.close():
            assembler.add(delta)
    except ProviderError as error:
        return assembler.reply(), error.failure, False
    return assembler.reply(), assembler.failure, told


def _told_beside_choices(data: bytes) -> bool:
    """Whether the stream's error shares its event with choices."""
    events = (event.group() for event in _EVENT.finditer(data))
    return any(b'"error"' in e and _SOME_CHOICES.search(e) is not None for e in events)


def _telling_part(dialect: Dialect, data: bytes) -> bytes:
    """The first two events and those that bear on usage, finish and failure; all of it where that cannot be told cheaply."""
    words = dialect.telling
    first = data.find(b"\n\n")
    head = data.find(b"\n\n", first + 2) + 2 if first >= 0 else 0
    last = data.rfind(b"\n\n") + 2
    if not words or head < 2 or head >= last or b"\r" in data:
        return data
    # Looking for words in the whole is twenty times cheaper than looking into each event.
    events: dict[int, int] = {}
    for word in words:
        at = data.find(word, head)
        while 0 <= at < last:
            end = data.find(b"\n\n", at) + 2
            events[data.rfind(b"\n\n", 0, at) + 2] = end
            at = data.find(word, end)
    return b"".join([data[:head], *[data[begin : events[begin]] for begin in sorted(events)], data[last:]])


class _UsageHider:
    """Takes the usage that only we asked for out of an OpenAI stream: a last event without choices."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """What of the stream so far may go on; the beginning of an event waits for its end."""
        data = self._held + piece if self._held else piece
        end = max(data.rfind(b"\n\n") + 2, data.rfind(b"\r\n\r\n") + 4)
        if end < 4:
            self._held = data
            return b""
        self._held = data[end:]
        data = data[:end]
        if b'"usage"' not in data:
            return data
        return b"".join(event for event in _EVENT.findall(data) if not _is_usage_only(event))

    def close(self) -> bytes:
        """What is left at the end."""
        return self._held


_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n)", re.DOTALL)
_SOME_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\{')
_NO_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')
_HAS_USAGE = re.compile(rb'"usage"\s*:\s*\{')


def _is_usage_only(event: bytes) -> bool:
    return _NO_CHOICES.search(event) is not None and _HAS_USAGE.search(event) is not None
