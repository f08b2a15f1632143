"""What in a text belongs to somebody: keys, e-mail addresses, cards, accounts, telephone numbers. Each is replaced by its kind.

Where a check digit exists it decides, so an order number stays readable. Where none does, the form decides,
and in doubt for hiding. Numbers of cards pass Luhn's test (ISO/IEC 7812-1, annex B), accounts ISO 13616's
remainder of 1 modulo 97 and their country's length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import get_args

from pointsman.core.bodies import SensitiveKind

__all__ = ["SECRET_NAMES", "SENSITIVE", "luhn_holds"]

# A word begins here, or after an escape that was not resolved, as in the text `\n0171 …`.
_BEGIN = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrtbf]))"
_KEYS = tuple(
    re.compile(pattern)
    for pattern in (
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?s:.*?)(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
        _BEGIN + r"eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,3}",  # JWT and JWE
        _BEGIN + r"(?:sk|pk|rk|pm|gsk|hf|xai|nvapi|glpat|npm|ghp|gho|ghu|ghs|ghr|github_pat|pplx|r8)[-_][A-Za-z0-9_-]{16,}",
        _BEGIN + r"xox[a-z]-[A-Za-z0-9-]{10,}",
        _BEGIN + r"(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9])",
        _BEGIN + r"AIza[A-Za-z0-9_-]{30,}",
        r"(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/-]{8,}={0,2}",
        r"(?<=://)[^\s/:@\"']{1,128}:[^\s/@\"']{1,256}(?=@)",
    )
)
# `password = "…"`, `AWS_SECRET_ACCESS_KEY: …`, `"api_key\": \"…`
_ASSIGNED = re.compile(
    r"(?i)((?:secret_?access_?key|api[_-]?key|client_?secret|access_?token|refresh_?token|auth_?token|password|passwd|secret)"
    r"[\"'\\]{0,4}\s{0,3}[:=]{1,2}\s{0,3}[\"'\\]{0,4})([^\s\"'\\,;(){}<>‹›]{8,})"
)
_EMAIL = re.compile(r"[\w.+%'-]{1,64}(?:@|%40)(?:[\w-]{1,63}\.){1,8}[^\W\d_][\w-]{1,62}")
_DIGITS = re.compile(r"\d+(?:[\s.–-]{1,3}\d+)*")
_DIGIT_GROUP = re.compile(r"\d+")
_ACCOUNT = re.compile(_BEGIN + r"([A-Za-z]{2})(\d{2})")
_PHONES = (
    re.compile(_BEGIN + r"(?:\+|00) ?[1-9](?:[\s().–/-]{0,3}\d){6,14}(?!\d)"),
    re.compile(r"(?:(?<![\w.,–-])|(?<=\\[nrtbf]))\(?0\d{1,5}\)?(?:[ \u00a0/–-]{1,3}\d{2,8}){1,5}(?![\w-])"),
    re.compile(r"(?:(?<![\w.–-])|(?<=\\[nrtbf]))(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])"),
)
_DATE = re.compile(r"\d{1,2}[/ –-]\d{1,2}[/ –-](?:\d{2}|\d{4})")
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15

SECRET_NAMES = frozenset(
    {"password", "passwd", "secret", "apikey", "accesstoken", "refreshtoken", "authtoken", "authorization", "clientsecret",
     "privatekey", "secretaccesskey", "xapikey"}
)  # fmt: skip
"""Names of JSON members whose text is hidden as a key whatever it looks like; small letters, without `_` and `-`."""


def luhn_holds(digits: str) -> bool:
    """Whether the last digit is the check digit of those before it."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _keys(text: str) -> str:
    for pattern in _KEYS:
        text = pattern.sub("‹key›", text)
    return _ASSIGNED.sub(r"\1‹key›", text)


def _emails(text: str) -> str:
    return _EMAIL.sub("‹email›", text) if "@" in text or "%40" in text else text


def _cards(text: str) -> str:
    return _DIGITS.sub(lambda run: _without_cards(run[0]), text)


def _without_cards(run: str) -> str:
    """A run of numbers without those of cards, which may stand next to other numbers."""
    if len(run) < 13:
        return run
    groups = [m.span() for m in _DIGIT_GROUP.finditer(run)]
    out, begin, at = [], 0, 0
    while at < len(groups):
        last = _card_end(run, groups, at)
        if last is None:
            at += 1
            continue
        out += [run[begin : groups[at][0]], "‹card›"]
        begin, at = groups[last][1], last + 1
    return "".join([*out, run[begin:]])


def _card_end(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """Index of the last group of a card's number that begins with this one; None if none does.

    In groups it is written as four digits and then three or more a group; anything else is not how cards are written.
    """
    digits = ""
    for last in range(first, len(groups)):
        start, end = groups[last]
        digits += run[start:end]
        if len(digits) > 19 or (last > first and end - start < 2) or (last > first and groups[first][1] - groups[first][0] != 4):
            return None
        if len(digits) >= 13 and int(digits[0]) in (2, 3, 4, 5, 6, 8) and luhn_holds(digits):
            return last
    return None


def _accounts(text: str) -> str:
    out, begin = [], 0
    for head in _ACCOUNT.finditer(text):
        end = _account_end(text, head) if head.start() >= begin else None
        if end is not None:
            out += [text[begin : head.start()], "‹iban›"]
            begin = end
    return "".join([*out, text[begin:]]) if out else text


def _account_end(text: str, head: re.Match[str]) -> int | None:
    """Where the account number that begins here ends; None if it is none."""
    length = _IBAN_LENGTHS.get(head[1].upper())
    if length is None:
        return None
    said, at = "", head.start()
    while len(said) < length and at < len(text):
        char = text[at]
        if char.isascii() and char.isalnum():
            said += char.upper()
        elif char not in " -\u00a0":
            return None
        at += 1
    if len(said) < length or (at < len(text) and text[at].isascii() and text[at].isalnum()):
        return None
    number = "".join(str(int(char, 36)) for char in said[4:] + said[:4])
    return at if int(number) % 97 == 1 else None


def _phones(text: str) -> str:
    for pattern in _PHONES:
        text = pattern.sub(_phone_or_not, text)
    return text


def _phone_or_not(found: re.Match[str]) -> str:
    digits = sum(char.isdigit() for char in found[0])
    return found[0] if _DATE.fullmatch(found[0]) or not _FEWEST_DIGITS <= digits <= _MOST_DIGITS + 2 else "‹phone›"


_COUNTRIES = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 "
    "FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 "
    "LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 "
    "RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_IBAN_LENGTHS = {country: int(length) for country, length in re.findall(r"([A-Z]{2})(\d\d)", _COUNTRIES)}
SENSITIVE: Mapping[SensitiveKind, Callable[[str], str]] = {
    "key": _keys,
    "email": _emails,
    "iban": _accounts,
    "card": _cards,
    "phone": _phones,
}
"""By kind, in the order in which they are looked for: what replaces it. Keys come first, for they may hold the others' forms."""
assert tuple(SENSITIVE) == get_args(SensitiveKind)
