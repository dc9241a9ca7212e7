"""``login HOST…``: ``aws ecr get-login-password | docker login`` for several registries, without a shell."""

import os
import subprocess
from typing import TYPE_CHECKING

from ecr_credhelper.cli import inventory
from ecr_credhelper.docker.config import HELPER_SUFFIX, docker_config
from ecr_credhelper.docker.programs import which
from ecr_credhelper.errors import PROG, ConfigurationError, CredentialHelperError
from ecr_credhelper.library.credentials import TokenSource, credentials_for
from ecr_credhelper.registry import authority_of

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Log the client in to each registry; continue with the next one after a failure."""
    program = which(options.tool, os.environ)
    if program is None:
        hint = "install it, or choose another client with --tool"
        raise ConfigurationError(options.tool, "is not on PATH", hint)
    failures = 0
    config = docker_config(os.environ)
    for host in dict.fromkeys(authority_of(server) or server for server in options.hosts):
        uses_helper = options.tool == "docker" and config.helper_for(host) == HELPER_SUFFIX
        try:
            source = TokenSource(profile=options.profile, role_arn=options.role_arn)
            registry = source.registry(host)
            login = credentials_for(registry, source.fetch(registry))
            identity = inventory.identity_of(registry, os.environ) if uses_helper else ""
        except CredentialHelperError as error:
            terminal.warn(str(error))
            failures += 1
            continue
        if uses_helper and not (options.profile or options.role_arn):
            terminal.print(f"{host}: Docker already uses this helper, so docker login is not needed")
            continue
        verb = ("registry", "login") if options.tool == "helm" else ("login",)
        command = [program, *verb, "--username", login.username, "--password-stdin", host]
        problem = _problem(command, login.password, options.tool)
        if problem:
            terminal.warn(f"{host}: {problem}")
            failures += 1
            continue
        terminal.print(f"{host}: logged in until {login.expires_at.astimezone():%Y-%m-%d %H:%M}")
        if uses_helper:
            effect = f"overrides your AWS identity ({identity}) for this registry"
            terminal.print(f"Until then, this login {effect}.")
            terminal.print(f"To remove it, run: {PROG} cache clear {host}")
    return 1 if failures else 0


def _problem(command: list[str], password: str, tool: str) -> str:
    """Run a client's login with the password on standard input; return why it failed, or an empty string."""
    try:
        status = subprocess.run(command, input=password.encode(), check=False).returncode  # noqa: S603 - a fixed command
    except OSError as error:
        return f"{tool} cannot be started ({error.strerror})"
    reason = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    return f"{tool} login failed ({reason})" if status else ""
