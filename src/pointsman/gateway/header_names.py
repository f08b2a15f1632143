"""The headers that are ours: one table of names and meanings, which the docs are made from and the tests hold replies to."""

from __future__ import annotations

__all__ = ["REPLY_HEADERS", "REQUEST_HEADERS"]

REPLY_HEADERS: dict[str, str] = {
    "x-pointsman-decision": "Id of the request: the same in the ledger, in the access log and on spans.",
    "x-pointsman-variant": "Who answered, or failed last; absent if nobody was asked.",
    "x-pointsman-overhead-ms": "What of the time to the first byte was not spent waiting for providers, in milliseconds.",
    "x-pointsman-cost-usd": "What the request cost, exactly, tries that failed included. Absent from streams, whose cost is not "
    "known when their headers leave (look it up by the decision), and where no price is known.",
    "x-pointsman-lost": "Fields of the request that the provider's protocol cannot say, by name (`on_loss: report`).",
    "x-pointsman-estimated": "`true`: a token count that we worked out, because the provider counts none.",
}
"""Sent with answers, errors included."""

REQUEST_HEADERS: dict[str, str] = {
    "x-pointsman-conversation": "What keeps its variant where the route says `sticky: conversation`; how the conversation begins "
    "if not given.",
    "x-pointsman-user": "What keeps its variant where the route says `sticky: user`; the request's own field (`user`, "
    "`safety_identifier`, `metadata.user_id`) if not given.",
    "traceparent": "The client's trace, which goes on in ours.",
}
"""Understood from clients, and sent to no provider but for `traceparent` where `providers.NAME.traceparent` is true."""
