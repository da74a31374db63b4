"""Organisation names: legal forms, abbreviations, business lines, and names that must stay apart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.organisations import (
    ORGANISATION_NAME_CLEAN,
    ORGANISATION_NAME_COMPARE,
    standardise_organisation_name,
)
from rules.outcome import Context, Outcome

US, VN, IR, ANY = Context("US"), Context("VN"), Context("IR"), Context()


def read(full: str, context: Context = ANY) -> Outcome:
    (outcome,) = standardise_organisation_name({"full": full}, context, {})
    return outcome


@pytest.mark.parametrize(
    ("full", "core", "classes"),
    [
        ("Acme Foods Ltd", "acme food", ("limited",)),
        ("ACME FOODS LIMITED", "acme food", ("limited",)),
        ("Acme Foods, Inc.", "acme food", ("corporation",)),
        ("The Acme Company", "acme", ("company",)),
        ("Acme L.L.C.", "acme", ("llc",)),
        ("Acme S.A.R.L.", "acme", ("limited", "llc")),
        ("Acme Sp. z o.o.", "acme", ("limited", "llc")),
        ("Acme GmbH & Co. KG", "acme", ("partnership",)),
        ("AcmeAG", "acme", ("joint_stock",)),
        ("Acme Pty Ltd", "acme", ("limited",)),
        ("ООО Ромашка", "romashka", ("limited", "llc")),
        ("株式会社トヨタ", "toyota", ("joint_stock",)),
        ("Limited", "limited", None),
        ("AT&T Inc", "att", ("corporation",)),
        ("Macy's", "macys", None),
        ("3M Co", "3m", ("company",)),
    ],
)
def test_legal_forms_leave_the_core(full: str, core: str, classes: tuple[str, ...] | None) -> None:
    compare = read(full).compare
    assert compare["core"] == (core,)
    assert compare.get("legal") == classes


@pytest.mark.parametrize(
    ("context", "left", "right"),
    [
        (VN, "Công ty TNHH Thương mại Dịch vụ An Phát", "CTY TNHH TM DV AN PHAT"),
        (VN, "Công ty TNHH Thương mại Dịch vụ An Phát", "An Phat Trading Services Co., Ltd"),
        (VN, "Công ty Cổ phần Xây dựng Hoà Bình", "CTCP XD Hòa Bình"),
        (VN, "Doanh nghiệp tư nhân Du lịch Trường Sơn", "Truong Son Travel Private Enterprise"),
        (VN, "DNTN TVTK Phú Thịnh", "Phu Thinh Design Consulting Private Enterprise"),
        (IR, "شرکت دارو مهر (سهامی عام)", "شركت دارو مهر"),
        (IR, "شرکت دارو مهر (سهامی عام)", "Daru Mehr Co."),
        (US, "Smith & Sons Mfg Co", "Smith and Sons Manufacturing Company"),
        (US, "Acme Bros. Intl", "ACME BROTHERS INTERNATIONAL"),
        (US, "Baker Svcs LLC", "Baker Services"),
    ],
)
def test_one_organisation_has_one_core(context: Context, left: str, right: str) -> None:
    assert read(left, context).compare["core"] == read(right, context).compare["core"]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Acme Foods", "Acme Systems"),
        ("Northern Trust", "Southern Trust"),
        ("Công ty TNHH Bình Minh", "Công ty TNHH Bình An"),
    ],
)
def test_different_organisations_keep_different_cores(left: str, right: str) -> None:
    assert read(left).compare["core"] != read(right).compare["core"]


def test_word_order_is_lost_in_sorted_only() -> None:
    left, right = read("Instruments, Redgate").compare, read("Redgate Instruments").compare
    assert left["sorted"] == right["sorted"]
    assert left["core"] != right["core"]


def test_the_name_has_no_lines_of_business() -> None:
    left, right = (read(full, VN).compare for full in ("Công ty TNHH Du lịch Lộc Phát", "Cty TNHH Lộc Phát"))
    assert left["name"] == right["name"] == ("loc phat",)
    assert left["core"] == ("loc phat travel",)


def test_the_acronym_has_a_letter_a_word() -> None:
    assert read("Rushmoor Foods Ltd").compare["acronym"] == ("rf",)
    assert "acronym" not in read("Rushmoor Ltd").compare


def test_tones_stay_in_the_native_form_of_the_name_alone() -> None:
    long, short = "Công ty TNHH Xây dựng Hòa Bình", "CTY TNHH XD HOÀ BÌNH"
    assert read(long, VN).compare["native"] == read(short, VN).compare["native"] == ("hoà bình",)
    assert "native" not in read("CTY TNHH XD HOA BINH", VN).compare


def test_a_trade_name_is_a_name_of_its_own() -> None:
    legal, trade = standardise_organisation_name({"full": "Acme Holdings Inc dba Road Runner"}, US, {})
    assert legal.compare["core"] == ("acme holding",)
    assert trade.compare["core"] == ("road runner",)


def test_the_shown_parts_keep_the_writers_letters() -> None:
    assert read("Acme Foods, Inc.").clean == {"full": "Acme Foods, Inc.", "core": "Acme Foods", "legal_form": "Inc"}


@pytest.mark.parametrize("full", ["Unknown", "N/A", "self-employed", "-", "TEST", "ندارد", "không có"])
def test_placeholders_name_no_organisation(full: str) -> None:
    assert read(full) == Outcome({}, {}, ("organisation.placeholder",))


def test_nothing_says_nothing() -> None:
    assert standardise_organisation_name({}, ANY, {}) == ()


WORDS = st.sampled_from(
    [
        "Acme",
        "Foods",
        "Ltd",
        "Công",
        "ty",
        "TNHH",
        "TM",
        "Hòa",
        "شرکت",
        "مهر",
        "و",
        "and",
        "&",
        "Inc.",
        "dba",
        "S.A.",
        "有限公司",
        "The",
        "L.P.",
        "'",
        "3M",
    ]
)
VALUES = st.one_of(st.text(max_size=12), st.lists(WORDS, min_size=1, max_size=5).map(" ".join))


@settings(max_examples=300)
@given(VALUES, st.sampled_from([US, VN, IR, ANY]))
def test_any_value_gives_declared_parts_and_stable_compare_values(full: str, context: Context) -> None:
    outcomes = standardise_organisation_name({"full": full}, context, {})
    for outcome in outcomes:
        assert set(outcome.clean) <= set(ORGANISATION_NAME_CLEAN)
        assert set(outcome.compare) <= set(ORGANISATION_NAME_COMPARE)
        assert all(values and all(values) for values in outcome.compare.values())
        folded = {part: values for part, values in outcome.compare.items() if part != "native"}
        assert all(value.isascii() for values in folded.values() for value in values)
    if len(outcomes) == 1 and outcomes[0].compare:
        again = read(outcomes[0].clean["full"], context)
        assert again.compare == outcomes[0].compare


@pytest.mark.parametrize(
    ("full", "context", "core", "branch"),
    [
        ("Công ty TNHH An Phát - Chi nhánh Hà Nội", VN, "an phat", "ha noi"),
        ("CN Cty CP Sữa Việt Nam tại Đà Nẵng", VN, "sua viet nam", "da nang"),
        ("VPĐD Công ty An Phát", VN, "an phat", "main"),
        ("بانک ملی ایران شعبه تهران", IR, "bank melli iran", "tehran"),
        ("IBM Corp Vietnam Branch", US, "ibm", "vn"),
        ("IBM Corp Vietnam Branch", VN, "ibm", "main"),
        ("Bank of China (Hong Kong) Limited", ANY, "bank of china hong kong", "cn hk"),
        ("Bowne Solutions of New Jersey Inc", US, "bowne solution of new jersey", "us nj"),
        ("Acme Branch", US, "acme branch", "main"),
        ("Giải Pháp Số", VN, "giai phap so", "main"),
        ("Georgia Pacific LLC", US, "georgia pacific", "main"),
    ],
)
def test_a_branch_leaves_the_core_and_tells_members_apart(full: str, context: Context, core: str, branch: str) -> None:
    compare = read(full, context).compare
    assert (compare["core"], compare["branch"]) == ((core,), (branch,))


@pytest.mark.parametrize(
    ("full", "is_person"),
    [
        ("Mr John Smith", True), ("John Smith", True), ("Ông Nguyễn Văn An", True), ("علی رضایی", True),
        ("Nguyễn Văn Nam", True), ("Tran Thi Hoa", True), ("Nguyễn Kim", False),
        ("بهار نور", False), ("پارس گستر", False),
        ("John Deere Company", False), ("Smith & Sons", False), ("Trường Sơn", False), ("Acme", False),
    ],
)  # fmt: skip
def test_the_name_of_a_person_is_flagged(full: str, *, is_person: bool) -> None:
    assert ("organisation.person_name" in read(full).issues) is is_person


@pytest.mark.parametrize("full", ["Unknown Company", "Test Co., Ltd", "N/A Inc"])
def test_a_planted_name_with_a_legal_form_stays_planted(full: str) -> None:
    outcome = read(full)
    assert (outcome.compare, outcome.issues) == ({}, ("organisation.placeholder",))
