"""Name columns with slips of the machine kind -> the columns as they were meant, and what was repaired.

Words written together (JohnSmith), digits read for letters (Sm1th), the legal form of a company, `c/o` and whom.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rules.names_vietnamese import has_vietnamese_marks, is_syllable
from rules.text import read_sections

_COMPANIES = "|".join(
    sorted((re.escape(word) for word in read_sections("name_words.txt")["companies"]), key=len, reverse=True)
)
_COMPANY = re.compile(rf"(?<![^\s,.(])(?:{_COMPANIES})(?![^\s,.)])", re.IGNORECASE)
# At least three letters before the capital: McDonald, DeShawn and LaToya are one word, and so is MacDonald.
_GLUED = re.compile(r"(?<=[^\W\d_A-Z]{2})(?=[A-Z\u00c0-\u00de][^\W\d_A-Z])")
_WHOLE = re.compile(r"(?:mac|van|von|del|fitz|san|ter)\b", re.IGNORECASE)
_DIGIT_IN_WORD = re.compile(r"(?<=[^\W\d_])[0135](?=[^\W\d_])")
# Words around the name of the person: in care of another, of somebody dead.
_AROUND = re.compile(
    r"\s*\b(?:c/o|care of|attn:?|fao)\s.*$|^(?:the\s+)?estate of\s+"
    r"|\s*\((?:deceased|dec'?d|minor|retired|rip)\)|\bdeceased$",
    re.IGNORECASE,
)
# A household goes by its family name or by one of its people: Smith Family, Gia đình anh Tuấn, خانواده رضایی.
_HOUSEHOLD = re.compile(
    r"(?:the )?([^\W\d_]+(?: [^\W\d_]+)?) (?:family|household)"
    r"|(?:gia đình|gia dinh|خانواده)(?: (?:ông|bà|anh|chị|cô|chú|آقای|خانم))? (.+)",
    re.IGNORECASE,
)
_LETTER_OF = {"0": "o", "1": "i", "3": "e", "5": "s"}


def repair(columns: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The columns repaired, and the reasons: `name.corrected`, `name.organisation`, `name.two_people`."""
    household = _HOUSEHOLD.fullmatch(columns["full"]) if len(columns) == 1 and "full" in columns else None
    if household is not None:
        named = household[1] or household[2]
        return {"full" if " " in named else "family": named}, ("name.two_people",)
    issues = set[str]()
    repaired = {}
    for part, written in columns.items():
        text = _spaced(written) if "-" in written and has_vietnamese_marks(written) else written
        alone = _AROUND.sub("", text)
        issues |= set() if alone in (text, "") else {"name.corrected"}
        apart = " ".join(map(_unglued, (alone or text).split()))
        spelt = _DIGIT_IN_WORD.sub(lambda match: _LETTER_OF[match[0]], apart)
        issues |= set() if spelt == apart else {"name.corrected"}
        person = " ".join(_COMPANY.sub(" ", spelt).split()).strip(" ,")
        issues |= set() if person == spelt.strip(" ,") else {"name.organisation"}
        if person:
            repaired[part] = person if person != spelt.strip(" ,") else spelt
    return repaired, tuple(sorted(issues))


def _spaced(text: str) -> str:
    """Vietnamese syllables that hyphens join, as old papers and passports write them, apart: Nguyễn-Văn-Hùng."""
    words = [word.split("-") for word in text.split()]
    return " ".join(" ".join(parts) if all(map(is_syllable, parts)) else "-".join(parts) for parts in words)


def is_glued(word: str) -> bool:
    """Whether the word seems to be two names written together."""
    return _unglued(word) != word


def _unglued(word: str) -> str:
    apart = _GLUED.sub(" ", word)
    return word if apart == word or _WHOLE.match(apart) else apart
