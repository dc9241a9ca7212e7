"""The model behind fleet.py: machines with a cache, the retries of botocore, and the limits of AWS."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import NamedTuple

from ecr_credhelper.fetch.deadline import DEADLINE
from ecr_credhelper.fetch.failures import SLOW, SLOW_AGE
from ecr_credhelper.token import HOUR, LIFETIME, REFRESH_AHEAD, RETRY, WAIT_FOR_REFRESH

SEED = 1
LATENCY = 0.1
"""Seconds that a request takes."""

START = 1.0
"""Seconds within which all machines start."""

IMAGES = 5
"""Images that a machine pulls when it starts, all at once and all from one region."""

PULL_PAUSES = (10, 20, 40, 80, 160, 300)
"""Seconds after which a client repeats a failed pull, as the kubelet does. Each can be up to half longer.

https://kubernetes.io/docs/concepts/containers/images/#imagepullbackoff
"""

WATCHED = 600
"""Seconds for which the start of a fleet is simulated."""

DAY = 24 * HOUR
SETTLED = 6 * HOUR
"""The time from which the calls of the day count: the start is over, and no token is due for a refresh."""

REFRESH_AT = (1 - REFRESH_AHEAD) * LIFETIME
"""The age of a token, in seconds, from which it is refreshed in the background."""


Fetch = Generator[float, None, bool]
"""A process that yields the seconds to wait, and returns whether it succeeded."""


class Limit(NamedTuple):
    """A limit of AWS for an account and region: a bucket of credits, refilled at a rate per second."""

    name: str
    rate: float
    burst: float


LIMITS = (Limit("500/s", 500, 500), Limit("20/s, burst 200", 20, 200))
"""Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/service-quotas.html (500), and
https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors.html (20)"""


class Retries(NamedTuple):
    """How often botocore sends a throttled request. The pause before attempt n is up to 2**(n-2) seconds.

    Source: botocore/retries/standard.py (ExponentialBackoff) and botocore/data/_retry.json of botocore 1.44.8
    """

    name: str
    attempts: int


STANDARD, LEGACY, TEN = Retries("standard", 3), Retries("legacy", 5), Retries("AWS_MAX_ATTEMPTS=10", 10)
MAX_PAUSE = 20


@dataclass
class Bucket:
    """The API: it counts the requests, and throttles those for which no credit is left."""

    limit: Limit
    calls: int = 0
    per_second: Counter[int] = field(default_factory=Counter)
    throttled: Counter[int] = field(default_factory=Counter)
    credits: float = field(init=False)
    _at: float = 0

    def __post_init__(self) -> None:
        self.credits = self.limit.burst

    def accepts(self, now: float) -> bool:
        """Count a request; return whether it is not throttled."""
        self.calls += 1
        self.per_second[int(now)] += 1
        self.credits = min(self.limit.burst, self.credits + (now - self._at) * self.limit.rate)
        self._at = now
        if self.credits < 1:
            self.throttled[int(now)] += 1
            return False
        self.credits -= 1
        return True

    def throttled_after(self, start: float) -> int:
        """Return the number of requests that were throttled after a time."""
        return sum(count for at, count in self.throttled.items() if at >= start)

    def peak(self, start: float, end: float) -> int:
        """Return the highest number of requests in one second of a period."""
        return max((count for at, count in self.per_second.items() if start <= at < end), default=0)


class Simulation:
    """The events in the order of their times. An event is a generator, which yields the seconds to wait."""

    def __init__(self, limit: Limit, retries: Retries = STANDARD) -> None:
        self.api = Bucket(limit)
        self.retries = retries
        self.random = Random(SEED)
        self.now = 0.0
        self._events: list[tuple[float, int, Iterator[float]]] = []
        self._count = 0

    def start(self, process: Iterator[float], after: float = 0) -> None:
        """Start a process after some seconds."""
        self._count += 1
        heappush(self._events, (self.now + after, self._count, process))

    def run(self, end: float = math.inf) -> None:
        """Run until all processes have ended, or until a time."""
        while self._events and self._events[0][0] < end:
            self.now, _, process = heappop(self._events)
            pause = next(process, None)
            if pause is not None:
                self.start(process, pause)

    def fetch(self) -> Fetch:
        """Fetch a token as botocore does, within the deadline; return whether that succeeded."""
        end = self.now + DEADLINE
        for attempt in range(1, self.retries.attempts + 1):
            if self.api.accepts(self.now):
                yield LATENCY
                return True
            yield LATENCY
            if attempt < self.retries.attempts:
                pause = self.random.random() * min(2 ** (attempt - 1), MAX_PAUSE)
                if self.now + pause >= end:
                    yield end - self.now
                    return False
                yield pause
        return False


@dataclass
class Machine:
    """A machine that pulls, with or without the cache of this helper.

    ``pause`` is the maximum number of seconds for which a refresh in the background waits first. The helper
    does not wait.
    """

    simulation: Simulation
    is_cached: bool = True
    pause: float = 0
    failed: list[float] = field(default_factory=list)
    fetched_at: float = -math.inf
    _attempt: int = -1
    _failed_until: float = 0

    @property
    def _age(self) -> float:
        return self.simulation.now - self.fetched_at

    def pull(self) -> Iterator[float]:
        """Pull until it succeeds, as the kubelet does; ``failed`` gets the time of each pull that failed."""
        retries = 0
        while not (yield from self._get()):
            self.failed.append(self.simulation.now)
            pause = PULL_PAUSES[min(retries, len(PULL_PAUSES) - 1)]
            yield pause * (1 + self.simulation.random.random() / 2)
            retries += 1

    def _get(self) -> Fetch:
        """Get a login; return whether that succeeded."""
        simulation = self.simulation
        if self._age < LIFETIME - WAIT_FOR_REFRESH:
            self._refresh_ahead()
            return True
        if simulation.now < self._failed_until:  # a slow failure is reported again, without a request
            return False
        started = simulation.now
        if (yield from simulation.fetch()):
            self._save()
            return True
        if self.is_cached and simulation.now - started >= SLOW:
            self._failed_until = simulation.now + SLOW_AGE
        return self._age < LIFETIME

    def _refresh_ahead(self) -> None:
        """Start a refresh in the background in the last quarter of the token's life, every five minutes."""
        attempt = math.floor((self._age - REFRESH_AT) / RETRY)
        if attempt > self._attempt:
            self._attempt = attempt
            self.simulation.start(self._refresh())

    def _refresh(self) -> Iterator[float]:
        yield self.pause * self.simulation.random.random()
        if (yield from self.simulation.fetch()):
            self._save()

    def _save(self) -> None:
        if self.is_cached:
            self.fetched_at, self._attempt = self.simulation.now, -1

    def next_use(self) -> float:
        """Return the time from which the next pull can need AWS."""
        return max(self.simulation.now, self.fetched_at + REFRESH_AT + (self._attempt + 1) * RETRY)
