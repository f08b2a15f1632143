"""Seeded filler text, and what counts as a token of it: four characters, as in the common rule of thumb."""

from __future__ import annotations

import functools

from pointsman.providers.scripted.dice import rolls

__all__ = ["CHARS_PER_TOKEN", "count_tokens", "pieces", "prose"]

CHARS_PER_TOKEN = 4

_STARTS = ("ba", "do", "fe", "ga", "hi", "ko", "la", "mi", "no", "pe", "ra", "so", "ta", "vu", "we", "zi")
_ENDS = ("n", "r", "l", "s", "m", "t", "d", "k")
_CORPUS_WORDS = 4096


def count_tokens(text: str) -> int:
    """Tokens of `text`, rounded up; 0 for the empty text."""
    return -(-len(text) // CHARS_PER_TOKEN)


def pieces(text: str) -> list[str]:
    """`text` as a stream says it, one token at a time."""
    return [text[i : i + CHARS_PER_TOKEN] for i in range(0, len(text), CHARS_PER_TOKEN)]


def prose(u: float, tokens: int) -> str:
    """Exactly `tokens` tokens of lower-case words, chosen by the draw `u` in (0, 1).

    It holds no digit, no capital and no punctuation, so no scorer can read an answer out of it.
    """
    corpus = _corpus()
    begin = int(u * _CORPUS_WORDS) * CHARS_PER_TOKEN
    needed = tokens * CHARS_PER_TOKEN
    whole = corpus * (1 + (begin + needed) // len(corpus)) if begin + needed > len(corpus) else corpus
    return whole[begin : begin + needed].rstrip()


@functools.cache
def _corpus() -> str:
    # Each word has three letters or seven with its space, so any cut at a token leaves the count exact.
    words: list[str] = []
    number = 0
    while len(words) < _CORPUS_WORDS:
        u, v, w, x = rolls("prose", number)[:4]
        number += 1
        words.append(f"{_STARTS[int(u * 16)]}{_ENDS[int(v * 8)]} ")
        if w < 0.5:
            words[-1] = f"{_STARTS[int(x * 16)]}{_STARTS[int(w * 32)]}{words[-1]}"[:4]
            words.append(f"{_STARTS[int(v * 16)]}{_ENDS[int(u * 8)]} ")
    return "".join(words[:_CORPUS_WORDS])
