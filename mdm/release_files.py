"""Releases as files: our own JSON for another store, or a folder with which Splink scores as we do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
from sqlalchemy import Connection

from mdm import learning, resolving
from mdm.engine.levels import BadLevel
from mdm.engine.release import Release, from_json, to_json
from mdm.errors import BadInput, BadSource
from mdm.linkage.level_sql import quoted
from mdm.linkage.shared import quiet_features
from mdm.linkage.splink_export import rarity_tables, splink_settings
from mdm.matching import Work
from mdm.reports import ExportedFile
from mdm.scratch import count
from mdm.store import releases

FORMAT = "mdm-release-1"


def write_json(connection: Connection, release_id: str, path: Path) -> list[ExportedFile]:
    """The file written: the release as it is stored, for `read_json`. Raises NotFound."""
    release = learning.read(releases.get(connection, release_id))
    text = orjson.dumps(to_json(replace(release, created_at="")), option=orjson.OPT_INDENT_2)
    _write(path, text)
    return [ExportedFile(str(path), 1)]


def write_splink(connection: Connection, release: Release, work: Work, folder: Path) -> list[ExportedFile]:
    """The files of the folder: Splink's settings, the table to link (rid and features), term frequencies.

    A term-frequency table tf_FEATURE.parquet is for `register_term_frequency_lookup(table, FEATURE)`. It holds every
    value that the stored records have: Splink takes a value that is not listed for an absent one.
    """
    settings = folder / "settings.json"
    _write(settings, orjson.dumps(splink_settings(release), option=orjson.OPT_INDENT_2))
    resolving.load_all(work, connection)
    # Splink weighs what it is given: values that the release does not hear must not be among it.
    heard = quiet_features(work.scratch, release, work.table("features"), work.table("heard"))
    written = [ExportedFile(str(settings), 1), _copy(work, heard, "rid", folder / "features.parquet")]
    for feature, table in rarity_tables(work.scratch, release, heard).items():
        written.append(_copy(work, table, quoted(feature), folder / f"tf_{feature}.parquet"))
    return written


def _copy(work: Work, table: str, order: str, path: Path) -> ExportedFile:
    target = str(path).replace("'", "''")
    work.scratch.execute(f"copy (from {table} order by {order}) to '{target}' (format parquet)")
    return ExportedFile(str(path), count(work.scratch, table))


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}") from None


def read_json(path: Path) -> Release:
    """The release of the file, named by its content, so that the same one has the same id in every store.

    Raises BadSource for a file that holds no release.
    """
    try:
        data = orjson.loads(path.read_bytes())
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise BadSource(f"{path} holds no release; `mdm export-release` writes one")
        return learning.named(replace(from_json(data), created_at=""))
    except OSError as error:
        raise BadSource(f"{path} cannot be read: {error.strerror}") from None
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, BadLevel) as error:
        raise BadSource(f"{path} holds no whole release: {type(error).__name__} {error}") from None
