"""A batch job in a process of its own that dies, or loses its database, at a moment the test chooses."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import psycopg
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine.default import DefaultDialect

from mdm import resolving
from mdm.errors import MdmError
from mdm.pipeline import Options, run_batch
from mdm.policy import load_policy
from mdm.store import open_store
from mdm.watch import silent

# Every job is cut into portions this small, so that there are commits to die at.
PORTION_RECORDS = 2


@dataclass(frozen=True, slots=True)
class Job:
    """What the process does, and how it ends.

    commit: at which write transaction, counted from 1; None: none. fault: what happens there. seconds: when it is
    killed, wherever it is.
    """

    project: Path
    url: str
    full: bool = False
    commit: int | None = None
    fault: Literal["killed before", "killed after", "cut off", "disk full"] = "killed before"
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How it ended: the exit code (-9: killed), how many write transactions it began to commit, what it said."""

    exit_code: int
    commits: int
    message: str


def run_job(job: Job) -> End:
    """Run the job in a fresh process and wait for its end."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.victim"])
    commits, message = context.Value("i", 0), context.Array("c", 2000)
    process = context.Process(target=_live, args=(job, commits, message))
    process.start()
    process.join()
    assert process.exitcode is not None
    return End(process.exitcode, commits.value, bytes(message[:]).rstrip(b"\0").decode())


def _live(job: Job, commits: Any, message: Any) -> None:
    resolving.PORTION_RECORDS = PORTION_RECORDS
    _watch_commits(job, commits)
    if job.seconds is not None:
        threading.Timer(job.seconds, _die).start()
    store = open_store(job.url)
    try:
        run_batch(
            store, load_policy(job.project), Options(job.full, retrain=False, allow=frozenset({"deletes"})), silent
        )
    except MdmError as error:
        text = str(error).encode()[:2000]
        message[: len(text)] = text
        # Not sys.exit: a timer may still wait.
        os._exit(error.exit_code)
    os._exit(0)


def _watch_commits(job: Job, commits: Any) -> None:
    original: Any = DefaultDialect.do_commit
    pending: list[bool] = []

    @event.listens_for(Engine, "commit")
    def _about_to_commit(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            commits.value += 1
            if commits.value == job.commit:
                _strike(job, connection, pending)

    def do_commit(self: DefaultDialect, dbapi_connection: Any) -> None:
        original(self, dbapi_connection)
        if pending:
            _die()

    DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]


def _strike(job: Job, connection: Connection, pending: list[bool]) -> None:
    if job.fault == "killed before":
        _die()
    elif job.fault == "killed after":
        pending.append(True)
    elif job.fault == "cut off":
        driver: Any = connection.connection.driver_connection
        with psycopg.connect(driver.info.dsn, autocommit=True) as other:
            other.execute("select pg_terminate_backend(%s)", [driver.info.backend_pid])
    else:
        # From here on the file may not grow: SQLite reports it as it does a full disk.
        connection.exec_driver_sql("pragma max_page_count = 1")
        connection.exec_driver_sql("create table filler as select zeroblob(10000000) as waste")


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
