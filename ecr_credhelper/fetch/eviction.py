"""Keeps the cache folder bounded: what has expired goes, and the oldest beyond a number.

Rotating keys and vanished identities leave tokens that nobody asks for again. Nothing is locked here:
an entry too many removed costs a call to AWS and nothing else.
"""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.files import remove

if TYPE_CHECKING:
    from ecr_credhelper.cache import Cache

SWEEP_INTERVAL = 3600
"""Seconds between two sweeps: what has expired waits for an hour at most, and few misses pay for one."""

MAX_ENTRIES = {"tokens": 256, "routes": 4096}
"""Entries that may gather before the hour is over: more identities, or registries, than a person has."""

KEEP_FRACTION = 0.75
"""The part of those that an early sweep leaves, so that the next one is not due at once."""

ABANDONED = 3600
"""Seconds after which a file that is still being written has been left behind by a dead process."""


def evict_if_due(cache: "Cache", now: float) -> None:
    """Sweep the cache, if the last time is an hour ago or more entries than ``MOST`` have gathered."""
    crowded = [kind for kind, most in MAX_ENTRIES.items() if len(cache.store.names(kind)) > most]
    if not crowded and cache.store.is_recent("eviction", "last", "last", now, seconds=SWEEP_INTERVAL):
        return
    cache.store.write("eviction", "last", "last", repr(now))
    for kind in crowded:
        paths = sorted((cache.store.path(kind, name) for name in cache.store.names(kind)), key=_modified)
        for path in paths[: -int(KEEP_FRACTION * MAX_ENTRIES[kind])]:
            remove(path)
    cache.evict(now)
    _remove_abandoned(cache.store.path(), now)


def _remove_abandoned(directory: str, now: float) -> None:
    for place, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(place, name)
            if name.startswith(".") and now - _modified(path) > ABANDONED:
                remove(path)


def _modified(path: str) -> float:
    """Return when a file was last written, in seconds since the epoch; 0 where it has gone meanwhile."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0
