"""The registry that a command's argument selects, and its credentials."""

import os
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.console.waiting import show_waiting
from ecr_credhelper.errors import PROG, ConfigurationError, CredentialHelperError
from ecr_credhelper.library.credentials import Credentials, credentials_for
from ecr_credhelper.library.hosts import resolve
from ecr_credhelper.library.regions import check_region
from ecr_credhelper.library.source import TokenSource
from ecr_credhelper.registry import Registry, authority_of
from ecr_credhelper.settings.loader import load_settings
from ecr_credhelper.settings.rules import Rule

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


class Target(NamedTuple):
    """A registry, its host as clients look it up (with a port, if any), and its credentials."""

    host: str
    registry: Registry
    credentials: Credentials


def are_registries(options: "argparse.Namespace", terminal: "Terminal") -> bool:
    """Return whether each of the arguments is a registry; otherwise, print the errors. AWS is not called."""
    selection = {"region": options.region or "", "profile": options.profile or ""}
    is_correct = True
    for argument in options.hosts:
        try:
            resolve(argument, load_settings(os.environ), **selection, warn=lambda _: None)
        except CredentialHelperError as error:
            terminal.warn(f"{PROG}: {error}")
            is_correct = False
    return is_correct


def target_of(
    argument: str | None, options: "argparse.Namespace", terminal: "Terminal", *, is_renewed: bool = False
) -> Target:
    """Return the registry of an argument with its credentials, and show on a terminal what it waits for.

    Without an argument, this is the registry in the account of the AWS credentials, and its host is printed
    on standard error. With ``is_renewed``, the token of an argument is not in the last quarter of its life.

    Raises:
        CredentialHelperError: the argument is wrong, or the token cannot be fetched.

    """
    source = TokenSource(profile=options.profile, role_arn=options.role_arn, region=options.region)

    def warn(text: str) -> None:
        terminal.warn(f"warning: {text}")

    def waiting() -> str:
        return f"waiting for {source.waits_for} …"

    if argument is None:
        if Rule(profile=options.profile or "").auto_pattern:
            reason = f'profile "{options.profile}" needs the account of a registry'
            raise ConfigurationError("", reason, "name a registry, or another profile")
        check_region(source.region(), warn)
        with show_waiting(terminal, waiting):
            registry, token = source.fetch_own_registry()
        host = registry.host
        terminal.warn(f"Using the registry of your AWS account: {host}")
    else:
        selection = {"region": options.region or "", "profile": options.profile or ""}
        image = resolve(argument, source.settings, **selection, warn=warn)
        host, registry = authority_of(image) or "", source.registry(image)
        with show_waiting(terminal, waiting):
            token = source.fetch(registry, prefetch=is_renewed)
    return Target(host, registry, credentials_for(registry, token))
