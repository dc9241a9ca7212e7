"""The registries that a machine's own files and images name, for whoever does not know them by heart."""

import subprocess
from typing import TYPE_CHECKING

from ecr_credhelper.docker.programs import which
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.registry import authority_of, parse, private_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ecr_credhelper.settings.loader import Settings

ENGINES = ("docker", "podman")
SECONDS = 5
"""Seconds that an engine may take to list its images: one that hangs names none."""


def registries(environ: "Mapping[str, str]", settings: "Settings") -> dict[str, str]:
    """Return host -> where it was found.

    Raises:
        ConfigurationError: a file of the person's is wrong.

    """
    found: dict[str, list[str]] = {}
    for host, where in (*_of_settings(settings), *_of_profiles(), *_of_images(environ, settings)):
        if where not in found.setdefault(host, []):
            found[host].append(where)
    return {host: ", ".join(places) for host, places in found.items()}


def _of_settings(settings: "Settings") -> "Iterator[tuple[str, str]]":
    for host in settings.hosts():
        if parse(host) or settings.registry(host):
            yield host, "settings"


def _of_profiles() -> "Iterator[tuple[str, str]]":
    from botocore.exceptions import ConfigParseError
    from botocore.session import Session

    from ecr_credhelper.aws.sessions import accounts_of

    try:
        profiles = Session().full_config.get("profiles", {})
    except ConfigParseError as error:
        reason = f"the AWS configuration file {error.kwargs['path']} cannot be read"
        raise ConfigurationError("", reason, "correct it") from None
    for name, profile in profiles.items():
        texts = {key: text for key, text in profile.items() if isinstance(text, str)}  # others are nested
        region = texts.get("region", "")
        for account in sorted(accounts_of(texts)):
            if one := parse(private_host(account, region)):
                yield one.host, f"AWS profile {name}"


def _of_images(environ: "Mapping[str, str]", settings: "Settings") -> "Iterator[tuple[str, str]]":
    for engine in ENGINES:
        program = which(engine, environ)
        for line in _lines(program, "image", "ls", "--format", "{{.Repository}}") if program else []:
            host = authority_of(line)
            if host and (parse(line) or settings.registry(line)):
                yield host, f"images of {engine}"


def _lines(*command: str) -> list[str]:
    try:
        done = subprocess.run(  # noqa: S603 - a program of the person's PATH, with fixed arguments
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return done.stdout.decode(errors="replace").splitlines()
