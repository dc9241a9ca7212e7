"""Old files are removed from the cache directory."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ecr_credhelper.cache import Cache
from ecr_credhelper.fetch import eviction
from ecr_credhelper.fetch.eviction import evict_if_due
from ecr_credhelper.records import FORMAT, FileStore
from ecr_credhelper.token import Token
from tests.conftest import HOST

NOW = time.time()
HOUR = 3600
DAY = 24 * HOUR


def save(cache: Cache, identity: str) -> None:
    token = Token("AWS", "p", fetched_at=NOW, expires_at=NOW + 12 * HOUR)
    cache.save_token(f"key of {identity}", token)
    cache.save_route(HOST, identity, f"key of {identity}", NOW)


def set_age(directory: Path, seconds: float) -> None:
    """Change the age of all files in a directory, except for the record of the last sweep."""
    for path in directory.rglob("*"):
        if path.is_file() and path.parent.name != "eviction":
            os.utime(path, (NOW - seconds, NOW - seconds))


def kinds(directory: Path) -> set[str]:
    """Return the names of the directories that have files, except for the record of the last sweep."""
    return {path.parent.name for path in directory.rglob("*") if path.is_file()} - {"eviction"}


def test_files_are_removed_after_a_day_and_routes_after_a_week(cache: Cache, folder: Path) -> None:
    save(cache, "identity")
    cache.save_login(HOST, Token("AWS", "p", fetched_at=NOW, expires_at=NOW + HOUR))
    cache.record_failure("key", NOW)
    cache.try_claim_refresh("key", Token("AWS", "p", fetched_at=NOW, expires_at=NOW + HOUR), 0)
    (folder / FORMAT / "tokens" / ".abandoned").touch()
    set_age(folder, 0)
    evict_if_due(cache.store, NOW + DAY - 1)
    assert kinds(folder) == {"tokens", "routes", "logins", "failures", "claims"}
    evict_if_due(cache.store, NOW + DAY + HOUR)
    assert kinds(folder) == {"routes"}
    evict_if_due(cache.store, NOW + 7 * DAY - 1)
    assert kinds(folder) == {"routes"}
    evict_if_due(cache.store, NOW + 7 * DAY + HOUR)
    assert kinds(folder) == set()


def test_the_cache_is_swept_once_an_hour(cache: Cache, folder: Path) -> None:
    evict_if_due(cache.store, NOW)
    save(cache, "identity")
    set_age(folder, 2 * DAY)
    evict_if_due(cache.store, NOW + 0.9 * HOUR)
    assert kinds(folder) == {"tokens", "routes"}
    evict_if_due(cache.store, NOW + HOUR)
    assert kinds(folder) == {"routes"}


@pytest.mark.parametrize("last", [repr(NOW + 100 * HOUR), "damaged"], ids=["in the future", "damaged"])
def test_a_wrong_time_of_the_last_sweep_does_not_prevent_a_sweep(
    last: str, cache: Cache, folder: Path
) -> None:
    cache.store.write("eviction", "last", "last", last)
    save(cache, "identity")
    set_age(folder, 2 * DAY)
    evict_if_due(cache.store, NOW)
    assert kinds(folder) == {"routes"}


def test_a_sweep_keeps_a_limited_number_of_entries(
    cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eviction, "MAX_ENTRIES", 3)
    for number in range(5):
        save(cache, f"identity {number}")
        for file in (folder / FORMAT / "tokens").iterdir():
            if b"identity %d\n" % number in file.read_bytes():
                os.utime(file, (NOW - number, NOW - number))  # a higher number is older
    evict_if_due(cache.store, NOW)
    kept = [number for number in range(5) if cache.token(f"key of identity {number}", NOW)]
    assert kept == [0, 1, 2]
    assert len(cache.store.names("routes")) == 3


def test_a_file_that_another_process_has_removed_is_not_an_error(tmp_path: Path) -> None:
    assert eviction._modified(str(tmp_path / "gone")) == 0  # noqa: SLF001 - the race itself is not reproducible


def test_without_a_cache_nothing_is_written(home: Path) -> None:
    evict_if_due(FileStore(), NOW)
    assert list(home.iterdir()) == []
