"""Vietnamese names: which word is the surname, native spelling with tones, a sound code."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from rules.text import ascii_fold, read_sections

_MARKS = re.compile("[ăđơưĂĐƠƯ\u1ea0-\u1ef9]")
_SYLLABLE = re.compile(
    r"(?:ngh?|nh|th|tr|ch|ph|kh|gh|gi|qu|[bcdghklmnprstvx])?[aeiouy]{1,3}(?:ng|nh|ch|[cmnpt])?", re.ASCII
)
# Both places of the tone mark on oa, oe, uy are in use (hòa, hoà): the compare form has it on the last vowel.
_TONES = {
    old: new
    for olds, news in (
        ("òa óa ỏa õa ọa", "oà oá oả oã oạ"), ("òe óe ỏe õe ọe", "oè oé oẻ oẽ oẹ"),
        ("ùy úy ủy ũy ụy", "uỳ uý uỷ uỹ uỵ"),
    )
    for old, new in zip(olds.split(), news.split(), strict=True)
}  # fmt: skip
_OLD_TONES = re.compile("|".join(_TONES))
# Old Vietnamese fonts typed the Icelandic ð and the African ɖ, whose capitals look like Đ.
_LIKE_D = str.maketrans("ðɖ", "đđ")


def native_form(text: str) -> str:
    """The lower-case name with the tone mark of oa, oe, uy always on the last vowel, and one letter đ."""
    text = text.lower().translate(_LIKE_D)
    return text if text.isascii() else _OLD_TONES.sub(lambda match: _TONES[match[0]], text)


_WORDS = read_sections("vietnamese_names.txt")
_STRONG = frozenset(native_form(name) for name in _WORDS["strong surnames"])
_SURNAMES = _STRONG | {native_form(name) for name in _WORDS["surnames"]}
_STRONG_ASCII = frozenset(map(ascii_fold, _STRONG))
_SURNAMES_ASCII = frozenset(map(ascii_fold, _SURNAMES))
# Without marks and outside Vietnam, le, do, ho or vo may be a word of any language.
_TELLING_ASCII = frozenset(name for name in _STRONG_ASCII if len(name) > 3) | {"ngo", "bui"}
_GIVEN = frozenset(native_form(name) for line in _WORDS["given names"] for name in line.split())
_GIVEN_ASCII = frozenset(map(ascii_fold, _GIVEN))
_DOUBLE = frozenset(ascii_fold(native_form(name)) for name in _WORDS["double surnames"])


def has_vietnamese_marks(text: str) -> bool:
    """Whether the text holds a letter that, among names, only Vietnamese ones have."""
    return not text.isascii() and _MARKS.search(text) is not None


@lru_cache(maxsize=65536)
def _is_in(word: str, *, strong: bool) -> bool:
    native = native_form(word)
    if native.isascii():
        return native in (_STRONG_ASCII if strong else _SURNAMES_ASCII)
    return native in (_STRONG if strong else _SURNAMES)


def is_given(native: str) -> bool:
    """Whether the native form is a Vietnamese given name; without marks, whether one folds to it."""
    return native in (_GIVEN_ASCII if native.isascii() else _GIVEN)


@lru_cache(maxsize=65536)
def is_syllable(word: str) -> bool:
    """Whether the word could be one Vietnamese syllable, marks aside."""
    return _SYLLABLE.fullmatch(ascii_fold(word).lower()) is not None


def is_surname(word: str) -> bool:
    """Whether the word is a Vietnamese surname; a word without marks may be any name that folds to it."""
    return _is_in(word, strong=False)


def is_strong(word: str) -> bool:
    """Whether the word is a surname that is hardly ever a given name."""
    return _is_in(word, strong=True)


def is_telling_surname(word: str) -> bool:
    """Whether the word, with its marks or even without, is a Vietnamese surname and hardly anything else."""
    return word.lower() in _TELLING_ASCII if word.isascii() else native_form(word) in _STRONG


def surname_length(words: Sequence[str]) -> int:
    """How many leading words the surname has."""
    return 2 if len(words) > 2 and ascii_fold(" ".join(words[:2])).lower() in _DOUBLE else 1


def surname_first(words: Sequence[str], *, in_vietnam: bool, marked: bool) -> bool | None:
    """Whether a Vietnamese name starts with its surname; None when the name is not Vietnamese.

    Without country and marks only a telling surname (nguyen, tran...) among Vietnamese syllables decides.
    """
    first, last = words[0], words[-1]
    if not in_vietnam and not marked:
        return _order_by_telling_surname(words)
    if is_surname(first):
        return _is_in(first, strong=True) or not _is_in(last, strong=True)
    if is_surname(last):
        return False
    # In Vietnam one word of a longer name may be mistyped and so no syllable: most often the surname.
    strange = sum(not is_syllable(word) for word in words)
    return True if strange <= (1 if in_vietnam and len(words) > 2 else 0) else None


def _order_by_telling_surname(words: Sequence[str]) -> bool | None:
    first, last = is_telling_surname(words[0]), is_telling_surname(words[-1])
    if not (first or last) or not all(map(is_syllable, words)):
        return None
    return first


# What Vietnamese ears and keyboards confuse: tr/ch, s/x, d/gi/r, l/n, -n/-ng/-nh, -t/-c/-ch, y/i.
_SOUND_ONSETS = (
    ("ngh", "g"), ("ng", "g"), ("nh", "n"), ("tr", "c"), ("ch", "c"), ("th", "t"), ("ph", "f"), ("kh", "k"),
    ("gh", "g"), ("gi", "di"), ("qu", "ku"), ("q", "k"), ("c", "k"), ("s", "x"), ("r", "d"), ("l", "n"),
)  # fmt: skip
_SOUND_ENDS = re.compile(r"(?:ng|nh)\b|(?:ch|c)\b")


@lru_cache(maxsize=65536)
def vietnamese_sound(word: str) -> str:
    """A code equal for syllables (in ASCII letters) that are often written for one another."""
    word = _SOUND_ENDS.sub(lambda match: "n" if match[0][0] == "n" else "t", word.replace("y", "i"))
    for onset, code in _SOUND_ONSETS:
        if word.startswith(onset):
            word = code + word[len(onset) :]
            break
    return word.replace("ii", "i")
