"""``cache``: list cached tokens, or remove them with ``cache clear``."""

import glob
import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ecr_credhelper.cache import open_cache
from ecr_credhelper.cli import inventory
from ecr_credhelper.cli.arguments import CACHE_ACTIONS
from ecr_credhelper.console.wording import counted, format_duration, similar, utc_time
from ecr_credhelper.errors import PROG, ConfigurationError, CredentialHelperError, UnsupportedRegistryError
from ecr_credhelper.files import is_private, is_special
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.library.host_errors import CUSTOM_HOST_HINT, NOT_ECR, shown_name
from ecr_credhelper.registry import parse
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.cache import Cache
    from ecr_credhelper.console.terminal import Terminal

VERSION = 1
"""Version of the ``--json`` output. It changes only if programs that read the output must change."""

COLUMNS = ("REGISTRY", "IDENTITY", "EXPIRES IN", "NOTE")
SHORTENED = ("IDENTITY",)
MAX_HOSTS = 3
"""Limits how many registries with the same token are listed."""

AWS_CACHE = "~/.aws/cli/cache"
SYNONYMS = {
    "list": "show",
    "ls": "show",
    "remove": "clear",
    "rm": "clear",
    "delete": "clear",
    "prune": "clear",
}
"""Actions of other programs, and their names in this one."""

CLEARED = ("tokens", "routes", "own-registries", "failures", "claims")
"""Kinds of records that ``clear`` removes. Stored docker logins stay, because AWS cannot issue them again."""


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show or clear the cache; return 2 for a wrong command line."""
    if options.action not in CACHE_ACTIONS:
        if not _looks_like_registry(options.action) or options.host:
            hint = _suggestion(options.action)
            error = CredentialHelperError(f"{PROG} cache", f"unknown action {options.action!r}", hint)
            terminal.warn(str(error))
            return 2
        options.action, options.host = "show", options.action
    if options.json and options.action == "clear":
        error = CredentialHelperError(f"{PROG} cache", "clear has no --json", f"run: {PROG} cache clear")
        terminal.warn(str(error))
        return 2
    cache = open_cache(os.environ)
    host = _host(options.host) if options.host else ""
    if options.json:
        terminal.write_raw(json.dumps(_content(cache, host), indent=2))
    elif not cache.store.directory:
        terminal.print("No cache: AWS_ECR_DISABLE_CACHE is set, or no cache directory is available.")
    else:
        (_clear if options.action == "clear" else _show)(cache, host, terminal)
    return 0


def _looks_like_registry(text: str) -> bool:
    """Return whether a word is a host or an image, and not an action."""
    return any(mark in text for mark in ".:/") or text in load_settings(os.environ).hosts()


def _suggestion(action: str) -> str:
    found = similar(action, [*CACHE_ACTIONS, *SYNONYMS])
    if not found:
        return f"use {' or '.join(CACHE_ACTIONS)}, or specify a registry host"
    return f"did you mean {SYNONYMS.get(found, found)}?"


def _host(server: str) -> str:
    """Return the host under which the tokens of a registry are cached."""
    registry = parse(server) or load_settings(os.environ).registry(server)
    if registry is None:
        raise UnsupportedRegistryError(shown_name(server), NOT_ECR, CUSTOM_HOST_HINT)
    return registry.host


def _show(cache: "Cache", host: str, terminal: "Terminal") -> None:
    now = time.time()
    rows = [
        (
            entry.host,
            entry.identity,
            format_duration(entry.token.expires_at - now),
            _note(entry),
        )
        for entry in _entries(cache, host, now)
    ]
    if not rows:
        directory = terminal.short_path(cache.store.directory)
        terminal.print(f"No cached tokens{f' for {host}' if host else ''} in {directory}.")
        return
    count = len(COLUMNS) if any(note for *_, note in rows) else len(COLUMNS) - 1
    # Two entries can differ only in details that no column shows.
    terminal.table(COLUMNS[:count], [row[:count] for row in dict.fromkeys(rows)], SHORTENED)


def _note(entry: inventory.Entry) -> str:
    """Return why ``get`` does not serve a login, or an empty string."""
    if entry.is_current:
        return ""
    return "overridden by docker login" if entry.is_overridden else "other identity"


def _entries(cache: "Cache", host: str, now: float) -> list[inventory.Entry]:
    found = inventory.entries(cache, fingerprint(os.environ).full, now)
    return [entry for entry in found if host in {"", entry.host}]


def _content(cache: "Cache", host: str) -> dict[str, object]:
    """Return the JSON object of ``docs/reference/json.md``."""
    now = time.time()
    return {
        "version": VERSION,
        "directory": cache.store.directory or None,
        "entries": [
            {
                "host": entry.host,
                "region": entry.region or None,
                "identity": entry.identity,
                "fetched_at": utc_time(entry.token.fetched_at),
                "expires_at": utc_time(entry.token.expires_at),
                "expires_in": int(entry.token.expires_at - now),
                "is_current": entry.is_current,
                "is_stored_login": entry.identity == inventory.STORED,
            }
            for entry in _entries(cache, host, now)
        ],
    }


def _clear(cache: "Cache", host: str, terminal: "Terminal") -> None:
    if host:
        routes = [*cache.routes()]
        keys = {key for _, routed_host, _, key in routes if routed_host == host}
        others = sorted({other for _, other, _, key in routes if key in keys} - {host})
        was_cached = bool(keys or cache.login(host, time.time()))
        cache.forget(host)
        _raise_if_not_cleared(cache, host)
        terminal.print(f"{'Removed all' if was_cached else 'No'} cached logins for {host}.")
        if others:
            hosts = others if len(others) <= MAX_HOSTS else [f"{len(others)} other registries"]
            terminal.print(f"The token was also used for {', '.join(hosts)}.")
    else:
        token_count = len(cache.store.names("tokens"))
        for kind in CLEARED:
            for name in cache.store.names(kind):
                cache.store.discard(kind, name)
        _raise_if_not_cleared(cache, "")
        terminal.print(f"Removed {counted(token_count, 'cached token')}.")
        for login in cache.logins(time.time()):
            terminal.print(f"Kept the stored docker login for {login}.")
            terminal.print(f"To remove it, run: {PROG} cache clear {login}")
    _warn_of_aws_cache(terminal)


def _warn_of_aws_cache(terminal: "Terminal") -> None:
    """Warn if the AWS CLI's cache contains temporary credentials that the next fetch will use."""
    count = sum(map(_is_valid, glob.glob(os.path.join(os.path.expanduser(AWS_CACHE), "*.json"))))
    if count:
        terminal.warn(f"{AWS_CACHE} still has temporary AWS credentials ({count}), which the next get uses.")
        terminal.warn("To use SSO as another user, run: aws sso logout")
        terminal.warn(f"To assume a role with other credentials, delete its file in {AWS_CACHE}.")


def _is_valid(path: str) -> bool:
    """Return whether a file of the AWS CLI's cache contains credentials that have not expired."""
    if is_special(path):
        return False
    try:
        with open(path, "rb") as file:
            expiration = json.load(file)["Credentials"]["Expiration"]
        return datetime.fromisoformat(expiration.replace("UTC", "Z")) > datetime.now(UTC)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False


def _raise_if_not_cleared(cache: "Cache", host: str) -> None:
    """Raise ConfigurationError if entries remain, because the cache itself ignores such errors."""
    directory = cache.store.directory
    hosts = {*cache.logins(time.time()), *(route_host for _, route_host, _, _ in cache.routes())}
    remains = host in hosts if host else any(map(cache.store.names, CLEARED))
    if remains or (os.path.lexists(directory) and not is_private(directory)):
        raise ConfigurationError(directory, "its entries cannot be removed", "check its owner and mode")
