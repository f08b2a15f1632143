"""Notes on conversations that all workers share."""

import random

from pointsman.app.conversations import ConversationTable, slots_for
from pointsman.core.clock import FakeClock


def test_a_note_is_seen_by_others_and_kept_through_the_end_of_a_process(tmp_path):
    """Two mappings of one file are two workers; opening it again is a restart."""
    one, other = (ConversationTable(tmp_path / "t", 1 << 16) for _ in range(2))
    notes = {random.Random(3).getrandbits(48) + n: n % 32_768 for n in range(5_000)}
    for conversation, note in notes.items():
        one.note(conversation, note)
    assert {c: other.recall(c, however_old=True) for c in notes} == notes
    one.close()
    other.close()
    again = ConversationTable(tmp_path / "t", 1 << 16)
    assert {c: again.recall(c, however_old=False) for c in notes} == notes
    assert again.recall(1, however_old=True) is None


def test_a_note_grows_old_and_can_be_replaced(tmp_path):
    clock = FakeClock(3_600.0 * 500_000)
    table = ConversationTable(tmp_path / "t", 1 << 16, fresh_s=7_200, wall_s=clock.wall_s)
    table.note(9, 3)
    clock.advance(3_600)
    assert table.recall(9, however_old=False) == 3
    clock.advance(3_600)
    assert table.recall(9, however_old=False) is None
    assert table.recall(9, however_old=True) == 3
    table.note(9, 4)
    assert table.recall(9, however_old=False) == 4


def test_a_full_table_keeps_what_it_has_and_counts_what_it_turned_away(tmp_path):
    table = ConversationTable(tmp_path / "t", 16)
    for conversation in range(1, 200):
        table.note(conversation, 1)
    assert table.turned_away == 199 - 16
    assert sum(table.recall(c, however_old=True) == 1 for c in range(1, 200)) == 16


def test_slots_are_a_power_of_two_with_room_to_spare():
    assert slots_for(0) == 1 << 16
    assert slots_for(100_000) == 1 << 18
    assert slots_for(1e12) == 1 << 24
