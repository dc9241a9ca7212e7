"""The suggestions of completion: registries, AWS profiles and regions.

Imports are deferred, because most arguments need none of these.
"""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def suggest(action: "argparse.Action", **_: object) -> list[str]:
    """Return the suggestions for the value of an argument without choices, by the argument's name."""
    return SOURCES.get(action.dest, list)()


def known_hosts() -> list[str]:
    """Return the registries in Docker's configuration and in the cache. No record of the cache is read."""
    from ecr_credhelper.cache import open_cache
    from ecr_credhelper.docker.config import docker_config

    cached = open_cache(os.environ).routed_hosts()
    return sorted(cached | docker_config(os.environ).hosts_of_this_helper(os.environ))


def known_profiles() -> list[str]:
    """Return the names of the AWS profiles: of the configuration file, then of the credentials file."""
    from ecr_credhelper.aws.profiles import load_profiles

    profiles, _ = load_profiles(os.environ)
    return [*profiles]


def known_regions() -> list[str]:
    """Return the names of the AWS regions."""
    from ecr_credhelper.library import regions

    return sorted(regions.known_regions())


SOURCES = {
    "host": known_hosts,
    "hosts": known_hosts,
    "profile": known_profiles,
    "region": known_regions,
}
"""The function that returns the suggestions for an argument, by its ``dest``."""
