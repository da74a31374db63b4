"""Person names: reading, comparing, and what one name shares with its other writings."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.names import PERSON_NAME_CLEAN, PERSON_NAME_COMPARE, standardise_person_name
from rules.names_forms import MAX_FORMS, given_forms
from rules.outcome import Context, Outcome

US, VN, IR, ANY = Context("US"), Context("VN"), Context("IR"), Context()


def read(context: Context = ANY, **raw: str) -> Outcome:
    (outcome,) = standardise_person_name(raw, context, {})
    return outcome


def parts(outcome: Outcome) -> tuple[str | None, ...]:
    return tuple(outcome.clean.get(part) for part in ("given", "middle", "family", "suffix"))


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ("Anthony Martin", ("Anthony", None, "Martin", None)),
        ("MARTIN, ANTHONY J", ("Anthony", "J", "Martin", None)),
        ("Martin Jr, Anthony", ("Anthony", None, "Martin", "Jr")),
        ("Martin, Jr., Anthony", ("Anthony", None, "Martin", "Jr")),
        ("Anthony Martin, Jr.", ("Anthony", None, "Martin", "Jr")),
        ("anthony martin 3rd", ("Anthony", None, "Martin", "III")),
        ("Dr. Anthony Martin MD", ("Anthony", None, "Martin", "MD")),
        ("ANTHONY MARTIN DO", ("Anthony", "Martin", "Do", None)),
        ("Dr. Anthony Martin, MD", ("Anthony", None, "Martin", "MD")),
        ("Anthony Martin, MD", ("Anthony", None, "Martin", "MD")),
        ("Martin Anthony J", ("Anthony", "J", "Martin", None)),
        ("Robert St. Amant", ("Robert", None, "St. Amant", None)),
        ("Anthony Martin Ph.D.", ("Anthony", None, "Martin", "Ph.D.")),
        ("Ana de la Cruz", ("Ana", None, "de la Cruz", None)),
        ("VINCENT VAN DER BERG", ("Vincent", None, "Van Der Berg", None)),
        ("J.R. O'BRIEN", ("J.", "R.", "O'Brien", None)),
        ("jane mcdonald", ("Jane", None, "McDonald", None)),
        ("Mary-Jane Smith-Jones", ("Mary-Jane", None, "Smith-Jones", None)),
        ('Robert "Bob" Smith', ("Robert", None, "Smith", None)),
        ("Maria (née Jones) Smith", ("Maria", None, "Smith", None)),
        ("Abdul Aziz Khan", ("Abdul Aziz", None, "Khan", None)),
        ("Mohammad Reza Karimi", ("Mohammad Reza", None, "Karimi", None)),
        ("J", ("J", None, None, None)),
        ("Mary", ("Mary", None, None, None)),
        ("Kowalczyk", (None, None, "Kowalczyk", None)),
    ],
)
def test_western_names_are_read(full: str, expected: tuple[str | None, ...]) -> None:
    assert parts(read(US, full=full)) == expected


@pytest.mark.parametrize(
    ("full", "context", "expected"),
    [
        ("Nguyễn Thị Hồng Thúy", VN, ("Thúy", "Thị Hồng", "Nguyễn", None)),
        ("NGUYEN VAN TUNG", VN, ("Tung", "Van", "Nguyen", None)),
        ("Nguyen Van Tung", ANY, ("Tung", "Van", "Nguyen", None)),
        ("Lê Mai", ANY, ("Mai", None, "Lê", None)),
        ("Tuấn Nguyễn", VN, ("Tuấn", None, "Nguyễn", None)),
        ("Mai Nguyễn", VN, ("Mai", None, "Nguyễn", None)),
        ("Kim Tran", US, ("Kim", None, "Tran", None)),
        ("Ông Trần Văn An", VN, ("An", "Văn", "Trần", None)),
        ("Tôn Nữ Hoàng Yến", VN, ("Yến", "Hoàng", "Tôn Nữ", None)),
        ("John Smith", VN, ("John", None, "Smith", None)),
        ("Do Bradley", US, ("Do", None, "Bradley", None)),
    ],
)
def test_vietnamese_order_follows_the_surname(full: str, context: Context, expected: tuple[str | None, ...]) -> None:
    assert parts(read(context, full=full)) == expected


@pytest.mark.parametrize(
    ("full", "expected"),
    [
        ("رضا کریمی", ("رضا", "کریمی")),
        ("کریمی رضا", ("رضا", "کریمی")),
        ("آقای محمد رضا حسن زاده", ("محمد رضا", "حسن زاده")),
        ("طاهری نژاد لیلا", ("لیلا", "طاهری نژاد")),
        ("زهرا امیری مقدم", ("زهرا", "امیری مقدم")),
        ("Karimi Reza", ("Reza", "Karimi")),
        ("Leila Amiri Moghadam", ("Leila", "Amiri Moghadam")),
    ],
)
def test_persian_names_are_read_in_either_order(full: str, expected: tuple[str, str]) -> None:
    outcome = read(IR, full=full)
    assert (outcome.clean["given"], outcome.clean["family"]) == expected


COMPARED = ("given", "middle", "family", "suffix", "tokens", "sorted", "given_sound", "family_skeleton")


@pytest.mark.parametrize(
    ("context", "left", "right"),
    [
        (US, {"full": "SMITH JR, JOHN ALAN"}, {"given": "John Alan", "family": "Smith Jr"}),
        (US, {"full": "john alan smith"}, {"given": "John", "middle": "Alan", "family": "Smith"}),
        (US, {"full": "Van Der Berg, Ann"}, {"given": "Ann", "family": "VANDERBERG"}),
        (US, {"full": "Pat OBrien"}, {"given": "Pat", "family": "O’Brien"}),
        (VN, {"full": "Trần Thị Mỹ Hòa"}, {"given": "Hòa", "middle": "Thị Mỹ", "family": "Trần"}),
        (VN, {"full": "Trần Thị Mỹ Hòa"}, {"given": "Mỹ Hòa", "family": "Trần Thị"}),
        (VN, {"full": "Trần Thị Mỹ Hòa"}, {"full": "TRAN THI MY HOA"}),
        (VN, {"full": "Đỗ Đức"}, {"full": "Đỗ Đức"}),
        (IR, {"full": "محمدرضا حسن‌زاده"}, {"full": "محمد رضا حسن زاده"}),
        (IR, {"full": "محمدرضا حسن‌زاده"}, {"full": "Mohamad Reza Hasanzade"}),
        (IR, {"full": "علي رضايي"}, {"full": "Ali Rezaie"}),
        (IR, {"full": "سید مهدی موسوی"}, {"given": "Mehdi", "family": "Moosavi"}),
        (IR, {"full": "آرش قاسمی‌نیا"}, {"full": "ارش قاسمی نیا"}),
        (IR, {"full": "آرش قاسمی‌نیا"}, {"given": "Arash", "family": "Qaseminia"}),
    ],
)
def test_one_name_compares_equal_however_it_is_written(
    context: Context, left: dict[str, str], right: dict[str, str]
) -> None:
    one, two = read(context, **left).compare, read(context, **right).compare
    assert {part: one.get(part) for part in COMPARED} == {part: two.get(part) for part in COMPARED}


def test_tones_stay_apart_in_the_native_form() -> None:
    names = [read(VN, full=f"Nguyễn {given}") for given in ("Thúy", "Thùy", "Thủy")]
    assert len({outcome.compare["given_native"] for outcome in names}) == 3
    assert {outcome.compare["given"] for outcome in names} == {("thuy",)}


def test_both_places_of_a_tone_mark_are_one_native_form() -> None:
    assert read(VN, full="Lê Hòa").compare == read(VN, full="Lê Hoà").compare


def test_names_without_tones_have_no_native_form() -> None:
    assert "given_native" not in read(VN, full="NGUYEN THUY").compare
    assert read(VN, full="Nguyễn Thị Lan").compare["given_native"] == ("lan",)


@pytest.mark.parametrize(
    ("left", "right", "compatible"),
    [
        ("Bob", "Robert", True),
        ("Liz", "Elizabeth", True),
        ("Steve", "Stephen", True),
        ("Catherine", "Kathryn", True),
        ("Mohamed", "Mohammad", True),
        ("Hosein", "Hussain", True),
        ("Mhd", "Muhammed", True),
        ("Mohd", "Mohamed", True),
        ("Mary Ann", "Maryann", True),
        ("Jean-Luc", "Jean", True),
        ("Robert", "William", False),
        ("Hassan", "Hossein", False),
        ("Hamed", "Hamid", False),
        ("Mary", "Martha", False),
    ],
)
def test_nicknames_and_spellings_share_a_form(left: str, right: str, compatible: bool) -> None:
    one, two = (set(read(US, full=f"{name} Smith").compare["given_forms"]) for name in (left, right))
    assert bool(one & two) is compatible


@pytest.mark.parametrize(
    ("context", "name", "known", "sex"),
    [
        (US, "Mark Smith", "mark", "male"),
        (US, "MARSHA SMITH", "marsha", "female"),
        (US, "Leslie Smith", "leslie", None),
        (US, "Casey Smith", "casey", None),
        (US, "Robert J Smith", "robert", "male"),
        (US, "Mrak Smith", None, None),
        (US, "Hossein Smith", "hossein", "male"),
        (IR, "زهرا احمدی", "zahra", "female"),
        (IR, "Mohamad Ahmadi", "mohammad", "male"),
        (IR, "Zqhra Ahmadi", None, None),
        (VN, "Nguyễn Thị Lan", "lan", None),
        (VN, "NGUYEN THI LAN", "lan", None),
        (VN, "Nguyễn Thị Lann", None, None),
        (VN, "Nguyễn Văn Khãnh", None, None),
    ],
)
def test_usual_given_names_are_known_and_most_tell_the_sex(
    context: Context, name: str, known: str | None, sex: str | None
) -> None:
    compare = read(context, full=name).compare
    assert compare.get("given_known") == (None if known is None else (known,))
    assert compare.get("given_sex") == (None if sex is None else (sex,))


def test_a_vietnamese_name_has_no_consonant_skeleton() -> None:
    """Hậu and Hoa, Huy and Hoa would be one: no script but the Latin one writes them, so it could only mislead."""
    compare = read(VN, full="Phạm Thanh Hậu").compare
    assert "given_sound" in compare
    assert not {"given_skeleton", "family_skeleton"} & compare.keys()


@given(st.text(alphabet="abcdeilnorsty", min_size=1, max_size=8))
def test_forms_are_few_sorted_and_hold_the_name(name: str) -> None:
    forms = given_forms(name)
    assert name in forms
    assert len(forms) <= MAX_FORMS
    assert list(forms) == sorted(set(forms))


def test_a_nickname_in_quotes_is_a_form() -> None:
    assert "buzz" in read(US, full='Edwin "Buzz" Miller').compare["given_forms"]


def test_each_half_of_a_double_family_name_is_a_form() -> None:
    assert read(US, full="Ann Smith-Jones").compare["family_forms"] == ("jones", "smith", "smithjones")


@pytest.mark.parametrize(
    ("full", "gender"),
    [
        ("Mr John Smith", "male"),
        ("Mrs. J Smith", "female"),
        ("خانم مریم کریمی", "female"),
        ("Bà Trần Thị An", "female"),
        ("Dr Jo Smith", None),
    ],
)
def test_a_title_tells_the_gender(full: str, gender: str | None) -> None:
    assert read(full=full).compare.get("gender") == (None if gender is None else (gender,))


def test_generations_are_one_code() -> None:
    suffixes = ["Junior", "JR.", "jr"]
    assert {read(given="John", family="Smith", suffix=suffix).compare["suffix"] for suffix in suffixes} == {("jr",)}


@pytest.mark.parametrize(
    "full",
    [
        "Unknown",
        "TEST",
        "n/a",
        "N/A",
        "-",
        "xxx",
        "aaaa",
        "No Name",
        "test test",
        "khách hàng",
        "Khach Hang",
        "نامشخص",
        "?",
    ],
)
def test_placeholders_name_nobody(full: str) -> None:
    assert read(full=full) == Outcome({}, {}, ("name.placeholder",))


def test_a_placeholder_in_one_column_leaves_the_others() -> None:
    outcome = read(given="Unknown", family="Smith")
    assert outcome.clean == {"family": "Smith", "full": "Smith"}
    assert outcome.issues == ("name.placeholder",)


def test_a_surname_that_is_a_planted_word_elsewhere_is_kept() -> None:
    assert read(given="Christopher", family="Guest").compare["family"] == ("guest",)


@pytest.mark.parametrize("full", ["john@example.com", "12345", "https://example.com"])
def test_other_values_are_no_names(full: str) -> None:
    outcome = read(full=full)
    assert outcome.compare == {}
    assert outcome.issues[0].startswith("name.")


def test_digits_are_dropped_and_flagged() -> None:
    outcome = read(full="John Smith 77")
    assert outcome.compare["tokens"] == ("john", "smith")
    assert outcome.issues == ("name.not_a_name",)


@pytest.mark.parametrize(
    ("raw", "given", "family"),
    [
        ({"full": "John & Mary Smith"}, "John", "Smith"),
        ({"full": "John Brown and Mary Smith"}, "John", "Brown"),
        ({"full": "SMITH, JOHN & MARY"}, "John", "Smith"),
        ({"given": "John and Mary", "family": "Smith"}, "John", "Smith"),
        ({"full": "Mr. and Mrs. John Smith"}, "John", "Smith"),
    ],
)
def test_of_two_people_the_first_is_read_and_flagged(raw: dict[str, str], given: str, family: str) -> None:
    outcome = read(ANY, **raw)
    assert (outcome.clean["given"], outcome.clean["family"]) == (given, family)
    assert outcome.issues == ("name.two_people",)


def test_nothing_says_nothing() -> None:
    assert standardise_person_name({}, ANY, {}) == ()
    assert standardise_person_name({"full": " \u200b "}, ANY, {}) == ()


LETTERS = st.text(alphabet="abcXYZ'-. ,()&0ễĐúرضایىك\u200cИ毛é\"", max_size=14)
NAMES = st.sampled_from(
    [
        "Nguyễn",
        "Văn",
        "an",
        "SMITH",
        "رضا",
        "کریمی",
        "حسن\u200cزاده",
        "Jr",
        "de",
        "la",
        "O'Neil",
        "Mary-Ann",
        "Dr.",
        "Mohamad",
    ]
)
VALUES = st.one_of(LETTERS, st.lists(NAMES, min_size=1, max_size=4).map(" ".join))


@settings(max_examples=300)
@given(VALUES, VALUES, st.sampled_from([US, VN, IR, ANY]), st.booleans())
def test_any_value_gives_declared_parts_that_are_never_empty(
    left: str, right: str, context: Context, split: bool
) -> None:
    raw = {"given": left, "family": right} if split else {"full": left}
    for outcome in standardise_person_name(raw, context, {}):
        assert set(outcome.clean) <= set(PERSON_NAME_CLEAN)
        assert set(outcome.compare) <= set(PERSON_NAME_COMPARE)
        assert all(outcome.clean.values())
        assert all(values and all(values) for values in outcome.compare.values())
        ascii_parts = {part: values for part, values in outcome.compare.items() if not part.endswith("_native")}
        assert all(value.isascii() for values in ascii_parts.values() for value in values)
        assert list(outcome.issues) == sorted(set(outcome.issues))


PLAIN = st.lists(
    st.sampled_from(
        [
            "Nguyễn",
            "Văn",
            "An",
            "Lê",
            "Smith",
            "O'Neil",
            "Mary",
            "رضا",
            "کریمی",
            "حسن\u200cزاده",
            "زهرا",
            "Mohamad",
            "Rezaie",
            "de",
            "Al-Houthi",
        ]
    ),
    min_size=1,
    max_size=4,
).map(" ".join)


@settings(max_examples=300)
@given(PLAIN, st.sampled_from([US, VN, IR, ANY]))
def test_clean_parts_standardise_to_the_same_compare_values(full: str, context: Context) -> None:
    first = read(context, full=full)
    columns = {part: text for part, text in first.clean.items() if part != "full"}
    again = read(context, **columns)
    assert again.clean == first.clean
    assert again.compare == first.compare


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Abd al-Rahman Hassan", "Abdulrahman Hassan"), ("Abdel Aziz Nour", "Abdulaziz Nour"),
        ("Ali ibn Talib", "Ali bin Talib"), ("Omar el-Sayed", "Omar al-Sayed"),
        ("VladimirPutin", "Vladimir Putin"), ("MaryAnn Jones", "Mary Ann Jones"),
        ("Ivanov Ivan Ivanovich", "Ivan Ivanovich Ivanov"), ("Иванов Иван Иванович", "Ivan Ivanovich Ivanov"),
        ("Smith Jr John", "John Smith Jr"), ("Jоhn Smith", "John Smith"), ("J0hn Sm1th", "John Smith"),
        ("John Smith c/o Mary Jones", "John Smith"), ("The Estate of John Smith", "John Smith"),
        ("Haji Asad Khan", "Asad Khan"), ("Gen. George Patton", "George Patton"), ("J.-C. Roux", "J C Roux"),
    ],
)  # fmt: skip
def test_writings_of_one_western_name_compare_equal(left: str, right: str) -> None:
    one, other = read(full=left).compare, read(full=right).compare
    assert {part: one.get(part) for part in ("given", "middle", "family", "suffix")} == {
        part: other.get(part) for part in ("given", "middle", "family", "suffix")
    }


@pytest.mark.parametrize(
    ("full", "issue"),
    [
        ("J0hn Sm1th", "name.corrected"), ("John Smith c/o Mary", "name.corrected"),
        ("Acme Trading LLC", "name.organisation"), ("Công ty TNHH An Phát", "name.organisation"),
        ("شرکت فولاد مبارکه", "name.organisation"), ("Nicolás Maduro GmbH", "name.organisation"),
    ],
)  # fmt: skip
def test_what_is_no_part_of_a_name_is_flagged(full: str, issue: str) -> None:
    assert read(full=full).issues == (issue,)


@pytest.mark.parametrize(
    "full", ["DeShawn Jackson", "Ronald McDonald", "Mary MacDonald", "LaToya Jones", "Incognito Smith", "Major Smith"]
)
def test_ordinary_names_are_not_taken_apart(full: str) -> None:
    outcome = read(US, full=full)
    assert (outcome.clean["full"], outcome.issues) == (full, ())


@pytest.mark.parametrize(
    ("columns", "context", "expected"),
    [
        ({"given": "Nguyễn", "family": "Văn An"}, VN, ("An", "Văn", "Nguyễn", None)),
        ({"given": "رضایی", "family": "علی"}, IR, ("علی", None, "رضایی", None)),
        ({"given": "محمد", "family": "علی"}, IR, ("محمد", None, "علی", None)),
        ({"given": "近平", "family": "习"}, Context("CN"), ("近平", None, "习", None)),
    ],
)
def test_swapped_columns_are_put_right_where_the_words_tell(
    columns: dict[str, str], context: Context, expected: tuple[str | None, ...]
) -> None:
    assert parts(read(context, **columns)) == expected


@pytest.mark.parametrize(
    ("full", "context", "expected"),
    [
        ("习近平", Context("CN"), ("近平", None, "习", None)), ("김민수", Context("KR"), ("민수", None, "김", None)),
        ("山田 太郎", Context("JP"), ("太郎", None, "山田", None)),
        ("山田太郎", Context("JP"), ("太郎", None, "山田", None)),
        ("José María García López", Context("ES"), ("José", "María", "García López", None)),
        ("José María García López", US, ("José", "María García", "López", None)),
    ],
)  # fmt: skip
def test_names_follow_the_order_of_their_country(full: str, context: Context, expected: tuple[str | None, ...]) -> None:
    assert parts(read(context, full=full)) == expected


def test_a_family_name_may_stand_without_its_article() -> None:
    assert set(read(full="Bashar al-Assad").compare["family_forms"]) >= {"alassad", "assad"}
