"""Collect the data of ``status`` as the JSON object of ``docs/reference/json.md``, without calling AWS."""

import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.cache import open_cache
from ecr_credhelper.cli import inventory
from ecr_credhelper.cli.identities import Identities, broken_files
from ecr_credhelper.console.wording import counted, format_duration, utc_time, why_unused
from ecr_credhelper.docker.config import HELPER_SUFFIX, containers_files, docker_config, read
from ecr_credhelper.docker.file_problems import ineffective_entries, other_store, problem_of
from ecr_credhelper.docker.programs import is_this_helper
from ecr_credhelper.docker.registries_conf import credential_helpers
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.fingerprint import fingerprint
from ecr_credhelper.paths import has_settings, settings_file
from ecr_credhelper.registry import Registry, parse
from ecr_credhelper.settings.loader import CHECK_HINT, HINT, load_settings

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
        self._utc_time = cache(utc_time)  # a thousand registries can share a token
        self._is_ours = cache(partial(is_this_helper, environ=environ))  # it searches PATH
        self._docker = docker_config(environ)
        own_hosts = self._docker.hosts_of_this_helper(environ)
        self._docker_hosts = own_hosts - set(self._docker.unmatched_keys())
        self._podman = [file for file in map(read, containers_files(environ)) if _is_used(file)]
        self._podman_hosts = {host for file in self._podman for host in file.hosts_of_this_helper(environ)}
        self._podman_helpers = credential_helpers(environ)
        self._podman_asks_us = any(map(self._is_ours, self._podman_helpers.names))
        self._problems: dict[Problem, None] = {}
        self._settings = self._load_settings()
        self._reported_rules: set[str] = set()
        self._add(*self._file_problems(), *self._settings_problems())
        self._identities = Identities(environ)
        found = inventory.entries(self._cache, fingerprint(environ).full, now, only_current=True)
        self._cached = {entry.host: entry for entry in found}

    def content(self) -> dict[str, Any]:
        """Return the JSON object."""
        rows = self._rows()
        self._add(*_broken_files(self._environ), *_profile_problems(self._identities))
        self._add(*_stored_logins(self._cache, self._now))
        return {
            "version": VERSION,
            **self._files(),
            "registries": rows,
            "problems": [problem._asdict() for problem in self._problems],
        }

    def _files(self) -> dict[str, Any]:
        file, directory = settings_file(self._environ), self._cache.store.directory
        podman_files = [file.path for file in self._podman]
        if self._podman_asks_us:
            podman_files.append(self._podman_helpers.path)
        tokens = {id(entry.token) for entry in self._cached.values() if entry.identity != inventory.STORED}
        return {
            "docker": {
                "file": self._docker.path,
                "exists": os.path.lexists(self._docker.path),
                "creds_store": self._docker.creds_store or None,
                "registries": len(self._docker_hosts),
                "handles_all": self._is_ours(self._docker.creds_store),
            },
            "podman": {
                "files": podman_files,
                "reads_docker_file": not self._environ.get("REGISTRY_AUTH_FILE"),
                "registries": len(self._podman_hosts),
                "handles_all": self._podman_asks_us,
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
        asks_us = self._podman_asks_us
        hosts = self._docker_hosts | self._podman_hosts | set(self._cached)
        hosts |= set(self._settings.hosts()) if self._settings else set()
        return [
            {
                "host": host,
                "docker_helper": self._shown_helper(docker_helpers.get(host, creds_store)),
                "podman_helper": HELPER_SUFFIX if asks_us or host in self._podman_hosts else None,
                **self._identity(host),
                "token": self._token(host),
            }
            for host in sorted(hosts)
        ]

    def _shown_helper(self, suffix: str) -> str | None:
        """Return the suffix of a helper, which is that of this helper for a link to it."""
        return HELPER_SUFFIX if self._is_ours(suffix) else suffix or None

    def _identity(self, host: str) -> dict[str, Any]:
        """Return the rule of a registry, and the identity and profile that it selects."""
        entry = self._cached.get(host)
        shown: dict[str, Any] = {"rule": None, "profile": None, "identity": entry.identity if entry else None}
        if self._settings is None or (entry and not self._settings.has_rules):
            return shown
        registry = parse(host) or Registry(host)
        try:
            rule = self._settings.rule(registry)
        except CredentialHelperError:  # _settings_problems() reports it.
            return shown
        identity, profile, unresolved = self._identities.describe(rule, registry)
        if unresolved and rule.pattern not in self._reported_rules:
            subject = f'registry."{rule.pattern}"'
            self._add(Problem(WARNING, subject, unresolved.reason, unresolved.hint))
        if not entry or entry.identity != inventory.STORED:
            shown["identity"] = identity
        return {**shown, "rule": rule.pattern or None, "profile": profile or None}

    def _token(self, host: str) -> dict[str, Any] | None:
        if not (entry := self._cached.get(host)):
            return None
        return {
            "fetched_at": self._utc_time(entry.token.fetched_at),
            "expires_at": self._utc_time(entry.token.expires_at),
            "expires_in": int(entry.token.expires_at - self._now),
            "is_stored_login": entry.identity == inventory.STORED,
        }

    def _load_settings(self) -> "Settings | None":
        try:
            return load_settings(self._environ)
        except CredentialHelperError:  # _settings_problems() reports it.
            return None

    def _file_problems(self) -> "Iterator[Problem]":
        """Yield the problems of the files of Docker and podman."""
        for file in (self._docker, *self._podman):
            if text := problem_of(file):
                yield Problem(FAILURE if file.problem else WARNING, file.path, text, "correct it")
            for problem in ineffective_entries(file):
                yield Problem(WARNING, file.path, *problem)
        if self._podman_helpers.problem:
            yield Problem(WARNING, self._podman_helpers.path, self._podman_helpers.problem, "correct it")
        if store := other_store(self._docker, self._fallback(), self._environ):
            yield Problem(WARNING, self._docker.path, *store)

    def _fallback(self) -> str:
        try:
            return self._settings.fallback() if self._settings else ""
        except CredentialHelperError:  # _settings_problems() reports it.
            return ""

    def _settings_problems(self) -> "Iterator[Problem]":
        """Yield the problem of the settings file, or how many it has."""
        if not has_settings(self._environ):
            return
        from ecr_credhelper.cli.settings_file import read
        from ecr_credhelper.settings.validation import dotted

        file = read(self._environ)
        settings = {problem.setting for problem in file.problems}
        self._reported_rules = {
            rule.pattern
            for rule in (self._settings.rules if self._settings else ())
            if dotted(("registry", rule.pattern, "profile")) in settings
        }
        severity = WARNING if file.is_valid else FAILURE
        if len(file.problems) > 1:
            yield Problem(severity, file.path, counted(len(file.problems), "problem"), CHECK_HINT)
        else:
            yield from (Problem(severity, file.path, str(problem), HINT) for problem in file.problems)

    def _add(self, *problems: Problem) -> None:
        """Add problems. Several registries can have the same one."""
        self._problems.update(dict.fromkeys(problems))


def _is_used(file: "DockerConfig") -> bool:
    """Return whether podman reads a file. The one in ``/run`` can belong to another user."""
    return bool(file.content) or (bool(file.problem) and os.access(file.path, os.R_OK))


def _broken_files(environ: "Mapping[str, str]") -> "Iterator[Problem]":
    for path in broken_files(environ):
        yield Problem(
            WARNING, path, "AWS SDKs cannot parse this file", f"to find the line, run: {PROG} doctor"
        )


def _profile_problems(identities: Identities) -> "Iterator[Problem]":
    for place, text, hint in identities.missing_profiles():
        yield Problem(WARNING, place, text, hint)


def _stored_logins(cache: "Cache", now: float) -> "Iterator[Problem]":
    for host, login in cache.logins(now).items():
        remaining = format_duration(login.expires_at - now)
        text = f"a stored docker login overrides your AWS identity for {remaining}"
        yield Problem(WARNING, host, text, f"to remove it, run: {PROG} cache clear {host}")
