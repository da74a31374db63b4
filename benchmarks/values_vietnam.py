"""vn_address_labels, vn_admin_2025_mapping: provinces and wards, before and after July 2025."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.values_scores import Score, read_rows
from rules.addresses import standardise_address
from rules.outcome import Context, Outcome

PLACE = ("district", "city", "region")
VN = Context("VN")


def score_labels(folder: Path) -> Iterator[Score]:
    """Province and ward of addresses as people write them; right when they compare as the labelled units would."""
    province, ward = Score("province"), Score("ward")
    texts = {(row["source"], row["record_id"]): row["text"] for row in read_rows(folder / "records.parquet")}
    for label in read_rows(folder / "labels.parquet"):
        text = texts[label["source"], label["record_id"]] or ""
        found = _read(text)
        if label["province"]:
            expected = _read(label["province"]).compare.get("region")
            is_right = found.compare.get("region") == expected
            province.count(is_right, f"{text!r}: {found.compare.get('region')}, not {expected}")
        if label["ward"]:
            expected = _read(_official(label)).compare.get("district")
            is_right = found.compare.get("district") == expected
            ward.count(is_right, f"{text!r}: {found.compare.get('district')}, not {expected}")
    yield province
    yield ward


def _official(label: dict[str, Any]) -> str:
    parts = (label["ward"], label["district"], label["province"])
    words = ("Phường", "Quận", "Tỉnh")
    return ", ".join(f"{word} {part}" for word, part in zip(words, parts, strict=True) if part)


def score_reform(folder: Path) -> Iterator[Score]:
    """Old and new writing of a unit: equal compare values when one became the other; no contradiction otherwise."""
    same, sure = Score("old = new writing"), Score("part of a unit: no contradiction")
    for row in read_rows(folder / "records.parquet"):
        old_text = ", ".join(row[part] for part in ("old_ward", "old_district", "old_province") if row[part])
        new_text = f"{row['new_ward']}, {row['new_province']}"
        old, new = _read(f"12 Lê Lợi, {old_text}"), _read(f"12 Lê Lợi, {new_text}")
        miss = f"{old_text} | {new_text}: {_place(old)} | {_place(new)}"
        if row["type"] == "ambiguous":
            sure.count(not _contradict(old, new), miss)
        else:
            same.count(old.compare == new.compare, f"{row['type']} {miss}")
    yield same
    yield sure


def _contradict(left: Outcome, right: Outcome) -> bool:
    """Whether both know a part of the place and share nothing of it."""
    pairs = [(left.compare.get(part), right.compare.get(part)) for part in PLACE]
    return any(a is not None and b is not None and not set(a) & set(b) for a, b in pairs)


def _place(outcome: Outcome) -> dict[str, tuple[str, ...]]:
    return {part: outcome.compare[part] for part in PLACE if part in outcome.compare}


def _read(text: str) -> Outcome:
    outcomes = standardise_address({"full": text}, VN, {})
    return outcomes[0] if outcomes else Outcome()
