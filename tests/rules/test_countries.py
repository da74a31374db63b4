from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.countries import COUNTRIES, country_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("US", "US"), ("usa", "US"), ("United States of America", "US"), ("Hoa Kỳ", "US"),
        ("Mỹ", "US"), ("آمریکا", "US"),
        ("VN", "VN"), ("vnm", "VN"), ("Viet Nam", "VN"), ("Việt Nam", "VN"), ("vietnam", "VN"), ("ویتنام", "VN"),
        ("IRN", "IR"), ("ایران", "IR"), ("ايران", "IR"), ("Islamic Republic of Iran", "IR"),
        ("Đức", "DE"), ("Deutschland", "DE"), ("آلمان", "DE"), ("the Netherlands", "NL"), ("Hà Lan", "NL"),
        ("England", "GB"), ("U.K.", "GB"), ("Anh", "GB"), ("Áo", "AT"), ("Bỉ", "BE"), ("Nga", "RU"),
        ("Iran (Islamic Republic of)", "IR"), ("Iran, Islamic Republic of", "IR"), ("Korea, Republic of", "KR"),
        ("Korea (the Democratic People's Republic of)", "KP"), ("Tanzania, the United Republic of", "TZ"),
        ("Congo (the)", "CG"), ("Congo (the Democratic Republic of the)", "CD"), ("Taiwan, Province of China", "TW"),
        ("Congo, The Democratic Republic of the", "CD"), ("Bolivia (Plurinational State of)", "BO"),
        ("United Kingdom of Great Britain and Northern Ireland (the)", "GB"), ("Netherlands (the)", "NL"),
        ("Việt Nam (VN)", "VN"),
        ("MY", "MY"), ("AO", "AO"), ("BI", "BI"), ("NGA", "NG"), ("Côte d'Ivoire", "CI"), ("cote divoire", "CI"),
    ],
)  # fmt: skip
def test_codes_and_names_in_three_languages_give_the_code(text: str, code: str) -> None:
    assert country_code(text) == code


@pytest.mark.parametrize("text", ["", " ", "-", "Texas", "unknown", "XX", "؟", "Smith, John", "Paris, capital of"])
def test_what_names_no_country_gives_none(text: str) -> None:
    assert country_code(text) is None


def test_every_country_with_a_phone_plan_is_known() -> None:
    # Ascension (AC) and Tristan da Cunha (TA) dial alone but belong to SH in ISO 3166.
    assert set(phonenumbers.SUPPORTED_REGIONS) - {"AC", "TA"} <= COUNTRIES
    assert len(COUNTRIES) == 250


@given(st.text())
def test_any_text_gives_a_known_code_or_none(text: str) -> None:
    assert country_code(text) in {None, *COUNTRIES}
