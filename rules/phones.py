"""Phone cells -> numbers in E.164, with the digits that matching compares.

A number that libphonenumber calls invalid is still evidence: it keeps its digits. Only planted digits lose them.
Most numbers take a short cut over libphonenumber's own patterns (2-4 us); its parser (50 us and more) reads the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import phonenumbers
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, NumberParseException, PhoneMetadata

from rules.outcome import Context, Outcome
from rules.tables import read_table
from rules.text import ascii_digits, tidy

PHONE_INPUTS = ("value",)
PHONE_CLEAN = ("value", "extension")
PHONE_COMPARE = ("number", "national")

# Fewer digits than this are no phone number; more than E.164 allows are several numbers in one cell.
LEAST_DIGITS = 5
MOST_DIGITS = 15
NATIONAL_DIGITS = 7
SEPARATE_NUMBER_DIGITS = 7
INTERNATIONAL_DIGITS = 12
ITALY, VIETNAM = "39", "84"
# Cells that a spreadsheet made numbers of: 3125557842.0, 3.125557842E9.
_FLOAT = re.compile(r"([0-9]{7,15})\.0")
_SCIENTIFIC = re.compile(r"([0-9])\.([0-9]+)E\+?([0-9]{1,2})", re.IGNORECASE)
# 1-800-FLOWERS, as North Americans advertise.
_VANITY = re.compile(
    r"(?:\+?1[\s.-]*)?\(?[2-9][0-9]{2}\)?[\s.-]*(?=[0-9 -]*[A-Z])(?:[\s-]*[A-Z0-9]){7,}", re.IGNORECASE
)
# Words in brackets: (home), (after 6 pm).
_REMARK = re.compile(r"\([^()]*[^\W\d_]{2}[^()]*\)")
_NORTH_AMERICA = frozenset({"US", "CA"})

OLD_VN_PREFIXES = {row[0]: row[1] for row in read_table("vn_mobile_2018.txt")}
OLD_VN_AREAS = {row[0]: row[1] for row in read_table("vn_landline_2017.txt")}
_PLANTED_RUNS = frozenset(
    {"123456", "1234567", "12345678", "123456789", "1234567890", "0123456789", "01234567890", "987654321", "9876543210"}
)
_PLANTED_ENDS = frozenset({"00000", "11111", "55555", "99999"})
_PLANTED_NANP = re.compile(r"1?\d{3}(?:0{7}|1{7}|5{7}|9{7})")
# Numbers that regulators keep for drama and documentation: NANPA 555-01xx, Ofcom, ACMA.
_RESERVED = re.compile(r"1\d{3}55501\d\d|441632960\d{3}|447700900\d{3}|442079460\d{3}|61491570\d{3}")

_EXTENSION = re.compile(
    r"[\s,;.(]*(?:extension|extn|ext|x|#|داخلی|nội bộ|máy lẻ|nhánh|noi bo|may le|poste|durchwahl|ramal|anexo|доб|;ext=)"
    r"[\s.:#]*([0-9]{1,6})[\s)]*$",
    re.IGNORECASE,
)
# 0912345678/79: a second number that differs in its last digits. In North America such a tail is an extension.
_OTHER_ENDS = re.compile(r"([^/]*[0-9])((?:\s*/\s*[0-9]{1,3})+)\s*")
# 02188776655-7: a company's lines, from the one that ends in 5 to the one that ends in 7.
_RANGE = re.compile(r"([0-9() .-]*[0-9]{4})\s*-\s*([0-9]{1,2})")
# 88776655-021: the area code with its zero stands last.
_AREA_BEHIND = re.compile(r"([1-9][0-9]{5,7})\s*-\s*(0[1-9][0-9]{1,2})")
# One number without words, separators or an extension: most cells.
_PLAIN = re.compile(r"[0-9+() .-]{5,20}")
_SEPARATOR = re.compile(r"[;|\n\r/,،&]|\s+(?:or|and|hoặc|và|یا|و)\s+", re.IGNORECASE)
_NOT_DIGITS = re.compile("[^0-9]+")
_IDD = re.compile(r"\+|00|011(?=[0-9]{11})")
_PIECE = re.compile(r"\+?[0-9][0-9().\s]*")

# Spreadsheets drop the leading zero; in these plans a number without it cannot be taken for another one.
_TRUNK_OFTEN_LOST = frozenset({"1", "84", "98"})
_GUESSES = (
    (re.compile(r"1?([2-9][0-9]{2}[2-9][0-9]{6})"), "1"),
    (re.compile(r"0(9[0-9]{9})"), "98"),
    (re.compile(r"0((?:3|5|7|8|9)[0-9]{8}|1[0-9]{9})"), "84"),
    (re.compile(r"0(7[1-9][0-9]{8})"), "44"),
)


def standardise_phone(raw: Mapping[str, str], context: Context, options: Mapping[str, str]) -> tuple[Outcome, ...]:
    """One outcome per number in the cell: E.164 where it can be told, else its digits.

    Source: ITU-T E.164; libphonenumber metadata; the Vietnamese renumbering of 2018.
    """
    text = ascii_digits(raw.get("value", ""))
    if not text.strip():
        return ()
    if _PLAIN.fullmatch(text) and not text.endswith(".0"):
        outcome = _standardise_number(text, context.country)
        lines = _lines_of_range(text, context.country) if "phone.invalid" in outcome.issues else ()
        return lines or (outcome,)
    outcomes: dict[str, Outcome] = {}
    for piece in _split_cell(_as_typed(text.strip(), context.country), context.country):
        outcome = _standardise_number(tidy(piece), context.country)
        outcomes.setdefault(outcome.clean.get("value", ""), outcome)
    if len(outcomes) > 1:
        outcomes.pop("", None)
    return tuple(outcomes.values())


def _as_typed(text: str, region: str | None) -> str:
    """The digits of a cell that a spreadsheet took for a number, or that spells them in letters.

    A number cut to fewer digits (8.4912E+10) is lost.
    """
    whole, short = _FLOAT.fullmatch(text), _SCIENTIFIC.fullmatch(text)
    if whole is not None:
        return whole[1]
    if short is not None:
        digits = short[1] + short[2]
        return digits if len(digits) == int(short[3]) + 1 else ""
    is_american = region is None or region in _NORTH_AMERICA
    if is_american and _VANITY.fullmatch(text) and not _EXTENSION.search(text):
        return str(phonenumbers.convert_alpha_characters_in_number(text))
    bare = _REMARK.sub(" ", text)
    return bare if _count_digits(bare) >= SEPARATE_NUMBER_DIGITS and not _EXTENSION.search(text) else text


def _split_cell(text: str, region: str | None) -> list[str]:
    """The numbers of a cell; a separator between short runs of digits (212/555-0142) belongs to one number."""
    ends = _OTHER_ENDS.fullmatch(text)
    if ends is not None and _count_digits(ends[1]) > SEPARATE_NUMBER_DIGITS:
        return _with_other_ends(ends[1], [end.strip() for end in ends[2].split("/")[1:]], region)
    pieces = [piece for piece in _SEPARATOR.split(text) if piece]
    if len(pieces) > 1 and all(_count_digits(piece) >= SEPARATE_NUMBER_DIGITS for piece in pieces):
        return pieces
    if _count_digits(text) > MOST_DIGITS:
        runs = [run for run in _PIECE.findall(text) if _count_digits(run) >= SEPARATE_NUMBER_DIGITS]
        if len(runs) > 1:
            return runs
    return [text]


def _with_other_ends(number: str, ends: Sequence[str], region: str | None) -> list[str]:
    if region in _NORTH_AMERICA:
        return [f"{number} x{ends[0]}"]
    return [number, *(number[: -len(end)] + end for end in ends)]


def _lines_of_range(text: str, region: str | None) -> tuple[Outcome, ...]:
    """First and last of the lines 02188776655-7, where the first is a valid number; nothing for any other text."""
    match = _RANGE.fullmatch(text.strip())
    if match is None or region is None or region in _NORTH_AMERICA:
        return ()
    lines = [_standardise_number(number, region) for number in _with_other_ends(match[1], [match[2]], region)]
    return () if any("phone.invalid" in line.issues for line in lines) else tuple(lines)


def _turned_round(number: str, region: str | None) -> str | None:
    """A valid number whose area code came to stand behind it, as text from right to left is often copied."""
    match = _AREA_BEHIND.fullmatch(number.strip())
    if match is None or region is None:
        return None
    return _read_fast(match[2] + match[1], match[2] + match[1], region)


def _count_digits(text: str) -> int:
    return len(_NOT_DIGITS.sub("", text))


def _standardise_number(text: str, region: str | None) -> Outcome:
    number, extension = (text, None) if _PLAIN.fullmatch(text) else _cut_extension(text)
    digits = _NOT_DIGITS.sub("", number)
    if len(digits) < LEAST_DIGITS:
        return Outcome(issues=("phone.unreadable",))
    if _is_planted(digits):
        known = None if region is None else _read_fast(number, digits, region)
        return Outcome(_shown(digits, known, extension), {}, ("phone.placeholder",))
    issues = []
    e164 = _read_fast(number, digits, region) or _read_guess(digits, region) or _turned_round(number, region)
    if e164 is None:
        e164, is_valid = _read_slowly(number, region)
        issues += [] if is_valid else ["phone.invalid"]
    elif region is None and not _IDD.match(number.lstrip(" (")):
        issues.append("phone.region_guessed")
    if e164 is not None and _is_planted(e164):
        return Outcome(_shown(digits, e164, extension), {}, ("phone.placeholder",))
    if e164 is not None and _RESERVED.fullmatch(e164):
        issues.append("phone.reserved")
    compare = e164 or digits
    shared = {"number": (compare,), "national": (compare[-NATIONAL_DIGITS:],)}
    return Outcome(_shown(digits, e164, extension), shared, tuple(sorted(issues)))


def _shown(digits: str, e164: str | None, extension: str | None) -> dict[str, str]:
    value = digits if e164 is None else f"+{e164}"
    return {"value": value} if extension is None else {"value": value, "extension": extension}


def _cut_extension(text: str) -> tuple[str, str | None]:
    match = _EXTENSION.search(text)
    if match is None or _count_digits(text[: match.start()]) < LEAST_DIGITS:
        return text, None
    return text[: match.start()], match.group(1)


def _is_planted(digits: str) -> bool:
    """Whether somebody typed one key again and again, or ran along the number row."""
    return (
        len(set(digits.lstrip("0"))) <= 1
        or digits in _PLANTED_RUNS
        or (digits[-5:] in _PLANTED_ENDS and _PLANTED_NANP.fullmatch(digits) is not None)
    )


def _read_fast(number: str, digits: str, region: str | None) -> str | None:
    """The digits of the E.164 number when it is plainly written and valid, else None."""
    international = _IDD.match(number.lstrip(" ("))
    if international is not None:
        rest = digits[len(_NOT_DIGITS.sub("", international.group())) :]
        return _validated(rest)
    if region is None:
        return None
    code, trunk = _dialling(region)
    if code is None:
        return None
    if trunk and digits.startswith(trunk):
        return _in_plan(code, digits[len(trunk) :])
    if code in _TRUNK_OFTEN_LOST:
        return _in_plan(code, digits) or (_validated(digits) if digits.startswith(code) else None)
    return None


def _read_guess(digits: str, region: str | None) -> str | None:
    """Without a region: the one country of ours whose numbers look like this, when the number is valid there."""
    if region is not None:
        return None
    for shape, code in _GUESSES:
        match = shape.fullmatch(digits)
        if match is not None:
            return _in_plan(code, match.group(1))
    return _validated(digits) if len(digits) > 10 else None


def _read_slowly(number: str, region: str | None) -> tuple[str | None, bool]:
    """(digits of the E.164 number, whether it is valid) by libphonenumber; (None, False) when it cannot read it."""
    # Digits alone: libphonenumber would read odd punctuation otherwise than its own answer.
    digits = _NOT_DIGITS.sub("", number)
    has_plus = number.lstrip(" (").startswith("+")
    try:
        parsed = phonenumbers.parse(f"+{digits}" if has_plus else digits, region)
    except NumberParseException:
        return None, False
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)[1:]
    plus_forgotten = None if has_plus and len(digits) == len(e164) else _validated(digits)
    # Germany calls 15-digit numbers valid; nobody writes one of twelve digits or more without its country code.
    if plus_forgotten is not None and len(digits) >= INTERNATIONAL_DIGITS:
        return plus_forgotten, True
    if phonenumbers.is_valid_number(parsed):
        return e164, True
    restored = plus_forgotten or _restored_zero(e164)
    if restored is not None:
        return restored, True
    e164 = digits if has_plus else e164
    return (e164 if min(len(e164), len(digits)) > NATIONAL_DIGITS else None), False


def _restored_zero(e164: str) -> str | None:
    """An Italian number with the zero that belongs to it and that writers of +39 leave out."""
    return _in_plan(ITALY, f"0{e164[2:]}") if e164.startswith(ITALY) else None


def _validated(digits: str) -> str | None:
    """The digits after an international prefix in today's numbering when they make a valid number, else None."""
    for length in (1, 2, 3):
        code = digits[:length]
        if code.isdigit() and code[0] != "0" and int(code) in COUNTRY_CODE_TO_REGION_CODE:
            return _in_plan(code, digits[length:])
    return None


def _in_plan(code: str, national: str) -> str | None:
    national = _renumber(code, national)
    if _pattern(code).fullmatch(national):
        return code + national
    today = _todays_landline(national) if code == VIETNAM else None
    return None if today is None else code + today


def _todays_landline(national: str) -> str | None:
    """A Vietnamese landline from before 2017 with today's area code; only for what is no number of today."""
    for length in (3, 2, 1):
        area = OLD_VN_AREAS.get(national[:length])
        if area is not None and _pattern(VIETNAM).fullmatch(area + national[length:]):
            return area + national[length:]
    return None


def _renumber(code: str, national: str) -> str:
    """The national number in the plan of today: eleven-digit Vietnamese mobiles became ten-digit ones in 2018."""
    if code == VIETNAM and len(national) == 10:
        return OLD_VN_PREFIXES.get(national[:3], national[:3]) + national[3:]
    return national


@cache
def _dialling(region: str) -> tuple[str | None, str]:
    """(country calling code, trunk prefix) of a region; no code for a region without plain prefix rules."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None:
        return None, ""
    prefix = metadata.national_prefix_for_parsing or ""
    plain = prefix in ("", "0", "1") and metadata.national_prefix_transform_rule is None
    return (str(metadata.country_code), prefix) if plain else (None, "")


@cache
def _pattern(code: str) -> re.Pattern[str]:
    """Every national number that is valid in some region of a country calling code.

    The same test as `phonenumbers.is_valid_number`, compiled once instead of walked through for each number.
    """
    shapes = []
    for region in COUNTRY_CODE_TO_REGION_CODE[int(code)]:
        metadata: Any = PhoneMetadata.metadata_for_region_or_calling_code(int(code), region)
        kinds = (
            metadata.premium_rate, metadata.toll_free, metadata.shared_cost, metadata.voip, metadata.personal_number,
            metadata.pager, metadata.uan, metadata.voicemail, metadata.fixed_line, metadata.mobile,
        )  # fmt: skip
        valid = "|".join(kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern)
        shapes.append(f"(?=(?:{metadata.general_desc.national_number_pattern})$)(?:{valid})")
    return re.compile("|".join(shapes))
