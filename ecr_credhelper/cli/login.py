"""``login HOST…``: ``aws ecr get-login-password | docker login`` for several registries, without a shell."""

import os
import subprocess
from typing import TYPE_CHECKING

from ecr_credhelper.cli import inventory
from ecr_credhelper.cli.options import add_hosts, add_identity
from ecr_credhelper.docker.config import HELPER_SUFFIX, docker_config
from ecr_credhelper.docker.programs import which
from ecr_credhelper.errors import PROG, ConfigurationError, CredentialHelperError
from ecr_credhelper.library.credentials import TokenSource, credentials_for
from ecr_credhelper.registry import authority_of

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal

TOOLS = ("docker", "podman", "skopeo", "buildah", "helm", "oras")


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take registries, a client, and an identity."""
    add_hosts(parser, "+")
    parser.add_argument(
        "--tool", choices=TOOLS, default="docker", help="the client to log in (default: docker)"
    )
    add_identity(parser)


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Log the client in to each registry; a failure does not stop the others."""
    program = which(options.tool, os.environ)
    if program is None:
        raise ConfigurationError(options.tool, "is not on PATH", "install it, or name another client: --tool")
    failures = 0
    config = docker_config(os.environ)
    is_override = bool(options.profile or options.role_arn)
    for host in dict.fromkeys(authority_of(server) or server for server in options.hosts):
        is_served = options.tool == "docker" and config.helper_for(host) == HELPER_SUFFIX
        try:
            source = TokenSource(profile=options.profile, role_arn=options.role_arn)
            registry = source.registry(host)
            login = credentials_for(registry, source.fetch(registry))
            identity = inventory.identity_of(registry, os.environ) if is_served else ""
        except CredentialHelperError as error:
            terminal.warn(str(error))
            failures += 1
            continue
        if is_served and not is_override:
            terminal.print(
                f"{host}: Docker uses this helper already, and gets a login; docker login is not needed"
            )
            continue
        verb = ("registry", "login") if options.tool == "helm" else ("login",)
        command = [program, *verb, "--username", login.username, "--password-stdin", host]
        problem = _problem(command, login.password, options.tool)
        if problem:
            terminal.warn(f"{host}: {problem}")
            failures += 1
        else:
            until = f"{login.expires_at.astimezone():%Y-%m-%d %H:%M}"
            terminal.print(f"{host}: logged in until {until}")
            if is_served:
                terminal.print(
                    f"Until then, this login overrides your AWS identity ({identity}) for this registry."
                )
                terminal.print(f"To remove it, run: {PROG} cache clear {host}")
    return 1 if failures else 0


def _problem(command: list[str], password: str, tool: str) -> str:
    """Hand a password over; return what went wrong, if anything did."""
    try:
        status = subprocess.run(command, input=password.encode(), check=False).returncode  # noqa: S603 - named above
    except OSError as error:
        return f"{tool} cannot be started ({error.strerror})"
    why = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    return f"{tool} did not take the login ({why})" if status else ""
