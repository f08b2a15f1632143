"""A sample of bodies waits in bounded room, and only what the client got to read counts as its answer."""

from types import SimpleNamespace

import msgspec
import pytest

from pointsman.core.chat import ChatReply, Choice, FinishReason, Text
from pointsman.gateway import body_sample
from pointsman.gateway.body_sample import BodySample


def visit(number, body=b"asked", said="answered", status=200, route="chat"):
    """What of a visit is looked at."""
    choice = Choice(parts=(Text(text=said),), finish=FinishReason.STOP, logprobs=msgspec.Raw(b'[{"token":"ans"}]'))
    return SimpleNamespace(
        id=f"d{number}",
        at_s=1.0,
        body=body,
        reply=ChatReply(choices=(choice,)),
        client=SimpleNamespace(status=status),
        route=SimpleNamespace(name=route) if route is not None else None,
        target=None,
        tenant=None,
    )


def test_the_draw_depends_on_the_decision_alone_and_a_larger_share_keeps_those_of_a_smaller():
    ids = [f"d{n}" for n in range(4000)]
    drawn = {share: {i for i in ids if BodySample(share, None, 1).draws(i, "any")} for share in (0.1, 0.5, 1.0)}
    assert drawn[0.1] < drawn[0.5] < drawn[1.0] == set(ids)
    assert 1850 < len(drawn[0.5]) < 2150


def test_other_routes_and_requests_that_reached_none_are_left_alone():
    sample = BodySample(1.0, frozenset({"chat"}), 1000)
    for one in (visit(1), visit(2, route="other"), visit(3, route=None)):
        sample.offer(one)
    assert [b.decision for b in sample.take(10**6)] == ["d1"]


def test_an_answer_is_what_the_client_got_without_its_log_probabilities():
    sample = BodySample(1.0, None, 1000)
    sample.offer(visit(1))
    sample.offer(visit(2, status=503))
    got, failed = sample.take(10**6)
    assert msgspec.json.decode(got.answer)["choices"] == [{"parts": [{"type": "text", "text": "answered"}], "finish": "stop"}]
    assert failed.answer is None


def test_a_body_beyond_what_is_carried_is_cut_and_says_so():
    sample = BodySample(1.0, None, 1000)
    sample.offer(visit(1, body=b"a" * (1 << 20)))
    sample.offer(visit(2, body=b"a" * ((1 << 20) + 1), said="b" * (1 << 20)))
    whole, cut = sample.take(10**8)
    assert (whole.request_cut, whole.answer_cut, cut.request_cut, cut.answer_cut) == (False, False, True, True)
    assert len(whole.request) == len(cut.request) == len(cut.answer) == 1 << 20


@pytest.mark.parametrize("limit", ["_MOST_WAITING", "_MOST_WAITING_BYTES"])
def test_full_of_bodies_or_of_bytes_it_drops_the_newest_and_counts(monkeypatch, limit):
    size = len(b"asked") + len(
        msgspec.json.encode(ChatReply(choices=(Choice(parts=(Text(text="answered"),), finish=FinishReason.STOP),)))
    )
    monkeypatch.setattr(body_sample, limit, 3 if limit == "_MOST_WAITING" else 3 * size)
    sample = BodySample(1.0, None, 1000)
    for number in range(5):
        sample.offer(visit(number))
    assert (sample.take_dropped(), sample.take_dropped()) == (2, 0)
    assert [b.decision for b in sample.take(1)] == ["d0"]
    sample.offer(visit(5))
    assert [b.decision for b in sample.take(10**6)] == ["d1", "d2", "d5"]
    assert len(sample) == 0


def test_an_answer_that_cannot_be_written_down_is_dropped_and_hurts_nobody():
    sample = BodySample(1.0, None, 1000)
    sample.offer(visit(1, said="half a \ud83d"))
    assert (len(sample), sample.take_dropped()) == (0, 1)
