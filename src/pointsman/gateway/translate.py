"""Client and provider speak different protocols, or the variant changes the request: read, rewrite, and back."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from pointsman.core.chat import ChatReply, Delta, Failed, Finished, Started, UsageSeen
from pointsman.core.failure import Failure, ProviderError
from pointsman.gateway.call import BrokenStream, send_whole
from pointsman.gateway.snapshot import Target
from pointsman.gateway.visit import Visit
from pointsman.gateway.wire_errors import without_secrets
from pointsman.providers.assemble import Assembler, deltas_of
from pointsman.providers.authorization import authorized
from pointsman.providers.keys import KeyChoice
from pointsman.providers.quirks import bend_body, bend_request
from pointsman.providers.sse import SseReader
from pointsman.providers.tool_names import restored, restored_delta, taken_names, with_names
from pointsman.providers.transport import BodyStream, Reply

__all__ = ["TranslatingCall"]


class TranslatingCall:
    """One request in the words of a target's protocol."""

    __slots__ = ("_names", "_request", "_target", "_wire", "body", "losses")

    def __init__(self, visit: Visit, target: Target) -> None:
        """Raises `ProviderError` (client fault) for a request that does not say what we can use."""
        self._target = target
        self._request = target.prepare.apply(visit.request())
        bent, bent_losses = bend_request(self._request, target.endpoint.quirks)
        self._names = taken_names(bent, target.dialect.name)
        if self._names:
            bent = with_names(bent, self._names)
        self._wire = target.dialect.write_request(bent)
        self.body = bend_body(self._wire.body, target.endpoint.quirks)
        self.losses = tuple(dict.fromkeys(loss.field for loss in (*bent_losses, *self._wire.losses)))

    def address(self, key: KeyChoice | None) -> tuple[str, dict[str, str]]:
        """See `Call.address`."""
        secret = key.secret if key is not None else None
        return authorized(self._target.endpoint, self._target.dialect, self._wire, self._request, secret)

    async def answer(self, visit: Visit, reply: Reply) -> None:
        """See `Call.answer`."""
        if reply.stream is not None:
            await _Streaming(visit, self._target, reply, self._names).run(reply.stream)
            return
        said = self._read(reply)
        if said.created_s is None:
            said = msgspec.structs.replace(said, created_s=visit.at_s)
        visit.answered(said)
        visit.lost(visit.dialect.lost_in_reply(said, streamed=visit.asked.stream))
        if visit.asked.stream:
            streaming = _Streaming(visit, self._target, reply, self._names)
            await streaming.take(list(deltas_of(said)))
            await streaming.end(None)
            return
        await send_whole(visit, reply, visit.dialect.write_reply(said, visit.request()).body)

    def _read(self, reply: Reply) -> ChatReply:
        dialect = self._target.dialect
        if reply.content_type != dialect.stream_content_type:
            said = dialect.read_reply(reply.body)
            return restored(said, self._names) if self._names else said
        reader, assembler = dialect.stream_reader(), Assembler()  # streamed although nobody asked for it
        for delta in (*reader.feed(reply.body), *reader.close()):
            assembler.add(delta)
        if assembler.failure is not None:
            raise ProviderError(assembler.failure)
        return restored(assembler.reply(), self._names)


class _Streaming:
    """A stream from a provider to a client of another protocol. What shows nothing yet is held back, so that a
    provider that fails before its first word can still be replaced.
    """

    def __init__(self, visit: Visit, target: Target, reply: Reply, names: Mapping[str, str]) -> None:
        self._visit = visit
        self._target = target
        self._reply = reply
        self._names = names
        self._writer = visit.dialect.stream_writer(visit.request())
        self._shape = _JsonList() if visit.asked.json_list else None
        self._assembler = Assembler()
        self._held: list[bytes] = []
        self._finished = 0

    async def run(self, stream: BodyStream) -> None:
        """Forward all of it. Raises as `Call.answer` says."""
        visit = self._visit
        reader = self._target.dialect.stream_reader()
        broken: Failure | None = None
        noted = False
        try:
            try:
                while piece := await stream.read():
                    visit.arrived()
                    await self.take(reader.feed(piece))
                    if self._assembler.failure is not None:
                        break
                else:
                    await self.take(reader.close())
            except ProviderError as error:
                # A connection that dies after the last word has cost nothing of the answer.
                if self._finished < (visit.request().n or 1):
                    broken = error.failure
            broken = self._assembler.failure or broken
            said = self._assembler.reply()
            visit.answered(said, cut=broken is not None)
            visit.lost(visit.dialect.lost_in_reply(said, streamed=True))
            noted = True
            await self.end(broken)
        finally:
            stream.close()
            if not noted and visit.client.gone:
                visit.answered(self._assembler.reply(), cut=True)

    async def take(self, deltas: list[Delta]) -> None:
        """Say these to the client, once there is something to show."""
        shows = self._visit.released
        if self._names:
            deltas = [restored_delta(d, self._names) for d in deltas]
        for given in deltas:
            delta = self._dated(given) if isinstance(given, Started) else given
            self._assembler.add(delta)
            if isinstance(delta, Failed):
                return  # `end` tells it, if anything was released by then
            if isinstance(delta, Finished):
                self._finished += 1
            shows = shows or not isinstance(delta, Started | UsageSeen)
            if said := self._writer.feed(delta):
                self._held.append(said)
        if shows:
            await self._release()

    def _dated(self, started: Started) -> Started:
        """Some protocols do not say when an answer began; others owe their clients a date."""
        return started if started.created_s is not None else msgspec.structs.replace(started, created_s=self._visit.at_s)

    async def end(self, failure: Failure | None) -> None:
        """The protocol's own end, or the failure in its words. Raises as `Call.answer` says."""
        if failure is not None:
            if not self._visit.released:
                raise ProviderError(failure)
            failure = without_secrets(failure, self._visit.key, self._target.endpoint.base_url)
            self._held.append(self._writer.feed(Failed(failure)))
        self._held.append(self._writer.close())
        await self._release(more=False)
        if failure is not None:
            raise BrokenStream(failure)

    async def _release(self, *, more: bool = True) -> None:
        visit = self._visit
        data = b"".join(self._held)
        self._held.clear()
        if self._shape is not None:
            data = self._shape.feed(data, more=more)
        if not data and more:
            return
        if not visit.released:
            content_type = "application/json" if self._shape is not None else visit.dialect.stream_content_type
            await visit.client.start(200, visit.reply_headers(content_type.encode(), self._reply.headers))
        await visit.client.write(data, more=more, within_s=visit.snapshot.limits.write_s)


class _JsonList:
    """Gemini's other way to stream: the same chunks as items of one JSON list."""

    def __init__(self) -> None:
        self._events = SseReader()
        self._begun = False

    def feed(self, data: bytes, *, more: bool) -> bytes:
        out = bytearray()
        for event in self._events.feed(data):
            out += b",\r\n" if self._begun else b"["
            out += event.data
            self._begun = True
        if not more:
            out += b"]" if self._begun else b"[]"
        return bytes(out)
