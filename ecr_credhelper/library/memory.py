"""Records in memory, where a Python program cannot use the cache on disk.

This is for sessions whose keys change by themselves, because their identity is not known on disk, and for
home directories that cannot be written.
"""

import logging
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary

from cachetools import TLRUCache

from ecr_credhelper.cache import Cache
from ecr_credhelper.files import make_private
from ecr_credhelper.records import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.session import Session

    from ecr_credhelper.fetch.resolver import Resolver

log = logging.getLogger("ecr_credhelper")

MAX_RECORDS = 256
"""Limits the records of one store: a token and a route for each region, and recent failures."""

OTHER_SECONDS = 12 * 3600
"""Maximum age of a record that is not a token, in seconds: the lifetime of a token."""


class MemoryStore(FileStore):
    """Stores records like FileStore, but in the memory of this process, until their tokens expire."""

    def __init__(self, clock: "Callable[[], float]" = time.time) -> None:
        super().__init__()
        self._records: TLRUCache[tuple[str, str], list[str]] = TLRUCache(MAX_RECORDS, _end_of, clock)
        self.restart()

    def restart(self) -> None:
        """Replace all locks, which another thread can hold forever after a fork."""
        self._lock = threading.Lock()
        self._fetches: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()

    def fetch_lock(self, key: str) -> threading.Lock:
        """Return the lock under which a token is fetched. It exists while a thread uses it."""
        with self._lock:
            return self._fetches.setdefault(key, threading.Lock())

    def read(self, kind: str, name: str, key: str | None = None) -> list[str] | None:
        """Return the lines of a record, or None; see FileStore."""
        with self._lock:
            lines = self._records.get((kind, name))
        if key is None or lines is None:
            return lines
        return lines[1:] if lines[0] == key else None

    def write(self, kind: str, name: str, key: str, *lines: str) -> None:
        """Write or replace a record."""
        with self._lock:
            self._records[kind, name] = [key, *lines]

    def names(self, kind: str) -> list[str]:
        """Return the names of all records of a kind."""
        with self._lock:
            return sorted(name for record_kind, name in self._records if record_kind == kind)

    def discard(self, kind: str, name: str) -> None:
        """Remove a record, if it exists."""
        with self._lock:
            self._records.pop((kind, name), None)


def _end_of(record: tuple[str, str], lines: list[str], now: float) -> float:
    """Return the time at which a record is removed, in seconds since the epoch."""
    kind, _ = record
    return float(lines[2]) if kind == "tokens" else now + OTHER_SECONDS


_session_stores: "WeakKeyDictionary[Session, MemoryStore]" = WeakKeyDictionary()
_process_store = MemoryStore()
_warned: set[str] = set()
"""The directories of which a warning has been logged."""


def session_cache(session: "Session") -> Cache:
    """Return the cache of one session object, which ends with it."""
    return Cache(_session_stores.setdefault(session, MemoryStore()))


def cache_or_memory(cache: Cache) -> Cache:
    """Return the cache on disk, or one in memory if its directory cannot be written; log the reason once."""
    directory = cache.store.directory
    if not directory:  # It is disabled.
        return cache
    try:
        make_private(directory)
    except OSError as error:
        if directory not in _warned:
            _warned.add(directory)
            log.warning(
                "%s cannot be used (%s): tokens are kept only in the memory of this process. "
                "Set AWS_ECR_CACHE_DIR to another directory, or AWS_ECR_DISABLE_CACHE=1.",
                directory,
                error.strerror or error,
            )
        return Cache(_process_store)
    return cache


@contextmanager
def one_fetch(resolver: "Resolver", key: str) -> "Iterator[None]":
    """Let one thread at a time fetch a token into memory, so that others find it. The disk has lock files."""
    store = resolver.cache.store
    if not isinstance(store, MemoryStore):
        yield
        return
    lock, started = store.fetch_lock(key), time.monotonic()
    is_held = lock.acquire(timeout=resolver.deadline / 2)  # then fetch it in the rest of the time
    resolver.deadline -= time.monotonic() - started
    try:
        yield
    finally:
        if is_held:
            lock.release()


def _restart_after_fork() -> None:
    """Forget the fetches of the parent, whose threads do not exist in this process."""
    for store in (_process_store, *_session_stores.values()):
        store.restart()


getattr(os, "register_at_fork", dict)(after_in_child=_restart_after_fork)  # missing on Windows
