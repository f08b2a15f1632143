"""Requests that are not chats: embeddings, and counting tokens where the provider can do it itself."""

from __future__ import annotations

import msgspec

from pointsman.core.failure import Failure, FailureClass, ProviderError
from pointsman.core.usage import Usage
from pointsman.gateway.call import send_whole
from pointsman.gateway.relay import renamed
from pointsman.gateway.snapshot import Kind, Target
from pointsman.gateway.visit import Visit
from pointsman.providers.http_failure import malformed, reported_failure
from pointsman.providers.json_body import decode_reply
from pointsman.providers.keys import KeyChoice
from pointsman.providers.token_ledger import Count, whole
from pointsman.providers.transport import Reply

__all__ = ["CountingCall", "EmbeddingCall"]


class _EmbeddingUsage(msgspec.Struct):
    prompt_tokens: Count = None


class _Embeddings(msgspec.Struct):
    data: list[msgspec.Raw] | None = None
    model: str | None = None
    usage: _EmbeddingUsage | None = None


_EMBEDDINGS = msgspec.json.Decoder(_Embeddings)
_ANYTHING = msgspec.json.Decoder()
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class _SideCall:
    kind: Kind

    def __init__(self, target: Target, body: bytes) -> None:
        self._target = target
        self.body = body
        self.losses: tuple[str, ...] = ()

    def address(self, key: KeyChoice | None) -> tuple[str, dict[str, str]]:
        """See `Call.address`."""
        return self._target.address(self.kind, key)


class EmbeddingCall(_SideCall):
    """`/embeddings`, which OpenAI's protocol alone has here; the body passes through."""

    kind = "embeddings"

    def __init__(self, visit: Visit, target: Target) -> None:
        """Raises `ProviderError` (client fault) for a provider that has no such endpoint."""
        if target.dialect.name != "openai_chat" or target.endpoint.path is not None:
            raise ProviderError(_no_embeddings(visit.asked.model))
        super().__init__(target, visit.body if visit.asked.model == target.model else renamed(visit.body, target.model))

    async def answer(self, visit: Visit, reply: Reply) -> None:
        """See `Call.answer`. An input whose size the provider did not say has no usage, and so no price."""
        said = decode_reply(_EMBEDDINGS, reply.body, "the reply")
        if said.data is None:
            failure = reported_failure(_ANYTHING.decode(reply.body))
            raise malformed("the reply has no embeddings") if failure is None else ProviderError(failure)
        visit.served_model = said.model
        tokens = whole(said.usage.prompt_tokens) if said.usage is not None else None
        visit.used(None if tokens is None else Usage(input_tokens=tokens, output_tokens=0))
        await send_whole(visit, reply, reply.body)


class CountingCall(_SideCall):
    """The provider's own count of a request's tokens, in the client's own protocol. It is free."""

    kind = "count"

    def __init__(self, visit: Visit, target: Target) -> None:
        body = visit.body
        if target.dialect.name != "gemini" and visit.asked.model != target.model:
            body = renamed(body, target.model)
        super().__init__(target, body)

    async def answer(self, visit: Visit, reply: Reply) -> None:
        """See `Call.answer`."""
        decode_reply(_OBJECT, reply.body, "the reply")
        await send_whole(visit, reply, reply.body)


def _no_embeddings(model: str) -> Failure:
    return Failure(
        kind=FailureClass.CLIENT_FAULT,
        status=400,
        phase="send",
        message=f"the provider behind {model!r} serves no embeddings here",
    )
