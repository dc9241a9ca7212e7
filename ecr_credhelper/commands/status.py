"""``status``: one screen of what is configured and cached, without any network."""

import os
import time
from typing import TYPE_CHECKING

from ecr_credhelper import inventory, settings
from ecr_credhelper.cache import open_cache
from ecr_credhelper.docker_config import OURS, PROG, DockerConfig, docker_config
from ecr_credhelper.errors import CredentialHelperError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.places import settings_file
from ecr_credhelper.registry import Registry, parse

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.settings import Settings
    from ecr_credhelper.terminal import Terminal

HEAD = ("REGISTRY", "COMES HERE BY", "RULE", "AS", "CACHED")


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take nothing."""


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:  # noqa: ARG001 - it takes none
    """Show files, registries, rules, identities and what is cached; 1 where a file is wrong."""
    docker, cache = docker_config(os.environ), open_cache(os.environ)
    now = time.time()
    cached = {
        entry.host: (entry.identity, f"{inventory.left(entry.token.expires_at - now)} left")
        for entry in inventory.entries(cache, fingerprint(os.environ).route, now)
        if entry.is_current
    }
    rules: Settings | None = None
    is_right = not docker.problem
    try:
        rules = settings.load(os.environ)
        rules.fallback()  # which tells of all that concerns more than one registry
    except CredentialHelperError as error:
        terminal.note(f"{terminal.mark('failure')} {error}")
        is_right = False
    if docker.problem:
        terminal.note(f"{terminal.mark('failure')} {docker.path}: {docker.problem}")
    ways = _ways(docker, rules, list(cached))
    store = f", credsStore {docker.creds_store}" if docker.creds_store else ""
    terminal.say(f"Docker:    {_place(docker.path)}{store}")
    terminal.say(f"Settings:  {_place(settings_file(os.environ))}")
    terminal.say(f"Cache:     {_cache(cache.records.folder)}")
    terminal.say()
    rows = []
    for host, way in sorted(ways.items()):
        rule, identity = _identity(host, rules)
        rows.append((host, way, rule, *cached.get(host, (identity, "-"))))
    if rows:
        terminal.table(HEAD, rows)
        for host, login in cache.logins(now).items():
            left = inventory.left(login.expires_at - now)
            terminal.say()
            terminal.say(f"{host}: a stored docker login overrides your AWS identity for {left}")
            terminal.say(f"To remove it, run: {PROG} cache clear {host}")
    elif not docker.problem and docker.creds_store != OURS:
        terminal.say(
            "Docker asks here for no registry yet; to begin: docker-credential-ecr-py configure HOST"
        )
    return 0 if is_right else 1


def _ways(docker: DockerConfig, rules: "Settings | None", cached: list[str]) -> dict[str, str]:
    """Return host -> what in Docker's configuration leads it here, of all hosts that something tells of."""
    named = docker.helpers
    hosts = docker.ours() | {*cached, *(rules.hosts() if rules else ())}
    other = "credsStore" if docker.creds_store == OURS else "-"
    return {
        host: "credHelpers" if named.get(host) == OURS else f"no: {named[host]}" if named.get(host) else other
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
    return rule.pattern or "-", inventory.in_words(rule.profile, rule.role_arn, os.environ)


def _place(path: str | None) -> str:
    return f"{path}{'' if path and os.path.lexists(path) else ' (not there)'}" if path else "none"


def _cache(directory: str) -> str:
    why = inventory.why_unused(directory)
    return f"{directory} is not used: {why}; {inventory.AS_ROOT}" if why else directory or "none"
