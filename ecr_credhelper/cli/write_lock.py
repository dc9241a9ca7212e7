"""Write the changes of ``configure`` and ``unconfigure`` under a lock between their processes."""

import os
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from ecr_credhelper.aws.lock import ProcessLock
from ecr_credhelper.cache import open_cache
from ecr_credhelper.docker.config_file import ChangedError, write

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from ecr_credhelper.console.terminal import Terminal
    from ecr_credhelper.docker.config_file import Change

LOCK_NAME = "configuration"
"""The lock file, beside those of tokens. One lock covers all configuration files, because a command writes up
to three, and two commands that each waited for a file of the other would deadlock."""

LOCK_WAIT = 60
"""Time limit for getting the lock, in seconds. Other processes hold it for about a tenth of a second, so when
it expires, the holder has been suspended, and the command continues without the lock."""

SILENT_WAIT = 1
"""Seconds to wait for the lock before telling the user."""


def retry_on_conflict(
    change: "Callable[[], int]", options: "argparse.Namespace", terminal: "Terminal"
) -> int:
    """Run a change of files from reading to writing, and return its exit status.

    With ``--yes``, hold the lock all the time, and run the change again if another program has written a file
    in the meantime. Otherwise other processes must not wait for the user, so only ``apply`` takes the lock.

    Raises:
        ChangedError: another program has written a file in the meantime.

    """
    if options.dry_run or not options.yes:
        return change()
    with write_lock(terminal):
        try:
            return change()
        except ChangedError as error:
            terminal.warn(f"{error.subject} {error.reason}; retrying")
            return change()


def apply(changes: "Sequence[Change]", options: "argparse.Namespace", terminal: "Terminal") -> None:
    """Write the changes under the lock; raise what ``write`` raises."""
    with nullcontext() if options.yes else write_lock(terminal):
        write(changes)


@contextmanager
def write_lock(terminal: "Terminal") -> "Iterator[None]":
    """Hold the lock between the processes that write configuration files.

    The lock file is in the cache directory, to keep it out of the directories of other programs. Without a
    private cache directory, or if the lock cannot be acquired in time, continue without it: files that have
    changed since they were read are never replaced.
    """
    waits = []

    def on_wait() -> None:
        waits.append(True)
        terminal.warn(f"waiting up to {LOCK_WAIT} s for another process that changes configuration files")

    directory = open_cache(os.environ).store.directory
    with ProcessLock(
        directory, LOCK_NAME, seconds=LOCK_WAIT, on_wait=on_wait, silence=SILENT_WAIT
    ) as is_locked:
        if waits and not is_locked:
            terminal.warn("that process did not end; continuing without the lock")
        yield
