"""``status``: show the configuration and the cached tokens, without network access."""

import os
import time
from typing import TYPE_CHECKING

from ecr_credhelper.cache import open_cache
from ecr_credhelper.cli import inventory
from ecr_credhelper.console.wording import AS_ROOT, format_duration, why_unused
from ecr_credhelper.docker.config import HELPER_SUFFIX, docker_config
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.paths import settings_file
from ecr_credhelper.registry import Registry, parse
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from ecr_credhelper.console.terminal import Terminal
    from ecr_credhelper.settings.loader import Settings

COLUMNS = ("REGISTRY", "VIA", "RULE", "IDENTITY", "TOKEN")


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:  # noqa: ARG001 - it has none
    """Show files, registries, rules, identities and tokens; return 1 if a file is invalid."""
    environ = dict(os.environ)  # faster than os.environ, which encodes every name
    docker, cache, now = docker_config(environ), open_cache(environ), time.time()
    cached = {
        entry.host: (entry.identity, format_duration(entry.token.expires_at - now))
        for entry in inventory.entries(cache, fingerprint(environ).full, now, only_current=True)
    }
    settings: Settings | None = None
    is_valid = not docker.problem
    try:
        settings = load_settings(environ)
        settings.fallback()  # This validates the settings that concern all registries.
    except CredentialHelperError as error:
        terminal.warn(f"{terminal.mark('failure')} {error}")
        is_valid = False
    if docker.problem:
        terminal.warn(f"{terminal.mark('failure')} {docker.path}: {docker.problem}")
    store = f", credsStore {docker.creds_store}" if docker.creds_store else ""
    directory = cache.store.directory
    reason = why_unused(directory)
    terminal.print(f"Docker    {_found(docker.path)}{store}")
    terminal.print(f"Settings  {_found(settings_file(environ))}")
    terminal.print(
        f"Cache     {f'{directory} is not used: {reason}; {AS_ROOT}' if reason else directory or 'none'}"
    )
    terminal.print()
    hosts = docker.hosts_of_this_helper() | {*cached, *(settings.hosts() if settings else ())}
    helpers = docker.helpers
    rows = []
    for host in sorted(hosts):
        rule, identity = "-", ""
        if host not in cached or settings is None or settings.has_rules:
            rule, identity = _rule_and_identity(host, settings, environ)
        via = _via(helpers.get(host, ""), docker.creds_store)
        rows.append((host, via, rule, *cached.get(host, (identity, "none"))))
    if rows:
        terminal.table(COLUMNS, rows)
        for host, login in cache.logins(now).items():
            remaining = format_duration(login.expires_at - now)
            terminal.print()
            terminal.print(f"{host}: a stored docker login overrides your AWS identity for {remaining}")
            terminal.print(f"To remove it, run: {PROG} cache clear {host}")
    elif not docker.problem and docker.creds_store != HELPER_SUFFIX:
        terminal.print(f"No registries configured yet. Run: {PROG} configure HOST")
    return 0 if is_valid else 1


def _via(helper: str, creds_store: str) -> str:
    """Return which entry of Docker's configuration selects this helper for a registry, if any."""
    if helper:
        return "credHelpers" if helper == HELPER_SUFFIX else f"{helper} instead"
    return "credsStore" if creds_store == HELPER_SUFFIX else "-"


def _rule_and_identity(
    host: str, settings: "Settings | None", environ: "Mapping[str, str]"
) -> tuple[str, str]:
    """Return the pattern of the rule for a registry, and the identity that it selects."""
    if settings is None:
        return "?", "?"
    try:
        rule = settings.rule(parse(host) or Registry(host))
    except CredentialHelperError:
        return "invalid", "?"
    return rule.pattern or "-", inventory.describe_identity(rule.profile, rule.role_arn, environ)


def _found(path: str | None) -> str:
    """Return a path with a note if the file does not exist."""
    return path if path and os.path.lexists(path) else f"{path} (not found)" if path else "none"
