"""Persian names, in Persian script or Latin letters -> one canonical romanisation.

محمدی, Mohammadi and Mohamadi all become `mohammadi`: by a map of known names, by composing a known name with an
ending (-i, -zadeh, -pour), else letter by letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from rules.text import ZWNJ, fold_persian, read_lines, read_sections

_REPEATED = re.compile(r"(.)\1+")
_FINAL_AEI = re.compile(r"a(?:y?ei|ie|y?ee|y?i|ey)$")
_FINAL_EI = re.compile(r"(?:ie|e|ee|i)ei$|iee$|eei$")
_SEPARATORS = str.maketrans(dict.fromkeys(f"{ZWNJ} -'"))


def squeeze(native: str) -> str:
    """The folded, lower-case name without spaces, ZWNJ and hyphens: the same for every writing of a compound."""
    return fold_persian(native).translate(_SEPARATORS).lower()


@lru_cache(maxsize=65536)
def spelling_key(word: str) -> str:
    """A Latin spelling without the choices its writer had: doubled letters, ou/oo/u/o, gh/q, ei/ey, final eh/e."""
    word = _FINAL_EI.sub("i", _FINAL_AEI.sub("A", word))
    for spelling, sound in _KEY_STEPS:
        word = word.replace(spelling, sound)
    if word.endswith(("eh", "ah")):
        word = word[:-2] + "e"
    return _REPEATED.sub(r"\1", word)


_KEY_STEPS = (
    ("ow", "u"), ("o", "u"), ("ee", "i"), ("zh", "j"), ("q", "gh"), ("w", "v"),
    ("ey", "ei"), ("ay", "ei"), ("ai", "ei"), ("y", "i"),
)  # fmt: skip


def _by_key(lines: Sequence[Sequence[str]]) -> dict[str, str]:
    """Spelling key -> canonical romanisation; the name listed first, the commoner one, keeps a shared key."""
    table: dict[str, str] = {}
    for _, canonical, *spellings in lines:
        for spelling in (canonical, *spellings):
            table.setdefault(spelling_key(spelling), canonical)
    return table


_GIVEN_SECTIONS = {sex: [line.split() for line in lines] for sex, lines in read_sections("persian_given.txt").items()}
_GIVEN_LINES = [line for lines in _GIVEN_SECTIONS.values() for line in lines]
_SEX = {line[1]: sex for sex, lines in _GIVEN_SECTIONS.items() for line in lines}
_FAMILY_LINES = read_lines("persian_family.txt")
_PARTS = read_sections("persian_parts.txt")
_GIVEN_SCRIPT = {squeeze(line[0]): line[1] for line in _GIVEN_LINES}
_FAMILY_SCRIPT = {squeeze(line[0]): line[1] for line in _FAMILY_LINES}
_SCRIPT = _FAMILY_SCRIPT | _GIVEN_SCRIPT
_GIVEN_LATIN = {spelling: line[1] for line in reversed(_GIVEN_LINES) for spelling in line[1:]}
_GIVEN_KEYS = _by_key(_GIVEN_LINES)
_FAMILY_KEYS = _by_key(_FAMILY_LINES)
_ENDINGS = [entry.split() for entry in _PARTS["endings"]]
_OPENINGS = [entry.split() for entry in _PARTS["openings"]]
_LATIN_ENDINGS = sorted(
    ((spelling, line[1]) for line in _ENDINGS for spelling in line[1:]), key=lambda pair: (-len(pair[0]), pair)
)
_JOINED = frozenset(word for line in _ENDINGS if line[0] in _PARTS["joined"] for word in line)
_SAYYID = frozenset(_PARTS["sayyid"])


def is_sayyid(word: str) -> bool:
    """Whether the word is seyed or sadat: written before or after a given name, and as often left out."""
    return word in _SAYYID or word.lower() in _SAYYID


@lru_cache(maxsize=65536)
def romanise(squeezed: str) -> str:
    """The canonical romanisation of one squeezed Persian name."""
    return _SCRIPT.get(squeezed) or _compose(squeezed) or spell(squeezed)


def _compose(word: str) -> str | None:
    """A known name with an ending or an opening, or two known names in one; None when it is built otherwise."""
    for ending, latin, *_ in _ENDINGS:
        stem = word[: -len(ending)]
        if word.endswith(ending) and len(stem) > 1 and (len(ending) > 1 or stem in _SCRIPT or _compose(stem)):
            return romanise(stem) + latin
    for opening, latin, *_ in _OPENINGS:
        rest = word[len(opening) :]
        if word.startswith(opening) and (rest in _SCRIPT or rest[:-1] in _SCRIPT):
            return latin + romanise(rest)
    for cut in range(2, len(word) - 2):
        tail = word[cut:]
        if tail in _SCRIPT and (len(tail) > 4 or word[:cut] in _SCRIPT):
            return romanise(word[:cut]) + _SCRIPT[tail]
    return None


_CONSONANTS = {
    letter: sound
    for letters, sound in (
        ("ب", "b"), ("پ", "p"), ("تط", "t"), ("ثسص", "s"), ("ج", "j"), ("چ", "ch"), ("حه", "h"), ("خ", "kh"),
        ("د", "d"), ("ذزضظ", "z"), ("ر", "r"), ("ژ", "zh"), ("ش", "sh"), ("غق", "gh"), ("ف", "f"), ("ک", "k"),
        ("گ", "g"), ("ل", "l"), ("م", "m"), ("ن", "n"),
    )
    for letter in letters
}  # fmt: skip


def _sounds(word: str) -> Iterator[str]:
    """The sound of each letter; vav and ye as vowel or consonant by their neighbours."""
    for i, letter in enumerate(word):
        before, after = word[i - 1 : i], word[i + 1 : i + 2]
        if letter == "و":
            consonant = not before or "ا" in (before, after) or (after == "ی" and word[i + 2 : i + 3] != "ا")
            yield "v" if consonant else "ou"
        elif letter == "ی":
            yield "y" if not before or after in ("ا", "و") else "i"
        elif letter == "ه" and not after and before not in ("", "ا", "و", "ی"):
            yield "eh"
        elif letter in ("ا", "ع"):
            yield "a" if letter == "ا" or not before else ""
        else:
            yield _CONSONANTS.get(letter, "")


def spell(word: str) -> str:
    """The word letter by letter, with an `a` where Persian cannot do without a vowel: after a first consonant
    that another follows, and after the second of three in a row.
    """
    spelt, run, allowed = "", 0, 1
    for sound in _sounds(word):
        if not sound or sound[0] in "aeiou":
            run, allowed = 0, 2
        elif run == allowed:
            spelt, run, allowed = spelt + "a", 1, 2
        else:
            run += 1
        spelt += sound
    return spelt


@lru_cache(maxsize=65536)
def canonical_given(word: str) -> str | None:
    """The canonical romanisation of a Persian given name in lower-case Latin letters, or None when it is unknown."""
    return _GIVEN_LATIN.get(word) or _GIVEN_KEYS.get(spelling_key(word))


@lru_cache(maxsize=65536)
def canonical_family(word: str) -> str | None:
    """The canonical romanisation of a Persian family name in lower-case Latin letters, or None when it is unknown."""
    known = _FAMILY_KEYS.get(spelling_key(word)) or canonical_given(word)
    return known or next(_latin_compositions(word), None)


def _latin_compositions(word: str) -> Iterator[str]:
    for spelling, ending in _LATIN_ENDINGS:
        if word.endswith(spelling) and len(word) - len(spelling) > 2:
            stem = canonical_given(word[: -len(spelling)]) or _FAMILY_KEYS.get(spelling_key(word[: -len(spelling)]))
            if stem is not None:
                yield stem + ending


def exact_given(word: str) -> str | None:
    """As `canonical_given`, by the listed spellings only: quick, for names of any country."""
    return _GIVEN_LATIN.get(word)


def sex_of(canonical: str) -> str | None:
    """male or female: who bears the Persian given name in its canonical romanisation; None when it is unknown."""
    return _SEX.get(canonical)


@lru_cache(maxsize=65536)
def is_given(word: str) -> bool:
    """Whether the word, in either script, is a known Persian given name."""
    squeezed = squeeze(word)
    return canonical_given(squeezed) is not None if squeezed.isascii() else squeezed in _GIVEN_SCRIPT


@lru_cache(maxsize=65536)
def is_family(word: str) -> bool:
    """Whether the word, in either script, is a Persian family name known or composed of known parts."""
    squeezed = squeeze(word)
    if squeezed.isascii():
        return canonical_family(squeezed) is not None and canonical_given(squeezed) is None
    return squeezed in _FAMILY_SCRIPT or (squeezed not in _GIVEN_SCRIPT and _compose(squeezed) is not None)


def join_endings(words: Sequence[str]) -> list[str]:
    """The words, with an ending that stands apart (hassan zadeh) in one entry with the word before."""
    joined: list[str] = []
    for word in words:
        if joined and word.lower() in _JOINED:
            joined[-1] += f" {word}"
        else:
            joined.append(word)
    return joined


def given_length(words: Sequence[str]) -> int:
    """How many leading words make up a known given name, seyed and sadat included; 0 when none is known."""
    start = 1 if len(words) > 1 and is_sayyid(words[0]) else 0
    rest = words[start:]
    if len(rest) > 1 and is_given(rest[0] + rest[1]):
        return start + 2
    if not rest or not is_given(rest[0]):
        return start
    return start + (2 if len(rest) > 1 and is_sayyid(rest[1]) else 1)


def _trailing_given_length(words: Sequence[str]) -> int:
    return next((size for size in (3, 2, 1) if size < len(words) and given_length(words[-size:]) == size), 0)


def split_full(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Given and family words of a whole name.

    Forms write both orders: a known given name at the end, without one at the start, or behind a known family name,
    turns the order.
    """
    words = join_endings(words)
    front, back = given_length(words), _trailing_given_length(words)
    if back and (front == 0 or (is_family(words[0]) and not is_given(words[0]))):
        return words[-back:], words[:-back]
    if not front and not back and len(words) == 2 and is_family(words[0]) and not is_family(words[1]):
        return words[1:], words[:1]
    size = front if 0 < front < len(words) else 1
    return words[:size], words[size:]
