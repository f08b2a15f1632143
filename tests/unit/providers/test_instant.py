"""When a reply was made."""

import pytest

from pointsman.providers.instant import instant_s


@pytest.mark.parametrize(
    "said, expected", [(None, None), (0, None), (-1, None), (1, 1.0), (1.5, 1.5), (10**400, None), (1e300, None)]
)
def test_only_what_a_calendar_can_hold_is_a_time(said, expected):
    assert instant_s(said) == expected
