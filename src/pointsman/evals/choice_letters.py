"""The option an answer picks, read from its letters. Where it is not clear, nothing is read."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Ambiguous", "Picked", "answer_mark", "picked_letter"]

# Between "the answer is" and the letter: quotes, emphasis, brackets, TeX. Counts are bounded: linear on any text.
_DRESS = r"(?:[\s*_`\"'“‘(\[{$<:]|\\(?:boxed|text|textbf|mathrm|mathbf)\{|(?i:option|choice|letter)\b){0,12}"
_NOUNS = r"answer(?:[_ ](?:choice|option|letter))?|(?:correct|right|best|final|my)[ _](?:option|choice|one)"
_SAYS = rf"(?i:\b(?:{_NOUNS})[\"'*_`)\]\s]{{0,6}}(?:[^.\n:?\"]{{0,60}}?\b(?:is|be)\b|[:=→])\s{{0,3}}:?)"
# "A" the article and "I" the pronoun are not options: after them only words that go on from a letter may follow.
_GOES_ON = r"(?:because|since|as|is|and|or|for|due|but|which|given|was|would|if|in|on)\b"

# "I, II and III" are statements of the question, not options.
_NO_NUMERALS = r"(?!\s?(?:,|&|and\b|or\b|only\b)\s?(?:and\s)?[IVX]{2,4}\b)"


class Picked(NamedTuple):
    """A letter, upper case, and whether the answer marked it as its answer."""

    letter: str
    marked: bool


class Ambiguous(NamedTuple):
    """Several letters where one was asked for."""

    letters: str


class _Patterns(NamedTuple):
    marked: re.Pattern[str]
    several: re.Pattern[str]
    alone: re.Pattern[str]
    leading: re.Pattern[str]
    mentioned: re.Pattern[str]


@lru_cache(maxsize=64)
def _patterns(letters: str) -> _Patterns:
    upper = "".join(letter for letter in letters if letter not in "AI")
    kinds = [f"[{re.escape(upper)}]"] if upper else []
    kinds += [rf"{letter}(?![ \t]+(?!{_GOES_ON})[a-z]){_NO_NUMERALS}" for letter in "AI" if letter in letters]
    big = rf"(?:{'|'.join(kinds)})(?![A-Za-z0-9]|['’][A-Za-z])"
    small = rf"[{re.escape(letters.lower())}](?=[)\].*\"'}}]|\s*$|\s*\n)"
    one = f"(?P<letter>{big}|{small})"
    any_letter = f"[{re.escape(letters)}]"
    return _Patterns(
        marked=re.compile(rf"(?:{_SAYS}{_DRESS}|\\boxed\{{(?:\\text\{{)?[\s(]{{0,3}}){one}"),
        several=re.compile(
            rf"[)\]*\s]{{0,3}}(?:,|/|&|\+|\band\b|\bor\b)\s{{0,3}}(?:(?:and|or)\s)?[(*\s]{{0,3}}(?P<other>{any_letter})"
            r"(?=\s{0,2}(?:[.),*\"'}\]]|$|\n|(?:and|or)\b))"
        ),
        alone=re.compile(rf"^[\s>*_`\"'(\[]{{0,6}}{one}[\s.:)*_`\"'\]]{{0,6}}$", re.MULTILINE),
        leading=re.compile(rf"^[\s>*_`\"'-]{{0,6}}(?P<letter>{any_letter})[).:\]][\s*]", re.MULTILINE),
        mentioned=re.compile(
            rf"\*\*\s?\(?(?P<bold>{any_letter})\)?[.:]?\s?\*\*|\((?P<bracket>{any_letter})\)|"
            rf"(?i:\b(?:option|choice)\s)\(?(?P<named>{any_letter})\b"
        ),
    )


def picked_letter(text: str, letters: str, *, several: bool = False) -> Picked | Ambiguous | None:
    r"""The option the text picks, as one of `letters` (upper case); None if it picks none.

    The last letter marked as the answer counts (`ANSWER: C`, `the answer is **C**`, `\\boxed{C}`,
    `"answer_choice": "C"`). Without a mark: the last line that is a letter alone; else the one letter
    that lines begin with, or that the text names in bold, in brackets or as an option. Different
    letters there are a discussion or the options restated, and pick nothing. `several` takes the
    first of `A and C` after a mark, which is otherwise `Ambiguous`.
    """
    patterns = _patterns(letters)
    last = None
    for last in patterns.marked.finditer(text):  # noqa: B007 - the last match is wanted
        pass
    if last is not None:
        letter = last["letter"].upper()
        other = None if several else patterns.several.match(text, last.end())
        if other is not None and other["other"] != letter:
            return Ambiguous(letter + other["other"])
        return Picked(letter, marked=True)
    return _unmarked(text, patterns)


def answer_mark(text: str) -> str | None:
    """What follows the last `answer is`, `Answer:` and the like, undressed; None if there is no such mark."""
    last = None
    for last in _MARK.finditer(text):  # noqa: B007 - the last match is wanted
        pass
    return None if last is None else text[last.end() : last.end() + 2000]


_MARK = re.compile(_SAYS + _DRESS)


def _unmarked(text: str, patterns: _Patterns) -> Picked | None:
    alone = None
    for alone in patterns.alone.finditer(text):  # noqa: B007 - the last match is wanted
        pass
    if alone is not None:
        return Picked(alone["letter"].upper(), marked=False)
    for pattern in (patterns.leading, patterns.mentioned):
        found = {next(g for g in match.groups() if g) for match in pattern.finditer(text)}
        if len(found) == 1:
            return Picked(found.pop(), marked=False)
        if found:
            return None
    return None
