"""Real servers in processes of their own, and clients that call them at once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import orjson

ENDS_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Served:
    """A server process and its port."""

    process: subprocess.Popen[bytes]
    port: int

    @contextmanager
    def connected(self) -> Iterator[HTTPConnection]:
        """A connection of its own, closed at the end."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=ENDS_SECONDS)
        with closing(connection):
            yield connection

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        """The exit code, after that signal."""
        self.process.send_signal(sign)
        return self.process.wait(ENDS_SECONDS)


@contextmanager
def serving(project: Path, url: str, *, workers: int = 1) -> Iterator[Served]:
    """`mdm serve`, ready, and ended at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, "-m", "mdm", "serve", "-p", str(project), "--store", url, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ,
        start_new_session=True,
    )
    served = Served(process, port)
    try:
        _wait_until_ready(served)
        yield served
    finally:
        if process.poll() is None:
            served.stop()


def _wait_until_ready(served: Served) -> None:
    end = time.monotonic() + ENDS_SECONDS
    while time.monotonic() < end and served.process.poll() is None:
        try:
            with served.connected() as connection:
                if call(connection, "GET", "/readyz")[0] == 200:
                    return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("the server did not come up")


def call(connection: HTTPConnection, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Status and JSON of an answer."""
    sent = None if body is None else orjson.dumps(body)
    connection.request(method, path, sent, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, orjson.loads(response.read())


def put(connection: HTTPConnection, name: tuple[str, str], row: Mapping[str, str]) -> tuple[int, Any]:
    """The answer to a record by columns."""
    return call(connection, "PUT", f"/v1/records/{name[0]}/{name[1]}", {"record": row})


def at_once(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """What each gives, all of them at the same time. Raises what one of them raises."""
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [done.result(timeout=300) for done in [pool.submit(task) for task in tasks]]
