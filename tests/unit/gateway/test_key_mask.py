"""No stream that passes through shows the key it was asked with, wherever the network cuts it."""

import random

import pytest

from pointsman.gateway.key_mask import KeyMask, without_key
from pointsman.providers.keys import KeyChoice
from pointsman.providers.secret import Secret

KEY = "sk-sk-upstream-secret"


def masked(data, dice, key=KEY):
    """The stream, cut at random, as the client gets it; and the longest time a byte had to wait, in pieces."""
    mask = KeyMask(KeyChoice(1, Secret(key)) if key else None)
    said, at = b"", 0
    while at < len(data):
        size = dice.randint(1, 9)
        said += mask.feed(data[at : at + size])
        at += size
    return said + mask.close()


@pytest.mark.parametrize("seed", range(200))
def test_the_key_is_masked_wherever_the_stream_is_cut(seed):
    """Whole keys become dots, and beginnings of one that come to nothing stay as they were."""
    dice = random.Random(seed)
    words = [KEY, KEY[:7], "s", "sk-", "sk-sk-sk-up", "data: ", "\n\n", KEY + KEY, "text"]
    said = "".join(dice.choice(words) for _ in range(12))
    assert masked(said.encode(), dice) == said.replace(KEY, "•••").encode()


def test_what_is_no_beginning_of_the_key_waits_for_nothing():
    """Otherwise every token of a stream would come late."""
    mask = KeyMask(KeyChoice(1, Secret(KEY)))
    assert mask.feed(b'data: {"delta": "task"}\n\n') == b'data: {"delta": "task"}\n\n'
    assert mask.feed(b"a key: sk-sk") == b"a key: "
    assert mask.feed(b"ipped") == b"sk-skipped"


@pytest.mark.parametrize("seed", range(50))
def test_a_key_is_known_in_every_spelling_that_an_error_may_use(seed):
    """JSON with its slashes escaped, and addresses."""
    dice, key = random.Random(seed), "Zq81/key+of=one"
    ways = [key, r"Zq81\/key+of=one", "Zq81%2Fkey%2Bof%3Done"]
    words = [*ways, "Zq81/", r"Zq81\/key+", "Zq81%2F", "text"]
    said = "".join(dice.choice(words) for _ in range(12))
    hidden = said
    for way in ways:
        hidden = hidden.replace(way, "•••")
    assert masked(said.encode(), dice, key) == hidden.encode()
    assert without_key(said, Secret(key)) == hidden


@pytest.mark.parametrize("key", [None, "short"])
def test_without_a_key_worth_the_name_nothing_is_touched(key):
    """Servers of one's own are often given a word for a key; it may stand in an answer."""
    said = b"a short story, in short"
    assert masked(said, random.Random(1), key) == said
