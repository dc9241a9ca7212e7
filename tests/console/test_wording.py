"""Times as the commands show them."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ecr_credhelper.console import wording

MOMENT = datetime(2026, 11, 26, 17, 30, tzinfo=UTC)


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.skipif(sys.platform == "win32", reason="no tzset")
@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC0", "2026-11-26 17:30 UTC"),
        ("CET-1CEST", "2026-11-26 18:30 CET"),
        ("<+01>-1", "2026-11-26 18:30 UTC+1"),
        ("<+0530>-5:30", "2026-11-26 23:00 UTC+5:30"),
        ("<-03>3", "2026-11-26 14:30 UTC-3"),
        ("<+00>0", "2026-11-26 17:30 UTC+0"),
        ("Westeuropa-1", "2026-11-26 18:30 UTC+1"),
    ],
    indirect=["zone"],
)
@pytest.mark.usefixtures("zone")
def test_a_time_includes_its_zone(shown: str) -> None:
    assert wording.format_time(MOMENT) == shown


def test_times_for_programs_are_in_utc() -> None:
    assert wording.utc_time(MOMENT.timestamp() + 0.9) == "2026-11-26T17:30:00Z"
