"""The system of record on SQLite or PostgreSQL: open_store -> Store -> one connection per transaction.

Every function of the modules here takes that connection first:
records, keys, links, entities, goldens, verdicts, releases, runs, events, audit, stamps.
"""

from __future__ import annotations

from mdm.store.bulk import bulk_insert, read_table
from mdm.store.store import Store, open_store

__all__ = ["Store", "bulk_insert", "open_store", "read_table"]
