"""Vietnamese addresses, one line or columns -> street, ward and district, province.

A unit says what it is (Phường, Quận, Tỉnh, or P., Q., T.); which column it stands in does not count, as systems put
wards into `city` and provinces anywhere. Places compare by the units they became part of in July 2025.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from typing import NamedTuple

from rules.address_parts import AddressParts, address_key, given_id, split_segments, street_text
from rules.vn_places import LONGEST_NAME, Place, find_place, province_of, read_name
from rules.vn_units import PROVINCES

# The country, and unit words whose name a fixed-width field cut off.
_IGNORED = frozenset({"", "viet nam", "vietnam", "vn", "h", "p", "q", "t", "tp", "tt", "tx", "x", "thanh pho", "tinh"})
# Names with a dash of their own: Bà Rịa - Vũng Tàu, Phan Rang - Tháp Chàm...
_DASHED = re.compile(
    r"\b(br|r[iị]a|thi[eê]n|rang|m[iiế][eễếề]?u|m[aâ]y|ly|biang|vi[eê]n|h[uư][oơ]ng|tr[uư][oờ]ng|li[eê]n)\s*-\s*"
    r"(?=vt\b|v[uũ]ng t|hu[eế]|th[aá]p ch|qu[oố]c t|l[aă]ng c|[dđ][aà] l[aạ]t|trung t)",
    re.IGNORECASE,
)
_DASH = re.compile(r"\s+-\s*|\s*-\s+|(?<=[^\W\d])-(?=[^\W\d]{2,}(?:\s|,|$))")
# A unit word in the middle of a line without commas starts a new piece. Thị xã is one word, Hà Tĩnh a name.
_SHORT_WORDS = (
    r"(?:t\.p|t\.x|t\.t|tp|tx|tt|p|q|h|x)\.\s?\S|[pqf]\s?[0-9]{1,2}\b|quan\s[0-9]{1,2}\b|tp\s?\S|[pq]\s[^\W\d]{2,}"
)
_MARKED = "phường|quận|huyện|(?<!thị )xã|thị xã|thị trấn|đặc khu|thành phố|tỉnh"
_PLAIN = "phuong|huyen|thi xa|thi tran|dac khu|thanh pho|(?<!ha )tinh"
_BEFORE_MARKED = re.compile(rf"[\s.]+(?=(?:{_MARKED})\s|{_SHORT_WORDS})", re.IGNORECASE)
_BEFORE_PLAIN = re.compile(rf"[\s.]+(?=(?:{_PLAIN})\s|{_SHORT_WORDS})", re.IGNORECASE)
# Words written together: PhườngPhúcXá, ThànhphốHàNội.
LONGEST_SYLLABLE = 7
_GLUED = re.compile(r"(?<![^\s,;])(?:Ph|Qu|Huy|X[aã]|Th|T[iỉ]nh)[^\W\d_A-Z]*[^\W\d_a-z][^\s,;]+")
_NUMBER = re.compile(
    r"(?:(?:so nha|nha so|so|no|hem|ngo|ngach|kiet)\s*)?([0-9]+[a-z]?[0-9]?(?:[/-][0-9]+[a-z]?)*)(?:\s+(.*))?"
)
_STREET_WORD = re.compile(r"^(?:duong|pho|d)\s+(?=\D)")
_HIGHWAY = re.compile(r"\b(quoc lo|tinh lo|huong lo|ql|tl|hl)\s*(?=[0-9])")
_HIGHWAYS = {"quoc lo": "ql", "tinh lo": "tl", "huong lo": "hl"}
_UNIT = re.compile(r"^(?:can ho|can|phong|can so|apt|apartment|room|unit)\s+(?:so\s+)?([a-z0-9.-]*[0-9][a-z0-9.-]*)$")
_STREET_OPENINGS = (
    "duong|pho|d|ngo|hem|ngach|kiet|quoc lo|tinh lo|ql|tl|hl|lo|khu|kdt|kcn|toa nha|chung cu|thon|to|ap|#"
)
_STREET_LIKE = re.compile(rf"{_NUMBER.pattern}|(?:{_STREET_OPENINGS})\b.*|{_UNIT.pattern}")
_POSTCODE = re.compile(r"[0-9]{5,6}")
# TP Hồ Chí Minh 700000: no comma stands before the postcode.
_CODE_AT_END = re.compile(r"(?<=[^\W\d]{2})\s+([0-9]{5,6})(?=(?:,?\s*vi[eệ]t\s*nam|,?\s*vn)?\s*$)", re.IGNORECASE)
_ENDS_OF_CODES = frozenset("0123456789mMnN")
# T.P. and T.X. in one writing.
_TWO_LETTERS = re.compile(r"\b(T)\.\s?([PXT])\.\s*(?=\w)", re.IGNORECASE)
_LONE_NUMBER = re.compile("[0-9]{1,2}")
_LETTERS = re.compile("[a-z]{2,}")


class _Piece(NamedTuple):
    """One piece of the address as written and folded, and the column it stood in; only a line may be the street."""

    text: str
    key: str
    column: str = "line"

    @property
    def is_line(self) -> bool:
        return self.column == "line"


def parse_vn(given: Mapping[str, str]) -> AddressParts:
    """The parts of a Vietnamese address; compare values of ward and district go into `districts`."""
    pieces = _pieces(given)
    postcode = given.get("postcode") or next((p.key for p in pieces if _POSTCODE.fullmatch(p.key)), None)
    found = _sort([piece for piece in pieces if not _POSTCODE.fullmatch(piece.key)])
    place = found.place
    number, street, unit, extra = _read_street([piece.key for piece in found.streets])
    unknown = (
        [] if place.is_ward_known else [key for piece in found.others if (key := read_name(piece.text.lower()).key)]
    )
    words = " ".join(piece.key for piece in found.others) if place.is_ward_known else ""
    return AddressParts(
        number=number,
        street=street,
        unit=given_id(given, "unit") or unit,
        line=", ".join(piece.text for piece in found.streets) or None,
        districts=tuple(dict.fromkeys([*unknown, *place.districts])),
        district=", ".join([*([] if place.is_ward_known else [p.text for p in found.others]), *place.shown]) or None,
        city=place.city_shown or (found.province if place.city == place.region else None) or found.city,
        city_key=place.city or "",
        region=given.get("region") or found.province,
        region_key=place.region or "",
        postcode=postcode,
        extra=tuple(f"{extra} {words}".split()),
        issues=("address.corrected",) if place.is_corrected else (),
    )


class _Sorted(NamedTuple):
    """The pieces by what they are. province: how it was written; city: a column that is no unit we know."""

    place: Place
    province: str | None
    city: str | None
    streets: Sequence[_Piece]
    others: Sequence[_Piece]


def _sort(pieces: Sequence[_Piece]) -> _Sorted:
    """Units, street and the rest; a tail of a piece that names a unit is a piece of its own (12 Lê Lợi Bến Nghé)."""
    named, place = _find(pieces)
    for part in ("region", "districts", "is_ward_known"):
        if not getattr(place, part):
            pieces, named, place = _with_tail_cut(pieces, named, place)
    used = {named[at] for at in place.used}
    province = None if place.at_region is None else pieces[named[place.at_region]].text
    rest = [(at, piece) for at, piece in enumerate(pieces) if at not in used]
    streets = [piece for at, piece in rest if piece.is_line and _may_be_street(at, piece)]
    said = {read_name(pieces[at].text.lower()).name for at in used}
    others = [piece for _, piece in rest if piece not in streets and not _is_said(piece, said, place.region)]
    city = next((piece.text for piece in others if piece.column == "city"), None)
    return _Sorted(place, province, city, streets, others)


def _may_be_street(at: int, piece: _Piece) -> bool:
    return _is_street(piece.key) or (at == 0 and read_name(piece.text.lower()).level not in ("ward", "district"))


def _is_said(piece: _Piece, said: Set[str], region: str | None) -> bool:
    """Whether the piece only repeats a unit, as columns do when a line has it too."""
    named = read_name(piece.text.lower())
    province = province_of(named)
    return named.name in said or (province is not None and PROVINCES[province] == region)


def _find(pieces: Sequence[_Piece]) -> tuple[list[int], Place]:
    """(positions of the pieces that may name a unit, the place they name)."""
    named = [at for at, piece in enumerate(pieces) if _may_be_unit(at, piece)]
    return named, find_place(tuple(pieces[at].text.lower() for at in named))


def _may_be_unit(at: int, piece: _Piece) -> bool:
    """Whether it is no street; a number alone in the middle is a district (Bến Nghé, 1, Hồ Chí Minh)."""
    return not piece.is_line or not _is_street(piece.key) or (at > 0 and _LONE_NUMBER.fullmatch(piece.key) is not None)


def _with_tail_cut(
    pieces: Sequence[_Piece], named: list[int], place: Place
) -> tuple[Sequence[_Piece], list[int], Place]:
    """The same with the last words of the last piece that is not understood apart, when that names one unit more."""
    used = {named[at] for at in place.used}
    at = next((at for at in range(len(pieces) - 1, -1, -1) if at not in used and pieces[at].is_line), None)
    words = [] if at is None else pieces[at].text.split()
    for size in range(min(LONGEST_NAME, len(words) - 1), 0, -1):
        head, tail = " ".join(words[:-size]), " ".join(words[-size:])
        cut = [_Piece(text, address_key(text)) for text in (head, tail)]
        if not all(piece.key for piece in cut) or (_is_street(cut[0].key) and len(_LETTERS.findall(cut[0].key)) < 2):
            continue
        trial = [*pieces[:at], *cut, *pieces[at + 1 :]]  # type: ignore[operator]
        trial_named, found = _find(trial)
        if len(found.used) > len(place.used) and not (found.is_corrected and not place.is_corrected):
            return trial, trial_named, found
    return pieces, named, place


@lru_cache(maxsize=16384)
def _is_street(key: str) -> bool:
    return _STREET_LIKE.fullmatch(key) is not None


def _pieces(given: Mapping[str, str]) -> list[_Piece]:
    """The pieces of line and columns, the smallest unit first."""
    pieces = [_Piece(text, key) for text in _split(street_text(given)) if (key := address_key(text)) not in _IGNORED]
    for part in ("district", "city", "region"):
        if part in given:
            pieces += _column_pieces(given[part], part)
    return pieces


# Names of units repeat far more than lines do.
@lru_cache(maxsize=16384)
def _column_pieces(text: str, part: str) -> Sequence[_Piece]:
    return [_Piece(piece, key, part) for piece in _split(text) if (key := address_key(piece)) not in _IGNORED]


def _split(text: str) -> list[str]:
    """The pieces between commas and dashes, and before unit words in a line without commas."""
    if len(text) > LONGEST_SYLLABLE * (text.count(" ") + 1):
        text = _GLUED.sub(lambda match: _unglue(match[0]), text)
    if "." in text:
        text = _TWO_LETTERS.sub(lambda match: f"{match[1]}{match[2]}. ", text)
    if text[-1:] in _ENDS_OF_CODES:
        text = _CODE_AT_END.sub(r", \1, ", text)
    if "-" in text:
        text = _DASH.sub(", ", _DASHED.sub(r"\1 ", text))
    return split_segments((_BEFORE_PLAIN if text.isascii() else _BEFORE_MARKED).sub(", ", text))


def _unglue(text: str) -> str:
    """Words written together, PhườngPhúcXá,Quận1, apart before each capital and number."""
    pairs = zip(text, text[1:] + " ", strict=True)
    return "".join([f"{a} " if a.islower() and (b.isupper() or b.isdigit()) else a for a, b in pairs])


def _read_street(keys: Sequence[str]) -> tuple[str | None, str | None, str | None, str]:
    """(number, street, unit, other words) of the pieces that are no administrative unit."""
    number = street = unit = None
    others = []
    for key in keys:
        flat = _UNIT.match(key)
        match = _NUMBER.fullmatch(key)
        if flat is not None and unit is None:
            unit = flat.group(1)
        elif match is not None and number is None:
            number, rest = match.group(1), match.group(2)
            street = street or (_street_name(rest) if rest else None)
        elif street is None:
            street = _street_name(key)
        else:
            others.append(key)
    return number, street, unit, " ".join(others)


def _street_name(key: str) -> str | None:
    name = _STREET_WORD.sub("", key.replace("#", " ").replace("-", " ").strip())
    name = _HIGHWAY.sub(lambda match: _HIGHWAYS.get(match.group(1), match.group(1)) + " ", name)
    return " ".join(name.split()) or None
