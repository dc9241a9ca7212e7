"""Find registries in Docker's configuration, the settings file, the AWS profiles and local images."""

import subprocess
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.docker.config import docker_config
from ecr_credhelper.docker.programs import which
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.registry import authority_of, parse, private_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecr_credhelper.settings.loader import Settings

ENGINES = ("docker", "podman")

ENGINE_TIMEOUT = 5
"""Limits how long an engine can take to list its images, in seconds."""


PROFILE = "AWS profile "


class Candidate(NamedTuple):
    """A registry that was found; ``profiles`` led to it, and are empty for the default identity."""

    host: str
    sources: tuple[str, ...]
    profiles: tuple[str, ...]


class Search(NamedTuple):
    """The result of a search: ``accounts_without_region`` has pairs of a profile and its account."""

    candidates: list[Candidate]
    searched: list[str]
    problems: list[str]
    accounts_without_region: list[tuple[str, str]]


def search(environ: "Mapping[str, str]", settings: "Settings") -> Search:
    """Search for registries; raise ConfigurationError if a file is invalid."""
    config = docker_config(environ)
    found = {host: "ecr-login" for host, helper in config.helpers.items() if helper == "ecr-login"}
    for host, sources in registries(environ, settings).items():
        found[host] = f"{found[host]}, {sources}" if host in found else sources
    candidates = []
    for host, text in found.items():
        names = text.split(", ")
        profiles = [name.removeprefix(PROFILE) for name in names if name.startswith(PROFILE)]
        candidates.append(Candidate(host, tuple(names), tuple(profiles)))
    return Search(candidates, [config.path, "AWS profiles", "local images"], [], [])


def registries(environ: "Mapping[str, str]", settings: "Settings") -> dict[str, str]:
    """Return host -> sources of the registries; raise ConfigurationError if a file is invalid."""
    found: dict[str, list[str]] = {}
    for host, source in (*_from_settings(settings), *_from_profiles(), *_from_images(environ, settings)):
        if source not in found.setdefault(host, []):
            found[host].append(source)
    return {host: ", ".join(sources) for host, sources in found.items()}


def _from_settings(settings: "Settings") -> "Iterator[tuple[str, str]]":
    for host in settings.hosts():
        if parse(host) or settings.registry(host):
            yield host, "settings"


def _from_profiles() -> "Iterator[tuple[str, str]]":
    from botocore.exceptions import ConfigParseError
    from botocore.session import Session

    from ecr_credhelper.aws.profiles import accounts_of

    try:
        profiles = Session().full_config.get("profiles", {})
    except ConfigParseError as error:
        reason = f"the AWS configuration file {error.kwargs['path']} cannot be read"
        raise ConfigurationError("", reason, "correct it") from None
    for name, profile in profiles.items():
        fields = {key: value for key, value in profile.items() if isinstance(value, str)}  # not nested ones
        for account in sorted(accounts_of(fields)):
            if registry := parse(private_host(account, fields.get("region", ""))):
                yield registry.host, f"AWS profile {name}"


def _from_images(environ: "Mapping[str, str]", settings: "Settings") -> "Iterator[tuple[str, str]]":
    for engine in ENGINES:
        program = which(engine, environ)
        for line in _output_lines(program, "image", "ls", "--format", "{{.Repository}}") if program else []:
            host = authority_of(line)
            if host and (parse(line) or settings.registry(line)):
                yield host, f"{engine} images"


def _output_lines(*command: str) -> list[str]:
    try:
        done = subprocess.run(  # noqa: S603 - a program on the user's PATH, with fixed arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=ENGINE_TIMEOUT
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.decode(errors="replace").splitlines()
