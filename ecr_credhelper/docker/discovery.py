"""Find the user's registries in the files of Docker and podman, settings, AWS profiles and local images."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.aws.profiles import (
    CONFIG,
    CREDENTIALS,
    accounts_of,
    load_profiles,
    missing_profile,
    region_of,
    selected_profile,
    wrong_accounts,
)
from ecr_credhelper.aws.redaction import useful_line
from ecr_credhelper.docker.config import AMAZON_SUFFIX, HELPER_SUFFIX, containers_files, docker_config, read
from ecr_credhelper.docker.programs import which
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.fingerprint import configuration_files
from ecr_credhelper.paths import settings_file
from ecr_credhelper.registry import Registry, authority_of, parse, private_host

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecr_credhelper.docker.config import DockerConfig
    from ecr_credhelper.settings.loader import Settings

ENGINES = ("docker", "podman")

ENGINE_TIMEOUT = 5
"""Limits how long the engines can take to list their images, in seconds. They run at the same time."""

NOISE = re.compile(r"\s*(warning|time=.* level=warn|see '|run ')", re.IGNORECASE)
"""Lines of an engine beside its error: warnings, for example of its configuration, and references to help."""


class Candidate(NamedTuple):
    """A registry that was found.

    ``sources`` are in the order of the search: ``ecr-login``, ``ecr-py`` (already configured),
    ``docker login``, ``ecr-login (podman)``, ``ecr-py (podman)``, ``podman login``, ``settings``,
    ``AWS profile``, ``docker images``, ``podman images``. ``profiles`` are the AWS profiles in the registry's
    account and region, or if there are none, all in its account: the selected one, then ``default``, then the
    others in the order of the files. Without any, the registry gets the default identity.
    """

    host: str
    sources: tuple[str, ...]
    profiles: tuple[str, ...]


class Search(NamedTuple):
    """The result of a search.

    ``searched`` has the paths of the files, and the engines that listed their images. It is never empty.
    ``problems`` is what could not be read and why. ``accounts_without_region`` has the names and accounts of
    the profiles that lead to no candidate because they have no region, and neither has the environment.
    """

    candidates: list[Candidate]
    searched: list[str]
    problems: list[str]
    accounts_without_region: list[tuple[str, str]]


def search(environ: "Mapping[str, str]", settings: "Settings") -> Search:
    """Find registries, in the order of the sources. A source that cannot be read does not stop the search."""
    found = _Found(settings)
    programs = {engine: path for engine in ENGINES if (path := which(engine, environ))}
    with ThreadPoolExecutor(len(ENGINES)) as pool:
        images = pool.map(_list_images, programs.values())  # They are listed while the files are read.
        _search_clients(found, environ)
        _search_settings(found, settings, environ)
        _search_profiles(found, environ)
    for engine, (servers, problem) in zip(programs, images, strict=True):
        source = f"{engine} images"
        found.searched += [] if problem else [source]
        found.problems += [f"{source}: {problem}"] if problem else []
        found.add(source, *servers)
    return found.result()


class _Found:
    """The findings so far. ``profiles`` has the AWS profiles of each account, with the host of each one."""

    def __init__(self, settings: "Settings") -> None:
        self._settings = settings
        self._registries: dict[str, Registry] = {}
        self._sources: dict[str, list[str]] = {}
        self.profiles: dict[str, list[tuple[str, str]]] = {}
        self.accounts_without_region: list[tuple[str, str]] = []
        self.searched: list[str] = []
        self.problems: list[str] = []

    def add(self, source: str, *servers: str) -> None:
        """Add those of the servers that are registries."""
        for server in servers:
            host = authority_of(server)
            try:
                registry = (parse(host) or self._settings.registry(host)) if host else None
            except ConfigurationError as error:  # the rule of a custom host
                self.problems.append(str(error))
                continue
            if host and registry:
                self._registries[host] = registry
                self._sources.setdefault(host, []).append(source)

    def result(self) -> Search:
        """Return the registries with their sources and profiles, without duplicates."""
        candidates = [
            Candidate(host, tuple(dict.fromkeys(sources)), self._profiles_of(host))
            for host, sources in self._sources.items()
        ]
        accounts = {registry.account for registry in self._registries.values()}
        without_region = [item for item in self.accounts_without_region if item[1] not in accounts]
        return Search(candidates, self.searched, [*dict.fromkeys(self.problems)], without_region)

    def _profiles_of(self, host: str) -> tuple[str, ...]:
        in_account = self.profiles.get(self._registries[host].account, [])
        in_region = [name for name, profile_host in in_account if profile_host == host]
        return tuple(in_region or [name for name, _ in in_account])


def _search_clients(found: _Found, environ: "Mapping[str, str]") -> None:
    """Search the configuration file of Docker, which can be missing, and those of podman."""
    _search_client(found, docker_config(environ))
    # A user can have no access to the directory of podman's temporary file.
    for path in filter(os.path.exists, containers_files(environ)):
        _search_client(found, read(path), "podman")


def _search_client(found: _Found, config: "DockerConfig", client: str = "") -> None:
    found.searched.append(config.path)
    found.problems += [f"{config.path} {config.problem}"] if config.problem else []
    for helper in (AMAZON_SUFFIX, HELPER_SUFFIX):
        hosts = (host for host, name in config.helpers.items() if name == helper)
        found.add(f"{helper} ({client})" if client else helper, *hosts)
    found.add(f"{client or 'docker'} login", *config.section("auths"))


def _search_settings(found: _Found, settings: "Settings", environ: "Mapping[str, str]") -> None:
    path = settings_file(environ)
    if path and os.path.exists(path):
        found.searched.append(path)
    found.add("settings", *settings.hosts())


def _search_profiles(found: _Found, environ: "Mapping[str, str]") -> None:
    """Search the AWS profiles: the selected one first, then the default one."""
    paths = dict(configuration_files(environ))
    found.searched += (paths[CONFIG], *filter(os.path.exists, (paths[CREDENTIALS],)))
    profiles, problems = load_profiles(environ)
    found.problems += problems
    default_region = region_of(environ)
    selected = selected_profile(environ)
    missing = missing_profile(selected, sorted(profiles)) if selected and not problems else None
    if missing and not environ.get("AWS_ACCESS_KEY_ID"):  # The key takes precedence.
        variable = "AWS_DEFAULT_PROFILE" if environ.get("AWS_DEFAULT_PROFILE") else "AWS_PROFILE"
        found.problems.append(f"{variable}: {'; '.join(missing)}")
    first = (selected, "default")
    for name in sorted(profiles, key=lambda name: first.index(name) if name in first else len(first)):
        region = profiles[name].get("region", "").lower()
        found.problems += [f"AWS profile {name}: {text}" for text in wrong_accounts(profiles[name])]
        for account in sorted(accounts_of(profiles[name])):
            host = private_host(account, region or default_region)
            found.profiles.setdefault(account, []).append((name, host))
            if not region:
                found.accounts_without_region.append((name, account))
            if parse(host):
                found.add("AWS profile", host)
            elif region or default_region:
                found.problems.append(f"AWS profile {name}: {region or default_region} is not a region")


def _list_images(program: str) -> tuple[list[str], str]:
    """Return the repositories of an engine's images, and the problem if they cannot be listed."""
    command = (program, "image", "ls", "--format", "{{.Repository}}")
    try:
        done = subprocess.run(  # noqa: S603 - a program on the user's PATH, with fixed arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=ENGINE_TIMEOUT
        )
    except subprocess.TimeoutExpired:
        return [], f"no response within {ENGINE_TIMEOUT} s"
    except OSError as error:
        return [], f"{program} cannot be run ({error.strerror})"
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines()
        reason = useful_line("\n".join(line for line in lines if not NOISE.match(line)))
        return [], reason or f"{program} failed (exit status {done.returncode})"
    return done.stdout.decode(errors="replace").splitlines(), ""
