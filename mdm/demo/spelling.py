"""One text in another script or alphabet: diacritics, digits, Arabic letters."""

from __future__ import annotations

import unicodedata

_LATIN_LETTERS = range(0x00C0, 0x1EFA)


def _base_letters() -> dict[int, str]:
    """Accented Latin letter -> its base letter; combining marks -> nothing."""
    marks = dict.fromkeys(range(0x0300, 0x0370), "")
    letters = {
        code: unicodedata.normalize("NFD", chr(code))[0]
        for code in _LATIN_LETTERS
        if unicodedata.normalize("NFD", chr(code))[0].isascii()
    }
    return letters | marks | {ord("đ"): "d", ord("Đ"): "D"}


_UNACCENTED = _base_letters()
_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
_ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_ARABIC_LETTERS = str.maketrans("یک", "يك")


def unaccented(text: str) -> str:
    """Without diacritics: Thúy -> Thuy, Đà Nẵng -> Da Nang."""
    return text.translate(_UNACCENTED)


def decomposed(text: str) -> str:
    """With combining marks (NFD), as some phones and file systems send it."""
    return unicodedata.normalize("NFD", text)


def persian_digits(text: str) -> str:
    """With Persian digits."""
    return text.translate(_PERSIAN_DIGITS)


def arabic_digits(text: str) -> str:
    """With Arabic digits."""
    return text.translate(_ARABIC_DIGITS)


def arabic_letters(text: str) -> str:
    """With Arabic yeh and kaf in place of the Persian ones, as old keyboards type them."""
    return text.translate(_ARABIC_LETTERS)


def squashed(text: str) -> str:
    """ASCII letters and digits in lower case only, as in a mailbox or a host name."""
    return "".join(sign for sign in unaccented(text).lower() if sign.isascii() and sign.isalnum())
