"""Many processes at once, with an empty cache: count the calls to AWS and the cached registries."""

import json
import time
from typing import NamedTuple

from benchmarks.fixture import Fixture
from benchmarks.homes import HELPER, REGION, Home
from benchmarks.processes import run, run_at_once
from benchmarks.report import Count, Section

CALLERS = 40
TRIALS = 3


class Trial(NamedTuple):
    """The result of one trial."""

    calls: int
    correct: int
    cached: int
    seconds: float


FIELDS = ("calls to AWS", "correct responses", "registries in the cache afterwards", "seconds for all")


def measure(fixture: Fixture) -> Section:
    """Start forty processes at once, for one registry and for forty registries, several times."""
    section = Section(f"One call for all callers: {CALLERS} processes at once, empty cache")
    section.note = f"{TRIALS} trials each; the other is {fixture.amazon_name}."
    # Both helpers use one home, so that both reach the API in the same way.
    home = fixture.home(by_name=not fixture.sandbox_problem)
    helpers = (HELPER,) if fixture.sandbox_problem else (HELPER, fixture.amazon)
    for registries, what in ((1, "one registry"), (CALLERS, f"{CALLERS} registries of one region")):
        trials = [[_run_trial(home, helper, registries) for _ in range(TRIALS)] for helper in helpers]
        for number, name in enumerate(FIELDS):
            columns = (", ".join(f"{trial[number]:.2g}" for trial in side) for side in trials)
            section.add(Count(f"{what}: {name}", *columns))
    if fixture.sandbox_problem:
        section.skip("Amazon's helper", fixture.sandbox_problem)
    return section


def _run_trial(home: Home, helper: str, registries: int) -> Trial:
    """Run all callers at the same time, each for one of so many registries, with an empty cache."""
    hosts = [f"{111122223333 + n % registries}.dkr.ecr.{REGION}.amazonaws.com" for n in range(CALLERS)]
    commands = [home.get(helper=helper, host=home.write(f"hosts/{host}", host)) for host in hosts]
    home.forget()
    calls = len(home.api.calls)
    started = time.perf_counter()
    results = run_at_once(commands)
    seconds = time.perf_counter() - started
    triples = zip(commands, results, hosts, strict=True)
    correct = sum(command.is_correct(result) and host in result.stdout for command, result, host in triples)
    return Trial(len(home.api.calls) - calls, correct, _cached(home, helper), seconds)


def _cached(home: Home, helper: str) -> int:
    """Return how many registries are in the cache. ``list`` of Amazon's helper would call AWS."""
    if helper == HELPER:
        return len(json.loads(run(home.command(helper, "list")).stdout))
    return home.amazon_tokens()
