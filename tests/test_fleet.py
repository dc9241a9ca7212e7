"""The simulation of a fleet: its model of botocore is right, and its page has its figures."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from botocore.retries import standard

from benchmarks import fleet
from benchmarks.fleet_model import LEGACY, LIMITS, STANDARD, Bucket, Limit, Simulation
from tests.pages import page

PAGE = page("docs/explanation/fleet.md")


def test_botocore_tries_as_often_as_the_model() -> None:
    assert STANDARD.attempts == standard.DEFAULT_MAX_ATTEMPTS
    legacy = json.loads(files("botocore").joinpath("data/_retry.json").read_text(encoding="utf-8"))
    assert legacy["retry"]["__default__"]["max_attempts"] == LEGACY.attempts


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.name)
def test_a_bucket_accepts_its_burst_and_then_its_rate(limit: Limit) -> None:
    bucket = Bucket(limit)
    assert sum(bucket.accepts(0) for _ in range(5000)) == limit.burst
    assert sum(bucket.accepts(1 + n / 5000) for n in range(5000)) == pytest.approx(2 * limit.rate, abs=2)
    assert bucket.calls == 10_000
    assert bucket.peak(0, 2) == 5000


def test_a_throttled_fetch_ends_after_its_attempts() -> None:
    simulation = Simulation(LIMITS[1]._replace(rate=0, burst=0))
    simulation.start(simulation.fetch())
    simulation.run()
    assert simulation.api.calls == STANDARD.attempts
    assert simulation.now < 4


def test_the_page_has_the_figures_of_the_simulation() -> None:
    for simulated in fleet.tables((1_000,)):
        head, rule, *rows = simulated.splitlines()
        assert f"{head}\n{rule}\n{rows[0]}\n" in PAGE
        assert [row for row in rows if f"{row}\n" not in PAGE] == []
