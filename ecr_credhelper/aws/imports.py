"""Imports in threads.

If a program forks while one of its threads imports botocore, the child has half of it and can never complete
it. Therefore, a fork waits until the imports under ``fork_lock`` are complete.
"""

import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_lock = threading.RLock()
_is_registered = False


def fork_lock() -> "AbstractContextManager[bool]":
    """Return a lock for which forks wait."""
    global _is_registered  # noqa: PLW0603 - hooks cannot be removed, so they are registered once
    with _lock:
        if not _is_registered and hasattr(os, "register_at_fork"):  # missing on Windows
            os.register_at_fork(
                before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
            )
        _is_registered = True
    return _lock
