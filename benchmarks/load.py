"""Load: requests -> seconds they took, from connections of this process to a server on this machine."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

CONNECTIONS = 8
Send = Callable[[http.client.HTTPConnection], tuple[int, bytes]]


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds of many requests, sorted, and how long they took together in seconds."""

    ms: tuple[float, ...]
    seconds: float

    def at(self, share: float) -> float:
        """The latency that so many requests do not exceed."""
        return self.ms[min(len(self.ms) - 1, int(share * len(self.ms)))]

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.ms) / self.seconds

    def __str__(self) -> str:
        shown = "  ".join(f"p{share * 100:g} {self.at(share):.2f} ms" for share in (0.5, 0.9, 0.99))
        return f"{shown}  max {self.ms[-1]:.1f} ms"


def paced(port: int, requests: Sequence[Send], *, rate: float | None, connections: int = CONNECTIONS) -> Latencies:
    """Latencies from when each request was due (rate None: from when a connection was free) to its answer.

    Raises RuntimeError when a request is refused.
    """
    queue: SimpleQueue[tuple[float | None, Send] | None] = SimpleQueue()
    took: list[float] = []
    failed: list[tuple[int, bytes]] = []

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while (job := queue.get()) is not None:
            due, send = job
            begun = time.perf_counter() if due is None else due
            status, body = send(connection)
            took.append(time.perf_counter() - begun)
            if status != 200:
                failed.append((status, body))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    begun = time.perf_counter()
    for number, send in enumerate(requests):
        due = None if rate is None else begun + number / rate
        if due is not None:
            time.sleep(max(0.0, due - time.perf_counter()))
        queue.put((due, send))
    for _ in threads:
        queue.put(None)
    for thread in threads:
        thread.join()
    if failed:
        raise RuntimeError(f"{len(failed)} requests failed, the first: {failed[0]}")
    return Latencies(tuple(sorted(1000 * each for each in took)), time.perf_counter() - begun)


def call(connection: http.client.HTTPConnection, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """Status and body of one request."""
    connection.request(method, path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, response.read()
