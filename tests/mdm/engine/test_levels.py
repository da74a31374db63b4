import pytest

from mdm.engine.compare import compile_level
from mdm.engine.levels import BadLevel, Otherwise, features_of, level_text, parse_level, prune_level


@pytest.mark.parametrize(
    "text",
    [
        "exact(given)",
        "jaro_winkler(given) >= 0.92",
        "damerau_levenshtein(phones) <= 1",
        "all(share_any(phones), not(exact(given)))",
        "any(swapped(given, family), all(exact(given), starts(family) >= 3), within(days) <= 31)",
        "else",
    ],
)
def test_a_level_is_read_and_written_alike(text: str) -> None:
    assert level_text(parse_level(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("exactly(given)", "unknown measure 'exactly'; known: all, any, not, exact"),
        ("exact(given, family)", "takes 1 feature(s), not 2"),
        ("jaro_winkler(given)", "expected '>='"),
        ("jaro_winkler(given) >= high", "needs a number"),
        ("all(exact(given)", "expected ')'"),
        ("exact(given) exact(family)", "unexpected 'exact'"),
        ("exact(given) & exact(family)", "cannot read from"),
    ],
)
def test_a_bad_level_is_refused_with_what_is_wrong(text: str, says: str) -> None:
    with pytest.raises(BadLevel) as refused:
        parse_level(text)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("text", "known", "left"),
    [
        ("exact(given)", {"given"}, "exact(given)"),
        ("all(exact(given), share_any(phones))", {"given"}, None),
        ("any(exact(given), share_any(phones))", {"given"}, "exact(given)"),
        ("all(exact(given), missing(phones))", {"given"}, "exact(given)"),
        ("not(share_any(phones))", {"given"}, "else"),
        ("missing(phones)", {"given"}, "else"),
    ],
)
def test_what_can_never_hold_is_pruned(text: str, known: set[str], left: str | None) -> None:
    pruned = prune_level(parse_level(text), frozenset(known))
    assert (None if pruned is None else level_text(pruned)) == left


def test_else_reads_no_feature() -> None:
    assert features_of(Otherwise()) == frozenset()


@pytest.mark.parametrize(
    ("text", "left", "right", "holds"),
    [
        ("exact(given)", {"given": "ann"}, {"given": "ann"}, True),
        ("exact(given)", {"given": None}, {"given": None}, False),
        ("not(exact(given))", {"given": None}, {"given": "ann"}, True),
        ("missing(given)", {"given": None}, {"given": "ann"}, True),
        ("starts(given) >= 1", {"given": "a"}, {"given": "ann"}, True),
        ("starts(given) >= 3", {"given": "an"}, {"given": "ann"}, False),
        ("share_any(phones)", {"phones": ["1", "2"]}, {"phones": ["2"]}, True),
        ("overlap(tokens) >= 0.5", {"tokens": ["a", "b", "c"]}, {"tokens": ["a", "d"]}, True),
        ("overlap(tokens) >= 0.6", {"tokens": ["a", "b", "c"]}, {"tokens": ["a", "d"]}, False),
        ("swapped(given, family)", {"given": "a", "family": "b"}, {"given": "b", "family": "a"}, True),
        ("crossed(given, family)", {"given": "a", "family": "b"}, {"given": "b", "family": "c"}, True),
        ("within(days) <= 31", {"days": [10, 500]}, {"days": [41]}, True),
        ("within(days) <= 30", {"days": [10, 500]}, {"days": [41]}, False),
        ("levenshtein(given) <= 1", {"given": "jon"}, {"given": "john"}, True),
        ("damerau_levenshtein(ids) <= 1", {"ids": ["1243", "99"]}, {"ids": ["1234"]}, True),
        ("jaro_winkler(given) >= 0.92", {"given": "martha"}, {"given": "marhta"}, True),
    ],
)
def test_measures(text: str, left: dict[str, object], right: dict[str, object], holds: bool) -> None:
    test = compile_level(parse_level(text))
    assert test(left, right) is holds
    assert test(right, left) is holds
