"""What ``configure`` and ``unconfigure`` share: show a change, ask, keep other processes out, write."""

import difflib
import os
from contextlib import contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING

from ecr_credhelper.cache import open_cache
from ecr_credhelper.console.terminal import clean
from ecr_credhelper.docker.config_file import ChangedError, write
from ecr_credhelper.docker.json_edit import masked
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import PRIVATE_FILE, is_private, make_private
from ecr_credhelper.paths import settings_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Iterator, Sequence

    from ecr_credhelper.console.terminal import Terminal
    from ecr_credhelper.docker.config_file import Change

STYLES = {"-": "red", "+": "green", "@": "dim"}

LOCK_NAME = "configuration"
"""The lock file, beside those of tokens. It is one for all configuration files: a command writes up to three,
and two commands that each waited for a file of the other would never end."""

LOCK_WAIT = 60
"""Seconds to wait for other processes, each of which needs a tenth of one, before going on without the lock:
then one of them has been stopped while it held it."""

LOCK_POLL = 0.02
"""Seconds between two attempts to get the lock: short, compared to how long a process holds it."""


def add_write_options(parser: "argparse.ArgumentParser") -> None:
    """Add the options that say how to write."""
    parser.add_argument("--yes", "-y", action="store_true", help="write without asking, as in a script")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be written, and write nothing"
    )


def run_alone(change: "Callable[[], int]", options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Run a change of files from reading to writing, and return its exit status.

    If it asks nothing, it holds the lock all the time, and runs a second time if another program has written
    a file meanwhile. If it asks, other processes must not wait for the answer: ``apply`` takes the lock.

    Raises:
        ChangedError: another program has written a file meanwhile.

    """
    if options.dry_run or not options.yes:
        return change()
    with _write_lock():
        try:
            return change()
        except ChangedError as error:
            terminal.warn(f"{error.subject} {error.reason}: once more")
            return change()


def apply(changes: "Sequence[Change]", options: "argparse.Namespace") -> None:
    """Write the changes; what ``write`` raises is raised."""
    with nullcontext() if options.yes else _write_lock():
        write(changes)


@contextmanager
def _write_lock() -> "Iterator[None]":
    """Hold the lock between the processes that write configuration files.

    It is in the cache directory, so that nothing of ours appears in the directories of other programs. Go on
    without it if there is no such directory (``AWS_ECR_DISABLE_CACHE``, or no private place) or if the lock
    cannot be had: a file that was changed after it was read is not replaced anyway.
    """
    directory = open_cache(os.environ).store.directory
    locks = os.path.join(directory, "locks")
    with suppress(OSError):
        make_private(directory)
        make_private(locks)
    if not is_private(locks):
        yield
        return
    from filelock import FileLock

    lock = FileLock(os.path.join(locks, LOCK_NAME), mode=PRIVATE_FILE)
    with suppress(OSError, NotImplementedError):  # its Timeout is an OSError
        lock.acquire(timeout=LOCK_WAIT, poll_interval=LOCK_POLL)
    try:
        yield
    finally:
        lock.release()


def confirm_changes(
    changes: "Sequence[Change]", shown: "Collection[str]", options: "argparse.Namespace", terminal: "Terminal"
) -> bool:
    """Show how files change, and return whether to write them, which the user is asked.

    ``shown`` are the texts in the files that are no secrets; all others are masked.

    Raises:
        ConfigurationError: there is no terminal to ask on.

    """
    for file, text, _ in changes:
        old, new = (masked(one, shown).splitlines() for one in (file.text, text))
        context = 0 if file.path == settings_file(os.environ) else 2  # masked() knows JSON alone
        for line in difflib.unified_diff(old, new, file.path, file.path, n=context, lineterm=""):
            shown_line = clean(line.replace("\t", "    "))
            terminal.print(terminal.styled(shown_line, STYLES[line[0]]) if line[0] in STYLES else shown_line)
    if options.yes or options.dry_run:
        return not options.dry_run
    if not terminal.is_interactive:
        raise ConfigurationError("nothing was written", "there is nobody to ask", "add --yes")
    try:
        is_wanted = terminal.ask("Write this?")
    except KeyboardInterrupt:
        terminal.warn("nothing was written")
        raise
    if not is_wanted:
        terminal.warn("nothing was written")
    return is_wanted
