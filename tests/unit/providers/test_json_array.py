"""Items out of a JSON list that arrives in pieces."""

from __future__ import annotations

import json
import time

from hypothesis import given
from hypothesis import strategies as st

from pointsman.providers.json_array import JsonArrayReader

values = st.recursive(st.none() | st.text(max_size=6), lambda v: st.lists(v, max_size=3), max_leaves=4)


@given(st.lists(st.dictionaries(st.text(max_size=4), values, max_size=3), max_size=3), st.integers(1, 7), st.booleans())
def test_every_item_comes_out_whole_wherever_it_was_cut(items: list[dict[str, object]], size: int, ascii_only: bool) -> None:
    """Braces, brackets, quotes and backslashes inside of texts included."""
    wire = json.dumps(items, indent=1, ensure_ascii=ascii_only).encode()
    reader = JsonArrayReader()
    found = [item for at in range(0, len(wire), size) for item in reader.feed(wire[at : at + size])]
    assert [json.loads(item) for item in found] == items
    assert not reader.open


def test_an_item_that_is_not_complete_is_open() -> None:
    """Until its last brace."""
    reader = JsonArrayReader()
    assert reader.feed(b'[{"a": "}') == []
    assert reader.open
    assert reader.feed(b'"}') == [b'{"a": "}"}']


def test_a_bare_object_counts_as_an_item() -> None:
    """As an error without a list around it."""
    assert JsonArrayReader().feed(b' {"error": {"code": 1}}\n') == [b'{"error": {"code": 1}}']


def test_long_items_in_small_pieces_take_time_in_proportion() -> None:
    """Four times the bytes may not take sixteen times as long."""

    def spent_s(size: int) -> float:
        wire = b'[{"a": "' + b"x" * size + b'"}]'
        best = 1e9
        for _ in range(3):
            reader, start = JsonArrayReader(), time.process_time()
            for at in range(0, len(wire), 16):
                reader.feed(wire[at : at + 16])
            best = min(best, time.process_time() - start)
        return best

    assert spent_s(400_000) < 10 * spent_s(100_000)
