"""The parser of the command line, with the arguments of every command.

It is separate from the commands' modules, so that a shell can complete a command without importing it.
"""

import argparse
from typing import TYPE_CHECKING, NoReturn

from ecr_credhelper.cli import COMMANDS, NAMES, examples
from ecr_credhelper.cli.suggestions import known_hosts
from ecr_credhelper.errors import PROG, CredentialHelperError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

ACTIONS = ("show", "clear")
"""What ``cache`` can do."""

CONFIG_ACTIONS = ("show", "check")
"""What ``config`` can do."""

SHELLS = ("bash", "zsh", "fish", "powershell")
TOOLS = ("docker", "podman", "skopeo", "buildah", "helm", "oras")
"""Clients that ``login`` can log in."""


class _Parser(argparse.ArgumentParser):
    """Reports wrong arguments in one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{CredentialHelperError(self.prog, message, f'run: {self.prog} --help')}\n")


def parser(names: "Collection[str]" = NAMES) -> argparse.ArgumentParser:
    """Return the parser of the command line, with the arguments of these commands only."""
    result = _Parser(PROG)
    result.add_argument("-V", "--version", action="store_true", help="show the version")  # for completion
    commands = result.add_subparsers(dest="command", metavar="COMMAND", prog=PROG)
    for command in COMMANDS:
        subparser = commands.add_parser(
            command.name,
            description=command.description,
            epilog=_epilog(command.name),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if command.name in names and (add := ARGUMENTS.get(command.name)):
            add(subparser)
    return result


def parse(argv: "Sequence[str]") -> argparse.Namespace:
    """Parse the command line of a command."""
    options, unknown = parser(argv[:1]).parse_known_args(argv)
    if unknown:  # argparse would refer to the help of the whole program
        from ecr_credhelper.cli.usage_errors import shown

        # The arguments that follow an unknown option can be its values, for example a password.
        words = [word for word in unknown if word.startswith("-")] or unknown
        _Parser(f"{PROG} {options.command}").error(f"unrecognized arguments: {shown(words)}")
    return options


def _epilog(command: str) -> str:
    """Return the examples of a command."""
    return "examples:\n" + "\n\n".join(f"  # {label}\n  {line}" for label, line in examples(command))


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


def _config(parser: argparse.ArgumentParser) -> None:
    about = "what to do: show the settings in force, or check the settings file (default: show)"
    parser.add_argument(
        "action",
        nargs="?",
        metavar="|".join(CONFIG_ACTIONS),
        choices=CONFIG_ACTIONS,
        default="show",
        help=about,
    )
    parser.add_argument("--json", action="store_true", help="print the result as a JSON object")


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
    about = f"client to log in: {', '.join(TOOLS)} (default: {TOOLS[0]})"
    parser.add_argument("--tool", metavar="TOOL", choices=TOOLS, default=TOOLS[0], help=about)
    _add_identity(parser)


def _password(parser: argparse.ArgumentParser) -> None:
    _add_hosts(parser, None)
    _add_identity(parser)


def _completion(parser: argparse.ArgumentParser) -> None:
    about = "shell whose script is printed; omit to show what to add to your shell's configuration"
    parser.add_argument("shell", nargs="?", choices=SHELLS, help=about)


def _add_hosts(
    parser: argparse.ArgumentParser, nargs: str | None, about: str = "registry host or image name"
) -> None:
    """Add the argument for registries; argparse defines ``nargs``."""
    name = "host" if nargs in {None, "?"} else "hosts"
    parser.add_argument(name, nargs=nargs, metavar="HOST", help=about)


def _add_identity(parser: argparse.ArgumentParser) -> None:
    """Add the options that override the AWS identity from the settings file."""
    parser.add_argument("--profile", help="AWS profile to use (overrides the settings file)")
    about = "IAM role to assume (overrides the settings file)"
    parser.add_argument("--role-arn", metavar="ARN", type=_role_arn, help=about)


def _role_arn(value: str) -> str:
    """Return the ARN of a role; raise ArgumentTypeError for any other text."""
    import re

    from ecr_credhelper.settings.validation import STRING_FIELDS

    pattern, description = STRING_FIELDS["role_arn"]
    if not re.fullmatch(pattern, value):
        raise argparse.ArgumentTypeError(f"{value!r} is not {description}")
    return value


def _add_write_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that control whether changes are written."""
    parser.add_argument("--yes", "-y", action="store_true", help="apply the changes without asking")
    parser.add_argument("--dry-run", action="store_true", help="show the changes without applying them")


ARGUMENTS = {
    "configure": _configure,
    "unconfigure": _add_write_options,
    "config": _config,
    "doctor": _doctor,
    "cache": _cache,
    "login": _login,
    "password": _password,
    "header": _password,
    "completion": _completion,
}
"""The function that adds the arguments of a command; ``status`` has none."""
