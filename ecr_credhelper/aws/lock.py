"""Locks between processes, so that one fetches a token or refreshes an SSO session and the others wait."""

import errno
import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from ecr_credhelper import fork_lock
from ecr_credhelper.files import PRIVATE_FILE, make_private

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import IO

FIRST_PAUSE, MAX_PAUSE, PAUSE_GROWTH = 0.02, 0.4, 1.2
"""Seconds between two attempts to acquire a lock. The pauses grow: a call to AWS usually takes 0.1 s, and an
attempt takes a few microseconds."""

LOCKS = 1021
"""Number of lock files for keys, which are empty. They are never removed, since that cannot be done safely.

Keys that share a file wait for each other. The number is a prime, so that every byte of a key counts: the
keys of one identity differ only in their first bytes.
"""

WAIT = 10
"""Seconds to wait for another thread or process that uses the same session or role."""

_HELD = (errno.EAGAIN, errno.EACCES, 0)
"""The error numbers if another process holds the lock: on POSIX, on Windows, and in Wine, which sets none."""


class ProcessLock:
    """A lock between processes, on a file in the cache directory. If it cannot be acquired, go on without it.

    This is not the package filelock, whose import takes 5 % of a fetch, and whose hooks delay forks.

    Without a private cache directory, no lock is taken. ``on_wait`` is called once if another process holds
    the lock for more than ``silence`` seconds. The operating system releases the lock when its process ends.
    """

    def __init__(
        self,
        directory: str,
        name: str,
        *,
        seconds: float,
        on_wait: "Callable[[], object]" = lambda: None,
        silence: float = 0,
    ) -> None:
        self._directory = directory
        self._name = name
        self._seconds = seconds
        self._on_wait = on_wait
        self._silence = silence
        self._file: IO[bytes] | None = None
        self._is_released = False

    def __enter__(self) -> bool:
        """Acquire the lock and return whether that succeeded."""
        locks = os.path.join(self._directory, "locks")
        is_locked = False
        with suppress(OSError):
            make_private(self._directory)
            make_private(locks)
            self._file = open(os.path.join(locks, self._name), "wb", 0, opener=_open)
            _files.add(self._file)
            is_locked = self._acquire(self._file)
        if self._is_released or not is_locked:  # Another thread can have released it meanwhile.
            self.release()
        return is_locked and not self._is_released

    def _acquire(self, file: "IO[bytes]") -> bool:
        """Return whether the lock of an open file was acquired in time."""
        started, pause, waits = time.monotonic(), FIRST_PAUSE, False
        while not self._is_released:
            if _try_lock(file):
                return True
            elapsed = time.monotonic() - started
            if elapsed >= self._seconds:
                break
            if not waits and elapsed >= self._silence:
                waits = True
                self._on_wait()
            time.sleep(pause)
            pause = min(pause * PAUSE_GROWTH, MAX_PAUSE)
        return False

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Release the lock. Other threads can call this if they abandon the one that holds the lock."""
        self._is_released = True
        if self._file:
            with suppress(OSError, ValueError):  # ValueError: another thread has closed it.
                _unlock(self._file)
            self._file.close()


_files: "WeakSet[IO[bytes]]" = WeakSet()
"""The lock files that this process has open."""


def _close_inherited() -> None:
    """Close the lock files of the parent in a forked child, which would otherwise hold them after its end."""
    for file in _files:
        file.close()


getattr(os, "register_at_fork", dict)(after_in_child=_close_inherited)  # missing on Windows


def lock_name(key: str) -> str:
    """Return the name of the lock file for a key."""
    return f"{int.from_bytes(key.encode('utf-8', 'surrogateescape')) % LOCKS:04}"


def _open(path: str, _: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)  # missing on Windows
    return os.open(path, flags, PRIVATE_FILE)


def _try_lock(file: "IO[bytes]") -> bool:
    """Return whether the lock of an open file was acquired; raise OSError if it cannot be locked at all."""
    try:
        if sys.platform == "win32":
            with fork_lock():
                import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            with fork_lock():
                import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _HELD:
            raise
        return False
    return True


def _unlock(file: "IO[bytes]") -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_UN)  # Closing is not enough: a forked child can have the file open.
