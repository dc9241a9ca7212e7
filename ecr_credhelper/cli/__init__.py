"""What people run: a table of commands, and for each a module of its name, but for those of ``ELSEWHERE``.

Such a module has ``arguments(parser)``, which says what it takes, and ``run(options, terminal)``, which does
it and returns the exit status; an error of ours that it raises becomes one line on standard error.
"""

import argparse
import difflib
import os
import textwrap
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from ecr_credhelper.console.terminal import Terminal
from ecr_credhelper.errors import PROG, CredentialHelperError, internal_error

if TYPE_CHECKING:
    from collections.abc import Sequence

HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"


class Command(NamedTuple):
    """One command: its name, what it does in a line, and the arguments of an example."""

    name: str
    summary: str
    example: str


COMMANDS = (
    Command("configure", "let Docker use this helper for your registries", HOST),
    Command("unconfigure", "give Docker's configuration back as it was before", ""),
    Command("doctor", "check everything from a registry's name to a working pull", HOST),
    Command("status", "show which registries come here, as whom, and what is cached", ""),
    Command("login", "log a client in for twelve hours, where its configuration must name no helper", HOST),
    Command("password", "print a registry's password, for a script", HOST),
    Command("header", "print the Authorization header for a registry's HTTP API", HOST),
    Command("cache", "show what is cached, or forget it", "clear"),
    Command("completion", "print what makes your shell complete these commands", "bash"),
)
NAMES = [command.name for command in COMMANDS]
ELSEWHERE = {"header": "password"}
INTRODUCTION = f"""\
Logs Docker in to Amazon ECR by itself. Begin with one of your registries:

  {PROG} configure {HOST}

and docker pull and docker push work. When something does not, doctor tells what, and what to do.
"""
CLOSING = "Each tells more with --help. Docker itself calls get, store, erase and list.\n"


def run(argv: "Sequence[str]") -> int:
    """Run a command of the table over the standard streams; return its exit status."""
    terminal = Terminal(os.environ)
    try:
        options = parser(argv[0]).parse_args(argv)
        status: int = _module(options.command).run(options, terminal)
    except SystemExit as stop:  # of argparse: it has told what is wrong, or how to call it
        status = int(stop.code or 0)
    except CredentialHelperError as error:
        terminal.warn(f"{PROG}: {error}")
        status = 1
    except Exception as error:  # noqa: BLE001 - no traceback ever reaches a person
        terminal.warn(str(internal_error(error)))
        status = 1
    return status if terminal.flush() else 1


class _Parser(argparse.ArgumentParser):
    """Tells what is wrong as all other errors are told: in a line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{CredentialHelperError(self.prog, message, f'run: {self.prog} --help')}\n")


def parser(only: str = "") -> argparse.ArgumentParser:
    """Return the parser of the command line, with what the named command takes, or with what all take."""
    found = _Parser(
        PROG,
        description=INTRODUCTION,
        epilog=CLOSING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="%(prog)s COMMAND …",
    )
    table = found.add_subparsers(dest="command", metavar="COMMAND", title="commands", prog=PROG)
    for name, summary, example in COMMANDS:
        about = f"{summary[0].upper()}{summary[1:]}."
        epilog = f"example:\n  {PROG} {name} {example}".rstrip()
        sub = table.add_parser(
            name,
            help=summary,
            description=about,
            epilog=epilog,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if only in {"", name}:
            _module(name).arguments(sub)
    return found


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{ELSEWHERE.get(name, name)}")


def complete() -> int:
    """Answer a shell that asks what could come next on its command line; return the exit status."""
    import argcomplete

    argcomplete.autocomplete(parser())  # ends the process, if it was indeed asked
    return 1


def usage() -> str:
    """Return the short help: what most people need first."""
    width = max(map(len, NAMES))
    lines = "\n".join(f"{command.name:{width}}  {command.summary}" for command in COMMANDS)
    return f"{INTRODUCTION}\n{textwrap.indent(lines, '  ')}\n\n{CLOSING}"


def unknown(name: str) -> str:
    """Return one line for a command that does not exist."""
    near = difflib.get_close_matches(name, NAMES, 1)
    hint = f"did you mean {near[0]}?" if near else f"run: {PROG} --help"
    return str(CredentialHelperError(PROG, "unknown command", hint))
