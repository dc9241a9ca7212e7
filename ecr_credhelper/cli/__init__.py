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


def as_sentence(summary: str) -> str:
    """Return a summary with a capital letter and a full stop."""
    return f"{summary[0].upper()}{summary[1:]}."


class Command(NamedTuple):
    """A command: its name, and a one-line summary."""

    name: str
    summary: str

    @property
    def description(self) -> str:
        """The summary as a sentence."""
        return as_sentence(self.summary)


GROUPS = {
    "Set up": (
        Command("configure", "set up Docker or podman to log in to your ECR registries"),
        Command("unconfigure", "restore the configuration from before configure"),
        Command("config", "show or check the settings"),
    ),
    "Inspect": (
        Command("status", "list configured registries, their AWS identities and tokens"),
        Command("doctor", "check everything from the registry name to a working pull"),
        Command("cache", "list or remove cached tokens"),
    ),
    "Use directly": (
        Command("login", "log in docker, podman, helm ... for 12 hours, without configure"),
        Command("password", "print a registry password for use in a script"),
        Command("header", "print an Authorization header for the registry's HTTP API"),
        Command("auth", "print logins as a Docker configuration or a Kubernetes secret"),
        Command("kubelet", "get logins for the kubelet of a Kubernetes node"),
        Command("completion", "print a shell completion script"),
    ),
}
COMMANDS = [command for commands in GROUPS.values() for command in commands]
NAMES = [command.name for command in COMMANDS]

EXAMPLES = (
    # what it does, command, arguments
    ("Find your registries and choose which to set up", "configure", ""),
    ("Set up Docker for one registry", "configure", "HOST"),
    ("Set up podman, skopeo and buildah", "configure", "--podman HOST"),
    ("Undo all changes", "unconfigure", ""),
    ("Show the settings in force, and where each value comes from", "config", ""),
    ("Show all problems of the settings file", "config", "check"),
    ("Show what is configured, without calling AWS", "status", ""),
    ("Find out why a pull fails", "doctor", "HOST/REPOSITORY:TAG"),
    ("Remove all cached tokens", "cache", "clear"),
    ("Log helm in with an AWS profile", "login", "--tool helm --profile dev HOST"),
    ("Print a password for a tool that reads it from standard input", "password", HOST),
    ("Print a header for a client such as curl", "header", HOST),
    ("Print a Docker configuration with the logins of two registries", "auth", "HOST HOST"),
    ("Print a pull secret for kubectl apply", "auth", "--kubernetes-secret ecr HOST"),
    ("Print the configuration with which the kubelet runs this command", "kubelet", "--print-config"),
    (
        "Print the one with which pods pull as their service accounts",
        "kubelet",
        "--print-config --service-accounts AUDIENCE",
    ),
    ("Show the line to add for each shell", "completion", ""),
    ("Print the script for bash", "completion", "bash"),
)

OPTIONS = (("-V, --version", "show the version"), ("-h, --help", "show this help"))
EXIT_STATUSES = ((0, "success"), (1, "failure"), (2, "wrong command line"), (130, "interrupted"))

MODULES = {"header": "password"}
"""Commands that the module of another command implements."""

DESCRIPTION = "Docker credential helper for Amazon ECR."
DOCUMENTATION = f"man {PROG}, or docs/README.md in the source"
"""The location of the documentation; the project has no website."""


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
    sections = {**GROUPS, "Options": OPTIONS}
    width = max(len(name) for rows in sections.values() for name, _ in rows)
    blocks = [
        "\n".join([title, *(f"  {name:{width}}  {text}" for name, text in rows)])
        for title, rows in sections.items()
    ]
    statuses = ", ".join(f"{status} {meaning}" for status, meaning in EXIT_STATUSES)
    introduction = f"""\
{DESCRIPTION}

Usage: {PROG} COMMAND [OPTIONS]
Get started: {PROG} configure"""
    closing = f"""\
Docker itself calls get, store, erase and list.
Run "{PROG} COMMAND --help" for details.
Exit status: {statuses}.
Documentation: {DOCUMENTATION}
"""
    return "\n\n".join([introduction, *blocks, closing])


def examples(command: str) -> list[tuple[str, str]]:
    """Return the examples of a command: what each does, and its command line."""
    return [
        (label, f"{PROG} {name} {arguments}".rstrip())
        for label, name, arguments in EXAMPLES
        if name == command
    ]
