"""Recorded traffic sorted for the test of one dialect, and what every stream of it must stand."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable

from pointsman.core.chat import ChatReply
from pointsman.core.failure import Failure
from pointsman.providers.assemble import Assembler
from pointsman.providers.dialect import Dialect
from support.streams import deltas_in
from support.wire import Recorded, interactions

_CUT_BY_THE_RECORDING = b"[TRUNCATED BY STAGING"


def answers(dialect: str, *, streamed: bool) -> list[Recorded]:
    """Recorded responses that succeeded."""
    return [x for x in interactions() if x.dialect == dialect and x.ok and x.body.strip() and x.streamed is streamed]


def errors(dialect: str) -> list[Recorded]:
    """Recorded error responses."""
    return [x for x in interactions() if x.dialect == dialect and not x.ok]


def requests(dialect: str) -> list[Recorded]:
    """Recorded requests whose body is whole; a few were cut for their size and two were never recorded."""
    mine = [x for x in interactions() if x.dialect == dialect]
    return [x for x in mine if x.request.strip() and _CUT_BY_THE_RECORDING not in x.request]


def per_provider(recorded: Iterable[Recorded]) -> Counter[str]:
    """How many there are of each provider."""
    return Counter(x.provider for x in recorded)


def read_stream(dialect: Dialect, *pieces: bytes) -> tuple[ChatReply, Failure | None]:
    """The reply of a stream fed in these pieces, and the failure it reported."""
    assembler = Assembler()
    for delta in deltas_in(dialect, pieces):
        assembler.add(delta)
    return assembler.reply(), assembler.failure


def combs(body: bytes, teeth: int = 13) -> Iterable[list[bytes]]:
    """Pieces of equal length, begun at each possible place: together they cut at every byte boundary there is."""
    for start in range(1, teeth + 1):
        edges = [0, *range(start, len(body), teeth), len(body)]
        yield [body[a:b] for a, b in itertools.pairwise(edges)]
    yield [body[i : i + 1] for i in range(len(body))]
