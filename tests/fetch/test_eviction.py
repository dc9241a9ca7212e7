"""The cache folder stays bounded."""

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


def keep(cache: Cache, identity: str, left: float = 12 * HOUR) -> None:
    cache.save_token(f"key of {identity}", Token("AWS", "p", fetched_at=NOW, expires_at=NOW + left))
    cache.save_route(HOST, identity, f"key of {identity}", NOW)


def test_what_has_expired_goes_within_the_hour(cache: Cache) -> None:
    evict_if_due(cache, NOW)
    keep(cache, "short", HOUR / 2)
    evict_if_due(cache, NOW + 0.9 * HOUR)
    assert len(cache.store.names("tokens")) == 1
    evict_if_due(cache, NOW + HOUR)
    assert cache.store.names("tokens") == []


def test_a_clock_that_was_set_back_does_not_stop_eviction(cache: Cache) -> None:
    evict_if_due(cache, NOW + 100 * HOUR)
    keep(cache, "short", HOUR / 2)
    evict_if_due(cache, NOW + HOUR)
    assert cache.store.names("tokens") == []


def test_a_damaged_note_of_the_last_time_does_not_stop_eviction(cache: Cache) -> None:
    cache.store.write("eviction", "last", "last", "damaged")
    keep(cache, "short", HOUR / 2)
    evict_if_due(cache, NOW + HOUR)
    assert cache.store.names("tokens") == []


def test_a_thousand_rotating_keys_leave_a_bounded_folder(cache: Cache, folder: Path) -> None:
    for number in range(1000):
        keep(cache, f"identity {number}")
        evict_if_due(cache, NOW)
    assert len(cache.store.names("tokens")) <= eviction.MAX_ENTRIES["tokens"]
    assert len(list(folder.rglob("*"))) < eviction.MAX_ENTRIES["routes"]
    assert cache.route(HOST, "identity 999")
    assert cache.token("key of identity 999", NOW)
    assert len(cache.store.names("routes")) <= eviction.MAX_ENTRIES["routes"]


def test_the_oldest_go_first(cache: Cache, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(eviction.MAX_ENTRIES, "tokens", 4)
    for number in range(5):
        keep(cache, f"identity {number}")
        for file in (folder / FORMAT / "tokens").iterdir():
            if b"identity %d\n" % number in file.read_bytes():
                os.utime(file, (NOW - number, NOW - number))  # the later, the older
    evict_if_due(cache, NOW)
    left = [number for number in range(5) if cache.token(f"key of identity {number}", NOW)]
    assert left == [0, 1, 2]


def test_a_file_that_was_left_half_written_goes(cache: Cache, folder: Path) -> None:
    keep(cache, "one")
    abandoned, fresh = folder / FORMAT / "tokens" / ".abandoned", folder / FORMAT / "tokens" / ".fresh"
    for file in (abandoned, fresh):
        file.write_text("half")
    os.utime(abandoned, (NOW - 2 * HOUR, NOW - 2 * HOUR))
    evict_if_due(cache, NOW)
    assert not abandoned.exists()
    assert fresh.exists()
    assert len(cache.store.names("tokens")) == 1


def test_a_file_that_another_process_removed_meanwhile_is_no_error(tmp_path: Path) -> None:
    assert eviction._modified(str(tmp_path / "gone")) == 0  # noqa: SLF001 - the race itself cannot be made to happen


def test_without_a_cache_there_is_nothing_to_do(home: Path) -> None:
    evict_if_due(Cache(FileStore()), NOW)
    assert list(home.iterdir()) == []
