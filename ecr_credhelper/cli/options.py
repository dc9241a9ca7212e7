"""Arguments that several commands share."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.cache import open_cache
from ecr_credhelper.docker.config import docker_config

if TYPE_CHECKING:
    import argparse


def add_hosts(
    parser: "argparse.ArgumentParser", nargs: str | None, about: str = "registry host or image name"
) -> None:
    """Add the argument for registries; argparse defines ``nargs``."""
    name = "host" if nargs in {None, "?"} else "hosts"
    argument = parser.add_argument(name, nargs=nargs, metavar="HOST", help=about)
    argument.completer = known_hosts  # type: ignore[attr-defined] # for argcomplete


def add_identity(parser: "argparse.ArgumentParser") -> None:
    """Add the options that override the AWS identity from the settings file."""
    profile = parser.add_argument("--profile", help="AWS profile to use (overrides the settings file)")
    profile.completer = known_profiles  # type: ignore[attr-defined] # for argcomplete
    parser.add_argument("--role-arn", metavar="ARN", help="IAM role to assume (overrides the settings file)")


def known_profiles(**_: object) -> list[str]:
    """Return the names of the AWS profiles."""
    from botocore.session import Session

    return list(Session().available_profiles)


def known_hosts(**_: object) -> list[str]:
    """Return the registries in Docker's configuration and in the cache, for shell completion."""
    cached = {host for _, host, _, _ in open_cache(os.environ).routes()}
    return sorted(cached | docker_config(os.environ).hosts_of_this_helper())
