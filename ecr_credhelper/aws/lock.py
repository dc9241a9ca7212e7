"""Locks between processes, so that one fetches a token or refreshes an SSO session and the others wait."""

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ecr_credhelper.files import PRIVATE_FILE, make_private

if TYPE_CHECKING:
    from collections.abc import Callable

    from filelock import FileLock

FIRST_PAUSE, MAX_PAUSE, PAUSE_GROWTH = 0.02, 0.4, 1.2
"""Seconds between two attempts to acquire a lock. The pauses grow: a call to AWS usually takes 0.1 s, and an
attempt takes about 0.3 ms of processor time."""

LOCKS = 1021
"""Number of lock files, which are empty. They are never removed, since that cannot be done safely.

Keys that share a file wait for each other. The number is a prime, so that every byte of a key counts: the
keys of one identity differ only in their first bytes.
"""


class ProcessLock:
    """A lock between processes, named by a key. If it cannot be acquired in time, go on without it.

    ``directory`` is the cache directory. If it is empty, no lock is taken. ``on_wait`` is called once if
    another process holds the lock. The operating system releases the lock when its process ends.
    """

    def __init__(
        self, directory: str, key: str, *, seconds: float, on_wait: "Callable[[], object]" = lambda: None
    ) -> None:
        self._directory = directory
        self._key = key
        self._seconds = seconds
        self._on_wait = on_wait
        self._lock: FileLock | None = None
        self._is_released = False

    def __enter__(self) -> bool:
        """Acquire the lock and return whether that succeeded."""
        locks = os.path.join(self._directory, "locks")
        with suppress(OSError, NotImplementedError):
            make_private(self._directory)
            make_private(locks)
            from filelock import FileLock

            path = os.path.join(locks, lock_name(self._key))
            self._lock = FileLock(path, mode=PRIVATE_FILE, thread_local=False)
            self._acquire(self._lock)
        if self._is_released:  # while this thread waited for the lock
            self.release()
        return self._lock is not None and self._lock.is_locked

    def _acquire(self, lock: "FileLock") -> None:
        """Acquire a lock; raise filelock's Timeout, an OSError, if another process holds it for too long."""
        from filelock import Timeout

        end, pause = time.monotonic() + self._seconds, FIRST_PAUSE
        while not self._is_released:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                if time.monotonic() >= end:
                    raise
                if pause == FIRST_PAUSE:
                    self._on_wait()
                time.sleep(pause)
                pause = min(pause * PAUSE_GROWTH, MAX_PAUSE)
            else:
                return

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock. Other threads can call this if they abandon the one that holds the lock."""
        self._is_released = True
        if self._lock:
            with suppress(OSError):
                self._lock.release(force=True)


def lock_name(key: str) -> str:
    """Return the name of the lock file for a key."""
    return f"{int.from_bytes(key.encode('utf-8', 'surrogateescape')) % LOCKS:04}"
