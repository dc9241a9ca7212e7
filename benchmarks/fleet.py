"""Simulate a fleet of machines against the limits of GetAuthorizationToken.

    python -m benchmarks.fleet

This prints the tables of docs/explanation/fleet.md. The limits, the retries of botocore, the cache and the
pulls are a model, without a network. A seed makes the results reproducible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from benchmarks.fleet_model import (
    DAY,
    IMAGES,
    LEGACY,
    LIMITS,
    SETTLED,
    STANDARD,
    START,
    TEN,
    WATCHED,
    Limit,
    Machine,
    Retries,
    Simulation,
)
from ecr_credhelper.token import HOUR


def start(machines: int, limit: Limit, retries: Retries = STANDARD, *, cached: bool = True) -> list[str]:
    """Simulate the start of a fleet: each machine pulls its images at once. Return the cells of a row."""
    simulation = Simulation(limit, retries)
    callers: list[Machine] = []
    finished: list[float] = []

    def run(machine: Machine) -> Iterator[float]:
        yield from machine.pull()
        finished.append(simulation.now)

    for _ in range(machines):
        at = simulation.random.random() * START
        for _ in range(1 if cached else IMAGES):  # with the cache, the pulls of a machine share one fetch
            callers.append(Machine(simulation, is_cached=cached))
            simulation.start(run(callers[-1]), at)
    simulation.run(WATCHED)
    failed = percent(sum(bool(caller.failed) for caller in callers), len(callers))
    if len(finished) == len(callers):
        return [f"{simulation.api.calls:,}", failed, duration(max(finished))]
    done = percent(len(finished), len(callers))
    return [f"{simulation.api.calls:,}", failed, f"{done} after {duration(WATCHED)}"]


Schedule = Callable[[Simulation, Machine], float]


def at_random(minutes: float) -> Schedule:
    """Return a schedule of pulls at random times, on average every so many minutes."""

    def next_pull(simulation: Simulation, machine: Machine) -> float:
        # Random times have no memory, so pulls that need nothing can be skipped.
        pause = -math.log(1 - simulation.random.random()) * minutes * 60
        return machine.next_use() - simulation.now + pause

    return next_pull


def on_the_hour(simulation: Simulation, _: Machine) -> float:
    """Pull on every machine in the first second of each hour."""
    hour = math.floor(simulation.now / HOUR + 1)
    return hour * HOUR + simulation.random.random() * START - simulation.now


SCHEDULES: tuple[tuple[str, Schedule, bool], ...] = (
    ("at random, every 15 minutes", at_random(15), True),
    ("at random, every minute", at_random(1), False),
    ("all in the same second, every hour", on_the_hour, False),
)
"""How the machines pull, and whether to simulate that without the cache, too."""


def day(
    machines: int, limit: Limit, schedule: Schedule, *, cached: bool = True, pause: float = 0
) -> list[str]:
    """Simulate a day of a fleet whose machines have started together. Return the cells of a row."""
    simulation = Simulation(limit)
    fleet = [Machine(simulation, is_cached=cached, pause=pause) for _ in range(machines)]

    def run(machine: Machine) -> Iterator[float]:
        while simulation.now < DAY:
            yield from machine.pull()
            yield schedule(simulation, machine)

    for machine in fleet:
        simulation.start(run(machine), simulation.random.random() * START)
    simulation.run(DAY)
    failed = sum(at > SETTLED for machine in fleet for at in machine.failed)
    api = simulation.api
    counts = (api.peak(SETTLED, DAY), api.throttled_after(SETTLED), failed)
    return [f"{api.calls / machines:.1f}", *(f"{count:,}" for count in counts)]


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


def duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def table(head: list[str], rows: list[list[str]]) -> str:
    return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, ["---"] * len(head), *rows))


MACHINES = (1_000, 10_000)
CACHES = ((True, "yes"), (False, "no"))


def start_rows(machines: int) -> list[list[str]]:
    return [
        [f"{machines:,}", limit.name, name, *start(machines, limit, cached=cached)]
        for limit in LIMITS
        for cached, name in CACHES
    ]


def retry_rows(machines: int) -> list[list[str]]:
    return [
        [f"{machines:,}", retries.name, str(retries.attempts), *start(machines, LIMITS[1], retries)]
        for retries in (STANDARD, LEGACY, TEN)
    ]


def day_rows(machines: int) -> list[list[str]]:
    return [
        [f"{machines:,}", limit.name, what, name, *day(machines, limit, schedule, cached=cached)]
        for limit in LIMITS
        for what, schedule, both in SCHEDULES
        for cached, name in CACHES
        if cached or both
    ]


def pause_rows(machines: int) -> list[list[str]]:
    return [
        [f"{machines:,}", limit.name, f"{pause} s", *day(machines, limit, on_the_hour, pause=pause)]
        for limit in LIMITS
        for pause in (0, 60, 300)
    ]


START_HEAD = ["machines", "limit", "cache", "calls", "first pulls that fail", "all have pulled after"]
RETRY_HEAD = ["machines", "retries", "attempts", "calls", "first pulls that fail", "all have pulled after"]
DAY_RESULTS = ["calls per machine", "most calls in a second", "throttled calls", "failed pulls"]
DAY_HEAD = ["machines", "limit", "pulls", "cache", *DAY_RESULTS]
PAUSE_HEAD = ["machines", "limit", "longest pause", *DAY_RESULTS]


def tables(sizes: tuple[int, ...] = MACHINES) -> list[str]:
    """Return the tables of the page."""
    return [
        table(head, [row for machines in sizes for row in rows(machines)])
        for head, rows in (
            (START_HEAD, start_rows),
            (RETRY_HEAD, retry_rows),
            (DAY_HEAD, day_rows),
            (PAUSE_HEAD, pause_rows),
        )
    ]


if __name__ == "__main__":
    print("\n".join(tables()), end="")
