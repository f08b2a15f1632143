"""The ring between serving and recording."""

from pointsman.telemetry.ring import Ring


def test_it_gives_back_in_order_and_drops_what_does_not_fit():
    ring = Ring(3)
    for i in range(5):
        ring.offer(i)
    assert (len(ring), ring.dropped) == (3, 2)
    assert ring.take(2) == [0, 1]
    ring.offer(9)
    assert ring.take(10) == [2, 9]
    assert ring.take(10) == []
