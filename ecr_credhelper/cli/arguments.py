"""The parser of the command line, with the arguments of every command.

It is separate from the commands' modules, so that a shell can complete a command without importing it.
"""

import argparse
from typing import TYPE_CHECKING, NoReturn

from ecr_credhelper.cli import COMMANDS, NAMES, examples
from ecr_credhelper.cli.suggestions import known_hosts
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.helper import VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

CACHE_ACTIONS = ("show", "clear")
CONFIG_ACTIONS = ("show", "check")

SHELLS = ("bash", "zsh", "fish", "powershell")
TOOLS = ("docker", "podman", "skopeo", "buildah", "helm", "oras")
"""Clients that ``login`` can log in."""

TARGET_HELP = "registry host, image, repository ARN or account ID (default: the registry of your AWS account)"
REGION_HELP = "region of an account ID (default: that of the environment or the profile)"


class _Parser(argparse.ArgumentParser):
    """Reports wrong arguments in one line, like all other errors."""

    def error(self, message: str) -> NoReturn:
        hint = "" if "; did you mean " in message else f"run: {self.prog} --help"
        self.exit(2, f"{CredentialHelperError(self.prog, message, hint)}\n")


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
            allow_abbrev=False,  # --role must not become --role-arn
        )
        if command.name in names and (add := ARGUMENTS.get(command.name)):
            add(subparser)
    commands.add_parser("help").add_argument("topic", choices=[*NAMES, *VERBS])  # for completion
    commands.add_parser("version")  # likewise
    return result


def parse(argv: "Sequence[str]") -> argparse.Namespace:
    """Parse the command line of a command."""
    options, unknown = parser(argv[:1]).parse_known_args(argv)
    if unknown:  # argparse would refer to the help of the whole program
        from ecr_credhelper.cli.usage_errors import unrecognized

        subparser = _Parser(f"{PROG} {options.command}")
        ARGUMENTS[options.command](subparser)
        subparser.error(unrecognized(options.command, unknown, subparser.format_usage()))
    return options


def _epilog(command: str) -> str:
    """Return the examples of a command."""
    return "examples:\n" + "\n\n".join(f"  # {label}\n  {line}" for label, line in examples(command))


def _configure(parser: argparse.ArgumentParser) -> None:
    about = "registry host, image, repository ARN or account ID; omit to search for registries and choose"
    _add_hosts(parser, "*", about)
    about = "search for registries in the files of Docker, podman and AWS, the settings, and local images"
    parser.add_argument("--discover", action="store_true", help=about)
    chosen = parser.add_mutually_exclusive_group()
    about = "select the registries found whose host matches, such as '4444*' or '*.eu-west-1.*'"
    chosen.add_argument("--match", metavar="PATTERN", help=about)
    chosen.add_argument("--all", action="store_true", help="select all registries found")
    about = "AWS profile to use for these registries; saved as a rule in the settings file"
    parser.add_argument("--profile", type=_setting("profile"), help=about)
    about = "IAM role to assume for these registries; saved as a rule in the settings file"
    parser.add_argument("--role-arn", metavar="ARN", type=_setting("role_arn"), help=about)
    parser.add_argument("--region", type=_setting("region"), help=REGION_HELP)
    target = parser.add_mutually_exclusive_group()
    about = "handle every registry; your current credsStore becomes the fallback"
    target.add_argument("--creds-store", action="store_true", help=about)
    about = "configure podman, skopeo and buildah instead of Docker"
    target.add_argument("--podman", action="store_true", help=about)
    about = "fetch a login for each registry afterwards (default: only on a terminal)"
    parser.add_argument("--fetch", action=argparse.BooleanOptionalAction, help=about)
    _add_write_options(parser)


def _unconfigure(parser: argparse.ArgumentParser) -> None:
    _add_hosts(parser, "*", "registry to remove; omit to undo everything")
    parser.add_argument("--region", type=_setting("region"), help=REGION_HELP)
    _add_write_options(parser)


def _config(parser: argparse.ArgumentParser) -> None:
    about = "what to do: show the settings in force, or check the settings file (default: show)"
    parser.add_argument(
        "action",
        nargs="?",
        metavar="|".join(CONFIG_ACTIONS),
        type=_one_of(CONFIG_ACTIONS, "action"),
        choices=CONFIG_ACTIONS,
        default="show",
        help=about,
    )
    parser.add_argument("--json", action="store_true", help="print the result as a JSON object")


def _doctor(parser: argparse.ArgumentParser) -> None:
    about = "registry host, or image or repository ARN to check its pull too; omit to check only this machine"
    _add_hosts(parser, "?", about)
    _add_identity(parser)
    about = "also check whether the AWS identity is allowed to push the image"
    parser.add_argument("--push", action="store_true", help=about)
    parser.add_argument("--json", action="store_true", help="print the findings as a JSON object")


def _status(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the same as a JSON object")


def _cache(parser: argparse.ArgumentParser) -> None:
    action = parser.add_argument(
        "action",
        nargs="?",
        metavar="|".join(CACHE_ACTIONS),
        type=_given,
        default="show",
        help="what to do (default: show)",
    )
    action.completer = lambda **_: [*CACHE_ACTIONS, *known_hosts()]  # type: ignore[attr-defined] # for argcomplete
    _add_hosts(parser, "?", "limit to this registry; clear HOST also removes its stored docker login")
    parser.add_argument("--json", action="store_true", help="print the entries as a JSON object")


def _login(parser: argparse.ArgumentParser) -> None:
    _add_hosts(parser, "*", TARGET_HELP)
    about = f"client to log in: {', '.join(TOOLS)} (default: {TOOLS[0]})"
    parser.add_argument(
        "--tool", metavar="TOOL", type=_one_of(TOOLS, "client"), choices=TOOLS, default=TOOLS[0], help=about
    )
    _add_identity(parser)


def _password(parser: argparse.ArgumentParser) -> None:
    _add_hosts(parser, "?", TARGET_HELP)
    _add_identity(parser)


def _auth(parser: argparse.ArgumentParser) -> None:
    _add_hosts(parser, "+", "registry host, image, repository ARN or account ID")
    about = "print a Kubernetes secret with this name, for kubectl apply -f -"
    parser.add_argument("--kubernetes-secret", metavar="NAME", type=_kubernetes_name("secret"), help=about)
    about = "namespace of the Kubernetes secret (default: that of kubectl)"
    parser.add_argument("--namespace", type=_kubernetes_name("namespace"), help=about)
    _add_identity(parser)


def _kubelet(parser: argparse.ArgumentParser) -> None:
    about = "print a CredentialProviderConfig for the kubelet, instead of reading a request from it"
    parser.add_argument("--print-config", action="store_true", help=about)
    about = "with --print-config: audience of the tokens that the kubelet requests for service accounts"
    parser.add_argument("--service-accounts", metavar="AUDIENCE", type=_audience, help=about)


def _audience(value: str) -> str:
    """Return an audience; raise ArgumentTypeError if it is empty or not printable."""
    if not value.strip() or not value.isprintable():
        raise argparse.ArgumentTypeError("an audience is printable text")
    return value


def _completion(parser: argparse.ArgumentParser) -> None:
    about = "shell whose script is printed; omit to show what to add to your shell's configuration"
    parser.add_argument("shell", nargs="?", type=_one_of(SHELLS, "shell"), choices=SHELLS, help=about)


def _add_hosts(
    parser: argparse.ArgumentParser, nargs: str, about: str = "registry host or image name"
) -> None:
    """Add the argument for registries; argparse defines ``nargs``."""
    name = "host" if nargs == "?" else "hosts"
    parser.add_argument(name, nargs=nargs, metavar="HOST", type=_given, help=about)


def _add_identity(parser: argparse.ArgumentParser) -> None:
    """Add the options that override the AWS identity from the settings file, and the region."""
    about = "AWS profile to use (overrides the settings file)"
    parser.add_argument("--profile", type=_setting("profile"), help=about)
    about = "IAM role to assume (overrides the settings file)"
    parser.add_argument("--role-arn", metavar="ARN", type=_setting("role_arn"), help=about)
    parser.add_argument("--region", type=_setting("region"), help=REGION_HELP)


def _setting(name: str) -> "Callable[[str], str]":
    """Return a type for argparse: a valid value of the setting with this name."""

    def check(value: str) -> str:
        from ecr_credhelper.settings.validation import problem_of

        if problem := problem_of(name, value):
            raise argparse.ArgumentTypeError(problem.removeprefix(f"{name}: "))
        return value

    return check


def _kubernetes_name(kind: str) -> "Callable[[str], str]":
    """Return a type for argparse: a valid name of a Kubernetes object of this kind."""

    def check(value: str) -> str:
        from ecr_credhelper.cli.kubernetes import problem_of_name

        if problem := problem_of_name(value, kind):
            raise argparse.ArgumentTypeError(problem)
        return value

    return check


def _one_of(known: "Sequence[str]", noun: str) -> "Callable[[str], str]":
    """Return a type for argparse: one of some words. The error for others has a suggestion."""

    def check(value: str) -> str:
        if value in known:
            return value
        from ecr_credhelper.cli.usage_errors import redacted_words
        from ecr_credhelper.console.wording import did_you_mean

        hint = did_you_mean(value, known, f"use {', '.join(known)}")
        raise argparse.ArgumentTypeError(f"unknown {noun} {redacted_words([value])!r}; {hint}")

    return check


def _given(value: str) -> str:
    """Return the argument for a registry; raise ArgumentTypeError if it is empty."""
    if not value.strip():
        raise argparse.ArgumentTypeError("no registry given")
    return value


def _add_write_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that control whether changes are written."""
    parser.add_argument("--yes", "-y", action="store_true", help="apply the changes without asking")
    parser.add_argument("--dry-run", action="store_true", help="show the changes without applying them")


ARGUMENTS = {
    "configure": _configure,
    "unconfigure": _unconfigure,
    "config": _config,
    "status": _status,
    "doctor": _doctor,
    "cache": _cache,
    "login": _login,
    "password": _password,
    "header": _password,
    "auth": _auth,
    "kubelet": _kubelet,
    "completion": _completion,
}
"""The function that adds the arguments of a command."""
