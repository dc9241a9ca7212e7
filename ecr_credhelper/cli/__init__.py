"""The commands for users: a table of commands, and one module for each.

A command's module has ``arguments(parser)``, which adds its arguments, and ``run(options, terminal)``, which
runs the command and returns the exit status. If ``run`` raises a CredentialHelperError, it is shown in one
line on standard error.
"""

import argparse
import difflib
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ecr_credhelper.aws import trust
from ecr_credhelper.console.terminal import Terminal
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
        Command("unconfigure", "undo configure", ""),
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
    terminal = Terminal(os.environ)
    trust.is_executable = True
    try:
        options = parser(argv[0]).parse_args(argv)
        status: int = _module(options.command).run(options, terminal)
    except SystemExit as stop:  # argparse has already written its help or its error.
        status = int(stop.code or 0)
    except CredentialHelperError as error:
        terminal.warn(f"{PROG}: {error}")
        status = 1
    except Exception as error:  # noqa: BLE001 - users never see a traceback
        terminal.warn(str(internal_error(error)))
        status = 1
    return status if terminal.flush() else 1


class _Parser(argparse.ArgumentParser):
    """Reports wrong arguments in one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{CredentialHelperError(self.prog, message, f'run: {self.prog} --help')}\n")


def parser(only: str = "") -> argparse.ArgumentParser:
    """Return the parser of the command line, with the arguments of one command or of all commands."""
    result = _Parser(PROG)
    commands = result.add_subparsers(dest="command", metavar="COMMAND", prog=PROG)
    for command in COMMANDS:
        subparser = commands.add_parser(
            command.name,
            description=command.description,
            epilog=f"example:\n  {PROG} {command.name} {command.example}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if only in {"", command.name}:
            _module(command.name).arguments(subparser)
    return result


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{MODULES.get(name, name)}")


def complete() -> int:
    """Complete the command line of a shell; return an exit status only if no shell is asking."""
    import argcomplete

    argcomplete.autocomplete(parser())  # This ends the process if a shell is asking.
    return 1


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
    """Return the one-line error for an unknown command."""
    similar = difflib.get_close_matches(name, NAMES, 1)
    hint = f"did you mean {similar[0]}?" if similar else f"run: {PROG} --help"
    return str(CredentialHelperError(PROG, "unknown command", hint))
