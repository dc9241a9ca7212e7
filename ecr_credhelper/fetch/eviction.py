"""Remove old files from the cache, and the oldest ones beyond a number.

Expired entries are never served, so only the age of a file counts. Nothing is locked: removing an entry too
early costs one call to AWS.
"""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.files import is_private, remove
from ecr_credhelper.token import MAX_LIFETIME

if TYPE_CHECKING:
    from ecr_credhelper.records import FileStore

SWEEP_INTERVAL = 3600
"""Seconds between two sweeps of the cache directory."""

MAX_AGE = MAX_LIFETIME
"""Maximum age of a file, in seconds: no token or login is valid for longer."""

MAX_ROUTE_AGE = 7 * 24 * 3600
"""Maximum age of a route, in seconds: ``list`` offers the hosts of the last week."""

MAX_ENTRIES = 4096
"""Number of entries of each kind that a sweep keeps: far more registries or identities than one user has."""


def evict_if_due(store: "FileStore", now: float) -> None:
    """Sweep the cache directory, if that has not been done in the last hour."""
    if store.is_recent("eviction", "last", "last", now, seconds=SWEEP_INTERVAL):
        return
    store.try_write("eviction", "last", "last", repr(now))
    if not is_private(store.directory):
        return
    for directory, _, names in os.walk(store.path()):
        max_age = MAX_ROUTE_AGE if os.path.basename(directory) == "routes" else MAX_AGE
        paths = (os.path.join(directory, name) for name in names)
        ages = sorted((now - _modified(path), path) for path in paths)
        for position, (age, path) in enumerate(ages):
            if age >= max_age or position >= MAX_ENTRIES:
                remove(path)


def _modified(path: str) -> float:
    """Return when a file was last written, in seconds since the epoch, or 0 if it no longer exists."""
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0
