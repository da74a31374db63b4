"""A header -> what its words say: the roles it may have, what is left over, and which group it belongs to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_WORD = re.compile(r"[^\W\d_]+|\d+")
_FOLD = str.maketrans({"đ": "d", "Đ": "D", "ß": "ss", "ي": "ی", "ك": "ک", "ø": "o", "ł": "l"})


@dataclass(frozen=True, slots=True)
class Role:
    """What a column may be: the field it feeds per entity type, and the content it must show (any of `expect`)."""

    name: str
    to: Mapping[str, str]
    expect: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a header says.

    roles: in order of preference. group: qualifiers that tell it from columns of the same kind; number: 1 when none.
    stranger: the word by which it speaks of somebody else. about: the word by which it only describes another column.
    is_whole: no word is left that is not understood.
    """

    roles: tuple[Role, ...]
    group: tuple[str, ...]
    number: int
    stranger: str | None
    about: str | None
    is_whole: bool


NOTHING = Reading((), (), 1, None, None, is_whole=False)


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    phrases: Mapping[str, tuple[Role, ...]]
    longest: int
    noise: frozenset[str]
    qualifiers: frozenset[str]
    strangers: frozenset[str]
    about: frozenset[str]
    entity_values: Mapping[str, str]


def read_data(name: str) -> Any:
    """The content of a YAML file beside this module."""
    return yaml.safe_load(resources.files("mdm.guess").joinpath(name).read_text(encoding="utf-8"))


def fold(text: str) -> str:
    """Lower case without accents; Arabic forms of Persian letters become Persian."""
    plain = unicodedata.normalize("NFKD", text.translate(_FOLD))
    return "".join(c for c in plain if not unicodedata.combining(c)).lower()


def split_words(header: str) -> list[str]:
    """The words and numbers of a header: `DateOfBirth2` -> date, of, birth, 2."""
    plain = unicodedata.normalize("NFKD", header.translate(_FOLD))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    words = [word.lower() for word in _WORD.findall(_CAMEL.sub(" ", plain))]
    return [_abbreviations().get(word, word) for word in words]


@cache
def _abbreviations() -> Mapping[str, str]:
    short: dict[str, str] = read_data("headers.yaml")["abbreviations"]
    return short


def read_header(header: str) -> Reading:
    """The reading of the longest run of words that is known; NOTHING when none is."""
    words, vocabulary = split_words(header), _vocabulary()
    for start, end in _runs(len(words), vocabulary.longest):
        roles = vocabulary.phrases.get("".join(words[start:end]))
        if roles:
            return _read_rest(roles, words[:start] + words[end:], vocabulary)
    return NOTHING


def entity_value(text: str) -> str | None:
    """The entity type that a value such as `Private person` or `COMPANY` names, or None."""
    return _vocabulary().entity_values.get("".join(split_words(text)))


def _runs(count: int, longest: int) -> Iterator[tuple[int, int]]:
    """Runs of words as (start, end): longer ones first, later ones first since the noun comes last."""
    for length in range(min(count, longest), 0, -1):
        for start in range(count - length, -1, -1):
            yield start, start + length


def _read_rest(roles: tuple[Role, ...], rest: list[str], vocabulary: _Vocabulary) -> Reading:
    numbers = [int(word) for word in rest if word.isdecimal() and len(word) < 3]
    words = [word for word in rest if not word.isdecimal()]
    known = vocabulary.noise | vocabulary.qualifiers
    return Reading(
        roles=roles,
        group=tuple(sorted(word for word in words if word in vocabulary.qualifiers)),
        number=numbers[0] if numbers else 1,
        stranger=next((word for word in words if word in vocabulary.strangers), None),
        about=next((word for word in words if word in vocabulary.about), None),
        is_whole=all(word in known for word in words),
    )


@cache
def _vocabulary() -> _Vocabulary:
    data = read_data("headers.yaml")
    phrases: dict[str, tuple[Role, ...]] = {}
    longest = 1
    for role, words in _role_words(data):
        for phrase in words:
            split = split_words(phrase)
            longest = max(longest, len(split))
            key = "".join(split)
            if role not in phrases.get(key, ()):
                phrases[key] = (*phrases.get(key, ()), role)
    return _Vocabulary(
        phrases=phrases,
        longest=longest,
        noise=_word_set(data["noise"]),
        qualifiers=_word_set(data["qualifiers"]),
        strangers=_word_set(data["someone_else"]),
        about=_word_set(data["about"]),
        entity_values={"".join(split_words(v)): type_ for type_, vs in data["entity_values"].items() for v in vs},
    )


def _word_set(words: list[str]) -> frozenset[str]:
    return frozenset(part for word in words for part in split_words(word))


def _role_words(data: Mapping[str, Any]) -> Iterator[tuple[Role, list[str]]]:
    """Every role with its phrases; identifiers also have the columns that describe them."""
    for name, entry in data["roles"].items():
        role = Role(name, entry.get("to", {}), tuple(entry.get("expect", ())))
        yield role, list(dict.fromkeys(entry["words"]))
        if name in data["identifiers"]:
            yield from _parts_of_identifier(role, entry["words"], data["identifier_parts"])


def _parts_of_identifier(
    role: Role, words: list[str], parts: Mapping[str, list[str]]
) -> Iterator[tuple[Role, list[str]]]:
    for part, endings in parts.items():
        to = {} if part == "ignored" else {type_: f"{field}.{part}" for type_, field in role.to.items()}
        phrases = dict.fromkeys(f"{word} {ending}" for word in words for ending in endings)
        yield Role(f"{role.name}.{part}", to, ()), list(phrases)


@cache
def roles_by_name() -> Mapping[str, Role]:
    """Every role of headers.yaml."""
    return {role.name: role for roles in _vocabulary().phrases.values() for role in roles}
