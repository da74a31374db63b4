"""What every kind promises about any text: it never raises, and its compare values are ASCII and never empty."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hypothesis import strategies as st

from rules.outcome import Context, Outcome

Standardiser = Callable[[Mapping[str, str], Context, Mapping[str, str]], tuple[Outcome, ...]]

_DIRT = "0123456789+-/.() ,;:#xX@*'\"abceghnpqtuy۰۱۲٣٩خکپوđưỗP\n\u200c"
texts = st.one_of(st.text(max_size=40), st.text(alphabet=_DIRT, max_size=40)).filter(lambda text: text.strip() != "")
contexts = st.builds(
    Context,
    country=st.sampled_from([None, "US", "VN", "IR", "GB", "DE", "AU", "IT", "MX", "ZZ"]),
    date_order=st.sampled_from(["auto", "mdy", "dmy", "ymd", "jalali"]),
    reference=st.sampled_from([None, "2024-03-01"]),
)


def assert_well_formed(outcomes: tuple[Outcome, ...], clean: tuple[str, ...], compare: tuple[str, ...]) -> None:
    """Fails when an outcome holds a part its kind does not name, an empty value, non-ASCII or unsorted issues."""
    for outcome in outcomes:
        assert set(outcome.clean) <= set(clean)
        assert set(outcome.compare) <= set(compare)
        assert all(outcome.clean.values())
        assert all(outcome.compare.values())
        assert all(value and value.isascii() for values in outcome.compare.values() for value in values)
        assert outcome.issues == tuple(sorted(set(outcome.issues)))
