"""Any text -> tidy text to show, and plain ASCII forms to compare.

Invariant: a compare form holds a-z, 0-9 and single spaces only, and is never empty (None instead), so that DuckDB,
Spark and Python agree on every similarity computed from it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from anyascii import anyascii

from rules.outcome import ABSENT, Context, Outcome

TEXT_INPUTS = ("value",)
TEXT_CLEAN = ("value",)
TEXT_COMPARE = ("value", "tokens")

ZWNJ = "\u200c"
_DATA = Path(__file__).parent / "data"

# Zero-width and bidi marks, soft hyphen, tatweel, variation selectors. ZWNJ is no noise: Persian spelling needs it.
_INVISIBLE = [0xAD, 0x61C, 0x640, 0x180E, 0x200B, *range(0x200D, 0x2010), *range(0x202A, 0x202F), 0xFEFF]
_INVISIBLE += [*range(0x2060, 0x2070), *range(0xFE00, 0xFE10)]
_TIDY: dict[int, str | None] = dict.fromkeys(_INVISIBLE)
# Keyboards for Arabic type another ye and kaf than Persian ones; both look alike on paper.
_TIDY |= {ord("ي"): "ی", ord("ى"): "ی", ord("ك"): "ک", ord("’"): "'", ord("‘"): "'", ord("ʼ"): "'", ord("＇"): "'"}
_TIDY |= {ord("‐"): "-", ord("‑"): "-", ord("–"): "-", ord("—"): "-"}
_DIGITS = {zero + i: str(i) for zero in (0x6F0, 0x660) for i in range(10)}
# Spelling differences that carry no meaning between two writings of one Persian name; harakat are seldom written.
_PERSIAN_FOLD: dict[int, str | None] = dict.fromkeys([*range(0x64B, 0x653), 0x654, 0x655, 0x670, ord("ء")])
_PERSIAN_FOLD |= {ord(c): "ا" for c in "آأإٱ"} | {ord("ؤ"): "و", ord("ئ"): "ی", ord("ة"): "ه", ord("ۀ"): "ه"}
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_SPACES_AROUND_ZWNJ = re.compile(rf"\s*{ZWNJ}+\s+|\s+{ZWNJ}+|^{ZWNJ}+|{ZWNJ}+$")


def read_lines(name: str) -> list[list[str]]:
    """The words of each line of a data file; `#` opens a comment."""
    lines = (_DATA / name).read_text(encoding="utf-8").splitlines()
    return [words for line in lines if (words := line.partition("#")[0].split())]


def read_sections(name: str) -> dict[str, list[str]]:
    """The entries under each `[section]` of a data file, one entry a line."""
    sections: dict[str, list[str]] = {}
    for line in (_DATA / name).read_text(encoding="utf-8").splitlines():
        entry = line.partition("#")[0].strip()
        if entry.startswith("["):
            entries = sections.setdefault(entry.strip("[]"), [])
        elif entry:
            entries.append(entry)
    return sections


# Letters that look alike in Latin, Cyrillic and Greek, in this order.
_LOOK_ALIKE = (
    ("aceopxyisj", "асеорхуіѕј", ""), ("ABCEHIJKMOPSTXY", "АВСЕНІЈКМОРЅТХУ", ""), ("ov", "", "ον"),
    ("ABEHIKMNOPTXYZ", "", "ΑΒΕΗΙΚΜΝΟΡΤΧΥΖ"),
)  # fmt: skip
_TO_LATIN = {
    ord(other): latin
    for letters, *scripts in _LOOK_ALIKE
    for others in scripts
    for latin, other in zip(letters, others, strict=False)
}
_TO_CYRILLIC = {
    ord(latin): other for letters, others, _ in _LOOK_ALIKE for latin, other in zip(letters, others, strict=False)
}
_MIXED = re.compile(r"[A-Za-z][\u0370-\u04ff]|[\u0370-\u04ff][A-Za-z]")
_WORD = re.compile(r"[^\W\d_]+")


def _unmixed(word: str) -> str:
    """The word in the script of most of its letters, when all others only look like letters of that script."""
    latin = sum(letter < "\u0370" for letter in word)
    table = _TO_LATIN if 2 * latin >= len(word) else _TO_CYRILLIC
    changed = word.translate(table)
    return word if _MIXED.search(changed) else changed


def tidy(text: str) -> str:
    """The text to show: NFKC, no invisible marks, Persian ye and kaf, straight quotes and dashes, single spaces.

    A word that mixes scripts by letters that look alike (Latin John with a Cyrillic o) comes out in one.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(_TIDY)
        if _MIXED.search(text):
            text = _WORD.sub(lambda match: _unmixed(match[0]) if _MIXED.search(match[0]) else match[0], text)
        if ZWNJ in text:
            text = _SPACES_AROUND_ZWNJ.sub(" ", text)
    return " ".join(text.split())


def ascii_digits(text: str) -> str:
    """The text with Persian and Arabic digits as 0-9."""
    return text if text.isascii() else text.translate(_DIGITS)


def fold_persian(text: str) -> str:
    """The text without the spelling differences that Persian writers leave to taste (آ and ا, ئ and ی, vowel marks)."""
    return text.translate(_PERSIAN_FOLD)


def _latin_table() -> dict[int, str]:
    """Every accented Latin letter -> its ASCII letters: one translate call does all of Vietnamese and Europe."""
    codes = [*range(0xC0, 0x250), *range(0x1E00, 0x1F00)]
    return {code: folded for code in codes if (folded := anyascii(chr(code))).isascii()}


# The Belarusian short u stands where Russian, Ukrainian and Polish have v: Паўлавіч is Павлович.
_LATIN = _latin_table() | _DIGITS | {ord("ў"): "v", ord("Ў"): "V"}
_SYMBOLS = frozenset({"So", "Sm", "Sk"})
_COMBINING = re.compile("[\u0300-\u036f]+")


def ascii_fold(text: str) -> str:
    """The text in ASCII letters: accents dropped, đ as d, other scripts transliterated. May come out empty."""
    if text.isascii():
        return text
    folded = text.translate(_LATIN)
    if folded.isascii():
        return folded
    composed = _COMBINING.sub("", unicodedata.normalize("NFC", folded).translate(_LATIN))
    # anyascii spells symbols out (an emoji becomes "slight smile"): that would be words nobody wrote.
    return str(anyascii("".join([" " if unicodedata.category(c) in _SYMBOLS else c for c in composed])))


def compare_key(text: str) -> str | None:
    """The words of the text in lower-case ASCII with single spaces, or None when no letter or digit is in it."""
    if not text.isascii():
        text = ascii_fold(unicodedata.normalize("NFKC", text).translate(_TIDY).replace(ZWNJ, " "))
    return _NOT_WORD.sub(" ", text.lower().replace("'", "").replace("`", "")).strip() or None


_SCRIPTS = (
    ("latin", 0x41, 0x24F), ("latin", 0x1E00, 0x1EFF), ("greek", 0x370, 0x3FF), ("cyrillic", 0x400, 0x52F),
    ("armenian", 0x530, 0x58F), ("hebrew", 0x590, 0x5FF), ("arabic", 0x600, 0x77F), ("arabic", 0xFB50, 0xFEFC),
    ("devanagari", 0x900, 0x97F), ("thai", 0xE00, 0xE7F), ("georgian", 0x10A0, 0x10FF), ("khmer", 0x1780, 0x17FF),
    ("kana", 0x3040, 0x30FF), ("han", 0x3400, 0x9FFF), ("hangul", 0xAC00, 0xD7AF),
)  # fmt: skip


@lru_cache(maxsize=4096)
def _script_of_letter(letter: str) -> str:
    code = ord(letter)
    return next((name for name, low, high in _SCRIPTS if low <= code <= high), "other")


def script_of(text: str) -> str | None:
    """The script most letters are in (`latin`, `arabic`, `cyrillic`, `han`...), or None without letters.

    On a tie the script that comes first in the alphabet, so the order of the words does not matter.
    """
    letters = [c for c in text if c.isalpha()]
    if not letters or text.isascii():
        return "latin" if letters else None
    counts: dict[str, int] = {}
    for letter in letters:
        name = _script_of_letter(letter)
        counts[name] = counts.get(name, 0) + 1
    return min(counts, key=lambda name: (-counts[name], name))


# One code letter per consonant sound that Persian and its Latin spellings share. Control characters stand for the
# digraphs until every single letter is coded, so that a plain x, w or c is not taken for kh, sh or ch.
_DIGRAPHS = (
    ("tch", "\4"), ("kh", "\1"), ("gh", "\3"), ("sh", "\2"), ("ch", "\4"), ("zh", "j"), ("ph", "f"), ("th", "t"),
)  # fmt: skip
_LATIN_CODES: dict[int, str | None] = dict.fromkeys(map(ord, "aeiouy"))
_LATIN_CODES |= {ord("x"): "ks", ord("w"): "v", ord("c"): "k", 1: "x", 2: "w", 3: "q", 4: "c"}
_ARABIC_CODES: dict[int, str | None] = {
    ord(letter): code
    for letters, code in (
        ("ب", "b"), ("پ", "p"), ("تط", "t"), ("ثسص", "s"), ("ج", "j"), ("ژ", "j"), ("چ", "c"), ("حه", "h"),
        ("خ", "x"), ("د", "d"), ("ذزضظ", "z"), ("ر", "r"), ("ش", "w"), ("غق", "q"), ("ف", "f"), ("ک", "k"),
        ("گ", "g"), ("ل", "l"), ("م", "m"), ("ن", "n"), ("اعی", None),
    )
    for letter in letters
}  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u")
_REPEATED = re.compile(r"(.)\1+")
_NOT_LETTER = re.compile("[^a-z]+")
_LATIN_SILENT = re.compile(r"(?<=[aeiou])h\b|(?<=o)w(?![aeiou])")
# vav is v at the start, beside alef, before a final ye or before a ye without alef; else it is the vowel u.
_VAV_CONSONANT = re.compile(r"\bو|(?<=ا)و|و(?=ا|ی\b|ی[^ا\s])")
_ARABIC_SILENT = re.compile(r"ه\b|(?<=خ)و(?=ا)")


def consonant_skeleton(text: str) -> str | None:
    """The consonants of a name as code letters, the same for a Persian writing and its usual Latin spellings.

    Two names may share one (Hassan and Hossein): it compares names across scripts and never says they are equal.
    None when nothing is left.
    """
    is_arabic = not text.isascii() and script_of(text) == "arabic"
    code = _arabic_skeleton(text) if is_arabic else _latin_skeleton(text)
    return _REPEATED.sub(r"\1", code) or None


def _latin_skeleton(text: str) -> str:
    text = _LATIN_SILENT.sub("", ascii_fold(text).lower())
    start = "y" if text.startswith("y") else "a" if text.startswith(_VOWELS) else ""
    if "h" in text:
        for pair, mark in _DIGRAPHS:
            text = text.replace(pair, mark)
    code = text.translate(_LATIN_CODES)
    return start + (code if code.isalpha() else _NOT_LETTER.sub("", code))


def _arabic_skeleton(text: str) -> str:
    text = fold_persian(tidy(text)).replace(ZWNJ, "")
    text = _VAV_CONSONANT.sub("v", _ARABIC_SILENT.sub("", text))
    start = "y" if text[:1] == "ی" else "a" if text[:1] in ("ا", "ع") else ""
    return start + _NOT_LETTER.sub("", text.translate(_ARABIC_CODES))


def standardise_text(raw: Mapping[str, str], context: Context, options: Mapping[str, str]) -> tuple[Outcome, ...]:
    """Tidy text with its folded form and words; nothing for an empty value."""
    value = tidy(raw.get("value", ""))
    key = compare_key(value)
    if key is None:
        return ()
    return (Outcome({"value": value}, {"value": (key,), "tokens": tuple(dict.fromkeys(key.split()))}),)


def refused(*issues: str) -> tuple[Outcome, ...]:
    """The answer of a standardiser that cannot use a value: no clean or compare values, only the reasons."""
    return (Outcome(ABSENT.clean, ABSENT.compare, issues),)
