"""Work on all cores: jobs -> results in the order of the jobs, by worker processes that end with this one.

Not forked: DuckDB and Arrow run threads here, and a forked child would inherit their locks without them. Not the
standard library's spawned pools: those import the caller's script anew, and with it everything it does.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, TypeVar

from mdm.errors import Unavailable

Setting = TypeVar("Setting")
Job = TypeVar("Job")
Result = TypeVar("Result")


def spread(
    make: Callable[[Setting], Callable[[Job], Result]], setting: Setting, jobs: Iterable[Job]
) -> Iterator[Result]:
    """The result of each job, in order; two more jobs than there are cores are under way or done.

    make: a class or function of a module; `make(setting)` gives each worker the function that does its jobs.
    Raises RuntimeError with the worker's traceback when a job fails, Unavailable when a worker was killed.
    """
    cores = os.cpu_count() or 1
    # The processes end first: threads that still wait for an answer then have it.
    with ThreadPoolExecutor(cores) as threads, _running(cores, make, setting) as idle:
        waiting: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                waiting.append(threads.submit(_ask, idle, job))
                if len(waiting) > cores + 1:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


Process = subprocess.Popen[bytes]


@contextmanager
def _running(cores: int, make: Any, setting: Any) -> Iterator[SimpleQueue[Process]]:
    """The worker processes as a queue of idle ones; each thread takes one for the time of a job."""
    processes = [_start() for _ in range(cores)]
    idle: SimpleQueue[Process] = SimpleQueue()
    try:
        for process in processes:
            _send(process, (make, setting))
            idle.put(process)
        yield idle
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _start() -> Process:
    code = "from mdm.worker import main; main()"
    paths = os.pathsep.join(sys.path)
    return subprocess.Popen(
        [sys.executable, "-P", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": paths},
    )


def _ask(idle: SimpleQueue[Process], job: Any) -> Any:
    process = idle.get()
    try:
        _send(process, job)
        done, answer = _receive(process)
    finally:
        idle.put(process)
    if not done:
        raise RuntimeError(f"a worker process failed:\n{answer}")
    return answer


def _send(process: Process, message: Any) -> None:
    assert process.stdin is not None
    try:
        pickle.dump(message, process.stdin, pickle.HIGHEST_PROTOCOL)
        process.stdin.flush()
    except BrokenPipeError:
        raise _ended() from None


def _receive(process: Process) -> Any:
    assert process.stdout is not None
    try:
        return pickle.load(process.stdout)
    except (EOFError, pickle.UnpicklingError):
        raise _ended() from None


def _ended() -> Unavailable:
    return Unavailable("a worker process ended too early; if memory is short, free some, then run again")
