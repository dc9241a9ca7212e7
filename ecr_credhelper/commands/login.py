"""``login HOST…``: ``aws ecr get-login-password | docker login`` for several registries, without a shell."""

import os
import subprocess
from typing import TYPE_CHECKING

from ecr_credhelper.commands.arguments import add_hosts, add_identity
from ecr_credhelper.credentials import get_credentials
from ecr_credhelper.errors import ConfigurationError, CredentialHelperError
from ecr_credhelper.fallback import which

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.terminal import Terminal

TOOLS = {
    # name -> how its login is called
    "docker": ("login",),
    "podman": ("login",),
    "skopeo": ("login",),
    "buildah": ("login",),
    "helm": ("registry", "login"),
    "oras": ("login",),
}


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take registries, a client, and an identity."""
    add_hosts(parser, "+")
    parser.add_argument(
        "--tool", choices=TOOLS, default="docker", help="the client to log in (default: docker)"
    )
    add_identity(parser)


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Log the client in to each registry; one that fails holds up no other."""
    program = which(options.tool, os.environ.get("PATH", os.defpath))
    if program is None:
        raise ConfigurationError(options.tool, "is not on PATH", "install it, or name another client: --tool")
    failures = 0
    for host in options.hosts:
        try:
            login = get_credentials(host, profile=options.profile, role_arn=options.role_arn)
        except CredentialHelperError as error:
            terminal.note(str(error))
            failures += 1
            continue
        command = [
            program,
            *TOOLS[options.tool],
            "--username",
            login.username,
            "--password-stdin",
            login.registry,
        ]
        done = subprocess.run(command, input=login.password.encode(), check=False)  # noqa: S603 - named above
        if done.returncode:
            terminal.note(
                f"{login.registry}: {options.tool} did not take the login (exit status {done.returncode})"
            )
            failures += 1
        else:
            terminal.say(f"{login.registry}: logged in until {login.expires_at.astimezone():%Y-%m-%d %H:%M}")
    return 1 if failures else 0
