"""Whether a reply declines to answer. Conservative: what might be an answer is not called a refusal."""

from __future__ import annotations

import re

from pointsman.core.chat import ChatReply, FinishReason

__all__ = ["REFUSAL_PHRASES", "looks_refused"]

_START_CHARS = 400

_I_AM = r"(?:i['’]?m|i am|we['’]?re|we are)"
_SORRY = (
    rf"(?:{_I_AM}\s+(?:really\s+|very\s+|so\s+|truly\s+)?sorry|sorry|i\s+apologi[sz]e|my\s+apologies"
    r"|unfortunately|regrettably)"
)
_AS_AI = r"as an? (?:ai|artificial intelligence|language model|ai language model|ai assistant|assistant)[^.,\n]{0,60}"
_CANNOT = (
    r"(?:can\s?not|can['’]?t|won['’]?t|will not|do not feel comfortable|don['’]t feel comfortable"
    r"|(?:am|['’]m) (?:unable to|not able to|not allowed to|not comfortable)"
    r"|(?:must|have to) (?:respectfully )?decline to)"
)
_THAT = r"(?:that|this|such|these)\b"
_GIVE = r"(?:provid(?:e|ing)|giv(?:e|ing)|offer(?:ing)?|shar(?:e|ing))"
_DO = (
    r"(?:help(?:ing)?(?! but\b)|assist(?:ing)?|comply(?:ing)?|fulfil+(?:ing)?|engag(?:e|ing)|participat(?:e|ing)"
    r"|support(?:ing)?|discuss(?:ing)?|creat(?:e|ing)|generat(?:e|ing)|writ(?:e|ing)|produc(?:e|ing)"
    r"|continu(?:e|ing) (?:with )?this|do (?:that|this|so)\b"
    rf"|answer(?:ing)? {_THAT}|respond(?:ing)? to {_THAT}"
    rf"|{_GIVE} (?:you )?(?:with )?(?:any\b|{_THAT}|instructions|guidance|advice|assistance|help|details"
    r"|information (?:on|about|that)))"
)
_UNABLE = (
    rf"(?:{_SORRY}[,.;:!]?\s+(?:but\s+|that\s+)?)?(?:{_AS_AI},?\s+)?(?:{_SORRY}[,.;:!]?\s+)?(?:but\s+)?"
    rf"i\s?(?:simply\s+|just\s+)?{_CANNOT}\s+{_DO}"
)
_DECLINES = (
    rf"(?:{_SORRY},?\s+(?:but\s+)?)?i (?:must |have to |need to |will have to )?(?:respectfully )?"
    r"(?:decline|refuse) (?:to|this|that|your)"
)
REFUSAL_PHRASES = (
    _UNABLE,
    _DECLINES,
    rf"{_SORRY},? (?:but )?(?:that|this|your request) (?:is not something|isn['’]t something|goes against|violates)",
    r"(?:this|that|your) (?:request|content|prompt) (?:violates|goes against) (?:my|our|the)",
)
"""Patterns a refusing answer begins with, after quotes and spaces, in English and in any case."""

_STARTS = re.compile(r"[\s\"'*“>]{0,20}(?:" + "|".join(REFUSAL_PHRASES) + r")", re.IGNORECASE)


def looks_refused(reply: ChatReply) -> str | None:
    """Why the reply is a refusal, or None if nothing says so.

    In this order: the provider marked a refusal, the finish reason says refusal or content filter,
    the visible answer begins with one of `REFUSAL_PHRASES`. An answer that declines in other words or
    in another language is not noticed; one that says it lacks data ("I cannot determine …") is an answer.
    """
    if (marked := reply.refusal) is not None:
        return f"the model refused: {marked[:200]}" if marked else "the model refused"
    if reply.finish is FinishReason.REFUSAL:
        return "the model refused"
    if reply.finish is FinishReason.CONTENT_FILTER:
        return "a content filter cut the answer off"
    found = _STARTS.match(reply.text[:_START_CHARS])
    return f"begins with {found[0].strip()!r}" if found else None
