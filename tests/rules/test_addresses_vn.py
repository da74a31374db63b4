"""Vietnamese addresses: units before and after July 2025, marks, short words, order and slips."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.addresses import standardise_address
from rules.outcome import Context, Outcome
from rules.vn_places import find_place
from rules.vn_units import PROVINCES, load_units

PLACE = ("district", "city", "region")


def read(full: str = "", **columns: str) -> Outcome:
    raw = {"full": full, **columns} if full else columns
    (outcome,) = standardise_address(raw, Context("VN"), {})
    return outcome


def place(outcome: Outcome) -> dict[str, tuple[str, ...]]:
    return {part: outcome.compare[part] for part in PLACE if part in outcome.compare}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh", "Phường Sài Gòn, Thành phố Hồ Chí Minh"),
        ("Phường Tây Thạnh, Quận Tân Phú, TP.HCM", "Phường Tây Thạnh, TP.HCM"),
        ("Phường Phú Cường, Thành phố Thủ Dầu Một, Tỉnh Bình Dương", "Phường Thủ Dầu Một, Thành phố Hồ Chí Minh"),
        ("Phường 1, Thành phố Vũng Tàu, Bà Rịa - Vũng Tàu", "Phường Vũng Tàu, TP. Hồ Chí Minh"),
        ("Phường Lộc Hạ, TP. Nam Định, Tỉnh Nam Định", "Phường Thiên Trường, Tỉnh Ninh Bình"),
        ("Phường Thảo Điền, Quận 2, TP HCM", "Phường An Khánh, TP HCM"),
        ("Huyện Côn Đảo, Bà Rịa - Vũng Tàu", "Đặc khu Côn Đảo, Thành phố Hồ Chí Minh"),
        ("Phường Vĩnh Ninh, Thành phố Huế, Tỉnh Thừa Thiên Huế", "Phường Thuận Hóa, Thành phố Huế"),
    ],
)
def test_a_place_compares_alike_before_and_after_july_2025(old: str, new: str) -> None:
    left, right = read(f"12 Lê Lợi, {old}"), read(f"12 Lê Lợi, {new}")
    assert left.compare == right.compare
    assert (left.issues, right.issues) == ((), ())


BEN_NGHE = place(read("12 Lê Lợi, Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh"))


@pytest.mark.parametrize(
    "full",
    [
        "12 Lê Lợi, P. Bến Nghé, Q.1, TP.HCM",
        "12 Le Loi, P.Ben Nghe, Q1, Tp HCM",
        "12 LE LOI, PHUONG BEN NGHE, QUAN 1, THANH PHO HO CHI MINH",
        "12 Lê Lợi - Bến Nghé - Quận 1 - Sài Gòn",
        "12 Lê Lợi Phường Bến Nghé Quận 1 Thành phố Hồ Chí Minh",
        "12 le loi ben nghe quan 1 tphcm",
        "12 Lê Lợi, Bến Nghé, 1, Hồ Chí Minh",
        "12 Le Loi Street, Ben Nghe Ward, District 1, Ho Chi Minh City, Vietnam",
        "12 Lê Lợi, P.Bến Nghé, Q.1",
        "12 Lê Lợi, Phường Bến Ngé, Quận 1, Thành phố Hồ Chí Minh",
        "12 Lê Lợi, Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Mihn",
        "12 Lê Lợi, PhườngBếnNghé,Quận1,ThànhphốHồChíMinh",
    ],
)
def test_every_writing_of_a_ward_compares_alike(full: str) -> None:
    assert place(read(full)) == BEN_NGHE


@pytest.mark.parametrize(
    "columns",
    [
        {"line1": "12 Lê Lợi", "district": "Bến Nghé, Quận 1", "city": "TP HCM"},
        {"line1": "12 Lê Lợi, P. Bến Nghé", "district": "Q1", "region": "Hồ Chí Minh"},
        {"line1": "12 Lê Lợi", "city": "Phường Bến Nghé", "district": "Quận 1", "region": "Thành phố Hồ Chí Minh"},
        {"line1": "12 Lê Lợi, P. Bến Nghé, Q1, TP HCM", "district": "Quận 1", "city": "Hồ Chí Minh"},
    ],
)
def test_columns_say_the_same_as_a_line(columns: dict[str, str]) -> None:
    outcome = read(**columns)
    assert place(outcome) == BEN_NGHE
    assert outcome.compare == read("12 Lê Lợi, Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Minh").compare


def test_units_are_shown_by_their_official_names() -> None:
    shown = read("12 le loi, p. ben nghe, q.1, tphcm").clean
    assert (shown["line"], shown["district"]) == ("12 le loi", "Phường Bến Nghé, Quận 1")


@pytest.mark.parametrize(
    ("full", "is_corrected"),
    [
        ("Phường Bến Ngé, Quận 1, TP HCM", True),
        ("Phường Bến Nghé, Quận 1, Thành phố Hồ Chí Mihn", True),
        ("Phường Bến Nghé, Quận 1, TP HCM", False),
        ("PHUONG BEN NGHE, QUAN 1, HCM", False),
    ],
)
def test_a_corrected_unit_is_flagged(full: str, *, is_corrected: bool) -> None:
    assert ("address.corrected" in read(f"12 Lê Lợi, {full}").issues) is is_corrected


@pytest.mark.parametrize(
    ("full", "district"),
    [
        # Divided in 2025: all parts compare, with the district, so that no writing contradicts another.
        ("Phường Cửa Nam, Quận Hoàn Kiếm, Hà Nội", {"cua nam", "hoan kiem", "ba dinh", "van mieu quoc tu giam"}),
        # One ending, two villages: the marks tell.
        ("Xã Minh Quân, Huyện Trấn Yên, Yên Bái", {"au lau", "tran yen", "yen bai"}),
        ("Thị trấn Yên Viên, Huyện Gia Lâm, Hà Nội", {"phu dong", "gia lam"}),
        # A ward unknown in its district stays as it is written.
        ("Phường Không Có Thật, Quận 1, TP HCM", {"khong co that", "q1"}),
        ("Quận 1, TP HCM", {"q1"}),
    ],
)
def test_what_is_known_of_a_ward_decides_what_it_compares_as(full: str, district: set[str]) -> None:
    assert set(read(f"12 Lê Lợi, {full}").compare["district"]) == district


@pytest.mark.parametrize(
    ("full", "street"),
    [
        ("12 Nguyễn Trãi, Thanh Xuân, Hà Nội", "nguyen trai"),
        ("Trần Hưng Đạo, Phường Cầu Ông Lãnh, Quận 1, TP HCM", "tran hung dao"),
        ("Đường Hà Nội, Quận Hồng Bàng, Hải Phòng", "ha noi"),
        ("15 Ngõ 8 Lý Nam Đế, Hoàn Kiếm, Hà Nội", "ngo 8 ly nam de"),
        ("Quốc lộ 1A, Xã Cam Thành Bắc, Huyện Cam Lâm, Khánh Hòa", "ql 1a"),
    ],
)
def test_a_street_named_like_a_place_stays_a_street(full: str, street: str) -> None:
    assert read(full).compare["street"] == (street,)


@pytest.mark.parametrize(
    ("full", "region"),
    [
        ("Thành phố Vinh, Tỉnh Nghệ An", "nghe an"),
        ("Phường 1, Thành phố Cà Mau", "ca mau"),
        ("Thành phố Quảng Ninh", "quang ninh"),
        ("Hà Nội - Ba Đình - Trúc Bạch", "ha noi"),
        ("Xã Cự Khê, Huyện Thanh Oai", "ha noi"),
    ],
)
def test_the_province_is_found_wherever_it_stands(full: str, region: str) -> None:
    assert read(full).compare["region"] == (region,)


def test_the_list_of_units_is_whole() -> None:
    units = load_units()
    assert (len(units.old), len(units.new)) == (63, 34)
    assert {PROVINCES[key] for key in units.old} == set(units.new)
    assert sum(len(wards) for region in units.new.values() for wards in region.values()) == 3321
    assert all(ward.wards for province in units.old.values() for wards in province.wards.values() for ward in wards)


OLD_WARDS = sorted(
    (ward.name, district.name, province.key)
    for province in load_units().old.values()
    for district in province.districts.values()
    if district.name
    for wards in district.wards.values()
    if len(wards) == 1
    for ward in wards
)


@given(st.sampled_from(OLD_WARDS))
def test_every_old_ward_is_found_by_its_official_writing(unit: tuple[str, str, str]) -> None:
    ward, district, province = unit
    found = find_place((ward.lower(), district.lower(), province))
    assert (found.is_ward_known, found.is_corrected, found.region) == (True, False, PROVINCES[province])
