"""``login [HOST…]``: ``aws ecr get-login-password | docker login`` for many registries, without a shell."""

import os
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecr_credhelper.cache import open_cache
from ecr_credhelper.cli.identities import Identities
from ecr_credhelper.cli.target import Target, are_registries, target_of
from ecr_credhelper.console.wording import format_time
from ecr_credhelper.docker.config import docker_config
from ecr_credhelper.docker.programs import is_this_helper, which
from ecr_credhelper.errors import PROG, ConfigurationError, CredentialHelperError
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Log the client in to each registry; continue with the next one after a failure.

    If an argument is no registry, log in to none.
    """
    program = which(options.tool, os.environ)
    if program is None:
        hint = "install it, or choose another client with --tool"
        raise ConfigurationError(options.tool, "is not on PATH", hint)
    if not are_registries(options, terminal):
        return 1
    failures = 0
    seen: set[str] = set()
    for argument in dict.fromkeys(options.hosts) or [None]:
        try:
            target = target_of(argument, options, terminal)
            if target.host not in seen:
                seen.add(target.host)
                _log_in(program, target, options, terminal)
        except CredentialHelperError as error:
            terminal.warn(f"{PROG}: {error}")
            failures += 1
    return 1 if failures else 0


def _log_in(program: str, target: Target, options: "argparse.Namespace", terminal: "Terminal") -> None:
    """Log the client in to a registry, unless Docker already uses this helper for it."""
    host, login = target.host, target.credentials
    helper = docker_config(os.environ).helper_for(host) if options.tool == "docker" else ""
    uses_helper = is_this_helper(helper, os.environ)
    if uses_helper and not (options.profile or options.role_arn):
        terminal.print(f"{host}: Docker already uses this helper, so docker login is not needed")
        if stored := open_cache(os.environ).login(host, time.time()):
            end = format_time(datetime.fromtimestamp(stored.expires_at, UTC))
            terminal.print(f"Until {end}, a stored docker login overrides your AWS identity.")
            terminal.print(f"To remove it, run: {PROG} cache clear {host}")
        return
    verb = ("registry", "login") if options.tool == "helm" else ("login",)
    command = [program, *verb, "--username", login.username, "--password-stdin", host]
    if problem := _problem(command, login.password, options.tool):
        raise CredentialHelperError(host, problem)
    terminal.print(f"{host}: logged in until {format_time(login.expires_at)}")
    if uses_helper:
        rule = load_settings(os.environ).rule(target.registry)
        identity, _, _ = Identities(os.environ).describe(rule, target.registry)
        terminal.print(f"Until then, this login overrides your AWS identity ({identity}) for this registry.")
        terminal.print(f"To remove it, run: {PROG} cache clear {host}")


def _problem(command: list[str], password: str, tool: str) -> str:
    """Run a client's login with the password on standard input; return why it failed, or an empty string."""
    try:
        status = subprocess.run(command, input=password.encode(), check=False).returncode  # noqa: S603 - a fixed command
    except OSError as error:
        return f"{tool} cannot be started ({error.strerror})"
    reason = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
    return f"{tool} login failed ({reason})" if status else ""
