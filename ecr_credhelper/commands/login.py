"""``login HOST…``: ``aws ecr get-login-password | docker login`` for several registries, without a shell."""

import os
import subprocess
from typing import TYPE_CHECKING

from ecr_credhelper.commands.arguments import add_hosts, add_identity
from ecr_credhelper.credentials import get_credentials
from ecr_credhelper.errors import ConfigurationError, CredentialHelperError
from ecr_credhelper.fallback import which
from ecr_credhelper.registry import authority_of

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.terminal import Terminal

TOOLS = ("docker", "podman", "skopeo", "buildah", "helm", "oras")


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take registries, a client, and an identity."""
    add_hosts(parser, "+")
    parser.add_argument(
        "--tool", choices=TOOLS, default="docker", help="the client to log in (default: docker)"
    )
    add_identity(parser)


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Log the client in to each registry; one that fails holds up no other."""
    program = which(options.tool, os.environ)
    if program is None:
        raise ConfigurationError(options.tool, "is not on PATH", "install it, or name another client: --tool")
    failures = 0
    for host in dict.fromkeys(authority_of(server) or server for server in options.hosts):
        try:
            login = get_credentials(host, profile=options.profile, role_arn=options.role_arn)
        except CredentialHelperError as error:
            terminal.note(str(error))
            failures += 1
            continue
        verb = ("registry", "login") if options.tool == "helm" else ("login",)
        command = [program, *verb, "--username", login.username, "--password-stdin", host]
        problem = _problem(command, login.password, options.tool)
        if problem:
            terminal.note(f"{host}: {problem}")
            failures += 1
        else:
            terminal.say(f"{host}: logged in until {login.expires_at.astimezone():%Y-%m-%d %H:%M}")
    return 1 if failures else 0


def _problem(command: list[str], password: str, tool: str) -> str:
    """Hand a password over; return what went wrong, if anything did."""
    try:
        status = subprocess.run(command, input=password.encode(), check=False).returncode  # noqa: S603 - named above
    except OSError as error:
        return f"{tool} cannot be started ({error.strerror})"
    why = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    return f"{tool} did not take the login ({why})" if status else ""
