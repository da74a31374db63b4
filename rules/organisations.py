"""An organisation's name -> the name to show, its core without the legal form, and what matching compares.

The core has one order of words: the name first, then the lines of business (trading, construction...), in English for
Vietnamese ones, so that `Công ty TNHH Xây dựng An Phát` and `An Phat Construction Co., Ltd` share it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from jellyfish import metaphone

from rules import names_persian as persian
from rules.names_forms import is_full_name
from rules.names_read import title_gender
from rules.names_vietnamese import has_vietnamese_marks, is_syllable, is_telling_surname, native_form
from rules.organisation_branches import branch_of, split_branch
from rules.outcome import CompareValue, Context, Outcome
from rules.text import ZWNJ, ascii_digits, ascii_fold, consonant_skeleton, fold_persian, read_sections, refused, tidy

ORGANISATION_NAME_INPUTS = ("full",)
ORGANISATION_NAME_CLEAN = ("full", "core", "legal_form")
ORGANISATION_NAME_COMPARE = (
    "core", "name", "legal", "tokens", "sorted", "acronym", "sound", "native", "skeleton",
    "branch",
)  # fmt: skip

_WORDS = read_sections("organisation_words.txt")
_WORD = re.compile(r"[^\W_]+")
_DOTTED = re.compile(r"\b(?:[^\W\d_]\.\s?){1,}[^\W\d_]\b\.?")
_APOSTROPHE = re.compile(r"'(?=s\b)|(?<=\w)'(?=\w)", re.IGNORECASE)
_INITIALS_AND = re.compile(r"(?<=\b[A-Za-z])&(?=[A-Za-z]\b)|(?<=\b[A-Za-z]{2})&(?=[A-Za-z]\b)")
_GLUED_FORM = re.compile(r"(?<=[a-z])(?=(?:AG|GmbH|LLC|Ltd|Inc|PLC|NV|BV)\b)")
_SEPARATORS = re.compile(r"[.\s]")
# Petrobras S/A, Carlsberg A/S.
_SLASHED = re.compile(r"\b([SA])/([AS])\b", re.IGNORECASE)


def _pairs(entries: Iterable[str]) -> dict[str, str]:
    return {left.strip(): right.strip() for left, _, right in (entry.partition("=") for entry in entries)}


def _spaced(entries: Iterable[str]) -> dict[str, str]:
    return {word: meaning for word, _, meaning in (entry.partition(" ") for entry in entries)}


def _phrases(table: Mapping[str, str]) -> dict[tuple[str, ...], str]:
    return {tuple(ascii_fold(phrase).lower().split()): meaning for phrase, meaning in table.items()}


def _legal_forms() -> dict[tuple[str, ...], tuple[str, ...]]:
    """The words of each form, as `Word.key` has them -> its classes."""
    return {
        tuple(_key(word) for word in form.split()): tuple(classes.split())
        for classes, forms in read_sections("legal_forms.txt").items()
        for form in forms
    }


def _sizes_by_word(forms: Iterable[tuple[str, ...]], position: int) -> dict[str, list[int]]:
    """First or last word of a form -> the lengths of the forms with it, longest first."""
    sizes: dict[str, set[int]] = {}
    for form in forms:
        sizes.setdefault(form[position], set()).add(len(form))
    return {word: sorted(lengths, reverse=True) for word, lengths in sizes.items()}


class Word(NamedTuple):
    """One word of a name.

    native: as written.
    key: as word lists hold it: ASCII for Latin letters, else the lower-case native word with Persian spelling folded.
    latin: in lower-case ASCII, romanised where needed; may hold spaces, or be empty.
    """

    native: str
    key: str
    latin: str


def _key(native: str) -> str:
    lower = fold_persian(native.lower())
    folded = ascii_fold(lower).lower()
    return folded if lower.isascii() or _is_latin(lower) else lower


def _is_latin(word: str) -> bool:
    return all(ord(letter) < 0x250 or 0x1E00 <= ord(letter) < 0x1F00 for letter in word)


_ABBREVIATIONS = _spaced(_WORDS["abbreviations"])
_PERSIAN_WORDS = {persian.squeeze(word): latin for word, latin in _spaced(_WORDS["persian words"]).items()}
_LINES = _phrases(_pairs(_WORDS["vietnamese lines"]))
_JOINED_LINES = {word: parts.split() for word, parts in _pairs(_WORDS["vietnamese abbreviations joined"]).items()}
_LINE_STARTS = frozenset(phrase[0] for phrase in _LINES).union(_JOINED_LINES)
_LINE_WORDS = frozenset(word for meaning in _LINES.values() for word in meaning.split())
_DROPPED = frozenset(_WORDS["dropped"])
_PLACEHOLDERS = frozenset(tuple(map(_key, entry.split())) for entry in _WORDS["placeholders"])
_TRADING_AS = frozenset(tuple(entry.split()) for entry in _WORDS["trading as"])
_TRADING_STARTS = frozenset(entry[0] for entry in _TRADING_AS)
_LEGAL = _legal_forms()
_ENDING_SIZES = _sizes_by_word(_LEGAL, -1)
_STARTING_SIZES = _sizes_by_word(_LEGAL, 0)
_TAILS = sorted((form[0] for form in _LEGAL if len(form) == 1 and not form[0].isascii()), key=len, reverse=True)
# In the middle of a name only forms that are no word of any language: Siemens GmbH Austria, but not Capital SA Fund.
_ANYWHERE = frozenset(
    tuple(form.split())
    for form in ("gmbh", "llc", "plc", "ltd", "tnhh", "ctcp", "sarl", "pllc", "dntn", "tmcp", "thuong mai co phan")
)
_INNER_SIZES = _sizes_by_word(_ANYWHERE, 0)
_STARTING_FORMS = ("sherkat", "sherkate", "pt", "ooo", "oao", "zao", "llc", "sarl", "sas", "eurl", "snc", "sci", "srl")
LONGEST_PERSON = 5  # words
_MIDDLE_NAMES = frozenset({"thi", "van"})
_VIETNAMESE_FORMS = ("cong", "cty", "ctcp", "dntn", "tnhh", "ct", "tap", "htx", "hop", "doanh", "dn")


# Words repeat far more than names do.
@lru_cache(maxsize=65536)
def _word(native: str) -> Word:
    key = _key(native)
    return Word(native, key, key if key.isascii() else _romanised(key))


def _romanised(key: str) -> str:
    """The word in lower-case ASCII; Persian ones by the word list, then as names are romanised."""
    if "\u0600" <= key[0] <= "\u06ff":
        squeezed = persian.squeeze(key)
        latin = _PERSIAN_WORDS.get(squeezed) or persian.romanise(squeezed)
    else:
        latin = ascii_fold(key)
    return re.sub("[^a-z0-9]+", " ", latin.lower()).strip()


def standardise_organisation_name(
    raw: Mapping[str, str], context: Context, options: Mapping[str, str]
) -> tuple[Outcome, ...]:
    """The name as one outcome, or one for each name when it says `X trading as Y`."""
    shown = tidy(raw.get("full", ""))
    words = split_words(shown)
    if not words:
        return refused("organisation.placeholder") if shown else ()
    if tuple(word.key for word in words) in _PLACEHOLDERS:
        return refused("organisation.placeholder")
    if words[-1].key == "the" and len(words) > 1:
        words = words[:-1]
    names = _split_trading_as(words)
    whole = shown if len(names) == 1 else None
    return tuple(_outcome(name, whole, context.country) for name in names)


def split_words(text: str) -> list[Word]:
    """The words of a name; dotted abbreviations (S.A.R.L.), AT&T and possessives (Macy's) as one word each."""
    if "." in text:
        text = _DOTTED.sub(lambda match: _SEPARATORS.sub("", match[0]) + " ", text)
    if "/" in text:
        text = _SLASHED.sub(r"\1\2", text)
    if "'" in text:
        text = _APOSTROPHE.sub("", text)
    if "&" in text:
        text = _INITIALS_AND.sub("", text)
    natives = _WORD.findall(_GLUED_FORM.sub(" ", ascii_digits(text.replace(ZWNJ, ""))))
    return [_word(native) for word in natives for native in _cut_tail(word)]


def _cut_tail(word: str) -> list[str]:
    """The word, and a legal form written to its end or start without a space, as Chinese and Japanese do."""
    if word.isascii() or not "\u3040" <= word[0] <= "\ud7af":
        return [word]
    for form in _TAILS:
        if word.endswith(form) and word != form:
            return [word[: -len(form)], form]
        if word.startswith(form) and word != form:
            return [form, word[len(form) :]]
    return [word]


def _split_trading_as(words: Sequence[Word]) -> list[Sequence[Word]]:
    """The names on both sides of `dba`, `trading as`, `formerly`."""
    keys = [word.key for word in words]
    if _TRADING_STARTS.isdisjoint(keys):
        return [words]
    for start in range(1, len(words) - 1):
        for size in (3, 2, 1):
            if tuple(keys[start : start + size]) in _TRADING_AS and start + size < len(words):
                return [words[:start], words[start + size :]]
    return [words]


@dataclass(frozen=True, slots=True)
class _Stripped:
    core: Sequence[Word]
    form: Sequence[Word]
    classes: tuple[str, ...]


def strip_legal_form(words: Sequence[Word]) -> _Stripped:
    """The words without legal forms at the end, the start, or, when unmistakable, inside; one word always stays."""
    core, form = list(words), list[Word]()
    classes: dict[str, None] = {}
    while len(core) > 1 and (span := _form_span(core)) is not None:
        start, end = span
        classes |= dict.fromkeys(_LEGAL[tuple(word.key for word in core[start:end])])
        form += core[start:end]
        del core[start:end]
    if len(classes) > 1:
        classes.pop("company", None)
    return _Stripped(core, form, tuple(sorted(classes)))


def _form_span(words: Sequence[Word]) -> tuple[int, int] | None:
    """Where the longest legal form stands: the end first, then the start, then inside."""
    keys, count = [word.key for word in words], len(words)
    for size in _ENDING_SIZES.get(keys[-1], ()):
        if size < count and tuple(keys[-size:]) in _LEGAL:
            return count - size, count
    for size in _STARTING_SIZES.get(keys[0], ()):
        if size < count and tuple(keys[:size]) in _LEGAL and _may_start(words[:size]):
            return 0, size
    spans = ((i, i + size) for i in range(1, count - 1) for size in _INNER_SIZES.get(keys[i], ()))
    return next(((i, end) for i, end in spans if end < count and tuple(keys[i:end]) in _ANYWHERE), None)


def _may_start(form: Sequence[Word]) -> bool:
    """Whether the form is one that names start with: longer ones, Vietnamese and non-Latin ones, a few more."""
    key = form[0].key
    return len(form) > 1 or not key.isascii() or key in _VIETNAMESE_FORMS or key in _STARTING_FORMS


def _outcome(words: Sequence[Word], shown: str | None, country: str | None) -> Outcome:
    is_vietnamese = country == "VN" or any(has_vietnamese_marks(word.native) for word in words)
    own, branch = split_branch([word.key for word in words], is_vietnamese=is_vietnamese)
    stripped = strip_legal_form(words[own])
    name, lines = _name_and_lines(stripped, country)
    full = shown or " ".join(word.native for word in words)
    clean = {"full": full, "core": " ".join(word.native for word in stripped.core)}
    if stripped.form:
        clean["legal_form"] = " ".join(word.native for word in stripped.form)
    if not name and not lines:
        return Outcome({"full": full}, {}, ("organisation.unreadable",))
    if tuple(word.key for word in stripped.core) in _PLACEHOLDERS:
        return Outcome({"full": full}, {}, ("organisation.placeholder",))
    compare = _compared(name, lines, stripped)
    compare["branch"] = (branch_of(_latin_words(stripped.core), _latin_words(words[branch]), country),)
    return Outcome(clean, compare, ("organisation.person_name",) if _is_person(words, stripped) else ())


def _latin_words(words: Sequence[Word]) -> list[str]:
    return [part for word in words for part in word.latin.split()]


def _is_person(words: Sequence[Word], stripped: _Stripped) -> bool:
    """Whether it seems to be the name of a person: with a title, or a given name in full and one word more."""
    if len(words) > 1 and _is_title(words[0].native):
        return True
    if stripped.form or not 2 <= len(words) <= LONGEST_PERSON:
        return False
    if len(words) > 2:
        return _is_vietnamese_person([word.native for word in words])
    first, last = words[0].latin, words[1].latin
    # Companies call themselves by given names too (بهار نور): in Persian letters the family name must be known.
    is_family = last.isalpha() and (words[1].key.isascii() or persian.canonical_family(last) is not None)
    return (is_full_name(first) or persian.exact_given(first) is not None) and len(last) > 2 and is_family


def _is_vietnamese_person(words: Sequence[str]) -> bool:
    """Whether a telling surname stands first and a middle name that only people have behind it: Nguyễn Văn Nam."""
    return (
        is_telling_surname(words[0]) and ascii_fold(words[1]).lower() in _MIDDLE_NAMES and all(map(is_syllable, words))
    )


@lru_cache(maxsize=65536)
def _is_title(word: str) -> bool:
    return title_gender([word]) is not None


def _compared(name: Sequence[str], lines: Sequence[str], stripped: _Stripped) -> dict[str, CompareValue]:
    tokens = [*name, *lines]
    squeezed = "".join(tokens)
    native = _native(stripped.core)
    compare: dict[str, CompareValue] = {
        "core": (" ".join(tokens),),
        "name": (" ".join(name or lines),),
        "tokens": tuple(dict.fromkeys(tokens)),
        "sorted": (" ".join(sorted(tokens)),),
    }
    optional = {
        "legal": stripped.classes,
        "acronym": ("".join([token[0] for token in tokens]),) if len(tokens) > 1 else (),
        "sound": (metaphone(squeezed).lower(),),
        "skeleton": (consonant_skeleton(squeezed) or "",),
        "native": () if native is None else (native,),
    }
    return compare | {part: values for part, values in optional.items() if any(values)}


def _name_and_lines(stripped: _Stripped, country: str | None) -> tuple[list[str], list[str]]:
    """The compared words of the name, and for Vietnamese names the lines of business, in the order of the alphabet."""
    kept = [word for word in stripped.core if word.key not in _DROPPED] or stripped.core
    keys = [key for word in kept for key in word.latin.split()]
    if not _is_vietnamese(stripped, country):
        return [_ABBREVIATIONS.get(key, key) for key in keys], []
    name, lines = _take_lines([part for key in keys for part in _JOINED_LINES.get(key, (key,))])
    return name, sorted(lines)


def _is_vietnamese(stripped: _Stripped, country: str | None) -> bool:
    if country == "VN" or (stripped.form and stripped.form[0].key in _VIETNAMESE_FORMS):
        return True
    return any(has_vietnamese_marks(word.native) for word in stripped.core)


def _take_lines(keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words of the name and, in English, the lines of business, which Vietnamese names spell or abbreviate."""
    name, lines, start = list[str](), list[str](), 0
    while start < len(keys):
        size = _line_size(keys[start : start + 4])
        if size:
            lines += _LINES[tuple(keys[start : start + size])].split()
        else:
            key = _ABBREVIATIONS.get(keys[start], keys[start])
            (lines if key in _LINE_WORDS else name).append(key)
        start += size or 1
    return name, lines


def _native(words: Sequence[Word]) -> str | None:
    """The name in its own letters with tones, or None when it is plain ASCII."""
    if "".join([word.native for word in words]).isascii():
        return None
    native = " ".join([native_form(fold_persian(word.native)) for word in _without_lines(words)])
    return None if native.isascii() else native


def _without_lines(words: Sequence[Word]) -> Sequence[Word]:
    """The words of the name itself: lines of business are spelt out by one source and abbreviated by the next."""
    kept, start = list[Word](), 0
    while start < len(words):
        size = _line_size([word.key for word in words[start : start + 4]])
        kept += [] if size else [words[start]]
        start += size or 1
    return kept or words


def _line_size(keys: Sequence[str]) -> int:
    """How many of the leading words name a line of business."""
    if keys[0] not in _LINE_STARTS:
        return 0
    if keys[0] in _JOINED_LINES:
        return 1
    return next((size for size in (4, 3, 2, 1) if tuple(keys[:size]) in _LINES), 0)
