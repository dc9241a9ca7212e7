"""``status``: one screen of what is configured and cached, without any network."""

import os
import time
from typing import TYPE_CHECKING

from ecr_credhelper.cache import open_cache
from ecr_credhelper.cli import inventory
from ecr_credhelper.console.durations import format_duration
from ecr_credhelper.docker.config import HELPER_SUFFIX, DockerConfig, docker_config
from ecr_credhelper.doctor.machine import AS_ROOT, why_unused
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.paths import settings_file
from ecr_credhelper.registry import Registry, parse
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal
    from ecr_credhelper.settings.loader import Settings

HEAD = ("REGISTRY", "COMES HERE BY", "RULE", "AS", "CACHED")


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take nothing."""


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:  # noqa: ARG001 - it takes none
    """Show files, registries, rules, identities and what is cached; 1 where a file is wrong."""
    docker, cache = docker_config(os.environ), open_cache(os.environ)
    now = time.time()
    cached = {
        entry.host: (entry.identity, f"{format_duration(entry.token.expires_at - now)} left")
        for entry in inventory.entries(cache, fingerprint(os.environ).route, now)
        if entry.is_current
    }
    rules: Settings | None = None
    is_right = not docker.problem
    try:
        rules = load_settings(os.environ)
        rules.fallback()  # which tells of all that concerns more than one registry
    except CredentialHelperError as error:
        terminal.warn(f"{terminal.mark('failure')} {error}")
        is_right = False
    if docker.problem:
        terminal.warn(f"{terminal.mark('failure')} {docker.path}: {docker.problem}")
    ways = _ways(docker, rules, list(cached))
    store = f", credsStore {docker.creds_store}" if docker.creds_store else ""
    terminal.print(f"Docker:    {_place(docker.path)}{store}")
    terminal.print(f"Settings:  {_place(settings_file(os.environ))}")
    terminal.print(f"Cache:     {_cache(cache.store.directory)}")
    terminal.print()
    rows = []
    for host, way in sorted(ways.items()):
        rule, identity = _identity(host, rules)
        rows.append((host, way, rule, *cached.get(host, (identity, "-"))))
    if rows:
        terminal.table(HEAD, rows)
        for host, login in cache.logins(now).items():
            remaining = format_duration(login.expires_at - now)
            terminal.print()
            terminal.print(f"{host}: a stored docker login overrides your AWS identity for {remaining}")
            terminal.print(f"To remove it, run: {PROG} cache clear {host}")
    elif not docker.problem and docker.creds_store != HELPER_SUFFIX:
        terminal.print(f"Docker asks here for no registry yet; to begin: {PROG} configure HOST")
    return 0 if is_right else 1


def _ways(docker: DockerConfig, rules: "Settings | None", cached: list[str]) -> dict[str, str]:
    """Return host -> what in Docker's configuration leads it here, of all hosts that something tells of."""
    named = docker.helpers
    hosts = docker.ours() | {*cached, *(rules.hosts() if rules else ())}
    other = "credsStore" if docker.creds_store == HELPER_SUFFIX else "-"
    return {
        host: "credHelpers"
        if named.get(host) == HELPER_SUFFIX
        else f"no: {named[host]}"
        if named.get(host)
        else other
        for host in hosts
    }


def _identity(host: str, rules: "Settings | None") -> tuple[str, str]:
    """Return which rule speaks of a host, and whom it leads to."""
    if rules is None:
        return "?", "?"
    try:
        rule = rules.rule(parse(host) or Registry(host))
    except CredentialHelperError:
        return "wrong", "?"
    return rule.pattern or "-", inventory.describe_identity(rule.profile, rule.role_arn, os.environ)


def _place(path: str | None) -> str:
    return f"{path}{'' if path and os.path.lexists(path) else ' (not there)'}" if path else "none"


def _cache(directory: str) -> str:
    why = why_unused(directory)
    return f"{directory} is not used: {why}; {AS_ROOT}" if why else directory or "none"
