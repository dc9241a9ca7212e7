"""Changes of a person's files: shown first, then asked about."""

import difflib
from typing import TYPE_CHECKING

from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.json_edit import masked

if TYPE_CHECKING:
    import argparse
    from collections.abc import Collection, Sequence

    from ecr_credhelper.config_file import ConfigFile
    from ecr_credhelper.terminal import Terminal

STYLES = {"-": "red", "+": "green", "@": "dim"}


def add_writing(parser: "argparse.ArgumentParser") -> None:
    """Let the command take how it writes."""
    parser.add_argument("--yes", "-y", action="store_true", help="write without asking, as in a script")
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be written, and write nothing"
    )


def are_wanted(
    changes: "Sequence[tuple[ConfigFile, str]]",
    shown: "Collection[str]",
    options: "argparse.Namespace",
    terminal: "Terminal",
) -> bool:
    """Show how files change, with no other texts of theirs than may be ``shown``; ask whether they shall.

    Raises:
        ConfigurationError: there is nobody to ask.

    """
    for file, text in changes:
        old, new = (masked(one, shown).splitlines() for one in (file.text, text))
        for line in difflib.unified_diff(old, new, file.path, file.path, n=2, lineterm=""):
            clean = "".join(c if c.isprintable() else " " for c in line.replace("\t", "    "))
            terminal.say(terminal.styled(clean, STYLES[line[0]]) if line[0] in STYLES else clean)
    if options.yes or options.dry_run:
        return not options.dry_run
    if not terminal.is_interactive:
        raise ConfigurationError("nothing was written", "there is nobody to ask", "add --yes")
    return terminal.ask("Write this?")
