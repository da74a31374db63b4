"""Small rows for the tests of the store."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from mdm.store import Store
from mdm.store.records import RecordRow
from mdm.store.schema import metadata


def row(rid: int, **other: Any) -> RecordRow:
    """A record of source 1 whose texts differ from every other one's."""
    plain = RecordRow(
        rid=rid,
        source_id=1,
        record_id=f"C{rid}",
        entity_type="person",
        state="active",
        content_hash=f"{rid:032x}",
        updated_at=None,
        quality="1",
        keys=b"",
        payload=f'{{"id":{rid}}}',
        claims=f'{{"claim":{rid}}}',
        features=f'{{"feature":{rid}}}',
        issues="[]",
    )
    return plain._replace(**other)


def rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows of an Arrow table, sorted: the store promises no order."""
    return sorted(tuple(each.values()) for each in table.to_pylist())


def stored_rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of ours."""
    with store.reading() as connection:
        return {name: sorted(map(tuple, connection.execute(table.select()))) for name, table in metadata.tables.items()}
