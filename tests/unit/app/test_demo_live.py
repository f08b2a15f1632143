"""What the demo counts of its conversations."""

import pytest

from pointsman.app.demo_live import sent_back


@pytest.mark.parametrize(
    "sides, expected",
    [
        (["tiny", "classic"], True),
        (["tiny", "tiny", "classic", "classic"], True),
        (["classic", "tiny"], False),
        (["tiny", "classic", "tiny"], False),
        (["tiny", "classic", "swift"], False),
        (["tiny", "tiny"], False),
        (["classic"], False),
    ],
)
def test_a_rollback_takes_a_conversation_from_the_candidate_once_and_for_good(sides, expected):
    """Anything else is a conversation that changed sides."""
    assert sent_back(sides, "tiny") is expected
