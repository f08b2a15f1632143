"""Events and lines out of bytes, wherever the network cut them."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.providers.sse import LineReader, SseEvent, SseReader


def events(*pieces: bytes) -> list[SseEvent]:
    reader = SseReader()
    found = [e for piece in pieces for e in reader.feed(piece)]
    return found + reader.close()


def data(*pieces: bytes) -> list[bytes]:
    return [e.data for e in events(*pieces)]


def lines(*pieces: bytes) -> list[bytes]:
    reader = LineReader()
    found = [line for piece in pieces for line in reader.feed(piece)]
    rest = reader.close()
    return [*found, rest] if rest else found


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(p % (len(whole) + 1) for p in places), len(whole)]
    return [whole[a:b] for a, b in itertools.pairwise(edges)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_all_three_line_ends_end_a_line(end: bytes) -> None:
    """LF, CRLF and CR are one and the same."""
    assert data(b"data: a" + end + end + b"data: b" + end + end) == [b"a", b"b"]


def test_line_ends_may_be_mixed() -> None:
    """A proxy that rewrites some of the ends does no harm."""
    assert data(b"data: a\r\n\ndata: b\r\rdata: c\n\r\n") == [b"a", b"b", b"c"]


def test_a_crlf_cut_in_two_is_one_line_end() -> None:
    """The LF that arrives alone after a CR does not make an empty line, which would end the event."""
    assert data(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [b"a\nb"]


def test_one_space_after_the_colon_is_dropped_and_no_more() -> None:
    """`data:x`, `data: x` and `data:  x` differ by what the standard says."""
    assert data(b"data:x\n\ndata: x\n\ndata:  x\n\n") == [b"x", b"x", b" x"]


def test_several_data_lines_are_joined_by_a_line_feed() -> None:
    """One event may say its data in several lines, whatever ended them."""
    assert data(b"data: {\r\ndata: }\r\n\r\n") == [b"{\n}"]


def test_comments_and_unknown_fields_say_nothing() -> None:
    """Keep-alive comments, ids, retry times and foreign fields leave the data alone."""
    assert data(b": ping\n\n:OPENROUTER PROCESSING\nid: 7\nretry: 10\nfoo: bar\ndata: x\n\n") == [b"x"]


def test_the_event_name_belongs_to_one_event() -> None:
    """A name is kept until its event ends and forgotten after it."""
    assert events(b"event: error\ndata: 1\n\ndata: 2\n\n") == [SseEvent("error", b"1"), SseEvent("", b"2")]


def test_an_event_without_data_is_none() -> None:
    """A name alone, as in some keep-alives, yields nothing."""
    assert events(b"event: ping\n\ndata: x\n\n") == [SseEvent("", b"x")]


def test_a_missing_last_blank_line_loses_nothing() -> None:
    """Streams that end without the blank line, or without any line end, still give their last event."""
    assert data(b"data: a\n\ndata: [DONE]\n") == [b"a", b"[DONE]"]
    assert data(b"data: a\n\ndata: [DONE]") == [b"a", b"[DONE]"]


def test_a_byte_order_mark_is_not_part_of_the_first_field() -> None:
    """The standard lets a stream begin with one; it is dropped once, also when it arrives in pieces."""
    assert data(b"\xef\xbb\xbfdata: a\n\n") == [b"a"]
    assert data(b"\xef", b"\xbb", b"\xbfdata: a\n\n") == [b"a"]


def test_a_character_cut_in_two_is_whole_again() -> None:
    """Bytes are only split at ASCII line ends, so the halves of a character meet before anyone decodes them."""
    whole = "data: Ä€😀\n\n".encode()
    for place in range(len(whole)):
        assert data(whole[:place], whole[place:]) == ["Ä€😀".encode()]


STREAMS = st.lists(
    st.tuples(
        st.lists(st.text(alphabet="ab {}:é😀", max_size=6), min_size=1, max_size=3), st.sampled_from([b"\n", b"\r\n", b"\r"])
    ),
    max_size=6,
)


@given(stream=STREAMS, places=st.lists(st.integers(0, 10_000), max_size=12))
def test_events_do_not_depend_on_where_the_bytes_were_split(stream: list[tuple[list[str], bytes]], places: list[int]) -> None:
    """Whatever the network does, the events are those that were written."""
    whole = b"".join(b"".join(b"data: " + text.encode() + end for text in texts) + end for texts, end in stream)
    assert data(*cut(whole, places)) == ["\n".join(texts).encode() for texts, _ in stream]


@given(whole=st.binary(max_size=200), places=st.lists(st.integers(0, 10_000), max_size=12))
def test_any_bytes_give_the_same_events_however_split(whole: bytes, places: list[int]) -> None:
    """No bytes raise, and no split changes what is read from them."""
    assert events(*cut(whole, places)) == events(whole)


@given(whole=st.binary(max_size=200), places=st.lists(st.integers(0, 10_000), max_size=12))
def test_any_bytes_give_the_same_lines_however_split(whole: bytes, places: list[int]) -> None:
    """The same for bare lines, which are those Python splits at the same three ends."""
    assert lines(*cut(whole, places)) == lines(whole)
    expected = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    assert lines(whole) == (expected if expected[-1] else expected[:-1])


def test_feeding_byte_by_byte_takes_time_in_proportion_to_length() -> None:
    """One event of 2 MB in single bytes: four times the bytes may take eight times as long, not sixteen."""

    def seconds(size: int) -> float:
        reader = SseReader()
        payload = b"data: " + b"x" * size + b"\n\n"
        begin = time.perf_counter()
        found = [e for i in range(len(payload)) for e in reader.feed(payload[i : i + 1])]
        assert len(found[0].data) == size
        return time.perf_counter() - begin

    short = min(seconds(50_000) for _ in range(3))
    long = min(seconds(200_000) for _ in range(3))
    assert long < 8 * short
