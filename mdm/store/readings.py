"""Readings: the policy by which the records of a type were read last, so that no process goes on by an older one."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from mdm.store.schema import reading


def mark(connection: Connection, policies: Mapping[str, str]) -> None:
    """Nothing; the records of each type are read by that policy (its hash) from now on."""
    for name, policy in policies.items():
        connection.execute(reading.delete().where(reading.c.entity_type == name))
        connection.execute(reading.insert().values(entity_type=name, policy_hash=policy))
