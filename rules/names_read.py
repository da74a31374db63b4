"""A name as it was written, in one column or several -> its parts, still in the writer's letters.

Four ways of writing are told apart: western (Given Middle Family), Vietnamese (Family Middle Given), Persian (Given
Family, no middle name) and East Asian signs (Family Given). The reading never depends on which columns the words came
in, only on the words.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

from rules import names_persian as persian
from rules import names_vietnamese as vietnamese
from rules.names_forms import is_full_name
from rules.names_repair import is_glued
from rules.text import ZWNJ, ascii_fold, fold_persian, read_sections, tidy

Style = Literal["western", "vietnamese", "persian", "eastern"]
Words = Sequence[str]

_WORDS = read_sections("name_words.txt")
_MALE = frozenset(_WORDS["titles male"])
_FEMALE = frozenset(_WORDS["titles female"])
_DOUBTFUL_TITLES = frozenset(_WORDS["doubtful titles"])
_TITLES = _MALE | _FEMALE | frozenset(_WORDS["titles"])
_GENERATIONS = dict(entry.split() for entry in _WORDS["generations"])
_CREDENTIALS = frozenset(_WORDS["credentials"])
_PARTICLES = frozenset(_WORDS["particles"])
_OPENINGS = frozenset(_WORDS["joined openings"])
_ARTICLES = frozenset({"al", "el", "ul", "ur", "ar", "as", "ad", "az", "an"})
_PLACEHOLDERS = frozenset(fold_persian(words) for words in _WORDS["placeholders"])
_PART_PLACEHOLDERS = frozenset(_WORDS["part placeholders"])
_SECOND_LOOK = frozenset(word for word in _PLACEHOLDERS if " " not in word) | {"and", "und", "và", "و", "estate"}
_SECOND_LOOK |= {"family", "household", "đình", "خانواده"}
_SECOND_LOOK |= _DOUBTFUL_TITLES | {word for entry in _WORDS["companies"] for word in entry.split()}
_PATRONYMICS = tuple(_WORDS["patronymics"])
_SLAVIC_FAMILIES = tuple(_WORDS["slavic families"])
_SAME_LETTER = re.compile(r"(.)\1{2,}")
_ASIDE = re.compile(r"[(\[\"“«]([^)\]\"”»]*)[)\]\"”»]|(?<!\w)'([^']+)'(?!\w)")
_BORN = re.compile(r"^(?:née|nee|born|geb\.?)\s+", re.IGNORECASE)
_ARABIC = re.compile("[\u0621-\u06d3]")
_HAN = re.compile("[\u3400-\u9fff\uac00-\ud7af]")
LONGEST_EAST_ASIAN = 5
# Where people have two family names, the last two of four words or more are these.
_TWO_SURNAMES = frozenset(
    {"AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "ES", "GT", "HN", "MX", "NI", "PA", "PE", "PY", "SV", "UY", "VE"}
)
_INNER_DOT = re.compile(r"(?<=\w)\.-?(?=\w)")


class NameParts(NamedTuple):
    """The words of one name by their part; nicknames stood in brackets or quotes.

    A tuple, for it is made once per name and a frozen dataclass takes three times as long to make.
    """

    style: Style
    given: Words = ()
    middle: Words = ()
    family: Words = ()
    titles: Words = ()
    suffixes: Words = ()
    nicknames: Words = ()


@dataclass(frozen=True, slots=True)
class _Peeled:
    words: list[str]
    titles: Words
    suffixes: Words


def title_gender(titles: Words) -> str | None:
    """`male` or `female` when the titles tell it and agree."""
    keys = {_key(word) for title in titles for word in title.split()}
    genders = [name for name, known in (("male", _MALE), ("female", _FEMALE)) if keys & known]
    return genders[0] if len(genders) == 1 else None


def generation(suffixes: Words) -> str | None:
    """jr, sr, ii, iii or iv when one of the suffixes says it."""
    return next((_GENERATIONS[key] for suffix in suffixes if (key := _key(suffix)) in _GENERATIONS), None)


def first_of_two(first: str, second: str) -> str:
    """The first of two people written in one value, with the family name the second brings (John & Mary Smith).

    A first piece that is a title only (Dr. and Mrs. Smith) names the person of the second.
    """
    words, others = first.split(), second.split()
    if all(map(_is_title, words)):
        return " ".join([*words, *itertools.dropwhile(_is_title, others)])
    named = [word for word in words if not _is_title(word)]
    return first if "," in first or len(named) > 1 or len(others) < 2 else f"{first} {others[-1]}"


def is_particle(word: str) -> bool:
    """Whether a lower-case word (van, de, al...) belongs to the word that follows."""
    return word in _PARTICLES


def _key(word: str) -> str:
    return word.lower().rstrip(".,")


def _is_title(word: str) -> bool:
    return _key(word) in _TITLES or word.lower() in _TITLES


def _is_suffix(word: str, *, after_comma: bool) -> bool:
    """Whether the word is a suffix; two letters (MD, DO) only behind a comma or where they alone are in capitals."""
    key = _key(word).replace(".", "")
    if key in _GENERATIONS:
        return True
    return key in _CREDENTIALS and (after_comma or len(key) > 2 or "." in word.rstrip("."))


def _is_clear(words: Words) -> bool:
    """Whether the last of three or more words is in capitals and the others are not: Ann Lee MD, not ANN LEE DO."""
    return len(words) > 2 and words[-1].isupper() and not words[-2].isupper()


def _peel(words: Words, *, after_comma: bool = False) -> _Peeled:
    """The words without leading titles and trailing suffixes; at least one word stays."""
    start, end = 0, len(words)
    while start < end - 1 and _is_title(words[start]):
        start += 1
    while start < end - 2 and _key(words[start]) in _DOUBTFUL_TITLES:
        start += 1
    while end > start + 1 and _is_suffix(words[end - 1], after_comma=after_comma or _is_clear(words[start:end])):
        end -= 1
    return _Peeled([w for word in words[start:end] for w in _split_dots(word)], words[:start], words[end:])


def _split_dots(word: str) -> list[str]:
    """Initials written together (J.R.) as words of their own."""
    return _INNER_DOT.sub(". ", word).split() if "." in word else [word]


def is_placeholder(text: str) -> bool:
    """Whether the lower-case, folded text stands for no name at all (unknown, test, khách hàng, xxx)."""
    return text in _PLACEHOLDERS or _SAME_LETTER.fullmatch(text) is not None


def is_part_placeholder(text: str) -> bool:
    """Whether a single column with this text says nothing, whatever the other columns hold."""
    return text.lower() in _PART_PLACEHOLDERS


@lru_cache(maxsize=65536)
def _plain_word(word: str) -> str | None:
    """The tidy word when it is a plain name word: letters only, and nothing that needs a second look."""
    word = tidy(word)
    lower = fold_persian(word.lower())
    if not word.replace(ZWNJ, "").isalpha() or lower in _SECOND_LOOK or is_placeholder(lower) or is_glued(word):
        return None
    return None if _is_title(word) or _is_suffix(word, after_comma=word.isupper()) else word


def _plain_words(text: str) -> list[str]:
    """The words of the text when all are plain, else none."""
    words = [_plain_word(word) for word in text.split()]
    return [] if None in words else words  # type: ignore[return-value]


def read_plain(raw: Mapping[str, str], country: str | None) -> NameParts | None:
    """The parts of a name whose words are all plain, or None when it must be read with care.

    Nine names in ten are plain; reading them takes a fifth of the time.
    """
    if len(raw) == 1:
        return _read_plain_full(raw["full"], country) if "full" in raw else None
    given, family = raw.get("given"), raw.get("family")
    if given is None or family is None or len(raw) != (3 if "middle" in raw else 2):
        return None
    return _read_plain_columns(given, raw.get("middle"), family, country)


def _read_plain_full(text: str, country: str | None) -> NameParts | None:
    if "," in text:
        family, _, given = text.partition(",")
        is_credential = _is_suffix(given.strip(), after_comma=True)
        return None if is_credential else _read_plain_columns(given, None, family, country)
    words = _plain_words(text)
    if len(words) < 2 or " ".join(words).lower() in _PLACEHOLDERS:
        return None
    return _place_words(words, country, _NO_REST)


def _read_plain_columns(given: str, middle: str | None, family: str, country: str | None) -> NameParts | None:
    firsts, lasts = _plain_words(given), _plain_words(family)
    middles = [] if middle is None else _plain_words(middle)
    if not firsts or not lasts or (middle is not None and not middles) or _is_repeated(firsts, lasts, country):
        return None
    return _place_columns(firsts, middles, lasts, country, _NO_REST)


def read_full(text: str, country: str | None) -> NameParts:
    """The parts of a name in one column; a comma puts the family name first."""
    nicknames: list[str] = []
    if not text.replace(" ", "").isalpha():
        text, nicknames = _take_asides(text)
        if "," in text or "،" in text:
            return _read_commas(re.split("[,،;]", text), country, nicknames)
    peeled = _peel(text.split())
    return _place_words(peeled.words, country, _Rest(peeled.titles, peeled.suffixes, nicknames))


def _take_asides(text: str) -> tuple[str, list[str]]:
    """The text without what stands in brackets or quotes, and those words, unless they are a name at birth."""
    asides = [first or second for first, second in _ASIDE.findall(text)]
    rest = _ASIDE.sub(" ", text)
    if not any(letter.isalpha() for letter in rest):
        return re.sub(r"[()\[\]\"“”«»]", " ", text), []
    return rest, [aside for aside in asides if aside.isalpha() and not _BORN.match(aside)]


@dataclass(frozen=True, slots=True)
class _Rest:
    titles: Words
    suffixes: Words
    nicknames: Words = ()


_NO_REST = _Rest((), ())


def _read_commas(pieces: Words, country: str | None, nicknames: Words) -> NameParts:
    """`Family, Given Middle`, with suffixes behind either (`Smith Jr, John`, `John Smith, Jr.`)."""
    names, suffixes = [], []
    for index, piece in enumerate(pieces):
        words = piece.split()
        if index and words and all(_is_suffix(word, after_comma=True) for word in words):
            suffixes += words
        elif words:
            names.append(words)
    if len(names) < 2:
        peeled = _peel(names[0] if names else suffixes)
        return _place_words(peeled.words, country, _Rest(peeled.titles, [*peeled.suffixes, *suffixes], nicknames))
    family, given = _peel(names[0]), _peel([word for words in names[1:] for word in words], after_comma=True)
    rest = _Rest([*family.titles, *given.titles], [*family.suffixes, *given.suffixes, *suffixes], nicknames)
    return _place_columns(given.words, (), family.words, country, rest)


def read_columns(parts: Mapping[str, str], country: str | None) -> NameParts:
    """The parts of a name in columns of its own; a whole name in one of them is read as one."""
    given, middle, family = (parts.get(part, "") for part in ("given", "middle", "family"))
    if not middle and bool(given) != bool(family) and ("," in family or " " in given):
        return read_full(given or family, country)
    firsts, lasts = (_peel(text.replace(",", " ").replace("،", " ").split()) for text in (given, family))
    if not middle and _is_repeated(firsts.words, lasts.words, country):
        return read_full(max(family, given, key=lambda text: len(text.split())), country)
    titles, suffixes = [*firsts.titles, *lasts.titles], [*firsts.suffixes, *lasts.suffixes]
    middles = [word for word in middle.replace(",", " ").split() for word in _split_dots(word)]
    return _place_columns(firsts.words, middles, lasts.words, country, _Rest(titles, suffixes))


def _is_repeated(firsts: Sequence[str], lasts: Sequence[str], country: str | None) -> bool:
    """Whether one column holds the whole name and the other the same, or its own part of it: John | John Smith.

    Persian family names are built of given ones (Hossein | Hossein Zadeh): there only the same name in both counts.
    """
    if not firsts or not lasts or len(firsts) + len(lasts) < 3:
        return False
    given, family = ([word.lower() for word in words] for words in (firsts, lasts))
    if given == family:
        return True
    if min(len(given), len(family)) > 1 or _is_persian("".join([*given, *family]), country):
        return False
    if country == "VN":
        return (len(family) > 2 and given[0] == family[-1]) or (len(given) > 2 and family[0] == given[0])
    is_part = (len(given) == 1 and given[0] == family[0]) or (len(family) == 1 and family[0] == given[-1])
    return is_part and not is_particle(given[0])


def _is_persian(text: str, country: str | None) -> bool:
    return country == "IR" if text.isascii() else _ARABIC.search(text) is not None


def _place_words(words: list[str], country: str | None, rest: _Rest) -> NameParts:
    """The words of a whole name put to their parts, in the order of the name's language."""
    if _is_persian("".join(words), country):
        given, family = persian.split_full(words) if len(words) > 1 else _single(words, persian.is_given(words[0]))
        return NameParts("persian", given, (), family, rest.titles, rest.suffixes, rest.nicknames)
    first = _surname_first(words, country)
    if first is None:
        return _place_western(words, rest, country)
    if len(words) == 1:
        given, family = _single(words, known_given=not vietnamese.is_surname(words[0]))
        return NameParts("vietnamese", given, (), family, rest.titles, rest.suffixes)
    if not first:
        words = [words[-1], *words[1:-1], words[0]]
    size = vietnamese.surname_length(words)
    return NameParts("vietnamese", words[-1:], words[size:-1], words[:size], rest.titles, rest.suffixes, rest.nicknames)


def _single(words: Words, known_given: bool) -> tuple[Words, Words]:
    return (words, ()) if known_given else ((), words)


def _place_western(words: list[str], rest: _Rest, country: str | None = None) -> NameParts:
    if _HAN.match(words[0]):
        return _place_east_asian(words, rest)
    words = _join_openings(words)
    if len(words) == 1:
        given, family = _single(words, known_given=len(words[0].strip(".")) == 1 or is_full_name(words[0].lower()))
        return NameParts("western", given, (), family, rest.titles, rest.suffixes, rest.nicknames)
    if len(words) > 2 and len(words[-1].rstrip(".")) == 1 < len(words[0].rstrip(".")):
        # Lists write `Smith John A` without the comma; a family name of one letter is rarer.
        words = [*words[1:], words[0]]
    if len(words) == 3 and _key(words[1]) in _GENERATIONS:
        return _place_western([words[2], words[0]], _Rest(rest.titles, [*rest.suffixes, words[1]], rest.nicknames))
    if len(words) == 3 and _is_slavic_list(*map(fold_word, words)):
        words = [*words[1:], words[0]]
    start = len(words) - 1
    while start > 1 and _key(words[start - 1]) in _PARTICLES:
        start -= 1
    size = _given_size(words) if start > 1 else 1
    if country in _TWO_SURNAMES and start == len(words) - 1 > 2:
        start -= 1
    return NameParts(
        "western", words[:size], words[size:start], words[start:], rest.titles, rest.suffixes, rest.nicknames
    )


def _place_east_asian(words: list[str], rest: _Rest) -> NameParts:
    """Family name first: the first word, or of a single one the first sign, or two of four (山田太郎)."""
    if len(words) == 1 and 1 < len(words[0]) < LONGEST_EAST_ASIAN:
        size = 2 if len(words[0]) == LONGEST_EAST_ASIAN - 1 else 1
        words = [words[0][:size], words[0][size:]]
    return NameParts("eastern", words[1:], (), words[:1], rest.titles, rest.suffixes, rest.nicknames)


def _is_slavic_list(first: str, second: str, third: str) -> bool:
    """Whether the three folded words are family name, given name and patronymic, as Slavic lists have them."""
    return third.endswith(_PATRONYMICS) and not second.endswith(_PATRONYMICS) and first.endswith(_SLAVIC_FAMILIES)


def _given_size(words: Words) -> int:
    """Two when the first two words are one Persian given name (Mohammad Reza), else one."""
    return 2 if len(words) > 1 and persian.exact_given(words[0].lower() + words[1].lower()) is not None else 1


def _join_openings(words: list[str]) -> list[str]:
    """Abdul Aziz as one entry: abdul is never a name by itself."""
    if len(words) > 2 and fold_word(words[0]) in _OPENINGS:
        size = 3 if len(words) > 3 and fold_word(words[1]) in _ARTICLES else 2
        return [" ".join(words[:size]), *words[size:]]
    return words


def _place_columns(given: Words, middle: Words, family: Words, country: str | None, rest: _Rest) -> NameParts:
    """The words of given, middle and family columns; extra words move to where a whole name would have them."""
    words = [*given, *middle, *family]
    if _is_persian("".join(words), country):
        if given and family and _is_family_only(given) and persian.is_given("".join(family)):
            given, family = family, given
        return NameParts("persian", given, middle, family, rest.titles, rest.suffixes, rest.nicknames)
    if _surname_first([*family, *middle, *given], country) is not None:
        if given and family and vietnamese.is_strong(given[0]) and not vietnamese.is_strong(family[0]):
            return _place_words([*given, *middle, *family], country, rest)
        size = vietnamese.surname_length([*family, ""]) if family else 0
        surname, extra = (family[:size], family[size:]) if vietnamese.is_surname("".join(family[:1])) else (family, ())
        middle = [*extra, *middle, *given[:-1]]
        return NameParts("vietnamese", given[-1:], middle, surname, rest.titles, rest.suffixes, rest.nicknames)
    if words and _HAN.match(words[0]):
        return NameParts("eastern", given, middle, family, rest.titles, rest.suffixes, rest.nicknames)
    given = _join_openings([*given, ""])[:-1] if len(given) > 1 else given
    size = _given_size(given)
    return NameParts(
        "western", given[:size], [*given[size:], *middle], family, rest.titles, rest.suffixes, rest.nicknames
    )


def _is_family_only(words: Words) -> bool:
    """Whether the words are a Persian family name and no given name."""
    name = "".join(words)
    return persian.is_family(name) and not persian.is_given(name)


def _surname_first(words: Words, country: str | None) -> bool | None:
    marked = vietnamese.has_vietnamese_marks("".join(words))
    return vietnamese.surname_first(words, in_vietnam=country == "VN", marked=marked)


@lru_cache(maxsize=65536)
def fold_word(word: str) -> str:
    """The word in lower-case ASCII letters and digits only; may be empty."""
    folded = word.lower() if word.isascii() else ascii_fold(word).lower()
    return folded if folded.isalpha() else re.sub("[^a-z0-9]+", "", folded)
