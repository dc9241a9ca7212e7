"""The parser of the command line, with the arguments of every command.

It is separate from the commands' modules, so that a shell can complete a command without importing it.
"""

import argparse
from typing import TYPE_CHECKING, NoReturn

from ecr_credhelper.cli import COMMANDS, NAMES
from ecr_credhelper.cli.suggestions import known_hosts, known_profiles
from ecr_credhelper.errors import PROG, CredentialHelperError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

ACTIONS = ("show", "clear")
"""What ``cache`` can do."""

SHELLS = ("bash", "zsh", "fish")
TOOLS = ("docker", "podman", "skopeo", "buildah", "helm", "oras")
"""Clients that ``login`` can log in."""


class _Parser(argparse.ArgumentParser):
    """Reports wrong arguments in one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{CredentialHelperError(self.prog, message, f'run: {self.prog} --help')}\n")


def parser(names: "Collection[str]" = NAMES) -> argparse.ArgumentParser:
    """Return the parser of the command line, with the arguments of these commands only."""
    result = _Parser(PROG)
    commands = result.add_subparsers(dest="command", metavar="COMMAND", prog=PROG)
    for command in COMMANDS:
        subparser = commands.add_parser(
            command.name,
            description=command.description,
            epilog=f"example:\n  {PROG} {command.name} {command.example}".rstrip(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if command.name in names and (add := ARGUMENTS.get(command.name)):
            add(subparser)
    return result


def parse(argv: "Sequence[str]") -> argparse.Namespace:
    """Parse the command line of a command."""
    options, unknown = parser(argv[:1]).parse_known_args(argv)
    if unknown:  # argparse would refer to the help of the whole program
        _Parser(f"{PROG} {options.command}").error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _configure(parser: argparse.ArgumentParser) -> None:
    _add_hosts(parser, "*")
    about = "find registries in your Docker and AWS configuration and in local images"
    parser.add_argument("--discover", action="store_true", help=about)
    target = parser.add_mutually_exclusive_group()
    about = "handle every registry; your current credsStore becomes the fallback"
    target.add_argument("--creds-store", action="store_true", help=about)
    about = "configure podman, skopeo and buildah instead of Docker"
    target.add_argument("--podman", action="store_true", help=about)
    _add_write_options(parser)


def _doctor(parser: argparse.ArgumentParser) -> None:
    about = "registry host, or HOST/REPOSITORY:TAG to check its pull too; omit to check only this machine"
    _add_hosts(parser, "?", about)
    _add_identity(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as a JSON object")


def _cache(parser: argparse.ArgumentParser) -> None:
    about = "what to do (default: show)"
    action = parser.add_argument("action", nargs="?", metavar="|".join(ACTIONS), default="show", help=about)
    action.completer = lambda **_: [*ACTIONS, *known_hosts()]  # type: ignore[attr-defined] # for argcomplete
    _add_hosts(parser, "?", "limit to this registry; clear HOST also removes its stored docker login")


def _login(parser: argparse.ArgumentParser) -> None:
    _add_hosts(parser, "+")
    about = "client to log in (default: docker)"
    parser.add_argument("--tool", choices=TOOLS, default="docker", help=about)
    _add_identity(parser)


def _password(parser: argparse.ArgumentParser) -> None:
    _add_hosts(parser, None)
    _add_identity(parser)


def _completion(parser: argparse.ArgumentParser) -> None:
    about = "for bash and zsh, eval the script in ~/.bashrc or ~/.zshrc"
    parser.add_argument("shell", choices=SHELLS, help=about)


def _add_hosts(
    parser: argparse.ArgumentParser, nargs: str | None, about: str = "registry host or image name"
) -> None:
    """Add the argument for registries; argparse defines ``nargs``."""
    name = "host" if nargs in {None, "?"} else "hosts"
    argument = parser.add_argument(name, nargs=nargs, metavar="HOST", help=about)
    argument.completer = known_hosts  # type: ignore[attr-defined] # for argcomplete


def _add_identity(parser: argparse.ArgumentParser) -> None:
    """Add the options that override the AWS identity from the settings file."""
    profile = parser.add_argument("--profile", help="AWS profile to use (overrides the settings file)")
    profile.completer = known_profiles  # type: ignore[attr-defined] # for argcomplete
    parser.add_argument("--role-arn", metavar="ARN", help="IAM role to assume (overrides the settings file)")


def _add_write_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that control whether changes are written."""
    parser.add_argument("--yes", "-y", action="store_true", help="apply the changes without asking")
    parser.add_argument("--dry-run", action="store_true", help="show the changes without applying them")


ARGUMENTS = {
    "configure": _configure,
    "unconfigure": _add_write_options,
    "doctor": _doctor,
    "cache": _cache,
    "login": _login,
    "password": _password,
    "header": _password,
    "completion": _completion,
}
"""The function that adds the arguments of a command; ``status`` has none."""
