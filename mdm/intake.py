"""Intake: batches of rows on their way in are counted and looked at; a delivery that would do harm is refused whole.

Refused are: too many rejected rows (Breaker), two versions of a record where none were foreseen, and a column that
plainly holds something else than what it is mapped to (BadSource). All of it before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

import duckdb
import pyarrow as pa

from mdm.errors import BadSource, Breaker
from mdm.looks import Mismatch, mismatches
from mdm.project_file import ProjectFile, SourceSpec
from mdm.scratch import append
from mdm.sources import BadRow, SourceBatch, scan
from mdm.staging import Staged

Identity = tuple[str, str]
Place = tuple[str, int, dict[str, str | None]]  # file, line and content of a row
MAX_REJECTED = 0.05  # share of a source's rows, where the project file states none
FEW_ROWS = 20  # as many rejected rows never refuse a delivery, where the project file states no share
EXACT = 1e-9  # 5 % of 100 rows are 5
FILES_LOOKED_AT = 3  # of each source; a pattern may stand for thousands
KEPT_ROWS = 100_000  # rejected rows kept with their text; more are counted


@dataclass(slots=True)
class Intake:
    """One delivery of a project as it is read.

    bad: the rows that became no record, the first KEPT_ROWS of them. rows: rows read by source, those not among them.
    rejected: how many there are by source, None where a row is too broken to tell; first: the first of each.
    broken: how many are too broken to tell, by the sources that they may be of.
    """

    project: ProjectFile
    bad: list[BadRow] = field(default_factory=list)
    rows: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str | None] = field(default_factory=Counter)
    broken: Counter[tuple[str, ...]] = field(default_factory=Counter)
    first: dict[str | None, BadRow] = field(default_factory=dict)
    mapped: dict[tuple[str, str], Mismatch] = field(default_factory=dict)

    def batches(self) -> Iterator[SourceBatch]:
        """Every batch of the sources, looked at. Raises BadSource for a flagrant mapping."""
        seen: dict[str, set[str]] = {}
        for batch in scan(self.project, self.reject):
            self.rows[batch.spec.name] += len(batch.rows)
            files = seen.setdefault(batch.spec.name, set())
            if batch.file not in files and len(files) < FILES_LOOKED_AT:
                files.add(batch.file)
                self._look(batch)
            yield batch

    def reject(self, row: BadRow) -> None:
        """Set one row aside that became no record."""
        self.rejected[row.source] += 1
        self.first.setdefault(row.source, row)
        if row.among:
            self.broken[row.among] += 1
        if len(self.bad) < KEPT_ROWS:
            self.bad.append(row)

    def _look(self, batch: SourceBatch) -> None:
        for found in mismatches(self.project, batch.spec, batch.columns, batch.rows):
            if found.is_flagrant:
                place = f"{self.project.path}: sources.{found.source}.fields"
                raise BadSource(f"{place}: {found} in {batch.file}; correct the mapping")
            self.mapped[found.source, found.column] = found

    def refuse(
        self,
        scratch: duckdb.DuckDBPyConnection,
        staged: Staged,
        known: Mapping[Identity, str],
        allow: Collection[str] = (),
    ) -> None:
        """Raises Breaker for too many rejected rows, BadSource for two versions of a record: see the module.

        scratch: holds the staged rows and `offered`. known: (source, record_id) -> content hash in the store.
        allow: guards that are set aside; `rejected` is the one here.
        """
        query = "select source, count(*) from offered where state = 'quarantined' group by source"
        quarantined = dict(scratch.execute(query).fetchall())
        for spec in self.project.sources if "rejected" not in allow else ():
            self._refuse_share(spec, quarantined.get(spec.name, 0))
        self._refuse_versions(scratch, staged, known)

    def share_over_limit(self, spec: SourceSpec, quarantined: int = 0) -> float | None:
        """The share of rejected rows where it is more than the source allows; None where it is not.

        Rows too broken to tell their source are held against all rows of the sources they may be of.
        quarantined: records that a rule rejected; they count where the project file states a share.
        """
        counted = 0 if spec.limits.max_rejected is None else quarantined
        rejected, rows = self.rejected[spec.name], self.rows[spec.name]
        shares = [_share_over(spec, rejected + counted, rows + rejected)]
        for among, broken in self.broken.items():
            if spec.name in among:
                shares.append(_share_over(spec, broken, broken + sum(self.rows[name] for name in among)))
        return max((share for share in shares if share is not None), default=None)

    def _refuse_share(self, spec: SourceSpec, quarantined: int) -> None:
        share = self.share_over_limit(spec, quarantined)
        if share is not None:
            stated = spec.limits.max_rejected
            first = self.first.get(spec.name) or self.first.get(None)
            raise Breaker(
                f"{spec.name}: {percent(share)} of the rows were rejected, more than "
                f"max_rejected: {percent(MAX_REJECTED if stated is None else stated)}"
                f"{'' if first is None else f'; the first: {_place(first)}'}; nothing was written: correct the source, "
                f"raise sources.{spec.name}.max_rejected in {self.project.path}, or run again with --allow rejected"
            )

    def _refuse_versions(
        self, scratch: duckdb.DuckDBPyConnection, staged: Staged, known: Mapping[Identity, str]
    ) -> None:
        strict = {spec.name for spec in self.project.sources if not spec.limits.latest_of_duplicates}
        repeats = {identity: count for identity, count in staged.repeats.items() if identity[0] in strict}
        identity = _first_conflict(scratch, staged.tables, repeats, known) if repeats else None
        if identity is not None:
            raise BadSource(self._two_versions(identity))

    def _two_versions(self, identity: Identity) -> str:
        """The message that names both lines, which are looked for only now: nobody else needs them."""
        source, record_id = identity
        places: list[Place] = []
        for batch in scan(self.project, lambda _: None, only=[source]):
            for n, found in enumerate(batch.record_ids):
                if found == record_id:
                    row = {c: v for c, v in zip(batch.columns, batch.rows[n], strict=True) if v is not None}
                    places.append((batch.file, batch.lines[n], {**row, "\0entity": batch.entities[n]}))
        where = _two_lines(places)
        return (
            f"{source}:{record_id} stands twice with different content{where}; correct the source, or write "
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
            told.append(
                f"of {self.rejected.total():,} rows set aside the first {len(self.bad):,} are kept with their text"
            )
        repeated = sum(staged.repeats.values())
        if repeated:
            rows = "1 row repeats" if repeated == 1 else f"{repeated:,} rows repeat"
            told.append(f"{rows} a record of the same delivery; of different versions the newest stands")
        return told


def _two_lines(places: Sequence[Place]) -> str:
    """The first line and the first that differs from it; nothing where a database no longer says what it said."""
    if not places:
        return ""
    file, line, content = places[0]
    other, second, _ = next((place for place in places[1:] if place[2] != content), places[-1])
    return f", {file} line {line} and {'' if other == file else other + ' '}line {second}"


def _share_over(spec: SourceSpec, rejected: int, rows: int) -> float | None:
    stated = spec.limits.max_rejected
    allowed = max(MAX_REJECTED * rows, FEW_ROWS) if stated is None else stated * rows
    return rejected / rows if rejected > allowed + EXACT else None


def percent(share: float) -> str:
    """The share as the project file writes it."""
    return f"{share * 100:.3g}%"


def _place(row: BadRow) -> str:
    return f"{row.file} line {row.line}: {row.reason}"


def _first_conflict(
    scratch: duckdb.DuckDBPyConnection, types: Set[str], repeats: Mapping[Identity, int], known: Mapping[Identity, str]
) -> Identity | None:
    """The first record, by name, whose rows differ in content; None when all repeat each other exactly.

    All rows of a record are staged, but for the first where it has the content that the store knows.
    """
    names = pa.table({"source": [s for s, _ in repeats], "record_id": [r for _, r in repeats]})
    scratch.execute("drop table if exists repeated")
    append(scratch, "repeated", names)
    staged = " union all ".join(f"select source, record_id, content_hash from staged_{name}" for name in sorted(types))
    rows = scratch.execute(f"""
        select source, record_id, count(*), count(distinct content_hash), any_value(content_hash)
        from ({staged})
        semi join repeated using (source, record_id)
        group by source, record_id
        order by source, record_id
    """)
    for source, record_id, count, versions, content in rows.fetchall():
        identity = (source, record_id)
        was_passed_over = count <= repeats[identity]
        if versions > 1 or (was_passed_over and content != known.get(identity)):
            return identity
    return None
