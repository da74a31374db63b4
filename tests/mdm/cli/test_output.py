"""What commands print for people and for machines."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from mdm.cli.batch import show_releases, show_run
from mdm.cli.output import cell_text, print_json, print_table, progress_bars
from mdm.cli.publish import show_export
from mdm.cli.quality import show_checks, show_evaluation, write_report
from mdm.cli.start import clear_demo_folder, demo_facts, next_commands
from mdm.cli.verdicts import show_verdicts
from mdm.cli.why import show_explanation, show_how
from mdm.errors import Conflict
from mdm.reports import (
    CheckLine,
    EvaluationReport,
    EvidenceLine,
    Explanation,
    ExportedFile,
    ExportReport,
    GoldenLine,
    HowReport,
    LinkLine,
    Measure,
    MissedPair,
    Quality,
    ReleaseSummary,
    RunReport,
    ThresholdPoint,
    TruthSummary,
    VerdictLine,
    VerifyReport,
    WrongMerge,
)

Capture = pytest.CaptureFixture[str]

RUN = RunReport(
    run_id=4,
    outcome="done",
    counts={"standardise": 12_345, "score": 99},
    seconds={"standardise": 1.25, "score": 0.5},
    records={"crm": 7000, "web": 5345},
    quarantined=17,
    entities_before={"person": 0},
    entities_after={"person": 9001},
    merges=3344,
    review_links=21,
    releases={"person": "person-1"},
    trained=("person-1",),
    notes=("phone.invalid in 31 rows of web",),
)
HALF = Measure(0.5, 0.25, 0.75)
EVALUATION = EvaluationReport(
    truth=TruthSummary("truth.csv", "clusters", 100, 98, 2, ("crm:8", "web:9"), 0),
    pairwise=Quality(HALF, HALF, Measure(None, None, None), "Wilson"),
    bcubed=None,
    blocking=Measure(0.875, 0.8, 0.9),
    curve=(ThresholdPoint(7.0, None, 0.0, None), ThresholdPoint(5.0, 1.0, 0.6, 0.75), ThresholdPoint(3.0, 0.1, 1, 0.2)),
    thresholds={"merge": 5.0},
    wrong_merges=(WrongMerge("E 7", 3, 4, (("crm:1", "web:2"), ("web:3",))),),
    missed=(MissedPair("crm:5", "web:o'neil", 4.75), MissedPair("crm:6", "web:7", None)),
    notes=("2 labelled records are not in the store",),
)
LINK = LinkLine("crm:1", "web:2", 9.5)


def test_a_run_shows_stages_counts_and_notes(capsys: Capture) -> None:
    show_run(RUN)
    shown = capsys.readouterr().out
    for expected in ("Run 4: done", "12,345", "1.25", "person entities (before: 0)", "9,001", "17", "phone.invalid"):
        assert expected in shown


def test_releases_show_their_thresholds(capsys: Capture) -> None:
    show_releases("Releases", [ReleaseSummary("person-1", "person", "2026-01-02", 5000, True, 2.25, 6.5, 9, ("n",))])
    shown = capsys.readouterr().out
    for expected in ("person-1", "yes", "5,000", "2.25", "6.50", "2026-01-02"):
        assert expected in shown


def test_an_evaluation_shows_measures_and_worst_errors(capsys: Capture) -> None:
    show_evaluation(EVALUATION)
    shown = capsys.readouterr().out
    for expected in (
        "98 labelled records",
        "0.500 (0.250 to 0.750)",
        "Blocking recall: 0.875",
        "does best at 5.00 bits: pairwise F1 0.750",
        "crm:1 web:2 | web:3",
        "web:o'neil",
        "4.75",
        "2 labelled records are not in the store",
    ):
        assert expected in shown


def test_the_evaluation_page_is_named_after_the_truth(tmp_path: Path) -> None:
    page = write_report(EVALUATION, tmp_path / "e.html").read_text(encoding="utf-8")
    assert '<h1 dir="auto">Evaluation against truth.csv</h1>' in page


def test_an_explanation_adds_up_in_the_open(capsys: Capture) -> None:
    evidence = (
        EvidenceLine("name.family", "exact", 6.125, "رضایی", "Smith"),
        EvidenceLine("phone", "else", -2, "1", None),
    )
    show_explanation(
        Explanation("crm:1", "web:2", True, -9.0, -4.875, 0.033, "none", evidence, ("note",), ("same by a",))
    )
    shown = capsys.readouterr().out
    for expected in ("crm:1 and web:2", "-9.00", "6.12", "رضایی", "-4.88", "one entity", "0.033", "note", "same by a"):
        assert expected in shown


def test_how_shows_joins_weakest_link_and_origins(capsys: Capture) -> None:
    golden = (GoldenLine("email", "a@example.org", "web:2", "trusted"),)
    show_how(HowReport("E1", "person", ("crm:1", "web:2"), (LINK,), LINK, ("web:2",), golden, ("a note",)))
    shown = capsys.readouterr().out
    for expected in ("person E1: 2 records", "9.50", "Would fall out without it: web:2", "trusted", "a note"):
        assert expected in shown


def test_how_of_a_single_record_speaks_of_no_link(capsys: Capture) -> None:
    show_how(HowReport("E1", "person", ("crm:1",), (), None, (), ()))
    shown = capsys.readouterr().out
    assert "crm:1" in shown
    assert "Weakest" not in shown


def test_exports_checks_and_verdicts_are_listed(capsys: Capture) -> None:
    show_export(ExportReport((ExportedFile("out/crosswalk.csv", 1200),), 77))
    show_checks(VerifyReport((CheckLine("ids", True, ""), CheckLine("golden", False, "3 differ"))))
    show_verdicts([VerdictLine(3, "same", ("crm:1",), ("web:2",), "same passport", "ann", "2026-01-02", None)])
    shown = capsys.readouterr().out
    for expected in ("out/crosswalk.csv", "1,200", "--since 77", "FAILED", "3 differ", "same passport", "ann"):
        assert expected in shown


def test_a_demo_shows_what_it_found() -> None:
    facts = dict(demo_facts(RUN, EVALUATION))
    assert facts["sources"] == 2
    assert facts["records"] == 12_345
    assert facts["pairwise precision against the demo's truth"] == "0.500"
    assert facts["pairwise F1 against the demo's truth"] == "–"


def test_the_next_commands_can_be_pasted_into_a_shell() -> None:
    commands = next_commands(Path("my demo"), EVALUATION)
    assert commands[0] == """mdm explain crm:5 'web:o'"'"'neil' -p 'my demo/project.yaml'"""
    assert commands[1] == "mdm how 'E 7' -p 'my demo/project.yaml'"


@pytest.mark.parametrize("result", [RUN, EVALUATION, [LINK], {"path": Path("a"), "run": RUN}])
def test_json_is_the_whole_output(result: object, capsys: Capture) -> None:
    print_json(result)
    assert json.loads(capsys.readouterr().out)


def test_json_keeps_field_names_and_values(capsys: Capture) -> None:
    print_json(RUN)
    shown = json.loads(capsys.readouterr().out)
    assert shown["entities_after"] == {"person": 9001}
    assert shown["trained"] == ["person-1"]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "yes"),
        (1234567, "1,234,567"),
        (-2.0, "-2.00"),
        ("a\x1b[2Jb\n", "a\ufffd[2Jb\ufffd"),
        ("نیم\u200cفاصله", "نیم\u200cفاصله"),
    ],
)
def test_cells_are_readable_and_harmless(cell: object, text: str) -> None:
    assert cell_text(cell) == text


def test_a_table_neither_reads_markup_nor_cuts_values(capsys: Capture) -> None:
    long = "x" * 400
    print_table("[b]title", ("a", "b"), [("[red]value[/red]", long)])
    shown = capsys.readouterr().out
    assert "[b]title" in shown
    assert "[red]value[/red]" in shown
    assert shown.count("x") == 400


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("quiet", "stream", "drawn"), [
    (False, Terminal(), True),
    (True, Terminal(), False),
    (False, io.StringIO(), False),
])  # fmt: skip
def test_progress_is_drawn_only_where_somebody_watches(
    quiet: bool, stream: io.StringIO, drawn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    with progress_bars(quiet=quiet) as progress:
        progress("score", 1, None)
        progress("score", 2, 10)
    assert ("score" in stream.getvalue()) is drawn


def test_a_demo_folder_is_replaced_only_when_asked_and_only_when_a_demo_wrote_it(tmp_path: Path) -> None:
    foreign, earlier, fresh = tmp_path / "foreign", tmp_path / "earlier", tmp_path / "fresh"
    for folder, name in ((foreign, "letter.txt"), (earlier, ".mdm-demo")):
        folder.mkdir()
        (folder / name).touch()
    clear_demo_folder(fresh, force=False)
    for folder, force in ((foreign, False), (foreign, True), (earlier, False)):
        with pytest.raises(Conflict):
            clear_demo_folder(folder, force=force)
    assert (foreign / "letter.txt").exists()
    clear_demo_folder(earlier, force=True)
    assert not earlier.exists()
