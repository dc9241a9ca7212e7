"""For Python programs: the login that the executable would answer with, as a value."""

import base64
import logging
import os
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ecr_credhelper import settings
from ecr_credhelper.cache import Cache, open_cache
from ecr_credhelper.errors import ConfigurationError, UnsupportedRegistryError
from ecr_credhelper.fingerprint import Fingerprint, fingerprint
from ecr_credhelper.log import redacted
from ecr_credhelper.records import NoRecords
from ecr_credhelper.registry import host_of, parse
from ecr_credhelper.resolver import DEADLINE, Resolver, Result, token_key, within
from ecr_credhelper.rules import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3
    import botocore.session

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.token import Token

    Session = boto3.Session | botocore.session.Session

ASKED = "asked"
"""Stands in a route for the settings, where a program names its identity: the executable never goes there."""

log = logging.getLogger("ecr_credhelper")


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A login for one ECR registry.

    ``registry`` is its host, ``account`` has twelve digits (none for the public registry), ``username`` is
    ``AWS``, and the password opens every registry of ``region`` that the identity may use. ``fetched_at`` and
    ``expires_at`` are aware datetimes in UTC, twelve hours apart.

    Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_AuthorizationData.html
    """

    registry: str
    account: str
    region: str
    username: str
    password: str = field(repr=False)
    fetched_at: datetime = field(repr=False)
    expires_at: datetime

    @property
    def authorization(self) -> str:
        """The value of the ``Authorization`` header for the registry's HTTP API: ``Basic …``, a secret."""
        login = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(login).decode()}"


def get_credentials(
    registry: str,
    *,
    profile: str | None = None,
    role_arn: str | None = None,
    session: "Session | None" = None,
) -> Credentials:
    """Return a login for a registry: from the cache that the executable uses too, else from AWS.

    Args:
        registry: a host name, URL or image reference, of ECR or mapped to it in the settings file.
        profile: the AWS profile to ask as, instead of what environment and settings say.
        role_arn: the role to assume first, from that profile, that session, or what the settings say.
        session: a boto3 or botocore session to ask as. Its token is kept on disk under the id of its access
            key; with keys that change by themselves (of a role, of SSO) nothing is kept on disk.

    Raises:
        CredentialHelperError: the base of whatever goes wrong, within 25 s (the setting ``deadline``).
        ValueError: both a profile and a session are given.

    """
    source = Source(profile=profile, role_arn=role_arn, session=session)
    wanted = source.registry(registry)
    return credentials_for(wanted, source.fetch(wanted))


def credentials_for(registry: "Registry", token: "Token") -> Credentials:
    """Return a token as the login of one of the registries that it opens."""
    return Credentials(
        registry=registry.host,
        account=registry.account,
        region=registry.region,
        username=token.username,
        password=token.password,
        fetched_at=datetime.fromtimestamp(token.fetched_at, UTC),
        expires_at=datetime.fromtimestamp(token.expires_at, UTC),
    )


def registry_of(server: str, rules: settings.Settings | None = None) -> "Registry":
    """Return the registry that a server string names; UnsupportedRegistryError if it is not ECR."""
    wanted = parse(server) or (rules.registry(server) if rules else None)
    if wanted is None:
        host = host_of(server) or "the given registry"
        advice = "name its region in the settings file, if it stands for an ECR registry"
        raise UnsupportedRegistryError(host, "not an Amazon ECR registry", advice)
    return wanted


class Source:
    """Where a program's tokens come from: the cache on disk, else AWS, always as one identity.

    The settings are read once; ``clock`` tells seconds since the epoch.
    """

    def __init__(
        self,
        *,
        profile: str | None = None,
        role_arn: str | None = None,
        session: "Session | None" = None,
        on_disk: bool = True,
        clock: "Callable[[], float]" = time.time,
    ) -> None:
        if profile and session is not None:
            raise ValueError("a session has its profile already: give a profile or a session")
        for name, value in (("profile", profile), ("role_arn", role_arn)):
            if value and (problem := settings.problem_of(name, value)):
                raise ConfigurationError("the registry's credentials", problem, "correct the argument")
        inner: Any = getattr(session, "_session", session)  # boto3's wraps botocore's
        self._asked = Asked(profile or "", role_arn or "", inner)
        # Before the settings: a route is kept under those that led to it, or never found again.
        self._owner = ASKED if self._asked else fingerprint(os.environ).settings
        self._settings = settings.load(os.environ)
        self._on_disk = on_disk
        self._clock = clock

    def registry(self, server: str) -> "Registry":
        """Return the registry that a server string names; UnsupportedRegistryError if it is not ECR."""
        return registry_of(server, self._settings)

    def key(self, registry: "Registry") -> str:
        """Return a text that is the same for all registries that one token opens."""
        rule = self._settings.rule(registry.host, registry.account, public=registry.public)
        return token_key(registry, self._asked.instead_of(rule), "")

    def fetch(self, registry: "Registry", *, ahead: bool = False) -> "Token":
        """Return a token that is good for a while, or, with ``ahead``, one that is not even ageing."""

        def fetch() -> "Token":
            resolver = self._resolver()
            return resolver.refresh(registry) if ahead else resolver.resolve(registry)

        return self._in_time(fetch, registry)

    def forget(self, registry: "Registry") -> None:
        """Remove the registry's token from the disk."""

        def forget() -> None:
            resolver = self._resolver()
            resolver.cache.drop_token(resolver.key(registry))

        self._in_time(forget, registry)

    def _in_time(self, work: "Callable[[], Result]", registry: "Registry") -> "Result":
        """Do what may have to find out first who a caller's session is: that too can take for ever."""
        return within(self._settings.deadline or DEADLINE, work, subject=registry.host)

    def _resolver(self) -> Resolver:
        """Return what resolves as the identity of this moment: the environment may have changed."""
        identity = fingerprint(os.environ, asked=bool(self._asked)).identity
        is_named = True
        if self._asked.session is not None:
            from ecr_credhelper.sessions import name_of

            name = name_of(self._asked.session)
            identity, is_named = f"{identity}\t{name}", bool(name)
        cache = open_cache(os.environ) if self._on_disk and is_named else Cache(NoRecords())
        owner = Fingerprint(identity, self._owner)
        return Resolver(self._settings, owner, cache, self._clock, _debug, self._asked)


def _debug(text: str) -> None:
    log.debug("%s", redacted(text))
