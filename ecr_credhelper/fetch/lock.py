"""A lock between processes for each token, so that one process fetches it and the others wait."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ecr_credhelper.files import PRIVATE_FILE, make_private

if TYPE_CHECKING:
    from filelock import FileLock

LOCK_SHARE = 0.6
"""Part of the deadline to wait for another process that fetches the same token: 15 of 25 seconds. After that,
this process fetches it too, in the rest of the time."""

LOCK_POLL = 0.02
"""Seconds between two attempts to acquire a lock: short compared with the 0.1 s of a call to AWS."""

LOCKS = 1021
"""Number of lock files, which are empty. They are never removed, since that cannot be done safely.

Tokens that share a file wait for each other. The number is a prime, so that every byte of a key counts: the
keys of one identity differ only in their first bytes.
"""


class TokenLock:
    """The lock of a token between processes. If it cannot be acquired, AWS can be called twice.

    ``seconds`` is the deadline of the whole get. The operating system releases it when the process ends.
    """

    def __init__(self, directory: str, key: str, *, seconds: float) -> None:
        self._directory = directory
        self._key = key
        self._timeout = seconds * LOCK_SHARE
        self._lock: FileLock | None = None
        self._is_released = False

    def __enter__(self) -> bool:
        """Acquire the lock and return whether that succeeded."""
        locks = os.path.join(self._directory, "locks")
        with suppress(OSError, NotImplementedError):  # filelock's Timeout is an OSError
            make_private(self._directory)
            make_private(locks)
            from filelock import FileLock

            path = os.path.join(locks, lock_name(self._key))
            self._lock = FileLock(path, mode=PRIVATE_FILE, poll_interval=LOCK_POLL, thread_local=False)
            self._lock.acquire(timeout=self._timeout)
        if self._is_released:  # while this thread waited for the lock
            self.release()
        return self._lock is not None and self._lock.is_locked

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock. Other threads can call this if they abandon the one that holds the lock."""
        self._is_released = True
        if self._lock:
            with suppress(OSError):
                self._lock.release(force=True)


def lock_name(key: str) -> str:
    """Return the name of the lock file of a token."""
    return f"{int.from_bytes(key.encode('utf-8', 'surrogateescape')) % LOCKS:04}"
