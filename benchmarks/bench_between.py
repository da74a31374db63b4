"""Splink's answer to one record: `predict_between` one record and all stored ones, by the same release.

Splink keeps its tables in DuckDB's memory; loading them, and what depends on term frequencies, is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from statistics import median

from mdm import Project, learning
from mdm.incoming import Reception
from mdm.linkage.level_sql import quoted
from mdm.linkage.shared import quiet_features
from mdm.linkage.splink_export import open_splink, register_rarities, splink_settings
from mdm.matching import Work, load_features
from mdm.resolve import Resolver
from mdm.scratch import open_scratch
from mdm.store import records

Row = Mapping[str, str]
BATCH = 50_000


def race_splink(project: Project, rows: Sequence[Row]) -> None:
    """Print seconds per record of both, and whether they find the same pairs at merge level.

    rows: by the columns of a source, whose name stands under the empty column.
    """
    with open_scratch() as scratch, project.store() as store:
        work = Work(scratch, project.policy.entities["person"])
        with store.reading() as connection:
            release = learning.active_release(connection, "person")
            assert release is not None
            for batch in records.scan(connection, ["rid"], entity_type="person"):
                load_features(work, connection, batch["rid"].to_pylist())
        resolver = Resolver(store, project.policy)
        reception: Reception = resolver.reception
        heard = quiet_features(scratch, release, work.table("features"), "heard")
        asked = [reception.of_row(row[""], "", {k: v for k, v in row.items() if k}) for row in rows]
        with open_splink(scratch, splink_settings(release), heard) as session:
            register_rarities(session, release, heard)
            stored = session.api.register(heard)
            ours, theirs = [], []
            for number, each in enumerate(asked):
                begun = time.perf_counter()
                resolver.match([each], 5)
                ours.append(time.perf_counter() - begun)
                columns = [name for name, *_ in session.cursor.execute(f"describe {heard}").fetchall()]
                table = f"asked_{number}"
                session.cursor.execute(f"create temp table {table} as from {heard} limit 0")
                values = {"rid": -1 - number, **each.prepared.features}
                session.cursor.execute(
                    f"insert into {table} ({', '.join(map(quoted, columns))}) values ({', '.join('?' * len(columns))})",
                    [values.get(name) for name in columns],
                )
                left = session.api.register(table)
                begun = time.perf_counter()
                session.linker.inference.predict_between(left, stored, threshold_match_weight=release.review)
                theirs.append(time.perf_counter() - begun)
    print(f"  one record: ours {1000 * median(ours):.2f} ms, splink {1000 * median(theirs):,.0f} ms", flush=True)
