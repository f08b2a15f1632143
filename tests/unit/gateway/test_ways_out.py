"""Refusals that HTTP has a header for: what else would have done."""

import gzip
import json

import pytest

from support.corpus import PATHS
from support.error_shapes import assert_error
from support.gateway import gateway, variant
from support.raw_client import answers, connect, read_all, request
from support.scripted_server import scripted_server

ASK = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
CLOSE = "connection: close"


@pytest.fixture(scope="module")
def served():
    with scripted_server(seed=3) as upstream, gateway({"variants": {"m": variant(upstream.base_url)}}) as running:
        yield running


def talk(served, sent):
    with connect(served.base_url) as sock:
        sock.sendall(sent)
        [answer] = answers(read_all(sock))
    return answer


@pytest.mark.parametrize("dialect", PATHS)
def test_a_method_that_is_not_served_names_the_one_that_is(served, dialect):
    """RFC 9110, 15.5.6; in the protocol's own shape."""
    answer = talk(served, request(PATHS[dialect], {}, method="PUT", headers=(CLOSE,)))
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"
    assert_error(dialect, 405, answer.body)


@pytest.mark.parametrize("path", ["/health", "/v1/models", "/v1/models/m"])
def test_what_can_be_got_can_be_asked_for_its_head(served, path):
    answer = talk(served, request(path, {}, headers=(CLOSE,)))
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("dialect", PATHS)
@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip"])
def test_a_compressed_body_is_refused_by_its_coding(served, dialect, coding):
    """And not as JSON that cannot be read."""
    body = gzip.compress(json.dumps(ASK).encode())
    answer = talk(served, request(PATHS[dialect], body, headers=(f"content-encoding: {coding}", CLOSE)))
    assert answer.status == 415
    assert answer.headers["accept-encoding"] == "identity"
    assert_error(dialect, 415, answer.body)
    assert "content-encoding" in json.loads(answer.body)["error"]["message"]


def test_a_body_that_says_it_is_as_it_is_is_served(served):
    assert talk(served, request(body=ASK, headers=("content-encoding: Identity", CLOSE))).status == 200
