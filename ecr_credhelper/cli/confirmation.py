"""Shared by ``configure`` and ``unconfigure``: show a change, ask, lock out other processes, write."""

import os
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from ecr_credhelper.aws.lock import ProcessLock
from ecr_credhelper.cache import open_cache
from ecr_credhelper.console.terminal import clean
from ecr_credhelper.docker import nix
from ecr_credhelper.docker.config_file import ChangedError, write
from ecr_credhelper.docker.json_edit import masked
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.paths import settings_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Iterator, Sequence

    from ecr_credhelper.console.terminal import Terminal
    from ecr_credhelper.docker.config_file import Change

STYLES = {"-": "red", "+": "green", "@": "dim"}
"""The style of a line in a diff, by its first character."""

HEADER_LINES = 2
"""The number of lines in a diff that show the path of the file."""

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
    with _write_lock(terminal):
        try:
            return change()
        except ChangedError as error:
            terminal.warn(f"{error.subject} {error.reason}; retrying")
            return change()


def apply(changes: "Sequence[Change]", options: "argparse.Namespace", terminal: "Terminal") -> None:
    """Write the changes under the lock; raise what ``write`` raises."""
    with nullcontext() if options.yes else _write_lock(terminal):
        write(changes)


@contextmanager
def _write_lock(terminal: "Terminal") -> "Iterator[None]":
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


def confirm_changes(
    changes: "Sequence[Change]",
    visible: "Collection[str]",
    options: "argparse.Namespace",
    terminal: "Terminal",
) -> bool:
    """Show the changes of files, and return whether the user wants to apply them.

    ``visible`` are the texts in JSON files that are not secret; all others are masked.

    Raises:
        ConfigurationError: a file is managed by Nix, or the user cannot be asked outside a terminal.

    """
    import difflib

    for file, text, _ in changes:
        old, new = file.text, text
        context = 2
        if file.path == settings_file(os.environ):
            context = 0  # The changed lines are our own. Others could contain secrets.
        else:
            old, new = masked(old, visible), masked(new, visible)
        path = terminal.short_path(file.path)
        before = f"{path} (new file)" if file.contents is None else path
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), before, path, n=context, lineterm="")
        for number, line in enumerate(lines):
            shown = clean(line.replace("\t", "    "))
            style = "bold" if number < HEADER_LINES else STYLES.get(line[0])
            terminal.print(terminal.styled(shown, style) if style else shown)
    for change in filter(nix.is_managed, changes):
        for line in nix.instructions(change):
            terminal.print(line)
        if not options.dry_run:
            raise nix.error(change)
    if options.yes or options.dry_run:
        return not options.dry_run
    if not terminal.is_interactive:
        hint = "use --yes to apply the changes"
        raise ConfigurationError("nothing changed", "not running in a terminal", hint)
    is_confirmed = False
    try:
        is_confirmed = terminal.ask("Apply these changes?")
    finally:  # Ctrl-C also means no.
        if not is_confirmed:
            terminal.warn("nothing changed")
    return is_confirmed
