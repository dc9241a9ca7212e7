"""Locks between the threads of a process. A thread that hangs holds up the others for a limited time only."""

import os
import platform
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ecr_credhelper.aws.lock import WAIT

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOCKS: "dict[str, threading.Lock]" = {}
"""A lock for each role that a program assumes, and one for the name of the system."""

# A lock held by the parent would never be released in the child.
getattr(os, "register_at_fork", dict)(after_in_child=_LOCKS.clear)  # missing on Windows


def named_lock(name: str) -> threading.Lock:
    """Return the lock with a name."""
    return _LOCKS.setdefault(name, threading.Lock())


@contextmanager
def try_lock(lock: threading.Lock) -> "Iterator[None]":
    """Hold a lock. Continue without it after ``WAIT`` seconds: its holder can hang."""
    is_held = lock.acquire(timeout=WAIT)
    try:
        yield
    finally:
        if is_held:
            lock.release()


def load_system_name() -> None:
    """Call ``platform.uname``, which botocore and truststore use, in one thread at a time.

    On Windows, Python 3.12 and later ask the WMI service for it and cache the result, so that only the first
    call takes long. Under Wine, two of these at the same time never return.
    """
    with try_lock(named_lock("platform.uname")):
        platform.uname()
