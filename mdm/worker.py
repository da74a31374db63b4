"""A worker process: pickled jobs on its standard input -> pickled answers on its standard output.

It ends when its input does, so it never outlives the process that started it.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO


def main() -> None:
    """Answer jobs until there are no more."""
    # An interrupt is the parent's to handle: it closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints must not stand between the answers.
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)


def serve(jobs: BinaryIO, answers: BinaryIO) -> None:
    """Answer each job with (True, result) or (False, traceback).

    The first pickle is (make, setting): `make(setting)` gives the function that does the jobs.
    """
    make, setting = pickle.load(jobs)
    work: Callable[[Any], Any] | None = None
    # A job makes objects by the million and no cycles: looking for those while it runs costs a fifth of the time.
    gc.disable()
    while True:
        try:
            job = pickle.load(jobs)
        except EOFError:
            return
        try:
            if work is None:
                work = make(setting)
                gc.freeze()
            answer = (True, work(job))
        except Exception:
            answer = (False, traceback.format_exc())
        gc.collect()
        pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    main()
