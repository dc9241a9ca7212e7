"""Changes of a person's files: shown first, then asked about."""

import difflib
import os
from functools import wraps
from typing import TYPE_CHECKING

from ecr_credhelper.config_file import ChangedError
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.json_edit import masked
from ecr_credhelper.places import settings_file
from ecr_credhelper.terminal import clean

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection, Sequence

    from ecr_credhelper.config_file import Change
    from ecr_credhelper.terminal import Terminal

STYLES = {"-": "red", "+": "green", "@": "dim"}
ATTEMPTS = 50
"""Runs that others may get ahead of: each of those has written something, so they come to an end."""


def add_writing(parser: "argparse.ArgumentParser") -> None:
    """Let the command take how it writes."""
    parser.add_argument("--yes", "-y", action="store_true", help="write without asking, as in a script")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be written, and write nothing"
    )


def repeated(
    run: "Callable[[argparse.Namespace, Terminal], int]",
) -> "Callable[[argparse.Namespace, Terminal], int]":
    """Let a command that need not ask begin again, when somebody else has written meanwhile."""

    @wraps(run)
    def repeat(options: "argparse.Namespace", terminal: "Terminal") -> int:
        for _ in range(ATTEMPTS if options.yes else 0):
            try:
                return run(options, terminal)
            except ChangedError as error:
                terminal.note(f"{error.subject} {error.cause}: once more")
        return run(options, terminal)

    return repeat


def are_wanted(
    changes: "Sequence[Change]", shown: "Collection[str]", options: "argparse.Namespace", terminal: "Terminal"
) -> bool:
    """Show how files change, with no other texts of theirs than may be ``shown``; ask whether they shall.

    Raises:
        ConfigurationError: there is nobody to ask.

    """
    for file, text, _ in changes:
        old, new = (masked(one, shown).splitlines() for one in (file.text, text))
        context = 0 if file.path == settings_file(os.environ) else 2  # masked() knows JSON alone
        for line in difflib.unified_diff(old, new, file.path, file.path, n=context, lineterm=""):
            shown_line = clean(line.replace("\t", "    "))
            terminal.say(terminal.styled(shown_line, STYLES[line[0]]) if line[0] in STYLES else shown_line)
    if options.yes or options.dry_run:
        return not options.dry_run
    if not terminal.is_interactive:
        raise ConfigurationError("nothing was written", "there is nobody to ask", "add --yes")
    try:
        is_wanted = terminal.ask("Write this?")
    except KeyboardInterrupt:
        terminal.note("nothing was written")
        raise
    if not is_wanted:
        terminal.note("nothing was written")
    return is_wanted
