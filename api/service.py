"""What one server process holds: store, resolver, keys of callers, metrics; it loads the project again when it must."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock
from typing import TypeVar

from api.metrics import Metrics
from api.settings import Settings
from mdm.engine.policy import EntityType
from mdm.errors import MdmError, OtherPolicy
from mdm.policy import ProjectPolicy, load_policy
from mdm.resolve import Resolver
from mdm.store import Store, access, open_store
from mdm.store.access import ApiKey
from mdm.store.locks import server_lock
from mdm.store.together import Together

Result = TypeVar("Result")

# A revoked key opens nothing after this.
KEYS_SECONDS = 1.0
# A project file that does not fit is not read again with every request.
RELOAD_SECONDS = 1.0


class Service:
    """Lives as long as its process serves."""

    def __init__(self, settings: Settings, store: Store, policy: ProjectPolicy) -> None:
        self.settings = settings
        self.store = store
        self.together = Together(store)
        self.resolver = Resolver(store, policy)
        self.metrics = Metrics()
        self._keys: tuple[float, Mapping[str, ApiKey]] = (0.0, {})
        self._loaded = 0.0
        self._loading = Lock()

    @property
    def entities(self) -> Mapping[str, EntityType]:
        """The entity types of the project."""
        return self.resolver.bench.policy.entities

    def keys(self) -> Mapping[str, ApiKey]:
        """Every key there ever was by the digest of its secret, at most KEYS_SECONDS old."""
        read, known = self._keys
        if time.monotonic() - read > KEYS_SECONDS:
            with self.store.reading() as connection:
                known = access.by_digest(connection)
            self._keys = (time.monotonic(), known)
        return known

    def deciding(self, action: Callable[[Resolver], Result]) -> Result:
        """What the action gives; when another policy decides by now, with the project as its file is now.

        Raises OtherPolicy when that does not help.
        """
        try:
            return action(self.resolver)
        except OtherPolicy:
            if not self._reload():
                raise
            return action(self.resolver)

    def _reload(self) -> bool:
        """Whether the project was loaded again."""
        with self._loading:
            if time.monotonic() - self._loaded < RELOAD_SECONDS:
                return False
            self._loaded = time.monotonic()
            try:
                policy = load_policy(self.settings.project)
            except MdmError:
                return False
            self.resolver = Resolver(self.store, policy)
            return True


def _spare_the_collector() -> None:
    # What is loaded by now stays: going through it again and again would hold up requests for 100 ms.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


@contextmanager
def running(settings: Settings) -> Iterator[Service]:
    """A service, its store closed at the end. Raises Unavailable when another server has a SQLite store."""
    policy = load_policy(settings.project)
    if settings.store is not None:
        policy = replace(policy, file=replace(policy.file, store=settings.store))
    store = open_store(policy.file.store)
    try:
        with server_lock(store), store.tending():
            service = Service(settings, store, policy)
            service.resolver.warm()
            _spare_the_collector()
            yield service
    finally:
        store.close()
