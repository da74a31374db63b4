"""Evaluation against tables worked out by hand, and against counting every pair."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mdm.errors import BadInput, BadSource
from mdm.evaluation import Clusters, LabelledPairs, evaluate, read_truth, write_page
from mdm.evaluation.intervals import wilson
from mdm.evaluation.page import render_page
from mdm.reports import EvaluationReport, Measure, to_json


def predicted(entities: str) -> Any:
    """Records s:0, s:1 ... in the entity each letter names; a dot is a record without one."""
    return pa.table(
        {
            "source": ["s"] * len(entities),
            "record_id": [str(i) for i in range(len(entities))],
            "entity_id": ["" if letter == "." else f"E-{letter}" for letter in entities],
        }
    )


def clusters(letters: str) -> Clusters:
    """The customer of each record s:0, s:1 ...; a dot is an unlabelled record."""
    named = [(f"s:{i}", letter) for i, letter in enumerate(letters) if letter != "."]
    return Clusters("truth", pa.array([ref for ref, _ in named]), pa.array([letter for _, letter in named]))


def pair_table(pairs: Iterable[tuple[int, int, float]]) -> Any:
    rows = [(f"s:{left}", f"s:{right}", bits) for left, right, bits in pairs]
    return pa.table(
        {
            "left": pa.array([row[0] for row in rows], pa.string()),
            "right": pa.array([row[1] for row in rows], pa.string()),
            "bits": pa.array([row[2] for row in rows], pa.float64()),
        }
    )


def truth_file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def values(report: EvaluationReport) -> tuple[float | None, ...]:
    pairwise, bcubed = report.pairwise, report.bcubed
    assert bcubed is not None
    measures = (pairwise.precision, pairwise.recall, pairwise.f1, bcubed.precision, bcubed.recall, bcubed.f1)
    return tuple(measure.value for measure in measures)


@pytest.mark.parametrize(
    ("entities", "customers", "expected"),
    [
        ("aabb", "xxyy", (1, 1, 1, 1, 1, 1)),
        ("aaaa", "xxyy", (2 / 6, 1, 0.5, 0.5, 1, 2 / 3)),
        ("abcd", "xxyy", (None, 0, 0, 1, 0.5, 2 / 3)),
        ("aab", "xxx", (1, 1 / 3, 0.5, 1, 5 / 9, 5 / 7)),
        # {0,1,2} {3,4} against {0,1} {2,3,4}: 2 right pairs of 4 joined and 4 true; each record finds (2/3)(2,1)...
        ("aaabb", "xxyyy", (0.5, 0.5, 0.5, 11 / 15, 11 / 15, 11 / 15)),
        ("ab", "xy", (None, None, None, 1, 1, 1)),
        # An unlabelled record inside an entity neither helps nor harms.
        ("aaa", "xx.", (1, 1, 1, 1, 1, 1)),
        # Two records without an entity are two entities, not one.
        ("..", "xx", (None, 0, 0, 1, 0.5, 2 / 3)),
    ],
)
def test_measures_are_those_worked_out_by_hand(
    entities: str, customers: str, expected: tuple[float | None, ...]
) -> None:
    assert values(evaluate(predicted(entities), clusters(customers))) == pytest.approx(expected)


def brute_pairwise(entities: str, customers: str) -> tuple[int, int, int]:
    labelled = [i for i, letter in enumerate(customers) if letter != "."]
    joined = {p for p in combinations(labelled, 2) if entities[p[0]] == entities[p[1]]}
    true = {p for p in combinations(labelled, 2) if customers[p[0]] == customers[p[1]]}
    return len(joined & true), len(joined), len(true)


def brute_bcubed(entities: str, customers: str) -> tuple[float, float]:
    labelled = [i for i, letter in enumerate(customers) if letter != "."]
    precision = recall = 0.0
    for record in labelled:
        entity = {i for i in labelled if entities[i] == entities[record]}
        customer = {i for i in labelled if customers[i] == customers[record]}
        precision += len(entity & customer) / len(entity)
        recall += len(entity & customer) / len(customer)
    return precision / len(labelled), recall / len(labelled)


@st.composite
def partitions(draw: st.DrawFn) -> tuple[str, str]:
    size = draw(st.integers(1, 14))
    entities = draw(st.text("abcd", min_size=size, max_size=size))
    customers = draw(st.text("wxyz.", min_size=size, max_size=size).filter(lambda text: set(text) != {"."}))
    return entities, customers


@settings(max_examples=60, deadline=None)
@given(partitions())
def test_counting_cells_equals_counting_pairs(case: tuple[str, str]) -> None:
    right, joined, true = brute_pairwise(*case)
    found = values(evaluate(predicted(case[0]), clusters(case[1])))
    assert found[0] == (pytest.approx(right / joined) if joined else None)
    assert found[1] == (pytest.approx(right / true) if true else None)
    assert found[3:5] == pytest.approx(brute_bcubed(*case))


@settings(max_examples=30, deadline=None)
@given(partitions())
def test_intervals_hold_the_value_and_stay_between_0_and_1(case: tuple[str, str]) -> None:
    report = evaluate(predicted(case[0]), clusters(case[1]))
    assert report.bcubed is not None
    for quality in (report.pairwise, report.bcubed):
        for measure in (quality.precision, quality.recall, quality.f1):
            if measure.value is not None and measure.low is not None and measure.high is not None:
                assert 0 <= measure.low <= measure.value <= measure.high <= 1


def test_the_same_input_gives_the_same_interval_in_any_row_order() -> None:
    table, truth = predicted("aaabbccd"), clusters("xxyyzzzz")
    backwards = Clusters("truth", truth.refs[::-1], truth.clusters[::-1])
    assert evaluate(table, truth) == evaluate(table.take(list(reversed(range(8)))), backwards)


def test_more_customers_give_a_narrower_interval() -> None:
    def width(copies: int) -> float:
        table = predicted("".join(chr(0x4E00 + 2 * i) * 2 + chr(0x4E01 + 2 * i) for i in range(copies)))
        truth = clusters("".join(("xyy" if i % 2 else "zzz").translate(_apart(i)) for i in range(copies)))
        precision = evaluate(table, truth).pairwise.precision
        assert precision.low is not None and precision.high is not None
        return precision.high - precision.low

    assert width(200) < width(20) / 2


def _apart(i: int) -> dict[int, str]:
    return str.maketrans({"x": chr(0x5000 + 3 * i), "y": chr(0x5001 + 3 * i), "z": chr(0x5002 + 3 * i)})


def test_a_perfect_result_on_few_customers_is_not_certain() -> None:
    precision = evaluate(predicted("aabb"), clusters("xxyy")).pairwise.precision
    assert precision == Measure(1.0, wilson(2, 2)[0], 1.0)
    assert precision.low is not None and precision.low < 0.5


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)],
)
def test_wilson_gives_the_published_intervals(successes: int, trials: int, low: float, high: float) -> None:
    """The four cases of Newcombe 1998, Statistics in Medicine 17:857, table I, method 3."""
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


PAIRS_CSV = """source_l,record_id_l,source_r,record_id_r,label
s,0,s,1,1
s,1,s,0,true
s,2,s,1,0
s,3,s,4,same
s,0,s,3,no
s,0,s,4,
s,0,s,99,1
"""


def test_labelled_pairs_are_judged_as_pairs(tmp_path: Path) -> None:
    truth = read_truth(truth_file(tmp_path, "pairs.csv", PAIRS_CSV))
    report = evaluate(predicted("aaabc"), truth)
    assert isinstance(truth, LabelledPairs)
    assert (report.truth.kind, report.truth.rows, report.truth.unknown) == ("pairs", 5, 1)
    assert report.bcubed is None
    # joined: 0-1 right, 1-2 wrong; missed: 3-4
    assert [report.pairwise.precision.value, report.pairwise.recall.value, report.pairwise.f1.value] == [0.5, 0.5, 0.5]
    assert [(merge.entity_id, merge.wrong_pairs) for merge in report.wrong_merges] == [("E-a", 1)]
    assert [(miss.left, miss.right) for miss in report.missed] == [("s:3", "s:4")]


def test_the_curve_closes_pairs_into_entities() -> None:
    # 0-1 and 1-2 join 0-2 too; below 2 bits the two customers fall together.
    scored = pair_table([(0, 1, 8.0), (1, 2, 5.0), (3, 4, 5.0), (2, 3, 2.0)])
    report = evaluate(predicted("aaabb"), clusters("xxxyy"), scored=scored, thresholds={"merge": 4.25})
    points = {point.bits: (point.precision, point.recall) for point in report.curve}
    assert points[8.0] == (1.0, 0.25)
    assert points[5.5] == (1.0, 0.25)
    assert points[5.0] == points[4.25] == (1.0, 1.0)
    assert points[2.0] == (0.4, 1.0)
    assert [point.bits for point in report.curve] == sorted(points, reverse=True)


@settings(max_examples=30, deadline=None)
@given(
    st.text("wxyz", min_size=8, max_size=8),
    st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(-4, 12)), min_size=1, max_size=12),
)
def test_each_point_of_the_curve_is_the_quality_of_that_partition(
    customers: str, pairs: list[tuple[int, int, int]]
) -> None:
    scored = pair_table([(left, right, float(bits)) for left, right, bits in pairs])
    for point in evaluate(predicted("abcdefgh"), clusters(customers), scored=scored).curve:
        joined = join_all([(left, right) for left, right, bits in pairs if bits >= point.bits])
        right, together, true = brute_pairwise(joined, customers)
        assert point.precision == (right / together if together else None)
        assert point.recall == (right / true if true else None)


def join_all(pairs: list[tuple[int, int]]) -> str:
    letters = list("abcdefgh")
    for left, right in pairs:
        letters = [letters[left] if letter == letters[right] else letter for letter in letters]
    return "".join(letters)


@pytest.mark.parametrize(
    ("candidates", "recall"),
    [
        ([(0, 1, 0.0), (1, 0, 0.0), (2, 3, 0.0), (0, 0, 0.0)], 0.25),
        ([(0, 1, 0.0), (0, 2, 0.0), (1, 2, 0.0), (3, 4, 0.0)], 1.0),
        ([(0, 4, 0.0), (9, 0, 0.0)], 0.0),
    ],
)
def test_blocking_recall_is_the_share_of_true_pairs_proposed(
    candidates: list[tuple[int, int, float]], recall: float
) -> None:
    report = evaluate(predicted("abcde"), clusters("xxxyy"), candidates=pair_table(candidates))
    assert report.blocking is not None
    assert report.blocking.value == recall


def test_blocking_recall_of_labelled_pairs_counts_the_positive_ones(tmp_path: Path) -> None:
    truth = read_truth(truth_file(tmp_path, "pairs.csv", PAIRS_CSV))
    report = evaluate(predicted("abcde"), truth, candidates=pair_table([(1, 0, 0.0), (1, 2, 0.0)]))
    assert report.blocking is not None
    assert report.blocking.value == 0.5


def test_blocking_recall_says_nothing_when_no_customer_has_two_records() -> None:
    report = evaluate(predicted("ab"), clusters("xy"), candidates=pair_table([(0, 1, 0.0)]))
    assert report.blocking == Measure(None, None, None)


def test_worst_errors_name_the_records() -> None:
    #          0123456789
    entities = "aaaabbcdee"
    truth = "xxyyzwuuvv"
    scored = pair_table([(6, 7, 3.5), (0, 2, 9.0)])
    report = evaluate(predicted(entities), clusters(truth), scored=scored)
    worst = [(merge.entity_id, merge.wrong_pairs, merge.groups) for merge in report.wrong_merges]
    assert worst == [
        ("E-a", 4, (("s:0", "s:1"), ("s:2", "s:3"))),
        ("E-b", 1, (("s:4",), ("s:5",))),
    ]
    assert [(miss.left, miss.right, miss.bits) for miss in report.missed] == [("s:6", "s:7", 3.5)]


def test_strongest_missed_pairs_come_first_and_unscored_ones_last() -> None:
    scored = pair_table([(1, 0, 2.0), (3, 2, 7.0), (2, 3, 7.0)])
    report = evaluate(predicted("abcdef"), clusters("xxyyzz"), scored=scored)
    assert [(miss.left, miss.right, miss.bits) for miss in report.missed] == [
        ("s:2", "s:3", 7.0),
        ("s:0", "s:1", 2.0),
        ("s:4", "s:5", None),
    ]


def test_unknown_and_unresolved_records_are_counted_and_said() -> None:
    truth = Clusters("truth", pa.array(["s:0", "s:1", "s:8", "t:9"]), pa.array(["x", "x", "x", "y"]))
    report = evaluate(predicted("a."), truth)
    summary = report.truth
    assert (summary.records, summary.unknown, summary.unknown_examples, summary.unresolved) == (2, 2, ("s:8", "t:9"), 1)
    assert len(report.notes) == 2
    assert "s:8, t:9" in report.notes[0]


def test_a_truth_about_other_records_is_refused() -> None:
    with pytest.raises(BadSource, match="labels no record of the store"):
        evaluate(predicted("aa"), Clusters("truth", pa.array(["t:0"]), pa.array(["x"])))


CLUSTERS_CSV = "cluster_id,note,source,record_id\n1,é,crm,007\n1,,web,a:b\n,,web,c\n2,,crm,7\n"


def test_clusters_are_read_as_text_and_unlabelled_rows_are_ignored(tmp_path: Path) -> None:
    truth = read_truth(truth_file(tmp_path, "truth.csv", "\ufeff" + CLUSTERS_CSV))
    assert isinstance(truth, Clusters)
    rows = dict(zip(truth.refs.to_pylist(), truth.clusters.to_pylist(), strict=True))
    assert rows == {"crm:007": "1", "web:a:b": "1", "crm:7": "2"}


def test_every_format_gives_the_same_truth(tmp_path: Path) -> None:
    table = pa.table({"source": ["a", "b", "b"], "record_id": [1, 2, 3], "cluster_id": [5, 5, None]})
    pq.write_table(table, tmp_path / "truth.parquet")
    rows = [to_json(row).replace("\n", "") for row in table.to_pylist()]
    paths = [
        tmp_path / "truth.parquet",
        truth_file(tmp_path, "truth.jsonl", "\n".join(rows) + "\n\n"),
        truth_file(tmp_path, "truth.csv", "source,record_id,cluster_id\na,1,5\nb,2,5\nb,3,\n"),
        truth_file(tmp_path, "truth.tsv", "source\trecord_id\tcluster_id\na\t1\t5\nb\t2\t5\nb\t3\t\n"),
    ]
    for path in paths:
        truth = read_truth(path)
        assert isinstance(truth, Clusters)
        assert truth.refs.to_pylist() == ["a:1", "b:2"]
        assert truth.clusters.to_pylist() == ["5", "5"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.csv", "source,record_id\na,1\n", "lacks the columns cluster_id"),
        ("t.csv", "source_l,record_id_l,label\na,1,1\n", "lacks the columns source_r, record_id_r"),
        ("t.csv", "", "lacks the columns source, record_id, cluster_id"),
        ("t.csv", "source,record_id,cluster_id\na,1,x\na,1,y\n", "two clusters to a:1"),
        ("t.csv", "source,record_id,cluster_id\na,1,x,extra\n", "cannot be read"),
        ("t.csv", f"{PAIRS_CSV}s,1,s,0,0\n", "both labels to s:0 s:1"),
        ("t.csv", f"{PAIRS_CSV}s,1,s,0,perhaps\n", "label 'perhaps'"),
        ("t.jsonl", '{"source": "a", "record_id": "1", "cluster_id": "x"}\nnonsense\n', "cannot be read"),
        ("t.jsonl", "[1]\n", "not a JSON object"),
        ("t.jsonl", '{"source": "a", "cluster_id": "x", "record_id": null}\n', "1 rows without source or record_id"),
        ("t.parquet", "no parquet", "cannot be read"),
        ("t.doc", "", "none of .csv"),
    ],
)
def test_a_truth_file_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, name: str, text: str, message: str
) -> None:
    with pytest.raises(BadSource, match=message):
        read_truth(truth_file(tmp_path, name, text))


def test_a_missing_truth_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSource, match="does not exist"):
        read_truth(tmp_path / "nowhere.csv")


def hostile_report() -> EvaluationReport:
    name = "<script>alert(1)</script>"
    table = pa.table({"source": ["s", "s"], "record_id": [name, "رضا"], "entity_id": ["a", "b"]})
    truth = Clusters("truth.csv", pa.array([f"s:{name}", "s:رضا"]), pa.array(["x", "x"]))
    scored = pa.table({"left": [f"s:{name}"], "right": ["s:رضا"], "bits": [3.25]})
    return evaluate(table, truth, scored=scored, candidates=scored, thresholds={"merge": 6.0})


def test_the_page_is_self_contained_and_escapes_data() -> None:
    page = render_page(hostile_report(), "Evaluation of acme")
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert '<td dir="auto"><code>s:رضا</code></td>' in page
    assert "<polyline" in page
    assert "merge 6.00" in page
    assert "http" not in page


def test_the_page_is_written_or_refused(tmp_path: Path) -> None:
    assert write_page(hostile_report(), tmp_path / "e.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    with pytest.raises(BadInput, match="cannot write the page"):
        write_page(hostile_report(), tmp_path / "missing" / "e.html")


def test_a_report_is_json() -> None:
    assert '"kind": "clusters"' in to_json(hostile_report())
