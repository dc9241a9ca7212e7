"""Imports in threads.

If a program forks while one of its threads imports a module, the child has half of that module and can never
complete it. Therefore, a fork waits until the imports under ``FORK_LOCK`` are complete.
"""

import os
import threading

FORK_LOCK = threading.RLock()

if hasattr(os, "register_at_fork"):  # pragma: no branch - missing on Windows
    os.register_at_fork(
        before=FORK_LOCK.acquire, after_in_parent=FORK_LOCK.release, after_in_child=FORK_LOCK.release
    )
