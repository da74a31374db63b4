"""Identifier cells -> one writing of each number, with what its check digits say.

A number that fails its check is still evidence (two sources share the typo): it keeps its compare value. Only planted
runs lose it, and a masked number keeps its tail alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module

from stdnum import get_cc_module
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.us import itin

from rules.countries import country_code
from rules.outcome import Context, Outcome
from rules.text import ascii_digits, ascii_fold, tidy

IDENTIFIER_INPUTS = ("value", "country", "type")
IDENTIFIER_CLEAN = ("value",)
IDENTIFIER_COMPARE = ("value", "tail")

TAIL = 4
LEAST_TAIL = 3

_PLAIN = re.compile("[0-9-]+")
_NOT_ALNUM = re.compile("[^0-9A-Z]+")
_MASKED = re.compile(r"(?:x[x\s-]*x[x\s-]*x|[*#•?]{2}|[*•]).*?([0-9a-wyz]{3,6})$", re.IGNORECASE)
_MASK_ONLY = re.compile(r"[\sx*#•?.-]*[*•#][\sx*#•?.-]*|[\sx.-]*x{3,}[\sx.-]*", re.IGNORECASE)
_RUN = re.compile(r"(.)\1*")
_WORDS = frozenset(
    {"NA", "NONE", "NULL", "NIL", "UNKNOWN", "NOTAVAILABLE", "NOTAPPLICABLE", "TBD", "PENDING", "TEST", "XXX"}
)
_PLANTED = frozenset({"12345678"})
LEAST_SEQUENCE = 9
# Along the number row and round again.
_NUMBER_ROWS = ("012345678901234", "123456789012345", "987654321098765")
_PREFIX = re.compile(r"^(?:SSN|EIN|TIN|MST|CCCD|CMND|VAT(?=[A-Z]{2}[0-9])|ID|NO)[:.#\s]+", re.IGNORECASE)
# What forms print before the number: کد ملی: 0499370899, Mã số thuế: 0100233488, Passport No.: B1234567.
_LABEL = re.compile(r"^[^\d:]*[^\W\d_]{2}[^\d:]*:\s*(?=.*\d)")

# What a spreadsheet makes of a long number: 1089012345.0, and 1.08901E+11, of which the last digits are lost.
_NUMBER_CELL = re.compile(r"^([0-9]{5,15})\.0+$")
_SCIENTIFIC = re.compile(r"[0-9](?:[.,][0-9]+)?E\+?[0-9]{1,2}", re.IGNORECASE)
_LOOK_LIKE_DIGITS = str.maketrans("OQDILZSB", "00011258")
# A VAT number is written with its country or without.
_VAT_PREFIX = re.compile(
    r"^(?:AT(?=U)|B[EG]|C[YZ]|D[EK]|E[ELS]|F[IR]|GB|GR|H[RU]|I[ET]|L[TUV]|MT|NL|P[LT]|RO|S[EIK]|XI)(?=[A-Z0-9]{7,12}$)"
)
# Printed on wallet inserts and in advertisements; the Social Security Administration keeps them from use.
_RESERVED_SSN = frozenset({"078051120", "219099999", *(f"98765432{digit}" for digit in range(10))})

_LEGAL_ID_WEIGHTS = (29, 27, 23, 19, 17, 29, 27, 23, 19, 17)
_SSN = re.compile("(?!000|666|9)[0-9]{3}(?!00)[0-9]{2}(?!0000)[0-9]{4}")
# 536-22-872: the dashes say that the last digit is missing, not the first.
_SSN_CUT = re.compile("[0-9]{3}-[0-9]{2}-[0-9]{1,3}")
_CCCD = re.compile(r"0[0-9]{2}[0-3][0-9]{8}")

# What the type of a field may be called -> the group whose checks apply.
_TYPES = {
    "ssn": "national_id", "national_id": "national_id", "cccd": "national_id", "cmnd": "national_id",
    "melli": "national_id", "ein": "tax_id", "tin": "tax_id", "vat": "tax_id", "mst": "tax_id", "tax_id": "tax_id",
    "registration_id": "registration_id", "lei": "lei", "iban": "iban", "imo": "imo", "isin": "isin",
    "passport": "passport", "driving_licence": "driving_licence",
}  # fmt: skip


def standardise_identifier(raw: Mapping[str, str], context: Context, options: Mapping[str, str]) -> tuple[Outcome, ...]:
    """The identifier in capitals without separators, and whether it can exist.

    options: {"type": national_id | tax_id | passport | lei | ...}; a `type` or `country` in the record goes first.
    Source: python-stdnum for most; the Iranian national and legal id, Vietnamese CCCD and CMND by their own rules.
    """
    text = ascii_digits(tidy(raw.get("value", "")))
    if not text:
        return ()
    if "." in text:
        text = _NUMBER_CELL.sub(r"\1", text)
    if text[-1].isdigit() and _SCIENTIFIC.fullmatch(text):
        return (Outcome({}, {}, ("id.truncated",)),)
    country = country_code(raw["country"]) if "country" in raw else None
    kind = _type_of(raw.get("type")) or _type_of(options.get("type")) or "other"
    value = text.replace("-", "")
    if not _PLAIN.fullmatch(text):
        bare = _PREFIX.sub("", _LABEL.sub("", text) if ":" in text else text)
        value = _NOT_ALNUM.sub("", ascii_fold(bare).upper())
        masked = _read_masked(text) or _read_masked(value)
        if masked is not None:
            return (masked,)
    if not value or _is_planted(value):
        return (Outcome({}, {}, ("id.placeholder",)),)
    home = country or context.country
    is_cut = (home, kind) == ("US", "national_id") and _SSN_CUT.fullmatch(text) is not None
    value, issues = (value, ("id.invalid",)) if is_cut else _judged(value, kind, home)
    bare = _VAT_PREFIX.sub("", value) if kind == "tax_id" and not value.isdigit() else value
    compare = {"value": (bare,), "tail": (bare[-TAIL:],)} if len(bare) >= LEAST_TAIL else {"value": (bare,)}
    return (Outcome({"value": value}, compare, issues),)


def _judged(value: str, kind: str, country: str | None) -> tuple[str, tuple[str, ...]]:
    """The value, with letters read as the digits they look like where it then passes its check, and what is wrong."""
    value, is_valid = _check(value, kind, country)
    if not is_valid and (country, kind) in _OWN_CHECKS and not value.isdigit():
        digits = value.translate(_LOOK_LIKE_DIGITS)
        repaired, is_valid = _check(digits, kind, country) if digits.isdigit() else (value, False)
        if is_valid:
            return repaired, ("id.corrected",)
    issues = () if is_valid else ("id.invalid",)
    if value in _RESERVED_SSN and (country, kind) == ("US", "national_id"):
        return value, (*issues, "id.reserved")
    return value, issues


def _type_of(text: str | None) -> str | None:
    return None if text is None else _TYPES.get(text.strip().lower().replace(" ", "_"))


def _read_masked(text: str) -> Outcome | None:
    """What a masked number still shows: its tail, or nothing; None for a number that is not masked."""
    if _MASK_ONLY.fullmatch(text):
        return Outcome({}, {}, ("id.masked",))
    match = _MASKED.match(text)
    if match is None:
        return None
    return Outcome({}, {"tail": (match.group(1).upper()[-TAIL:],)}, ("id.masked",))


def _is_planted(value: str) -> bool:
    """Whether somebody typed one key again and again, ran along the number row, or wrote a word for nothing."""
    return (
        value in _WORDS
        or value in _PLANTED
        or (len(value) > 1 and _RUN.fullmatch(value) is not None)
        or (len(value) >= LEAST_SEQUENCE and any(row.startswith(value) for row in _NUMBER_ROWS))
    )


def _check(value: str, kind: str, country: str | None) -> tuple[str, bool]:
    """(the value with certain repairs, whether it can exist); what nobody can check passes."""
    own = _OWN_CHECKS.get((country, kind))
    if own is not None:
        return own(value)
    validators = _validators(country, kind)
    return value, not validators or any(_passes(validate, value) for validate in validators)


def _passes(validate: Callable[[str], str], value: str) -> bool:
    try:
        validate(value)
    except ValidationError:
        return False
    return True


@cache
def _validators(country: str | None, kind: str) -> tuple[Callable[[str], str], ...]:
    """The checks of python-stdnum for this kind of identifier; any of them may accept it."""
    names = _STDNUM.get((country, kind)) or _STDNUM.get((None, kind)) or ()
    if not names and kind == "tax_id" and country in _EU_VAT:
        own = get_cc_module(country, "vat")
        return (eu_vat.validate,) if own is None else (eu_vat.validate, own.validate)
    return tuple(import_module(f"stdnum.{name}").validate for name in names)


_EU_VAT = frozenset(
    {"AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"}
    | {"IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"}
)  # fmt: skip
_STDNUM: dict[tuple[str | None, str], tuple[str, ...]] = {
    (None, "lei"): ("lei",), (None, "iban"): ("iban",), (None, "isin"): ("isin",), (None, "imo"): ("imo",),
    ("US", "tax_id"): ("us.tin",), ("VN", "tax_id"): ("vn.mst",), ("GB", "tax_id"): ("gb.vat", "gb.utr"),
    ("GB", "national_id"): ("gb.nhs",), ("CA", "national_id"): ("ca.sin",), ("CA", "tax_id"): ("ca.bn", "ca.sin"),
    ("AU", "tax_id"): ("au.tfn", "au.abn"), ("AU", "registration_id"): ("au.abn", "au.acn"),
    ("IN", "tax_id"): ("in_.gstin", "in_.pan"), ("IN", "national_id"): ("in_.aadhaar",),
    ("CN", "national_id"): ("cn.ric",), ("BR", "national_id"): ("br.cpf",), ("BR", "tax_id"): ("br.cnpj", "br.cpf"),
    ("FR", "national_id"): ("fr.nir",), ("FR", "registration_id"): ("fr.siren", "fr.siret"),
    ("ES", "national_id"): ("es.dni", "es.nie"), ("IT", "national_id"): ("it.codicefiscale",),
    ("NL", "national_id"): ("nl.bsn",), ("SE", "national_id"): ("se.personnummer",),
    ("TR", "national_id"): ("tr.tckimlik",), ("PL", "national_id"): ("pl.pesel",), ("PL", "tax_id"): ("pl.nip",),
    ("SG", "registration_id"): ("sg.uen",), ("KR", "national_id"): ("kr.rrn",), ("ZA", "national_id"): ("za.idnr",),
}  # fmt: skip


def is_valid_melli_code(value: str) -> bool:
    """Whether the ten digits are a possible Iranian national id (code melli): last digit is a modulus 11 check."""
    if len(value) != 10 or not value.isdigit():
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(value, range(10, 1, -1), strict=False)) % 11
    return int(value[9]) == (rest if rest < 2 else 11 - rest)


def is_valid_legal_id(value: str) -> bool:
    """Whether the eleven digits are a possible Iranian id of legal persons (shenase melli): weighted modulus 11."""
    if len(value) != 11 or not value.isdigit():
        return False
    offset = int(value[9]) + 2
    pairs = zip(value, _LEGAL_ID_WEIGHTS, strict=False)
    rest = sum((int(digit) + offset) * weight for digit, weight in pairs) % 11
    return int(value[10]) == rest % 10


def _check_melli_code(value: str) -> tuple[str, bool]:
    """A national id; lost leading zeros come back only when the check digit then holds."""
    restored = value.zfill(10)
    if len(value) >= 8 and is_valid_melli_code(restored):
        return restored, True
    return value, False


def _check_iranian_tax_id(value: str) -> tuple[str, bool]:
    """Companies go by their legal id (11 digits) or economic code (12), people by their national id."""
    if is_valid_legal_id(value):
        return value, True
    if len(value) in (12, 14) and value.isdigit():
        return value, True
    return _check_melli_code(value)


def _check_cccd(value: str) -> tuple[str, bool]:
    """A twelve-digit CCCD (province, century and gender, year, six digits), lost zeros restored, or an older CMND."""
    if len(value) in (10, 11) and _CCCD.fullmatch(value.zfill(12)):
        value = value.zfill(12)
    if len(value) == 8 and value.isdigit():
        value = value.zfill(9)
    is_valid = _CCCD.fullmatch(value) is not None or (len(value) == 9 and value.isdigit())
    return value, is_valid


def _check_mst(value: str) -> tuple[str, bool]:
    """A Vietnamese tax code: ten digits with a check digit, or thirteen for a branch; people may use their CCCD."""
    if len(value) == 9 and _passes(_validators("VN", "tax_id")[0], value.zfill(10)):
        value = value.zfill(10)
    return value, _passes(_validators("VN", "tax_id")[0], value) or _CCCD.fullmatch(value) is not None


def _check_us_tax_id(value: str) -> tuple[str, bool]:
    """An EIN, SSN or ITIN; eight digits have lost their leading zero."""
    if len(value) == 8 and value.isdigit() and _passes(_validators("US", "tax_id")[0], f"0{value}"):
        value = f"0{value}"
    return value, _passes(_validators("US", "tax_id")[0], value)


def _check_ssn(value: str) -> tuple[str, bool]:
    """A US social security number or ITIN; eight digits have lost their leading zero."""
    if len(value) == 8 and value.isdigit():
        value = value.zfill(9)
    return value, _SSN.fullmatch(value) is not None or _passes(itin.validate, value)


_OWN_CHECKS: dict[tuple[str | None, str], Callable[[str], tuple[str, bool]]] = {
    ("IR", "national_id"): _check_melli_code,
    ("IR", "tax_id"): _check_iranian_tax_id,
    ("VN", "national_id"): _check_cccd,
    ("VN", "tax_id"): _check_mst,
    ("US", "national_id"): _check_ssn,
    ("US", "tax_id"): _check_us_tax_id,
}
