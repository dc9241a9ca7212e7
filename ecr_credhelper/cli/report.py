"""What ``status`` shows, as the JSON object of ``docs/reference/json.md``. Nothing here calls AWS."""

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.cache import open_cache
from ecr_credhelper.cli import inventory
from ecr_credhelper.cli.identities import Identities
from ecr_credhelper.console.wording import format_duration, utc_time, why_unused
from ecr_credhelper.docker.config import HELPER_SUFFIX, containers_files, docker_config, read
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.paths import settings_file
from ecr_credhelper.registry import Registry, parse
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecr_credhelper.cache import Cache
    from ecr_credhelper.docker.config import DockerConfig
    from ecr_credhelper.settings.loader import Settings

VERSION = 1
"""Version of the ``--json`` output. It changes only if programs that read the output must change."""

FAILURE, WARNING = "failure", "warning"
"""Severities of a problem. With a failure, a file is invalid and the exit status is 1."""


class Problem(NamedTuple):
    """Something that the user should know or correct."""

    severity: str
    subject: str
    text: str
    hint: str = ""


class Report:
    """The files, registries and problems of an environment. ``now`` is in seconds since the epoch."""

    def __init__(self, environ: "Mapping[str, str]", now: float) -> None:
        self._environ = environ
        self._now = now
        self._cache = open_cache(environ)
        self._docker = docker_config(environ)
        unmatched = self._docker.unmatched_keys()
        self._docker_hosts = self._docker.hosts_of_this_helper() - set(unmatched)
        self._podman = [file for file in map(read, containers_files(environ)) if _is_used(file)]
        self._problems = dict.fromkeys(_file_problems(self._docker, unmatched, self._podman))
        self._settings = self._load_settings()
        self._identities = Identities(environ)
        found = inventory.entries(self._cache, fingerprint(environ).full, now, only_current=True)
        self._cached = {entry.host: entry for entry in found}

    def content(self) -> dict[str, Any]:
        """Return the JSON object."""
        rows = self._rows()
        self._add(*_profile_problems(self._identities, self._settings))
        self._add(*_stored_logins(self._cache, self._now))
        return {
            "version": VERSION,
            **self._files(),
            "registries": rows,
            "problems": [problem._asdict() for problem in self._problems],
        }

    def _files(self) -> dict[str, Any]:
        file, directory = settings_file(self._environ), self._cache.store.directory
        tokens = {id(entry.token) for entry in self._cached.values() if entry.identity != inventory.STORED}
        return {
            "docker": {
                "file": self._docker.path,
                "exists": os.path.lexists(self._docker.path),
                "creds_store": self._docker.creds_store or None,
                "registries": len(self._docker_hosts),
            },
            "podman": {
                "files": [file.path for file in self._podman],
                "reads_docker_file": not self._environ.get("REGISTRY_AUTH_FILE"),
                "registries": len(_hosts_of_this_helper(self._podman)),
            },
            "settings": {
                "file": file,
                "exists": os.path.lexists(file or ""),
                "rules": len(self._settings.rules) if self._settings else None,
            },
            "cache": {
                "directory": directory or None,
                "unused_reason": (why_unused(directory) or None) if directory else None,
                "tokens": len(tokens),
            },
        }

    def _rows(self) -> list[dict[str, Any]]:
        docker_helpers, creds_store = self._docker.helpers, self._docker.creds_store
        podman_hosts = _hosts_of_this_helper(self._podman)
        hosts = self._docker_hosts | podman_hosts | set(self._cached)
        hosts |= set(self._settings.hosts()) if self._settings else set()
        return [
            {
                "host": host,
                "docker_helper": docker_helpers.get(host, creds_store) or None,
                "podman_helper": HELPER_SUFFIX if host in podman_hosts else None,
                **self._identity(host),
                "token": self._token(host),
            }
            for host in sorted(hosts)
        ]

    def _identity(self, host: str) -> dict[str, Any]:
        """Return the rule of a registry, and the identity and profile that it selects."""
        entry = self._cached.get(host)
        shown: dict[str, Any] = {"rule": None, "profile": None, "identity": entry.identity if entry else None}
        if self._settings is None or (entry and not self._settings.has_rules):
            return shown
        registry = parse(host) or Registry(host)
        try:
            rule = self._settings.rule(registry)
        except CredentialHelperError as error:
            self._add(Problem(FAILURE, error.subject, error.reason, error.hint))
            return shown
        identity, profile, unresolved = self._identities.describe(rule, registry)
        if unresolved:
            subject = f"registry.{rule.pattern}"
            self._add(Problem(WARNING, subject, unresolved.reason, unresolved.hint))
        if not entry or entry.identity != inventory.STORED:
            shown["identity"] = identity
        return {**shown, "rule": rule.pattern or None, "profile": profile or None}

    def _token(self, host: str) -> dict[str, Any] | None:
        if not (entry := self._cached.get(host)):
            return None
        return {
            "fetched_at": utc_time(entry.token.fetched_at),
            "expires_at": utc_time(entry.token.expires_at),
            "expires_in": int(entry.token.expires_at - self._now),
            "is_stored_login": entry.identity == inventory.STORED,
        }

    def _load_settings(self) -> "Settings | None":
        settings = None
        try:
            settings = load_settings(self._environ)
            settings.fallback()  # This validates the settings that concern all registries.
        except CredentialHelperError as error:
            self._add(Problem(FAILURE, error.subject, error.reason, error.hint))
        return settings

    def _add(self, *problems: Problem) -> None:
        """Add problems. Several registries can have the same one."""
        self._problems.update(dict.fromkeys(problems))


def _is_used(file: "DockerConfig") -> bool:
    """Return whether podman reads a file. The one in ``/run`` can belong to another user."""
    return bool(file.content) or (bool(file.problem) and os.access(file.path, os.R_OK))


def _hosts_of_this_helper(files: "list[DockerConfig]") -> set[str]:
    return {host for file in files for host in file.hosts_of_this_helper()}


def _file_problems(
    docker: "DockerConfig", unmatched: dict[str, str], podman: "list[DockerConfig]"
) -> "Iterator[Problem]":
    for file in (docker, *podman):
        if file.problem:
            yield Problem(FAILURE, file.path, file.problem)
    for key, correct in sorted(unmatched.items()):
        hint = f'write "{correct}"' if correct else "for all registries, use configure --creds-store"
        yield Problem(WARNING, docker.path, f'Docker never matches the key "{key}" in credHelpers', hint)


def _profile_problems(identities: Identities, settings: "Settings | None") -> "Iterator[Problem]":
    for place, text, hint in identities.missing_profiles(settings):
        yield Problem(WARNING, place, text, hint)


def _stored_logins(cache: "Cache", now: float) -> "Iterator[Problem]":
    for host, login in cache.logins(now).items():
        remaining = format_duration(login.expires_at - now)
        text = f"a stored docker login overrides your AWS identity for {remaining}"
        yield Problem(WARNING, host, text, f"to remove it, run: {PROG} cache clear {host}")
