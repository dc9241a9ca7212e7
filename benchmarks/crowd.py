"""Many processes at once, with an empty cache: how often AWS is asked, and what is kept."""

import json
import time
from typing import NamedTuple

from benchmarks.homes import HELPER, REGION, Home
from benchmarks.processes import run, run_at_once
from benchmarks.report import Count, Section
from benchmarks.surroundings import Surroundings

CALLERS = 40
TRIALS = 3


class Trial(NamedTuple):
    """What came of one trial."""

    calls: int
    right: int
    kept: int
    seconds: float


FIELDS = ("calls to AWS", "right answers", "registries in the cache afterwards", "seconds for all")


def measure(surroundings: Surroundings) -> Section:
    """Let forty processes ask at once, for one registry and for forty; count, several times."""
    section = Section(f"One call for everyone: {CALLERS} processes at once, empty cache")
    section.note = f"{TRIALS} trials each; the other is {surroundings.amazon_name}."
    # One home for both, so that both take the same way to the API.
    home = surroundings.home(by_name=not surroundings.obstacle)
    helpers = (HELPER,) if surroundings.obstacle else (HELPER, surroundings.amazon)
    for registries, what in ((1, "one registry"), (CALLERS, f"{CALLERS} registries of one region")):
        trials = [[_ask(home, helper, registries) for _ in range(TRIALS)] for helper in helpers]
        for number, name in enumerate(FIELDS):
            columns = (", ".join(f"{trial[number]:.2g}" for trial in side) for side in trials)
            section.add(Count(f"{what}: {name}", *columns))
    if surroundings.obstacle:
        section.skip("Amazon's helper", surroundings.obstacle)
    return section


def _ask(home: Home, helper: str, registries: int) -> Trial:
    """Let all callers ask for one of so many registries at the same time, with an empty cache."""
    hosts = [f"{111122223333 + n % registries}.dkr.ecr.{REGION}.amazonaws.com" for n in range(CALLERS)]
    commands = [home.get(helper=helper, host=home.write(f"hosts/{host}", host)) for host in hosts]
    home.forget()
    calls = len(home.api.calls)
    started = time.perf_counter()
    answers = run_at_once(commands)
    seconds = time.perf_counter() - started
    triples = zip(commands, answers, hosts, strict=True)
    right = sum(command.is_right(ran) and host in ran.stdout for command, ran, host in triples)
    return Trial(len(home.api.calls) - calls, right, _kept(home, helper), seconds)


def _kept(home: Home, helper: str) -> int:
    """Return how many registries the cache holds; Amazon's ``list`` asks AWS."""
    if helper == HELPER:
        return len(json.loads(run(home.command(helper, "list")).stdout))
    return home.amazon_tokens()
