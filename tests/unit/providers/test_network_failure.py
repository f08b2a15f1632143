"""What goes wrong on the network, in words that hold no address and no key."""

import errno

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.failure import FailureClass
from pointsman.providers.network_failure import excerpt, network_failure, timeout_failure


def test_after_the_headers_every_break_is_a_break_of_the_body():
    for error in (aiohttp.ServerDisconnectedError(), aiohttp.ClientOSError(errno.ECONNRESET, "reset"), OSError(errno.EPIPE, "x")):
        assert network_failure(error).phase == "headers"
        after = network_failure(error, status=200)
        assert (after.kind, after.phase, after.status) == (FailureClass.TRANSIENT, "body", 200)


def test_the_systems_own_word_is_kept_but_not_the_clients_text_about_it():
    failure = network_failure(aiohttp.ClientOSError(errno.ENETUNREACH, "http://secret.example/v1 unreachable"))
    assert failure.message == "the connection broke: network is unreachable"


@pytest.mark.parametrize("phase", ["connect", "headers", "first_token", "body", "total"])
def test_every_clock_names_its_setting(phase):
    failure = timeout_failure(phase, 2.5)
    assert failure.kind is FailureClass.TIMEOUT
    assert "2.5 s" in failure.message
    assert "_s)" in failure.message


@given(st.binary(max_size=6000))
def test_an_excerpt_of_anything_is_short_and_printable(body):
    said = excerpt(body)
    assert len(said) <= 120
    assert "\n" not in said
    assert "\x1b" not in said


def test_an_excerpt_hides_what_looks_like_a_key():
    assert excerpt(b"key sk-proj-0123456789abcdefghij is wrong") == "key … is wrong"
