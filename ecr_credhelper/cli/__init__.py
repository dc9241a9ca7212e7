"""The commands for users: a table of commands, and one module for each.

A command's module has ``run(options, terminal)``, which runs the command and returns the exit status. If
``run`` raises a CredentialHelperError, it is shown in one line on standard error. ``arguments.py`` has the
arguments of all commands.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.errors import PROG, CredentialHelperError, internal_error

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"


class Command(NamedTuple):
    """A command: its name, a one-line summary, and the arguments of an example."""

    name: str
    summary: str
    example: str

    @property
    def description(self) -> str:
        """The summary as a sentence."""
        return f"{self.summary[0].upper()}{self.summary[1:]}."


GROUPS = {
    "Set up": (
        Command("configure", "set up Docker or podman to log in to your ECR registries", HOST),
        Command("unconfigure", "restore the configuration from before configure", ""),
    ),
    "Inspect": (
        Command("status", "list configured registries, their AWS identities and tokens", ""),
        Command("doctor", "check everything from the registry name to a working pull", HOST),
        Command("cache", "list or remove cached tokens", "clear"),
    ),
    "Use directly": (
        Command("login", "log in docker, podman, helm ... for 12 hours, without configure", HOST),
        Command("password", "print a registry password for use in a script", HOST),
        Command("header", "print an Authorization header for the registry's HTTP API", HOST),
        Command("completion", "print a shell completion script", "bash"),
    ),
}
OPTIONS = (("-h, --help", "show this help"), ("--version", "show the version"))
PROTOCOL_COMMANDS = ("get", "store", "erase", "list")
PROTOCOL_HINT = "Docker runs it and writes to its standard input; to try a registry, use doctor HOST"
COMMANDS = [command for commands in GROUPS.values() for command in commands]
NAMES = [command.name for command in COMMANDS]

MODULES = {"header": "password"}
"""Commands that the module of another command implements."""

DESCRIPTION = "Docker credential helper for Amazon ECR."
INTRODUCTION = f"""\
{DESCRIPTION}

Usage: {PROG} COMMAND [OPTIONS]
Get started: {PROG} configure HOST
"""
CLOSING = f"""\
Docker itself calls get, store, erase and list.
Run "{PROG} COMMAND --help" for details.
"""


def run(argv: "Sequence[str]") -> int:
    """Run a command on the standard streams and return its exit status."""
    from importlib import import_module

    from ecr_credhelper.aws import trust
    from ecr_credhelper.cli.arguments import parse
    from ecr_credhelper.console.terminal import Terminal

    terminal = Terminal(os.environ)
    trust.is_executable = True
    try:
        options = parse(argv)
        module = import_module(f"{__name__}.{MODULES.get(options.command, options.command)}")
        status: int = module.run(options, terminal)
    except SystemExit as stop:  # argparse has already written its help or its error.
        status = int(stop.code or 0)
    except CredentialHelperError as error:
        terminal.warn(f"{PROG}: {error}")
        status = 1
    except Exception as error:  # noqa: BLE001 - users never see a traceback
        terminal.warn(str(internal_error(error)))
        status = 1
    return status if terminal.flush() else 1


def usage() -> str:
    """Return the short help."""
    width = max(map(len, NAMES))
    sections = {title: [command[:2] for command in commands] for title, commands in GROUPS.items()}
    blocks = [
        "\n".join([title, *(f"  {name:{width}}  {text}" for name, text in rows)])
        for title, rows in {**sections, "Options": OPTIONS}.items()
    ]
    return "\n\n".join([INTRODUCTION.rstrip(), *blocks, CLOSING])


def unknown(name: str) -> str:
    """Return the one-line error for a command that does not exist, or that takes no arguments."""
    if name in PROTOCOL_COMMANDS:
        return str(CredentialHelperError(PROG, f"{name} takes no arguments", PROTOCOL_HINT))
    import difflib

    similar = difflib.get_close_matches(name, NAMES, 1)
    hint = f"did you mean {similar[0]}?" if similar else f"run: {PROG} --help"
    return str(CredentialHelperError(PROG, f"unknown command {name!r}", hint))
