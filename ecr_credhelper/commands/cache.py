"""``cache``: what is cached, and ``cache clear``: forget it."""

import glob
import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecr_credhelper import inventory, settings
from ecr_credhelper.cache import open_cache
from ecr_credhelper.commands.arguments import add_hosts, known_hosts
from ecr_credhelper.docker_config import PROG
from ecr_credhelper.errors import ConfigurationError, UnsupportedRegistryError
from ecr_credhelper.files import is_private
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.registry import authority_of, parse

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.cache import Cache
    from ecr_credhelper.terminal import Terminal

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
    if not cache.records.folder:
        terminal.say("There is no cache: it is switched off, or this machine has no place for one.")
        return 0
    host = _host(options.host) if options.host else ""
    (_clear if options.action == "clear" else _show)(cache, host, terminal)
    return 0


def _host(server: str) -> str:
    """Return the name under which a registry is cached."""
    registry = parse(server) or settings.load(os.environ).registry(server)
    if registry is None:
        cause = "not an Amazon ECR registry, so nothing of it is cached"
        raise UnsupportedRegistryError(authority_of(server) or "the given registry", cause, "check the name")
    return registry.host


def _show(cache: "Cache", host: str, terminal: "Terminal") -> None:
    now = time.time()
    entries = inventory.entries(cache, fingerprint(os.environ).route, now)
    rows = [
        (
            entry.host,
            entry.region,
            entry.identity,
            inventory.left(now - entry.token.fetched_at),
            inventory.left(entry.token.expires_at - now),
            "" if entry.is_current else "not for the present identity",
        )
        for entry in entries
        if host in {"", entry.host}
    ]
    if rows:
        terminal.table(HEAD, [*dict.fromkeys(rows)])  # an environment may differ in what is not shown
    else:
        terminal.say(f"Nothing is cached{f' for {host}' if host else ''} in {cache.records.folder}.")


def _clear(cache: "Cache", host: str, terminal: "Terminal") -> None:
    if host:
        cache.forget(host)
        _look_again(cache, host)
        terminal.say(f"{host}: forgotten.")
        _warn_of_aws_cache(terminal)
        return
    for kind in FORGOTTEN:
        for name in cache.records.names(kind):
            cache.records.discard(kind, name)
    _look_again(cache, "")
    terminal.say(f"All tokens in {cache.records.folder} are forgotten.")
    for given in cache.logins(time.time()):
        terminal.say(f"The login that was given for {given} stays; to forget it: {PROG} cache clear {given}")
    _warn_of_aws_cache(terminal)


def _warn_of_aws_cache(terminal: "Terminal") -> None:
    """Warn that the next fetch uses temporary credentials that the AWS CLI's cache still has."""
    count = sum(map(_is_valid, glob.glob(os.path.join(os.path.expanduser(AWS_CACHE), "*.json"))))
    if count:
        terminal.note(f"{AWS_CACHE} still has temporary AWS credentials ({count}), which the next get uses.")
        terminal.note("To use SSO as another user, run: aws sso logout")
        terminal.note(f"To assume a role with other credentials, delete its file in {AWS_CACHE}.")


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
    folder = cache.records.folder
    hosts = {*cache.logins(time.time()), *(one for _, one, _, _ in cache.routes())}
    is_left = host in hosts if host else any(map(cache.records.names, FORGOTTEN))
    if is_left or (os.path.lexists(folder) and not is_private(folder)):
        raise ConfigurationError(folder, "what is in it cannot be removed", "check its owner and mode")
