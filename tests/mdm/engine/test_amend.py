"""Amendments: corrected values stand where delivered ones stood, part by part and position by position."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from mdm.engine.amend import Amendment, Values, amend, named
from mdm.engine.prepare import compile_policy, prepare
from mdm.policy import ProjectPolicy
from tests.mdm.small_project import policy

__all__ = ["policy"]

ROW = {"id": "C1", "first": "Jon", "last": "Smithson", "phone": "(312) 555-0142", "city": "Chicago"}

Read = Mapping[str, list[dict[str, str]]]


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ({"name": {"family": ("Brown",)}}, {"name": [{"given": "Jon", "family": "Brown"}]}),
        ({"name": {"family": ()}}, {"name": [{"given": "Jon"}]}),
        ({"name": {"full": ("Ann Brown",)}}, {"name": [{"full": "Ann Brown"}]}),
        ({"name": {"full": ("Ann Brown",), "title": ("Dr",)}}, {"name": [{"full": "Ann Brown", "title": "Dr"}]}),
        (
            {"name": {"given": ("Ann", "Anna"), "family": ("Brown",)}},
            {"name": [{"given": "Ann", "family": "Brown"}, {"given": "Anna"}]},
        ),
        ({"phone": {"value": ("1", "2")}}, {"phone": [{"value": "1"}, {"value": "2"}]}),
        ({"phone": {"value": ()}}, {"phone": []}),
        # A field the source does not map, and one beside it that stays.
        ({"passport": {"value": ("X1",)}}, {"passport": [{"value": "X1"}], "phone": [{"value": "(312) 555-0142"}]}),
    ],
)
def test_what_is_read_of_a_corrected_row(
    policy: ProjectPolicy, values: Values, read: Mapping[str, list[dict[str, str]]]
) -> None:
    compiled = compile_policy(policy.file.sources[0], policy.entities["person"], policy.rules["person"])
    row, slots = amend(ROW, compiled.slots, values, source=compiled.source, entity=compiled.entity)
    for name, groups in read.items():
        told = [{part: row[column] for part, column in slot.parts} for slot in slots if slot.field == name]
        assert told == groups


def test_a_row_without_corrections_is_read_as_it_came(policy: ProjectPolicy) -> None:
    compiled = compile_policy(policy.file.sources[0], policy.entities["person"], policy.rules["person"])
    (plain,) = prepare([ROW], compiled)
    assert prepare([ROW], compiled, {0: Amendment()}) == [plain]
    (same,) = prepare([ROW], compiled, {0: Amendment(values={"name": {"given": ("Jon",), "family": ("Smithson",)}})})
    assert (same.claims, same.features, sorted(same.keys)) == (plain.claims, plain.features, sorted(plain.keys))
    assert set(same.issues) - set(plain.issues) == {"record.corrected"}


def test_corrections_have_the_names_that_people_type() -> None:
    values: Values = {"name": {"full": ("Ann Brown",), "title": ("Dr",)}, "phone": {"value": ()}}
    assert named(values) == {"name": ("Ann Brown",), "name.title": ("Dr",), "phone": ()}
