"""Entity ids: numbers come back whole, slips of the pen are noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.errors import NotFound
from mdm.ids import ALPHABET, eid_of, entity_id

NUMBERS = st.integers(min_value=0, max_value=2**63 - 1)


@given(NUMBERS)
def test_an_id_leads_back_to_its_number(eid: int) -> None:
    assert eid_of(entity_id(eid)) == eid


@given(NUMBERS, st.data())
def test_one_wrong_character_is_noticed(eid: int, data: st.DataObject) -> None:
    right = entity_id(eid)
    place = data.draw(st.integers(min_value=1, max_value=len(right) - 1))
    other = data.draw(st.sampled_from([character for character in ALPHABET if character != right[place]]))
    with pytest.raises(NotFound):
        eid_of(right[:place] + other + right[place + 1 :])


@given(NUMBERS, st.data())
def test_two_swapped_neighbours_are_noticed(eid: int, data: st.DataObject) -> None:
    right = entity_id(eid)
    place = data.draw(st.integers(min_value=1, max_value=len(right) - 2))
    swapped = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
    if swapped != right:
        with pytest.raises(NotFound):
            eid_of(swapped)


@pytest.mark.parametrize(("eid", "digits"), [(0, "0000000"), (1, "0000001"), (31, "000000Z"), (32**7, "10000000")])
def test_an_id_is_the_digits_between_e_and_the_check(eid: int, digits: str) -> None:
    assert entity_id(eid)[:-1] == "E" + digits


@pytest.mark.parametrize(("right", "heard"), [("E", "e"), ("0", "O"), ("1", "l"), ("1", "I")])
def test_an_id_read_aloud_is_understood(right: str, heard: str) -> None:
    assert eid_of(entity_id(1).replace(right, heard)) == 1


MALFORMED = ["", "E", "E0000001", "0000000100", "E00000U12", "E0000-001", "E\u00e90000012", "X" + entity_id(1)[1:]]


@pytest.mark.parametrize("wrong", MALFORMED)
def test_what_no_entity_can_have_is_not_found(wrong: str) -> None:
    with pytest.raises(NotFound):
        eid_of(wrong)


def test_leading_zeros_beyond_seven_digits_are_no_second_spelling() -> None:
    for check in ALPHABET:
        with pytest.raises(NotFound):
            eid_of("E0" + entity_id(1)[1:-1] + check)
