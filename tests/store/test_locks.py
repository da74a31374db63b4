"""The run lock: one holder at a time, named to others, free as soon as its holder is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import Connection

from mdm.errors import Unavailable
from mdm.store import Store, open_store
from mdm.store.locks import run_lock

HOLD = """
import sys, time
from mdm.store import open_store
from mdm.store.locks import run_lock
with run_lock(open_store(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_job_is_refused_and_told_who_works(store: Store) -> None:
    with run_lock(store), pytest.raises(Unavailable, match=f"process {os.getpid()} on "), run_lock(store):
        pass


def test_the_lock_is_free_after_its_holder(store: Store) -> None:
    for _ in range(2):
        with run_lock(store):
            pass
    with pytest.raises(RuntimeError), run_lock(store):
        raise RuntimeError
    with run_lock(store):
        pass


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
def test_the_lock_is_free_before_the_server_sees_its_session_end(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that follows at once is not refused: here the sessions of jobs that are over stay open."""
    session = Store.session
    with ExitStack() as still_open:

        @contextmanager
        def lingering(self: Store, *, application_name: str) -> Iterator[Connection]:
            yield still_open.enter_context(session(self, application_name=application_name))

        monkeypatch.setattr(Store, "session", lingering)
        for _ in range(2):
            with run_lock(store):
                pass
        with pytest.raises(RuntimeError), run_lock(store):
            raise RuntimeError
        with run_lock(store):
            pass


def test_a_killed_holder_frees_the_lock(store: Store) -> None:
    holder = subprocess.Popen([sys.executable, "-c", HOLD, store.url], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Unavailable, match=f"process {holder.pid} on "), run_lock(store):
            pass
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    other = open_store(store.url, wait_seconds=10)
    for attempt in range(200):
        try:
            with run_lock(other):
                break
        except Unavailable:
            # PostgreSQL notices within milliseconds that the client is gone.
            assert attempt < 199
    other.close()
