from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import addresses_us
from rules.addresses import ADDRESS_CLEAN, ADDRESS_COMPARE, ADDRESS_INPUTS, standardise_address
from rules.outcome import Context, Outcome
from tests.rules.kind_properties import assert_well_formed, contexts, texts

Parts = dict[str, str]


def read(country: str | None, /, **raw: str) -> Outcome:
    (outcome,) = standardise_address(raw, Context(country), {})
    return outcome


def compared(outcome: Outcome) -> Parts:
    return {part: "+".join(values) for part, values in outcome.compare.items()}


def in_short(outcome: Outcome) -> str:
    """number / street / unit / box / districts / city / region / postcode, - for what is unknown."""
    parts = ("number", "street", "unit", "po_box", "district", "city", "region", "postcode")
    return " / ".join(compared(outcome).get(part, "-") for part in parts)


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ("123 North Main Street, Apt. 4, Springfield, IL 62701-1234",
         "123 / n main st / 4 / - / - / springfield / il / 62701"),
        ("123 N. Main St #4, Springfield, Illinois 62701", "123 / n main st / 4 / - / - / springfield / il / 62701"),
        ("123 N MAIN ST APT 4\nSPRINGFIELD IL 62701", "123 / n main st / 4 / - / - / springfield / il / 62701"),
        ("1800 M Street, NW Ste. 700, Washington, DC 20036", "1800 / m st nw / 700 / - / - / washington / dc / 20036"),
        ("P.O. Box 1234, Austin, TX 78701, USA", "- / - / - / 1234 / - / austin / tx / 78701"),
        ("716 State Route 160", "716 / state rte 160 / - / - / - / - / - / -"),
        ("22 Fifth Avenue", "22 / 5 ave / - / - / - / - / - / -"),
        ("22 5th Ave.", "22 / 5 ave / - / - / - / - / - / -"),
        ("830 1/2 Davis St", "830 1/2 / davis st / - / - / - / - / - / -"),
        ("Suite 900, 1450 N City Rd", "1450 / n city rd / 900 / - / - / - / - / -"),
        ("123 MAIN ST.,APT.4,BOSTON,MA,02101", "123 / main st / 4 / - / - / boston / ma / 02101"),
        ("350 Fifth Avenue, 34th Floor, New York, NY 10118", "350 / 5 ave / 34 / - / - / new york / ny / 10118"),
        ("123 Main St, Austin, TX 78701 United States", "123 / main st / - / - / - / austin / tx / 78701"),
        ("235 Peachtree St, NE Suite 2000 Atlanta, GA 30303",
         "235 / peachtree st ne / 2000 / - / - / atlanta / ga / 30303"),
        ("55 Ivan Allen Blvd, Suite 530 Atlanta, Georgia 30308",
         "55 / ivan allen blvd / 530 / - / - / atlanta / ga / 30308"),
        ("111 W Monroe St, 12C, Chicago, IL 60603", "111 / w monroe st / 12c / - / - / chicago / il / 60603"),
        ("123 Calle Luna, San Juan PR 00901", "123 / calle luna / - / - / - / san juan / pr / 00901"),
    ],
)  # fmt: skip
def test_a_us_line_is_read_without_the_tagger(full: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses_us, "_tag", None)
    assert in_short(read("US", full=full)) == expected


def test_the_tagger_finds_a_city_that_no_comma_sets_off() -> None:
    found = compared(read("US", full="558 e castle pines pkwy # 173 castle pines co 80108-4608"))
    assert (found["number"], found["unit"], found["city"], found["postcode"]) == ("558", "173", "castle pines", "80108")


SAME_PLACE = [
    (
        "US",
        {"full": "4663 Chestnut St #296, Saint Paul, MN 55806"},
        {"full": "4663 CHESTNUT STREET, APT 296", "city": "ST PAUL", "region": "Minnesota", "postcode": "55806-0001"},
    ),
    (
        "US",
        {"full": "4663 Chestnut St #296, Saint Paul, MN 55806"},
        {
            "number": "4663",
            "street": "chestnut st.",
            "unit": "Unit 296",
            "city": "St. Paul",
            "region": "MN",
            "postcode": "55806",
        },
    ),
    (
        "VN",
        {"full": "480/12 Lý Thường Kiệt, Phường 5, Quận 3, Thành phố Hồ Chí Minh"},
        {"full": "480/12 LY THUONG KIET, P05, Q3", "city": "TP. HCM"},
    ),
    (
        "VN",
        {"full": "337 Đinh Tiên Hoàng, Phường Tây Thạnh, TP.HCM"},
        {"full": "337 Dinh Tien Hoang", "city": "Phường Tây Thạnh", "region": "Thành phố Hồ Chí Minh"},
    ),
    (
        "VN",
        {"full": "12 Trần Phú, X. Điền Hạ, H. Bá Thước, Tỉnh Thanh Hóa"},
        {"full": "Số 12 đường Trần Phú", "district": "Xã Điền Hạ, Huyện Bá Thước", "region": "Thanh Hoá"},
    ),
    (
        "IR",
        {"full": "خیابان میرداماد، کوچه ۳۶، پلاک ۳۳۰، واحد ۶", "city": "تهران"},
        {"full": "خ ميرداماد ك 36 پ 330 و 6", "city": "تهران"},
    ),
    (
        "IR",
        {"full": "فارس، شیراز، خیابان کارگر شمالی، کوچه 16، پلاک 384"},
        {"full": "North Kargar St., Alley 16, No. 384", "city": "Shiraz", "region": "Fars"},
    ),
    (
        "DE",
        {"full": "Hauptstraße 12 a, 10115 Berlin"},
        {"street": "Hauptstr.", "number": "12a", "city": "BERLIN", "postcode": "10115"},
    ),
    (
        "GB",
        {"full": "18 Danver Place, Loughborough, LE11 1UU, United Kingdom"},
        {"street": "18 danver pl", "city": "Loughborough", "postcode": "le111uu"},
    ),
    (
        "AU",
        {"full": "3/15 Haystack Crescent, Joondalup QLD 2029"},
        {
            "unit": "3",
            "number": "15",
            "street": "haystack cres",
            "city": "joondalup",
            "region": "queensland",
            "postcode": "2029",
        },
    ),
]


@pytest.mark.parametrize(("country", "left", "right"), SAME_PLACE)
def test_the_same_place_compares_equal_however_it_is_written(country: str, left: Parts, right: Parts) -> None:
    assert compared(read(country, **left)) == compared(read(country, **right))


def test_every_part_of_a_us_address() -> None:
    outcome = read("US", full="123 North Main Street, Apt 4", city="New York City", region="New York", postcode="10001")
    assert outcome.clean == {
        "line": "123 North Main Street, Apt 4",
        "unit": "4",
        "city": "New York City",
        "region": "NY",
        "postcode": "10001",
        "country": "US",
    }
    assert outcome.compare == {
        "number": ("123",),
        "street": ("n main st",),
        "street_number": ("123 n main st",),
        "unit": ("4",),
        "city": ("new york",),
        "region": ("ny",),
        "postcode": ("10001",),
        "postcode_area": ("100",),
        "line": ("123 n main st 4 new york ny 10001",),
        "tokens": ("123", "n", "main", "4", "new", "york", "ny", "10001"),
    }


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ("Hẻm 184/1 Nguyễn Xí, Phường 26, Quận Bình Thạnh, Thành phố Hồ Chí Minh",
         "184/1 / nguyen xi / - / - / binh thanh / ho chi minh / ho chi minh / -"),
        ("714 Nguyễn Du, P. Lộc Hạ, TP. Nam Định, Tỉnh Nam Định",
         "714 / nguyen du / - / - / thien truong+nam dinh / nam dinh / ninh binh / -"),
        ("79 Quốc lộ 1A, Xã Vĩnh Bảo, Hải Phòng", "79 / ql 1a / - / - / vinh bao / hai phong / hai phong / -"),
        ("No.123/45, đường Nguyễn Thị Minh Khai, Phường 5, Quận 3, Ho Chi Minh City, Việt Nam",
         "123/45 / nguyen thi minh khai / - / - / ban co+q3 / ho chi minh / ho chi minh / -"),
        ("12 Lê Lợi Phường Bến Nghé Quận 1", "12 / le loi / - / - / sai gon+q1 / ho chi minh / ho chi minh / -"),
    ],
)  # fmt: skip
def test_a_vietnamese_line_gives_its_units_up(full: str, expected: str) -> None:
    assert in_short(read("VN", full=full)) == expected


@pytest.mark.parametrize(
    "region", ["Tỉnh Bình Dương", "Bà Rịa - Vũng Tàu", "TP.HCM", "THANH PHO HO CHI MIN", "Sài Gòn"]
)
def test_vietnamese_provinces_compare_by_the_one_of_today_however_written(region: str) -> None:
    assert read("VN", region=region).compare["region"] == ("ho chi minh",)


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ("تهران، تهران، خیابان لاله، کوچه ۳۶، پلاک ۳۳۰، واحد ۶", "330 / laleh 36 / 6 / - / - / tehran / tehran / -"),
        ("خیابان لاله، کوچه ۳۶، پلاک ۳۳۰، واحد ۶، شیراز، فارس", "330 / laleh 36 / 6 / - / - / shiraz / fars / -"),
        ("خ شهید بهشتی ک 46 پ 61", "61 / beheshti 46 / - / - / - / - / - / -"),
        ("Beheshti St., Alley 46, No. 61, Unit 2, Tehran", "61 / beheshti 46 / 2 / - / - / tehran / - / -"),
    ],
)  # fmt: skip
def test_an_iranian_line_is_read_in_either_order_and_script(full: str, expected: str) -> None:
    assert in_short(read("IR", full=full)) == expected


@pytest.mark.parametrize(
    ("raw", "street"),
    [
        ({"full": "خ لاله پ 3"}, "laleh"),
        ({"full": "3 Lê Lợi, Quận 1"}, "le loi"),
        ({"full": "3 Saint Main Street, Austin, TX 78701"}, "st main st"),
    ],
)
def test_without_a_country_the_writing_tells(raw: Parts, street: str) -> None:
    assert read(None, **raw).compare["street"] == (street,)


@pytest.mark.parametrize(
    ("country", "postcode", "key", "area"),
    [
        ("US", "7866", "07866", "078"), ("US", "07866-1234", "07866", "078"), ("US", "078661234", "07866", "078"),
        ("GB", "le11 1uu", "LE111UU", "LE11"), ("GB", "M1 1AA", "M11AA", "M1"), ("CA", "m1s 1t4", "M1S1T4", "M1S"),
        ("IR", "۱۱۹۳۶-۵۴۴۷۱", "1193654471", "119"), (None, "2029", "2029", "202"),
    ],
)  # fmt: skip
def test_postcodes_lose_their_spaces_and_regain_lost_zeros(country: str, postcode: str, key: str, area: str) -> None:
    compare = read(country, postcode=postcode).compare
    assert (compare["postcode"], compare["postcode_area"]) == ((key,), (area,))


@pytest.mark.parametrize("postcode", ["00000", "99999", "0000", "xxxxx"])
def test_planted_postcodes_are_dropped_and_said(postcode: str) -> None:
    outcome = read("US", city="Boston", postcode=postcode)
    assert "postcode" not in outcome.compare
    assert outcome.issues == ("address.postcode_placeholder",)


@pytest.mark.parametrize("text", ["n/a", "N/A", "unknown", "None", "-", "same as above", "không có", "نامشخص", "xxx"])
def test_planted_addresses_are_not_compared(text: str) -> None:
    assert read("US", full=text) == Outcome({}, {}, ("address.placeholder",))
    beside = read("US", full=text, city="Boston")
    assert (beside.compare["city"], beside.issues) == (("boston",), ("address.placeholder",))


def test_the_country_of_the_address_goes_before_that_of_the_record() -> None:
    outcome = read("VN", full="12 High St", country="England")
    assert (outcome.clean["country"], outcome.compare["street"]) == ("GB", ("high st",))


@pytest.mark.parametrize("full", ["Fieldstrasse 10, FL-2198 Triesen", "Fieldstrasse 10, FL-2198 Triesen, Lichtenstein"])
def test_an_address_abroad_is_read_though_the_record_is_of_the_us(full: str) -> None:
    assert read("US", full=full).compare["street_number"] == ("10 fieldstrasse",)


@pytest.mark.parametrize(("country", "raw"), [(c, raw) for c, left, right in SAME_PLACE for raw in (left, right)])
def test_a_clean_address_standardises_to_itself(country: str, raw: Parts) -> None:
    outcome = read(country, **raw)
    again = read(country, **{"full" if part == "line" else part: value for part, value in outcome.clean.items()})
    assert (again.clean, compared(again)) == (outcome.clean, compared(outcome))


@given(st.dictionaries(st.sampled_from(ADDRESS_INPUTS), texts, min_size=1), contexts)
def test_any_text_gives_well_formed_outcomes(raw: Parts, context: Context) -> None:
    assert_well_formed(standardise_address(raw, context, {}), ADDRESS_CLEAN, ADDRESS_COMPARE)


@pytest.mark.parametrize(
    ("country", "full", "expected"),
    [
        ("DE", "Musterstr. 12 a\nD-10115 Berlin\nDeutschland", "12a / musterstr / - / - / - / berlin / - / 10115"),
        ("GB", "Flat 3, 10 Downing St, London, SW1A2AA", "10 / downing st / 3 / - / - / london / - / SW1A2AA"),
        ("GB", "29 Lottbridge Drove, Eastbourne, East Sussex BN23 6QD, UK",
         "29 / lottbridge drove / - / - / - / eastbourne / east sussex / BN236QD"),
        ("FR", "12 bis, rue de la Paix, 75002 PARIS CEDEX 02", "12 / rue de la paix / - / - / - / paris / - / 75002"),
        ("IT", "Via Roma 12, 00184 Roma RM, Italia", "12 / via roma / - / - / - / roma / rm / 00184"),
        ("BR", "Av. Paulista, 1578 - Bela Vista, São Paulo - SP, 01310-200",
         "1578 / ave paulista / - / - / - / sao paulo / sp / 01310200"),
        ("CA", "123 Main St, Toronto, ON M5V 2T6", "123 / main st / - / - / - / toronto / on / M5V2T6"),
        ("AU", "Unit 5/12 George St, Sydney NSW 2000", "12 / george st / 5 / - / - / sydney / nsw / 2000"),
        ("CN", "208 Tianhe Road, Guangzhou, Guangdong 510620",
         "208 / tianhe rd / - / - / - / guangzhou / guangdong / 510620"),
        ("IN", "12, MG Road, Bangalore, Karnataka, 560001",
         "12 / mg rd / - / - / - / bangalore / karnataka / 560001"),
        ("RU", "ул. Ленина, д. 5, кв. 12, Москва, 101000", "5 / ul lenina / 12 / - / - / moskva / - / 101000"),
        ("NL", "Keizersgracht 123, 1015 CJ Amsterdam", "123 / keizersgracht / - / - / - / amsterdam / - / 1015CJ"),
        ("AE", "Villa 12, Al Wasl Road, Dubai, United Arab Emirates", "- / al wasl rd / 12 / - / - / dubai / - / -"),
    ],
)  # fmt: skip
def test_postcode_city_and_region_follow_the_country(country: str, full: str, expected: str) -> None:
    assert in_short(read(country, full=full)) == expected


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("تهران، خیابان ولیعصر، کوچه بهار، پلاک ۱۲", "No 12, Bahar Alley, Valiasr Street, Tehran"),
        ("اصفهان، خیابان چهارباغ بالا، پلاک ۵", "No. 5, Chaharbagh Bala St., Isfahan"),
        ("خیابان آزادی، نبش کوچه شهید رضایی، پلاک ۲۲، تهران", "Tehran, Azadi St, Rezaei Alley, No 22"),
    ],
)
def test_an_iranian_address_compares_alike_in_both_scripts(left: str, right: str) -> None:
    one, other = read("IR", full=left), read("IR", full=right)
    assert (one.compare["street_number"], one.compare["city"]) == (
        other.compare["street_number"],
        other.compare["city"],
    )
