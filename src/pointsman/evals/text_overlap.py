"""How alike two texts are, by characters and by words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

from rapidfuzz.distance import Levenshtein

__all__ = ["levenshtein_similarity", "rouge_l", "token_f1", "words"]

# A word, or one character of a script that puts no spaces between words.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+")
_ARTICLES = frozenset(("a", "an", "the"))


def words(text: str) -> list[str]:
    """Words without case and punctuation; Chinese, Japanese and Korean by character."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def levenshtein_similarity(a: str, b: str) -> float:
    """1 − edit distance ÷ length of the longer, from 0 to 1; of two empty texts, 1."""
    return float(Levenshtein.normalized_similarity(a, b))


def token_f1(answer: str, target: str) -> float:
    """F1 of the two bags of words without English articles, as SQuAD measures it.

    2·common ÷ (words in the one + words in the other); 1 if both have no words, 0 if one has none.
    """
    mine, theirs = ([w for w in words(t) if w not in _ARTICLES] for t in (answer, target))
    if not mine or not theirs:
        return float(mine == theirs)
    common = (Counter(mine) & Counter(theirs)).total()
    return 2 * common / (len(mine) + len(theirs))


def rouge_l(answer: str, target: str) -> float:
    """F-measure of the longest common subsequence of words (Lin 2004, β = 1).

    2·LCS ÷ (words in the one + words in the other); 1 if both have no words, 0 if one has none.
    """
    mine, theirs = words(answer), words(target)
    if not mine or not theirs:
        return float(mine == theirs)
    return 2 * _common_subsequence(mine, theirs) / (len(mine) + len(theirs))


def _common_subsequence(a: list[str], b: list[str]) -> int:
    """Length of the longest common subsequence, a whole row of the table at a time as bits (Hyyrö 2004).

    A zero bit at place i of `row` says that the table grows from a[:i] to a[:i + 1].
    """
    places: dict[str, int] = {}
    for i, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << i
    full = (1 << len(a)) - 1
    row = full
    for word in b:
        hit = row & places.get(word, 0)
        row = ((row + hit) | (row - hit)) & full
    return len(a) - row.bit_count()
