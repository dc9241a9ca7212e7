"""For Python programs: the login that the executable would answer with, as a value."""

import base64
import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ecr_credhelper.cache import Cache, open_cache
from ecr_credhelper.console.log import redacted
from ecr_credhelper.errors import (
    ConfigurationError,
    CredentialHelperError,
    UnsupportedRegistryError,
    internal_error,
)
from ecr_credhelper.fetch.deadline import run_with_deadline
from ecr_credhelper.fetch.resolver import Resolver, token_key
from ecr_credhelper.fingerprint import Fingerprint, file_stamps, fingerprint
from ecr_credhelper.records import FileStore
from ecr_credhelper.registry import Registry, host_of, parse
from ecr_credhelper.settings.loader import Settings, load_settings, problem_of
from ecr_credhelper.settings.rules import IdentityOverride
from ecr_credhelper.token import Token

if TYPE_CHECKING:
    import boto3
    import botocore.session

    Session = boto3.Session | botocore.session.Session
else:
    Session = Any  # for whoever reads the hints while the program runs: boto3 need not be loaded

OVERRIDE = "asked"
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
            key and a digest of its secret; with keys that change by themselves (of a role, of SSO) nothing
            is kept on disk.

    Raises:
        CredentialHelperError: the base of whatever goes wrong, within 25 s (the setting ``deadline``).
        ValueError: both a profile and a session are given.

    """
    source = TokenSource(profile=profile, role_arn=role_arn, session=session)
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


def parse_registry(server: str, rules: Settings | None = None) -> "Registry":
    """Return the registry that a server string names; UnsupportedRegistryError if it is not ECR."""
    wanted = parse(server) or (rules.registry(server) if rules else None)
    if wanted is None:
        host = host_of(server) or "the given registry"
        hint = "name its region in the settings file, if it stands for an ECR registry"
        raise UnsupportedRegistryError(host, "not an Amazon ECR registry", hint)
    return wanted


class TokenSource:
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
            if value and (problem := problem_of(name, value)):
                raise ConfigurationError("the registry's credentials", problem, "correct the argument")
        inner: Any = getattr(session, "_session", session)  # boto3's wraps botocore's
        self._override = IdentityOverride(profile or "", role_arn or "", inner)
        # One look for both: a route is kept under the settings that led to it, or never found again.
        environ = dict(os.environ)
        own = f"{OVERRIDE}\t{profile!r},{role_arn!r}"
        now = fingerprint(environ)
        now.watch()
        self._owner = own if self._override else now.settings
        self._settings = load_settings(environ)
        self._on_disk = on_disk and now.is_unchanged()
        self._clock = clock

    def registry(self, server: str) -> "Registry":
        """Return the registry that a server string names; UnsupportedRegistryError if it is not ECR."""
        return parse_registry(server, self._settings)

    def key(self, registry: "Registry") -> str:
        """Return a text that is the same for all registries that one token opens."""
        return token_key(registry, self._override.apply_to(self._settings.rule(registry)), "")

    def fetch(self, registry: "Registry", *, prefetch: bool = False) -> "Token":
        """Return a token that is good for a while, or, with ``ahead``, one that is not even ageing."""
        try:
            resolver = self._resolver(registry)
            request = resolver.request(registry)
            return resolver.refresh(request) if prefetch else resolver.resolve(request)
        except CredentialHelperError:
            raise
        except Exception as error:  # noqa: BLE001 - a working directory that has gone, no more threads
            raise internal_error(error) from None

    def forget(self, registry: "Registry") -> None:
        """Remove the registry's token from the disk."""
        resolver = self._resolver(registry)
        resolver.cache.delete_token(resolver.request(registry).key)

    def _resolver(self, registry: "Registry") -> Resolver:
        """Return what resolves as the identity of this moment: the environment may have changed."""
        is_named, name, started = True, "", time.monotonic()
        session = self._override.session
        limit = Resolver.limit(self._settings)
        if session is not None:
            from ecr_credhelper.aws.sessions import session_fingerprint

            # To find out may take for ever.
            found = run_with_deadline(limit, lambda: session_fingerprint(session), subject=registry.host)
            is_named, name = bool(found), f"\t{found}"

        def look() -> tuple[Fingerprint, str]:
            identity = fingerprint(os.environ, is_override=bool(self._override)).identity + name
            return Fingerprint(identity, self._owner, look), file_stamps(os.environ)

        cache = open_cache(os.environ) if self._on_disk and is_named else Cache(FileStore())
        owner, _ = look()
        owner.watch()
        resolver = Resolver(self._settings, owner, cache, self._clock, _debug, self._override)
        resolver.seconds = limit - (time.monotonic() - started)
        return resolver


def _debug(text: str) -> None:
    log.debug("%s", redacted(text))
