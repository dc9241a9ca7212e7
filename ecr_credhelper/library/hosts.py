"""Resolve what the user enters as a registry."""

from typing import TYPE_CHECKING

from ecr_credhelper.errors import UnsupportedRegistryError
from ecr_credhelper.registry import authority_of, is_region, parse, private_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecr_credhelper.settings.loader import Settings


def resolve(
    argument: str,
    settings: "Settings",
    *,
    region: str = "",
    profile: str = "",  # noqa: ARG001 - its region is the default
    warn: "Callable[[str], None]",  # noqa: ARG001 - for unknown regions
) -> str:
    """Return the ECR registry of a host, URL, image or account ID; raise UnsupportedRegistryError."""
    host = authority_of(private_host(argument, region) if is_region(region) else argument)
    if host is None or not (parse(host) or settings.registry(host)):
        hint = "use ACCOUNT.dkr.ecr.REGION.amazonaws.com, or map a custom host in the settings file"
        # The argument itself is not shown, because it can contain a password.
        raise UnsupportedRegistryError(host or "the given registry", "not an Amazon ECR registry", hint)
    return host
