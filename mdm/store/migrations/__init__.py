"""Store of any age -> store of the present schema, by Alembic, without its command line."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from mdm.errors import Misconfigured

HEAD = "0008"
"""The newest revision; kept here so that opening a present store does not load Alembic."""

_LOCK = 0x6D646D  # any number that nobody else in the database uses: "mdm"


def migrate(engine: Engine) -> None:
    """Nothing; the store has the present schema afterwards.

    Raises Misconfigured when a newer version of this software wrote it. Several processes may call it at once.
    """
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    with engine.connect() as plain:
        connection = plain.execution_options(writes=True)
        with connection.begin():
            _upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("select version_num from alembic_version"))
    return version


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if connection.dialect.name == "postgresql":
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    # Alembic reads % as the start of a reference.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    revision = _revision(connection)
    if revision is not None and revision not in known:
        raise Misconfigured(f"the store has schema {revision}, this version knows {HEAD}; install the newer version")
    command.upgrade(config, "head")
