"""Run the command line of a user: a command, help, or an error."""

import os
import sys
from typing import TYPE_CHECKING

from ecr_credhelper import cli, helper
from ecr_credhelper.protocol import Reply

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 2
"""Exit status for a wrong command line. Clients of the protocol distinguish only 0 from other statuses."""


def run_user_command(argv: "Sequence[str]") -> Reply:
    """Run the command line of a user, not of a client; return the remaining output and the exit status."""
    match argv:
        case [] if os.environ.get("_ARGCOMPLETE"):  # a shell completes a command line
            from ecr_credhelper.cli import completion

            return Reply(status=completion.complete())
        case []:
            return Reply(cli.usage().encode(), status=USAGE_ERROR)
        case [name, *_] if name in cli.NAMES:
            from ecr_credhelper.console.signals import end_on_signals

            end_on_signals()
            return Reply(status=cli.run(argv))
        case ["help" | "--help" | "-h", *topic] | [*topic, "--help" | "-h"]:
            return _help(topic)
    return _usage_error(argv)


def _help(topic: "Sequence[str]") -> Reply:
    """Return the help for a command, or for the whole program without a command."""
    match topic:
        case [] | ["help" | "--help" | "-h" | "version", *_]:
            return Reply(cli.usage().encode())
        case [name, *_] if name in cli.NAMES:
            return Reply(status=cli.run([name, "--help"]))
        case [verb, *_] if verb in helper.VERBS:
            from ecr_credhelper.cli.verbs import verb_help

            return Reply(verb_help(verb).encode())
    return _usage_error(topic)


def _usage_error(argv: "Sequence[str]") -> Reply:
    """Return the error for a wrong command line.

    It goes to both streams, because a client or a script can read only one. A user sees it once.
    """
    from ecr_credhelper.cli.usage_errors import usage_error

    line = f"{usage_error(argv)}\n".encode()
    is_terminal = sys.stdout is not None and sys.stdout.isatty()
    return Reply(b"" if is_terminal else line, line, status=USAGE_ERROR)
