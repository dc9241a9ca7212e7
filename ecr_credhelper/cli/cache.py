"""``cache``: what is cached, and ``cache clear``: forget it."""

import glob
import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecr_credhelper.cache import open_cache
from ecr_credhelper.cli import inventory
from ecr_credhelper.cli.options import add_hosts, known_hosts
from ecr_credhelper.console.durations import format_duration
from ecr_credhelper.errors import PROG, ConfigurationError, UnsupportedRegistryError
from ecr_credhelper.files import is_private
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.registry import authority_of, parse
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.cache import Cache
    from ecr_credhelper.console.terminal import Terminal

ACTIONS = ("show", "clear")
HEAD = ("REGISTRY", "REGION", "AS", "AGE", "EXPIRES IN", "")
AWS_CACHE = "~/.aws/cli/cache"
FORGOTTEN = ("tokens", "routes", "failures", "claims")
"""Kinds of records that AWS can give again; logins that a person gave are not among them."""


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take what to do, and a registry."""
    action = parser.add_argument("action", nargs="?", metavar="|".join(ACTIONS), default="show")
    action.help = "default: show"
    action.completer = lambda **_: [*ACTIONS, *known_hosts()]  # type: ignore[attr-defined] # argcomplete's way
    add_hosts(parser, "?", "the one registry to show or to forget, with a login that was given for it")


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show or clear."""
    if options.action not in ACTIONS:
        options.action, options.host = "show", options.action
    cache = open_cache(os.environ)
    if not cache.store.directory:
        terminal.print("There is no cache: it is switched off, or this machine has no place for one.")
        return 0
    host = _host(options.host) if options.host else ""
    (_clear if options.action == "clear" else _show)(cache, host, terminal)
    return 0


def _host(server: str) -> str:
    """Return the name under which a registry is cached."""
    registry = parse(server) or load_settings(os.environ).registry(server)
    if registry is None:
        reason = "not an Amazon ECR registry, so nothing of it is cached"
        raise UnsupportedRegistryError(authority_of(server) or "the given registry", reason, "check the name")
    return registry.host


def _show(cache: "Cache", host: str, terminal: "Terminal") -> None:
    now = time.time()
    entries = inventory.entries(cache, fingerprint(os.environ).route, now)
    rows = [
        (
            entry.host,
            entry.region,
            entry.identity,
            format_duration(now - entry.token.fetched_at),
            format_duration(entry.token.expires_at - now),
            "" if entry.is_current else "not for the present identity",
        )
        for entry in entries
        if host in {"", entry.host}
    ]
    if rows:
        terminal.table(HEAD, [*dict.fromkeys(rows)])  # an environment may differ in what is not shown
    else:
        terminal.print(f"Nothing is cached{f' for {host}' if host else ''} in {cache.store.directory}.")


def _clear(cache: "Cache", host: str, terminal: "Terminal") -> None:
    if host:
        cache.forget(host)
        _look_again(cache, host)
        terminal.print(f"{host}: forgotten.")
        _warn_of_aws_cache(terminal)
        return
    for kind in FORGOTTEN:
        for name in cache.store.names(kind):
            cache.store.discard(kind, name)
    _look_again(cache, "")
    terminal.print(f"All tokens in {cache.store.directory} are forgotten.")
    for given in cache.logins(time.time()):
        terminal.print(
            f"The login that was given for {given} stays; to forget it: {PROG} cache clear {given}"
        )
    _warn_of_aws_cache(terminal)


def _warn_of_aws_cache(terminal: "Terminal") -> None:
    """Warn that the next fetch uses temporary credentials that the AWS CLI's cache still has."""
    count = sum(map(_is_valid, glob.glob(os.path.join(os.path.expanduser(AWS_CACHE), "*.json"))))
    if count:
        terminal.warn(f"{AWS_CACHE} still has temporary AWS credentials ({count}), which the next get uses.")
        terminal.warn("To use SSO as another user, run: aws sso logout")
        terminal.warn(f"To assume a role with other credentials, delete its file in {AWS_CACHE}.")


def _is_valid(path: str) -> bool:
    """Return whether a file of the AWS CLI's cache has credentials that have not expired."""
    try:
        with open(path, "rb") as file:
            expiration = json.load(file)["Credentials"]["Expiration"]
        return datetime.fromisoformat(expiration.replace("UTC", "Z")) > datetime.now(UTC)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False


def _look_again(cache: "Cache", host: str) -> None:
    """Raise ConfigurationError where something is left: who discards is not told."""
    directory = cache.store.directory
    hosts = {*cache.logins(time.time()), *(one for _, one, _, _ in cache.routes())}
    is_left = host in hosts if host else any(map(cache.store.names, FORGOTTEN))
    if is_left or (os.path.lexists(directory) and not is_private(directory)):
        raise ConfigurationError(directory, "what is in it cannot be removed", "check its owner and mode")
