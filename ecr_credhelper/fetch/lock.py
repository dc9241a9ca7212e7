"""A lock between processes for each token, so that one of them fetches it and the others wait."""

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ecr_credhelper.files import PRIVATE_FILE, make_private

if TYPE_CHECKING:
    from filelock import FileLock

LOCK_WAIT = 15
"""Seconds to wait for another process that fetches the same token. Then this process fetches it too: what is
left of the deadline is enough for that."""

LOCK_POLL = 0.02
"""Seconds between two looks at a lock: short beside the tenth of a second that AWS takes."""

LOCKS = 1021
"""The number of lock files, all empty. Two tokens can share one, and then wait for each other. Lock files are
never removed, which cannot be done safely. A prime, so that every byte of a key counts: the keys of one
identity differ only in their beginnings."""


class TokenLock:
    """The lock of a token between processes, if it can be had: without it AWS may be called twice.

    The system releases it when its holder dies, however it dies; ``let_go`` does when the work is given up,
    whose thread goes on.
    """

    def __init__(self, directory: str, key: str) -> None:
        self._folder = directory
        self._key = key
        self._lock: FileLock | None = None
        self._abandoned = False

    def __enter__(self) -> bool:
        """Wait for it; tell whether it is held."""
        locks = os.path.join(self._folder, "locks")
        if not make_private(self._folder) or not make_private(locks):
            return False
        from filelock import FileLock

        path = os.path.join(locks, lock_name(self._key))
        lock = self._lock = FileLock(path, mode=PRIVATE_FILE, poll_interval=LOCK_POLL, thread_local=False)
        with suppress(OSError, NotImplementedError):  # its Timeout is an OSError
            lock.acquire(timeout=LOCK_WAIT)
        if self._abandoned:  # while it was waited for
            self.release()
        return lock.is_locked

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Leave it to others, in whatever thread."""
        self._abandoned = True
        if self._lock:
            with suppress(OSError):
                self._lock.release(force=True)


def lock_name(key: str) -> str:
    """Return the name of the lock file of a token."""
    return f"{int.from_bytes(key.encode('utf-8', 'surrogateescape')) % LOCKS:04}"
