from __future__ import annotations

from importlib.resources import files

import numpy as np
import pytest

from mdm.demo.columns import Dice
from mdm.demo.words import LANGUAGES, words_of

COUNTRIES = list(LANGUAGES.values())
FILES = sorted(file.name for file in files("mdm.demo").iterdir() if file.name.endswith(".csv"))


@pytest.mark.parametrize("name", FILES)
def test_every_word_file_says_what_it_is_and_whose(name: str) -> None:
    lines = files("mdm.demo").joinpath(name).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert "Compiled for this project" in lines[1]
    assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("country", COUNTRIES)
def test_ladders_rise_to_one(country: str) -> None:
    words = words_of(country)
    companies = words.companies
    steps = [words.names.family.steps, *(names.steps for names in words.names.given.values())]
    steps += [
        table.steps for table in (words.streets, words.places, companies.names, companies.trades, companies.forms)
    ]
    for ladder in steps:
        assert (np.diff(ladder) > 0).all()
        assert ladder[-1] == pytest.approx(1.0)


def test_there_is_a_variety_of_american_names() -> None:
    names = words_of("US").names
    given = set(names.given[True].words) | set(names.given[False].words)
    assert len(given) >= 300
    assert len(names.family.words) >= 3000
    assert len(given & names.forms.keys()) >= 200


def test_every_iranian_name_has_a_latin_spelling() -> None:
    names = words_of("IR").names
    drawn = {*names.given[True].words, *names.given[False].words, *names.family.words}
    assert drawn <= names.forms.keys()
    assert all(spelling.isascii() for name in drawn for spelling in names.forms[name])


def test_common_words_are_drawn_more_often_than_rare_ones() -> None:
    drawn = Dice(np.random.default_rng(1), 20_000).words(words_of("VN").names.family)
    assert 0.3 < (drawn == "Nguyễn").mean() < 0.45
