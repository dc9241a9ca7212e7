"""Find the registry that a user means: a host, URL, image, repository ARN or account ID."""

import os
import re
from typing import TYPE_CHECKING

from ecr_credhelper import fork_lock
from ecr_credhelper.aws.profiles import configured_region
from ecr_credhelper.errors import UnsupportedRegistryError
from ecr_credhelper.library.host_errors import explain, split, wrong_account
from ecr_credhelper.library.regions import check_region, wrong_region
from ecr_credhelper.registry import Registry, authority_of, parse, private_host

if TYPE_CHECKING:
    from collections.abc import Callable

    from ecr_credhelper.settings.loader import Settings

ACCOUNT = re.compile(r"([0-9]{4})-?([0-9]{4})-?([0-9]{4})")
"""An account ID, also as the AWS console shows it: with hyphens."""

ARN = re.compile(r"arn:(aws[a-z-]*):(ecr|ecr-public):([a-z0-9-]*):([0-9]{12}):repository/(.+)")
"""https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html"""


def resolve(
    argument: str,
    settings: "Settings",
    *,
    region: str = "",
    profile: str = "",
    warn: "Callable[[str], object]",
) -> str:
    """Return ``HOST[:PORT][/PATH]`` of a registry for the argument of a command.

    Args:
        argument: a host, URL, image, repository ARN or account ID of ECR, or a custom host in the settings.
        settings: the user's settings.
        region: the region of an account ID (default: that of the environment or the profile).
        profile: the AWS profile that the user has selected, if any.
        warn: gets a text about a region that is not known, but can be new.

    Raises:
        UnsupportedRegistryError: the argument is not a registry; the error names the wrong part.
        ConfigurationError: an account ID without a region, or an invalid rule in the settings.

    """
    registry = parse_registry(argument, settings, region=region, profile=profile)
    raise_if_elsewhere(registry, region)
    if _has_region(registry):
        check_region(registry.region, warn)
    authority, path = split(_image_of(argument, settings, region, profile) or argument)
    return f"{authority_of(authority)}{path}"


def parse_registry(
    server: str, settings: "Settings | None" = None, *, region: str = "", profile: str = ""
) -> Registry:
    """Return the registry of an argument of ``resolve``. The region in a host name is not checked."""
    if not isinstance(server, str):
        raise TypeError(f"the registry must be one string, not {type(server).__name__}")
    registry = parse(server) or (settings.registry(server) if settings else None)
    if registry is None:
        registry = parse(_image_of(server, settings, region, profile))
    if registry is None:
        raise explain(*split(server))
    return registry


def raise_if_elsewhere(registry: Registry, region: str) -> None:
    """Raise UnsupportedRegistryError if the host of a private registry is in another region."""
    if region and _has_region(registry) and region != registry.region:
        reason = f"{registry.host} is in {registry.region}, not in {region}"
        raise UnsupportedRegistryError("", reason, "omit the region, or correct the host")


def registry_host(account: str, region: str) -> str:
    """Return the host name of an account's registry in a region of any partition.

    Raises:
        TypeError: an argument is not a string, for example an account ID that is a number.
        UnsupportedRegistryError: the account ID does not have 12 digits, or the region is misspelled.

    """
    if not isinstance(account, str) or not isinstance(region, str):
        raise TypeError("account and region must be strings: an account ID can begin with 0")
    with fork_lock():
        error = wrong_account(account) or wrong_region(region)
    host = private_host(account, region)
    if error or parse(host) is None:
        raise error or explain(host, "")
    return host


def _image_of(argument: str, settings: "Settings | None", region: str, profile: str) -> str:
    """Return the registry or image of an ARN or an account ID, or an empty string for other arguments."""
    authority, path = split(argument)
    if authority.startswith("arn:"):
        return _image_of_arn(f"{authority}{path}")
    found = ACCOUNT.fullmatch(authority)
    if not found:
        return ""
    account = "".join(found.groups())
    if not region:
        rule = settings.rule(Registry("", account=account)) if settings else None
        region = configured_region(profile or (rule.profile if rule else ""), os.environ, account)
    return f"{registry_host(account, region)}{path}"


def _image_of_arn(arn: str) -> str:
    """Return the image in a private repository; raise UnsupportedRegistryError for other ARNs."""
    found = ARN.fullmatch(arn)
    if not found:
        hint = "expected arn:aws:ecr:REGION:ACCOUNT:repository/NAME"
        raise UnsupportedRegistryError("", "the ARN is not that of an ECR repository", hint)
    partition, service, region, account, name = found.groups()
    if service == "ecr-public":
        reason = "the ARN of a public repository does not contain the alias of its registry"
        raise UnsupportedRegistryError("", reason, "use public.ecr.aws, or public.ecr.aws/ALIAS/NAME")
    host = registry_host(account, region)
    registry = parse(host)
    if registry and registry.partition != partition:
        reason = f"the ARN begins with arn:{partition}, but {region} is in partition {registry.partition}"
        raise UnsupportedRegistryError("", reason, "correct the partition or the region")
    return f"{host}/{name}"


def _has_region(registry: Registry) -> bool:
    """Return whether the region is part of the host name: not for the public registry and custom hosts."""
    return bool(registry.account and registry.partition)
