"""Together: writes of many threads, as many as wait, in one transaction, so that they share its commit.

A durable commit costs more than deciding about a record. Each write is a savepoint of its own: one that fails is undone
alone, and the others do not notice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection

from mdm.store.prepared import drive
from mdm.store.store import Store

Result = TypeVar("Result")

# Nobody's answer waits for more than so many writes of others.
MOST = 16


class Together:
    """The single writes of one process; safe to share between threads."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._waiting: deque[_Write] = deque()
        self._turn = Lock()

    def do(self, action: Callable[[Connection], Result]) -> Result:
        """What the action gives, inside a write transaction, once it is committed. Raises what the action raises.

        Raises Unavailable as `Store.writing` does.
        """
        write = _Write(action)
        self._waiting.append(write)
        # Whoever has the turn writes for all who wait; they find their result when the turn comes to them.
        with self._turn:
            while not write.is_over:
                self._serve()
        if write.error is not None:
            raise write.error
        result: Result = write.result
        return result

    def _serve(self) -> None:
        writes = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            with self.store.writing() as connection:
                for write in writes:
                    write.attempt(connection)
        except BaseException as error:
            # Nothing of it was committed.
            for write in writes:
                write.error = error
            if not isinstance(error, Exception):
                raise
        finally:
            for write in writes:
                write.is_over = True


class _Write:
    """What one thread waits for."""

    def __init__(self, action: Callable[[Connection], Any]) -> None:
        self.action = action
        self.is_over = False
        self.result: Any = None
        self.error: BaseException | None = None

    def attempt(self, connection: Connection) -> None:
        drive(connection, "savepoint one", ())
        try:
            self.result = self.action(connection)
        except Exception as error:
            self.error = error
            drive(connection, "rollback to savepoint one", ())
        drive(connection, "release savepoint one", ())
