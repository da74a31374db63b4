"""Attempts to sign in: so many in some minutes per name and per address, then none for a while; one process counts."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

PERIOD_SECONDS = 300.0
PER_NAME = 10
PER_ADDRESS = 50
# So many names and addresses are remembered; the ones heard of longest ago are forgotten.
MOST = 10_000


class Attempts:
    """Failed attempts of the last minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._lock = Lock()

    def may_try(self, name: str, address: str) -> bool:
        """Whether somebody there may try to sign in by that name now."""
        with self._lock:
            return self._recent(("name", name)) < PER_NAME and self._recent(("address", address)) < PER_ADDRESS

    def failed(self, name: str, address: str) -> None:
        """Nothing; an attempt failed."""
        with self._lock:
            for key in (("name", name), ("address", address)):
                self._failed.setdefault(key, []).append(self._clock())
                self._failed.move_to_end(key)
            while len(self._failed) > MOST:
                self._failed.popitem(last=False)

    def _recent(self, key: tuple[str, str]) -> int:
        since = self._clock() - PERIOD_SECONDS
        kept = [moment for moment in self._failed.get(key, ()) if moment > since]
        if kept:
            self._failed[key] = kept
        else:
            self._failed.pop(key, None)
        return len(kept)
