"""Records in memory, where a Python program cannot use the cache on disk.

This is for sessions whose keys change by themselves, because their identity is not known on disk, and for
cache directories that cannot be written.
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
from ecr_credhelper.records import FileStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.credentials import Credentials
    from botocore.session import Session

    from ecr_credhelper.fetch.resolver import Resolver

log = logging.getLogger("ecr_credhelper")

KINDS = ("tokens", "own-registries", "failures")
"""The kinds of records that are kept. The others help other processes only."""

MAX_RECORDS = 256
"""Limits the records of each kind in one store: a program needs one token for each identity and region."""

OTHER_SECONDS = 12 * 3600
"""Maximum age of a record that is not a token, in seconds: the lifetime of a token."""


class MemoryStore(FileStore):
    """Stores records like FileStore, but in the memory of this process, until their tokens expire."""

    def __init__(self, clock: "Callable[[], float]" = time.time) -> None:
        super().__init__()
        self._records: dict[str, TLRUCache[str, list[str]]] = {
            kind: TLRUCache(MAX_RECORDS, _end_of_token if kind == "tokens" else _end_of_other, clock)
            for kind in KINDS
        }
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
            lines = self._records[kind].get(name) if kind in KINDS else None
        if key is None or lines is None:
            return lines
        return lines[1:] if lines[0] == key else None

    def write(self, kind: str, name: str, key: str, *lines: str) -> None:
        """Write or replace a record."""
        if kind in KINDS:
            with self._lock:
                self._records[kind][name] = [key, *lines]

    def names(self, kind: str) -> list[str]:
        """Return the names of all records of a kind."""
        with self._lock:
            return sorted(self._records[kind]) if kind in KINDS else []

    def discard(self, kind: str, name: str) -> None:
        """Remove a record, if it exists."""
        if kind in KINDS:
            with self._lock:
                self._records[kind].pop(name, None)


class DiskStore(FileStore):
    """Stores records on disk, or in ``memory`` if they cannot be written; logs the reason once."""

    def __init__(self, directory: str, memory: MemoryStore) -> None:
        super().__init__(directory)
        self.memory = memory

    @property
    def is_unwritable(self) -> bool:
        """Whether a record could not be written before."""
        return self.directory in _unwritable

    def read(self, kind: str, name: str, key: str | None = None) -> list[str] | None:
        """Return the lines of a record, or None; see FileStore."""
        lines = self.memory.read(kind, name, key) if self.is_unwritable else None
        return lines or super().read(kind, name, key)

    def write(self, kind: str, name: str, key: str, *lines: str) -> None:
        """Write or replace a record."""
        try:
            super().write(kind, name, key, *lines)
        except OSError as error:
            if not self.is_unwritable:
                _unwritable.add(self.directory)
                log.warning(
                    "the cache %s cannot be written (%s): tokens are kept in the memory of this process; "
                    "set AWS_ECR_CACHE_DIR to another directory",
                    self.directory,
                    error.strerror or error,
                )
            self.memory.write(kind, name, key, *lines)

    def discard(self, kind: str, name: str) -> None:
        """Remove a record, if it exists."""
        self.memory.discard(kind, name)
        super().discard(kind, name)


def _end_of_token(_: str, lines: list[str], now: float) -> float:  # noqa: ARG001 - the form of cachetools
    """Return the time at which a token is removed, in seconds since the epoch: when it expires."""
    return float(lines[2])


def _end_of_other(_: str, __: list[str], now: float) -> float:
    """Return the time at which another record is removed, in seconds since the epoch."""
    return now + OTHER_SECONDS


_credentials_stores: "WeakKeyDictionary[Credentials, MemoryStore]" = WeakKeyDictionary()
_process_store = MemoryStore()
_unwritable: set[str] = set()
"""The cache directories that could not be written."""


def session_cache(session: "Session") -> Cache:
    """Return the cache of a session, which ends with the object that has its credentials."""
    try:
        credentials = session.get_credentials()  # They have been loaded before.
    except Exception:  # noqa: BLE001 - of botocore: the fetch raises the same error
        credentials = None
    store = _credentials_stores.setdefault(credentials, MemoryStore()) if credentials else FileStore()
    return Cache(store)


def with_memory(cache: Cache) -> Cache:
    """Return the cache on disk with the memory of this process, unless it is disabled."""
    return Cache(DiskStore(cache.store.directory, _process_store)) if cache.store.directory else cache


@contextmanager
def one_fetch(resolver: "Resolver", key: str) -> "Iterator[None]":
    """Let one thread at a time fetch a token into memory, so that others find it. The disk has lock files."""
    store = resolver.cache.store
    if isinstance(store, DiskStore) and store.is_unwritable:
        store = store.memory
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
    for store in (_process_store, *_credentials_stores.values()):
        store.restart()


getattr(os, "register_at_fork", dict)(after_in_child=_restart_after_fork)  # missing on Windows
