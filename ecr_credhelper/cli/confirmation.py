"""Show the changes of ``configure`` and ``unconfigure``, and ask the user to confirm them."""

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ecr_credhelper.docker import nix
from ecr_credhelper.docker.json_edit import masked
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.paths import settings_file

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Iterator, Sequence

    from ecr_credhelper.console.terminal import Terminal
    from ecr_credhelper.docker.config_file import Change

STYLES = {"-": "red", "+": "green", "@": "dim"}
"""The style of a line in a diff, by its first character."""

HEADER_LINES = 2
"""The number of lines in a diff that show the path of the file."""


@contextmanager
def report_interrupt(terminal: "Terminal") -> "Iterator[None]":
    """Report on Ctrl-C that nothing changed."""
    try:
        yield
    except KeyboardInterrupt:
        terminal.warn("nothing changed")
        raise


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
            style = "bold" if number < HEADER_LINES else STYLES.get(line[0], "")
            terminal.paragraph(line.replace("\t", "    "), style)
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
