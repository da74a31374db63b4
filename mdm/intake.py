"""Intake: batches of rows on their way in are counted and looked at; a delivery that would do harm is refused whole.

Refused are: too many rejected rows (Breaker), two versions of a record where none were foreseen, and a column that
plainly holds something else than what it is mapped to (BadSource). All of it before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import duckdb

from mdm.errors import BadSource, Breaker
from mdm.looks import Mismatch, mismatches
from mdm.project_file import ProjectFile, SourceSpec
from mdm.sources import BadRow, SourceBatch, scan
from mdm.staging import Staged

Identity = tuple[str, str]
MAX_REJECTED = 0.05  # share of a source's rows, where the project file states none
FEW_ROWS = 20  # as many rejected rows never refuse a delivery, where the project file states no share
KEPT_ROWS = 100_000  # rejected rows kept with their text; more are counted


@dataclass(slots=True)
class Intake:
    """One delivery of a project as it is read.

    bad: the rows that became no record, the first KEPT_ROWS of them. rows: rows read by source, those not among them.
    rejected: how many there are by source, None where a row is too broken to tell; first: the first of each.
    """

    project: ProjectFile
    bad: list[BadRow] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str | None] = field(default_factory=Counter)
    first: dict[str | None, BadRow] = field(default_factory=dict)
    mapped: dict[tuple[str, str], Mismatch] = field(default_factory=dict)

    def batches(self) -> Iterator[SourceBatch]:
        """Every batch of the sources, looked at. Raises BadSource for a flagrant mapping."""
        seen: set[tuple[str, str]] = set()
        for batch in scan(self.project, self.reject):
            self.rows[batch.spec.name] += len(batch.rows)
            if (batch.spec.name, batch.file) not in seen:
                seen.add((batch.spec.name, batch.file))
                self._look(batch)
            yield batch

    def reject(self, row: BadRow) -> None:
        """Set one row aside that became no record."""
        self.rejected[row.source] += 1
        self.first.setdefault(row.source, row)
        if len(self.bad) < KEPT_ROWS:
            self.bad.append(row)

    def _look(self, batch: SourceBatch) -> None:
        for found in mismatches(self.project, batch.spec, batch.columns, batch.rows):
            if found.is_flagrant:
                place = f"{self.project.path}: sources.{found.source}.fields"
                raise BadSource(f"{place}: {found} in {batch.file}; correct the mapping")
            self.mapped[found.source, found.column] = found

    def refuse_rejected(self, quarantined: Mapping[str, int]) -> None:
        """Raises Breaker when a larger share of a source's rows was rejected than its project file allows.

        quarantined: records by source that a rule rejected; they count where the project file states a share.
        """
        for spec in self.project.sources:
            self._refuse_share(spec, quarantined.get(spec.name, 0))

    def _refuse_share(self, spec: SourceSpec, quarantined: int) -> None:
        stated = spec.limits.max_rejected
        unread = self.rejected[spec.name] + self._ownerless(spec)
        rejected = unread if stated is None else unread + quarantined
        rows = self.rows[spec.name] + unread
        allowed = max(MAX_REJECTED * rows, FEW_ROWS) if stated is None else stated * rows
        if rejected > allowed + 1e-9:
            limit = f"{MAX_REJECTED if stated is None else stated:.4g}"
            first = self.first.get(spec.name) or self.first.get(None)
            said = "" if first is None else f"; the first: {_place(first)}"
            raise Breaker(
                f"{spec.name}: {rejected:,} of {rows:,} rows were rejected, {rejected / rows:.1%}, "
                f"more than max_rejected ({float(limit):.4%}){said}; nothing was written: correct the source, or raise "
                f"sources.{spec.name}.max_rejected in {self.project.path}"
            )

    def _ownerless(self, spec: SourceSpec) -> int:
        """Rejected rows that may be of this source: those too broken to tell, when it shares what it reads."""
        shares = sum(other.origin == spec.origin for other in self.project.sources) > 1
        return self.rejected[None] if shares else 0

    def refuse_duplicates(self, scratch: duckdb.DuckDBPyConnection, staged: Staged, known: Mapping[Identity, str]) -> None:
        """Raises BadSource when rows give two versions of a record and its source does not say `on_duplicate: latest`.

        known: (source, record_id) -> content hash in the store; rows of that content may not have been staged.
        """
        strict = {spec.name for spec in self.project.sources if not spec.limits.latest_of_duplicates}
        repeats = {identity: count for identity, count in staged.repeats.items() if identity[0] in strict}
        if repeats:
            identity = _first_conflict(scratch, staged.tables, repeats, known)
            if identity is not None:
                raise BadSource(self._two_versions(identity))

    def _two_versions(self, identity: Identity) -> str:
        """The message that names both lines, which are looked for only now: nobody else needs them."""
        source, record_id = identity
        places: list[tuple[str, int, dict[str, str | None]]] = []
        for batch in scan(self.project, lambda _: None, only=[source]):
            for n, found in enumerate(batch.record_ids):
                if found == record_id:
                    row = {c: v for c, v in zip(batch.columns, batch.rows[n], strict=True) if v is not None}
                    places.append((batch.file, batch.lines[n], {**row, "\0entity": batch.entities[n]}))
        first = places[0]
        other = next((place for place in places[1:] if place[2] != first[2]), places[-1])
        where = f"{first[0]} line {first[1]} and {'' if other[0] == first[0] else other[0] + ' '}line {other[1]}"
        return (
            f"{source}:{record_id} stands twice with different content, {where}; correct the source, or write "
            f"`on_duplicate: latest` under sources.{source} in {self.project.path} to keep the newest"
        )

    def notes(self, staged: Staged) -> list[str]:
        """What people should know about the delivery, most important first."""
        told = [f"{mismatch}; correct the mapping if it is wrong" for mismatch in self.mapped.values()]
        for source, count in self.rejected.items():
            rows = "1 row was" if count == 1 else f"{count:,} rows were"
            who = "a shared file" if source is None else source
            told.append(f"{who}: {rows} set aside, the first: {_place(self.first[source])}")
        if self.rejected.total() > len(self.bad):
            told.append(f"{len(self.bad):,} of {self.rejected.total():,} rows that were set aside are kept with their text")
        repeated = sum(staged.repeats.values())
        if repeated:
            told.append(f"{repeated:,} rows repeat a record of the same delivery; of different versions the newest stands")
        return told


def _place(row: BadRow) -> str:
    return f"{row.file} line {row.line}: {row.reason}"


def _first_conflict(
    scratch: duckdb.DuckDBPyConnection, tables: Iterable[str], repeats: Mapping[Identity, int], known: Mapping[Identity, str]
) -> Identity | None:
    """The first record, by name, of which rows differ in content; None when all repeat each other exactly."""
    staged = " union all ".join(f"select source, record_id, content_hash from staged_{name}" for name in sorted(tables))
    rows = scratch.execute(
        f"""
        select source, record_id, count(*), count(distinct content_hash), any_value(content_hash)
        from ({staged or "select '' as source, '' as record_id, '' as content_hash where false"})
        semi join repeated using (source, record_id)
        group by source, record_id
        order by source, record_id
        """
    ).fetchall()
    for source, record_id, count, versions, content in rows:
        was_passed_over = count <= repeats[source, record_id]
        if versions > 1 or (was_passed_over and content != known.get((source, record_id))):
            return source, record_id
    return None
