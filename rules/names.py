"""A person's name in one column or several -> its parts to show, and what matching compares.

One name gives the same compare values however it was delivered: in one column or split, upper case or not, and for
Vietnamese and Persian names in native letters or folded, as far as the letters allow.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from jellyfish import metaphone

from rules import names_persian as persian
from rules import names_vietnamese as vietnamese
from rules.names_forms import given_forms, sex_of
from rules.names_read import (
    NameParts,
    Style,
    Words,
    first_of_two,
    fold_word,
    generation,
    is_part_placeholder,
    is_particle,
    is_placeholder,
    read_columns,
    read_full,
    read_plain,
    title_gender,
)
from rules.names_repair import repair
from rules.outcome import CompareValue, Context, Outcome
from rules.text import compare_key, consonant_skeleton, fold_persian, refused, tidy

PERSON_NAME_INPUTS = ("full", "title", "given", "middle", "family", "suffix")
PERSON_NAME_CLEAN = ("title", "given", "middle", "family", "suffix", "full")
PERSON_NAME_COMPARE = (
    "given", "middle", "family", "suffix", "given_native", "family_native", "given_forms", "family_forms",
    "given_sound", "family_sound", "given_skeleton", "family_skeleton", "tokens", "sorted", "initials", "gender",
    "given_known", "given_sex",
)  # fmt: skip

MAX_FAMILY_FORMS = 4
_COLUMNS = ("given", "middle", "family")
_NO_NAME = re.compile(r"@|https?:|www\.")
_ORDINAL_OR_DIGITS = re.compile(r"\b([234](?:nd|rd|th)\b)|\d+")
_AND = re.compile(r"\s+(?:&|\+|and|und|và|و)\s+|\s*[&/]\s*", re.IGNORECASE)
_MC = re.compile(r"\bMc([a-z])")
_ABD = re.compile("abd[aeuo]?(?:l|r(?=r)|s(?=s)|d(?=d)|n(?=n)|z(?=z))(?=[a-z]{3})")
_PARTICLE_KEYS = {"ibn": "bin", "el": "al"}
_JOINING = frozenset("&+/,")
_BETWEEN = re.compile("[ -]+")


def standardise_person_name(
    raw: Mapping[str, str], context: Context, options: Mapping[str, str]
) -> tuple[Outcome, ...]:
    """The name by its parts, or only the reason why it names nobody.

    Of two people in one value (John & Mary Smith) the first is read, and the value is flagged.
    """
    parts = read_plain(raw, context.country)
    if parts is not None:
        return (_outcome(parts, ()),)
    columns, repairs = repair(_tidy_columns(raw))
    read, issues = _checked(columns)
    if not read:
        return refused(*issues) if issues else refused(*repairs) if repairs else ()
    issues = tuple(sorted({*issues, *repairs}))
    read, are_two = _first_person(read)
    issues = tuple(sorted({*issues, "name.two_people"})) if are_two else issues
    parts = read_full(read["full"], context.country) if "full" in read else read_columns(read, context.country)
    return (_outcome(_with_columns(parts, read), issues),)


def _tidy_columns(raw: Mapping[str, str]) -> dict[str, str]:
    """The columns to read, tidy: the whole name only when its parts are not given."""
    columns = {part: tidy(text) for part, text in raw.items()}
    if any(part in columns for part in _COLUMNS):
        columns.pop("full", None)
    return columns


def _with_columns(name: NameParts, columns: Mapping[str, str]) -> NameParts:
    """The name with the words of the title and suffix columns before its own."""
    if "title" not in columns and "suffix" not in columns:
        return name
    titles = dict.fromkeys([*columns.get("title", "").split(), *name.titles])
    suffixes = dict.fromkeys([*columns.get("suffix", "").replace(",", " ").split(), *name.suffixes])
    return name._replace(titles=tuple(titles), suffixes=tuple(suffixes))


def _checked(columns: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The columns that can be read as a name, with the reasons for what was dropped or changed; none when refused."""
    whole = " ".join([text for part, text in columns.items() if part not in ("title", "suffix")])
    key = whole.lower() if whole.isascii() else fold_persian(whole.lower())
    if whole.replace(" ", "").isalpha():
        return ({}, ("name.placeholder",)) if is_placeholder(key) else _without_placeholders(columns)
    if is_placeholder(key) or is_placeholder(compare_key(whole) or ""):
        return {}, ("name.placeholder",)
    if _NO_NAME.search(whole) or not any(map(str.isalpha, whole)):
        return {}, ("name.not_a_name" if re.search(r"[\d@]", whole) else "name.placeholder",) if whole else ()
    return _without_digits(columns)


def _without_placeholders(columns: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The columns that hold no placeholder; `unknown` beside a real family name is dropped alone."""
    kept = {part: text for part, text in columns.items() if not is_part_placeholder(text)}
    if not any(part in kept for part in ("full", *_COLUMNS)):
        return {}, ("name.placeholder",)
    return kept, () if len(kept) == len(columns) else ("name.placeholder",)


def _without_digits(columns: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The columns without digits (2nd and 3rd may be suffixes), flagged when there were any."""
    dropped, issues = _without_placeholders(columns)
    kept = {part: _lettered(_ORDINAL_OR_DIGITS.sub(r"\1", text)) for part, text in dropped.items()}
    kept = {part: text for part, text in kept.items() if text}
    changed = any(kept.get(part) != text for part, text in dropped.items() if any(map(str.isdigit, text)))
    return kept, tuple(sorted({*issues, "name.not_a_name"})) if changed else issues


def _lettered(text: str) -> str:
    """The words with a letter in them, and the signs that join names."""
    return " ".join(word for word in text.split() if any(map(str.isalpha, word)) or word in _JOINING)


def _first_person(columns: dict[str, str]) -> tuple[dict[str, str], bool]:
    """The columns with the first of two people who share a value, and whether there were two."""
    for part in ("full", "given"):
        pieces = _AND.split(columns.get(part, ""))
        pieces = [piece for piece in pieces if any(map(str.isalpha, piece))]
        if len(pieces) > 1:
            return columns | {part: first_of_two(pieces[0], pieces[-1])}, True
    return columns, False


def _outcome(parts: NameParts, issues: tuple[str, ...]) -> Outcome:
    given_text, family_text = " ".join(parts.given), " ".join(parts.family)
    given, family = _given_part(given_text, parts.style), _family_part(family_text, parts.style)
    middle = [arabic_key(folded) for word in parts.middle if (folded := fold_word(word))] if parts.middle else []
    tokens = [*given.tokens, *middle, *family.tokens]
    if not tokens:
        return Outcome({}, {}, tuple(sorted({*issues, "name.unreadable"})))
    compare = {**given.compare, **family.compare}
    compare["tokens"] = tuple(dict.fromkeys(tokens))
    compare["initials"] = ("".join([token[0] for token in tokens]),)
    compare["sorted"] = (" ".join(sorted(tokens)),)
    if middle:
        compare["middle"] = (" ".join(middle),)
    if parts.style == "western" and (middle or parts.nicknames):
        _add_forms(compare, middle, parts.nicknames)
    if parts.suffixes or parts.titles:
        _add_affixes(compare, parts)
    middle_text = " ".join(parts.middle) if parts.middle else ""
    if not (given_text.isascii() and family_text.isascii() and middle_text.isascii()):
        compare |= {**given.native, **family.native}
    return Outcome(_shown(parts, given_text, middle_text, family_text), compare, issues)


def _add_affixes(compare: dict[str, CompareValue], parts: NameParts) -> None:
    if (suffix := generation(parts.suffixes)) is not None:
        compare["suffix"] = (suffix,)
    if (gender := title_gender(parts.titles)) is not None:
        compare["gender"] = (gender,)


def _add_forms(compare: dict[str, CompareValue], middle: Sequence[str], nicknames: Words) -> None:
    """Forms of nicknames in quotes, and of a first and middle name taken as one (Mary Ann, Maryann)."""
    forms = compare.get("given_forms", ())
    more = [form for nickname in nicknames for form in given_forms(fold_word(nickname))]
    if forms and middle and len(middle[0]) > 1 and len(compare["given"][0]) > 1:
        more.append(compare["given"][0] + middle[0])
    if more:
        compare["given_forms"] = tuple(sorted({*forms, *more}))


@dataclass(frozen=True, slots=True)
class _Part:
    """What one part of a name brings to matching. `native` counts only when the name as a whole is not plain ASCII:
    Lan beside Nguyễn is known to have no tone, unlike LAN beside NGUYEN.
    """

    tokens: tuple[str, ...] = ()
    compare: Mapping[str, CompareValue] = field(default_factory=dict)
    native: Mapping[str, CompareValue] = field(default_factory=dict)


_NO_PART = _Part()


# Given and family names repeat far more than whole names do.
@lru_cache(maxsize=65536)
def _given_part(text: str, style: Style) -> _Part:
    if style == "persian":
        native = _without_sayyid(text)
        return _part("given", [_romanised(native, is_given=True)], native, style)
    return _part("given", [arabic_key(fold_word(text))], vietnamese.native_form(text), style)


@lru_cache(maxsize=65536)
def _family_part(text: str, style: Style) -> _Part:
    if style == "persian":
        # Compared without spaces, for the ways to write one compound are many; its words stay apart in the tokens.
        native = persian.squeeze(text)
        words = [_romanised(persian.squeeze(word), is_given=False) for word in persian.join_endings(text.split())]
        part = _part("family", [_romanised(native, is_given=False)], native, style)
        return replace(part, tokens=tuple(filter(None, words)))
    return _part("family", _join_particles(text), vietnamese.native_form(text), style)


def _part(role: str, tokens: list[str], native: str, style: Style) -> _Part:
    value = " ".join(tokens)
    if not value:
        return _NO_PART
    sound, skeleton = _sound_and_skeleton(value, style)
    forms = _given_forms(value, native, style) if role == "given" else _family_forms(tokens, native)
    compare = {role: (value,), f"{role}_forms": forms}
    compare |= _usual(value, native, style) if role == "given" else {}
    compare |= {f"{role}_sound": (sound,)} if sound else {}
    compare |= {f"{role}_skeleton": (skeleton,)} if skeleton else {}
    return _Part(tuple(tokens), compare, {f"{role}_native": (native,)} if native else {})


def _sound_and_skeleton(value: str, style: Style) -> tuple[str | None, str | None]:
    """The code of what sounds alike, and the consonants. A Vietnamese syllable has none: it is written in Latin letters
    everywhere, and without its vowels nothing of it is left.
    """
    if style == "vietnamese":
        return vietnamese.vietnamese_sound(value), None
    word = value.replace(" ", "")
    skeleton = consonant_skeleton(word)
    return (metaphone(word).lower() if style == "western" else skeleton), skeleton


def _usual(given: str, native: str, style: Style) -> dict[str, CompareValue]:
    """The given name as one that people are known to have, with their sex where the name tells it."""
    if style == "vietnamese":
        return {"given_known": (given,)} if vietnamese.is_given(native) else {}
    sex = persian.sex_of(given) if style == "persian" else sex_of(given) or persian.sex_of(given)
    if sex is None:
        return {}
    return {"given_known": (given,)} if sex == "both" else {"given_known": (given,), "given_sex": (sex,)}


def _given_forms(given: str, native: str, style: Style) -> tuple[str, ...]:
    """The names the given name may stand for; the first half of a double name (Jean-Luc) is one of them."""
    if style != "western":
        return (given,)
    forms = {*given_forms(given), persian.exact_given(given) or given}
    if "-" in native:
        forms.add(fold_word(native.partition("-")[0]) or given)
    return tuple(sorted(forms))


def _family_forms(words: Sequence[str], native: str) -> tuple[str, ...]:
    """The family name in one word, each half of a double one, and the name without its particles (Assad, al-Assad)."""
    halves = [word for word in words if len(word) > 1] if len(words) > 1 else []
    bare = [folded for piece in _BETWEEN.split(native) if (folded := fold_word(piece)) and not is_particle(folded)]
    core = ["".join(bare)] if bare and len(bare[0]) > 2 else []
    return tuple(sorted({"".join(words), *halves[: MAX_FAMILY_FORMS - 1], *core}))


def _join_particles(text: str) -> list[str]:
    """The folded words of a family name, particles joined to the word they belong to (van der berg: vanderberg)."""
    joined, opening = [], ""
    pieces = _BETWEEN.split(text)
    for index, piece in enumerate(pieces, 1):
        folded = fold_word(piece)
        if index < len(pieces) and is_particle(folded):
            opening += _PARTICLE_KEYS.get(folded, folded)
        elif opening + folded:
            joined.append(opening + folded)
            opening = ""
    return joined


def arabic_key(folded: str) -> str:
    """A name of Arabic origin with `abd al-` in one writing: Abdel Aziz, Abd al-Aziz and Abdulaziz are abdulaziz."""
    return _ABD.sub("abdul", folded) if folded.startswith("abd") else folded


def _without_sayyid(text: str) -> str:
    """The squeezed words without seyed and sadat, which one system writes and the next leaves out."""
    words = text.split()
    kept = [word for word in words if not persian.is_sayyid(word)]
    return persian.squeeze("".join(kept or words))


def _romanised(squeezed: str, *, is_given: bool) -> str:
    """The canonical romanisation of a squeezed name in Persian script or Latin letters."""
    folded = fold_word(squeezed if squeezed.isascii() else persian.romanise(squeezed))
    known = persian.canonical_given(folded) if is_given else persian.canonical_family(folded)
    return known or folded


def _shown(parts: NameParts, given: str, middle: str, family: str) -> dict[str, str]:
    """The parts and the whole name to show, in the order of the name's language."""
    ordered = (family, middle, given) if parts.style in ("vietnamese", "eastern") else (given, middle, family)
    full = " ".join([text for text in ordered if text])
    shown = {"given": given, "middle": middle, "family": family, "full": full}
    if full.isupper() or full.islower():
        shown = {part: _in_name_case(text) for part, text in shown.items()}
    if parts.titles or parts.suffixes:
        suffix = _shown_suffix(parts.suffixes)
        shown |= {"title": " ".join(parts.titles), "suffix": suffix, "full": f"{shown['full']} {suffix}".strip()}
    return {part: text for part, text in shown.items() if text}


@lru_cache(maxsize=65536)
def _in_name_case(text: str) -> str:
    """Upper or lower case text with capitals where names have them: O'Brien, McDonald, Smith-Jones."""
    return _MC.sub(lambda match: "Mc" + match[1].upper(), text.title())


def _shown_suffix(suffixes: Words) -> str:
    known = {"jr": "Jr", "sr": "Sr", "ii": "II", "iii": "III", "iv": "IV"}
    return " ".join(known.get(generation([suffix]) or "", suffix.strip(",")) for suffix in suffixes)
