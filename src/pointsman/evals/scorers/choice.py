"""Did the answer pick the right option of a multiple-choice question?"""

from __future__ import annotations

import re
import string
from typing import Literal

import msgspec

from pointsman.core.chat import ChatReply
from pointsman.core.failure import ConfigError
from pointsman.evals.case import Case
from pointsman.evals.choice_letters import Ambiguous, Picked, answer_mark, picked_letter
from pointsman.evals.scorer import BadFormat, Judgement, Score, ScorerExample, ScorerPlugin, Unscored
from pointsman.evals.targets import target_texts

__all__ = ["PLUGIN"]

_EDGES = string.whitespace + string.punctuation + "“”‘’"
_END = re.compile(r"\Z|[.,;:!)\"'](?:\Z|\s+[^\W\d])")
_SPACES = re.compile(r"\s+")


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the options are and how a target names one."""

    letters: str | None = None
    """Letters of the options in order. By default A, B, … for as many as the case has, or A to J if it names none."""
    labels: tuple[str, ...] = ()
    """Options that are the same for every case and answered in words, such as yes, no, maybe."""
    target_is: Literal["auto", "index", "position"] = "auto"
    """`auto`: the target is a letter or an option's text; `index`: a number from 0; `position`: a number from 1."""
    several: Literal["reject", "first"] = "reject"
    """What `A and C` is where one option was asked for: unreadable, or A."""
    marked_only: bool = False
    """Read only what the answer marks as its answer (`ANSWER: C`, `the answer is C`), not a letter found otherwise."""


class Choice:
    """`choice` with its options set. Takes time linear in the answer."""

    def __init__(self, options: Options) -> None:
        letters = options.letters
        if letters is not None and (not letters.isalnum() or len(set(letters.upper())) != len(letters)):
            raise ConfigError("must be different letters, such as ABCD", key="choice.letters", value=letters)
        self._options = options

    def score(self, case: Case, reply: ChatReply) -> Judgement:
        texts = tuple(map(_same, case.choices or self._options.labels))
        letters = self._letters(len(case.choices))
        targets = {self._target(t, letters, texts) for t in target_texts(case.target)} - {None}
        if not targets:
            return Unscored(
                "the case has no target" if case.target is None else f"the target {case.target!r:.80} names no option"
            )
        text = reply.text
        if not text.strip():
            return BadFormat("the answer is empty")
        picked = picked_letter(text, letters, several=self._options.several == "first") if letters else None
        if isinstance(picked, Ambiguous):
            return BadFormat(f"picks {len(picked.letters)} options: {', '.join(picked.letters)}")
        if picked is None or not picked.marked:
            picked = _by_text(text, letters, texts) or picked
        if picked is not None and not picked.marked and self._options.marked_only:
            return BadFormat("the answer marks no option as its answer")
        if picked is None:
            return BadFormat("no option can be read from the answer")
        right = picked.letter in targets
        return Score(value=float(right), correct=right, read=picked.letter, settled=picked.marked)

    def _letters(self, choices: int) -> str:
        if self._options.letters is not None:
            return self._options.letters.upper()
        if choices:
            return string.ascii_uppercase[:choices]
        return "" if self._options.labels else "ABCDEFGHIJ"

    def _target(self, target: str, letters: str, texts: tuple[str, ...]) -> str | None:
        """The option a target means: its letter, or its text where options have no letters."""
        if self._options.target_is != "auto" and target.strip().isdecimal():
            index = int(target) - (self._options.target_is == "position")
            return _named(index, letters, texts) if 0 <= index < max(len(texts), len(letters)) else None
        bare = target.strip(_EDGES)
        if bare.upper() in letters and len(bare) == 1:
            return bare.upper()
        same = _same(target)
        return _named(texts.index(same), letters, texts) if same in texts else None


def _by_text(text: str, letters: str, texts: tuple[str, ...]) -> Picked | None:
    """The option whose words the answer, or what it marks as its answer, consists of or begins with."""
    if not texts:
        return None
    mark = answer_mark(text)
    for part, marked in ((mark, True), (text, False)):
        if part is None:
            continue
        said = _same(part)
        begun = [i for i, option in enumerate(texts) if option and said.startswith(option) and _ends(part, said, option)]
        if begun:
            longest = max(begun, key=lambda i: len(texts[i]))
            return Picked(_named(longest, letters, texts), marked)
    return None


def _ends(part: str, said: str, option: str) -> bool:
    """Whether the option's words are followed by an end, not by words or digits that make it another answer."""
    return _END.match(said, len(option)) is not None or "\n" in part.strip()[: len(option) + 4]


def _named(index: int, letters: str, texts: tuple[str, ...]) -> str:
    return letters[index] if letters else texts[index]


def _same(text: str) -> str:
    return _SPACES.sub(" ", text).strip(_EDGES).casefold()


PLUGIN = ScorerPlugin(
    summary="The answer picks the right option, by letter or by its words.",
    options=Options,
    build=Choice,
    example=ScorerExample(options={}, target="C", answer="A is too small and B too large, so the answer is **C**.", value=1.0),
)
