"""Arguments that several commands take."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.cache import open_cache
from ecr_credhelper.docker.config import docker_config

if TYPE_CHECKING:
    import argparse


def add_hosts(parser: "argparse.ArgumentParser", nargs: str | None, what: str = "") -> None:
    """Let the command take registries: ``nargs`` as argparse has it."""
    about = what or "a registry: its host name, or an image's name"
    argument = parser.add_argument(
        "host" if nargs in {None, "?"} else "hosts", nargs=nargs, metavar="HOST", help=about
    )
    argument.completer = known_hosts  # type: ignore[attr-defined] # argcomplete's way


def add_identity(parser: "argparse.ArgumentParser") -> None:
    """Let the command ask as somebody else than the settings say."""
    profile = parser.add_argument("--profile", help="the AWS profile to ask as, whatever the settings say")
    profile.completer = known_profiles  # type: ignore[attr-defined] # argcomplete's way
    parser.add_argument("--role-arn", metavar="ARN", help="the role to assume first")


def known_profiles(**_: object) -> list[str]:
    """Return the names of the AWS profiles."""
    from botocore.session import Session

    return list(Session().available_profiles)


def known_hosts(**_: object) -> list[str]:
    """Return the registries that Docker's configuration or the cache names, for a shell to complete."""
    cached = {host for _, host, _, _ in open_cache(os.environ).routes()}
    return sorted(cached | docker_config(os.environ).ours())
