"""Return registry credentials as a value, with the cache and settings of the executable."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ecr_credhelper.library.source import Session, TokenSource
from ecr_credhelper.registry import Registry
from ecr_credhelper.token import Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Credentials for an ECR registry.

    ``registry`` is the host, ``account`` has 12 digits (it is empty for the public registry) and ``username``
    is ``AWS``. The password is valid for every registry of ``region`` that the identity can use.
    ``fetched_at`` and ``expires_at`` are aware datetimes in UTC, 12 hours apart.

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
        """The secret value of the ``Authorization`` header for the registry's HTTP API: ``Basic …``."""
        login = f"{self.username}:{self.password}".encode()
        return f"Basic {base64.b64encode(login).decode()}"

    @property
    def auth_config(self) -> dict[str, str]:
        """The secret ``auth_config`` of docker-py's ``pull``, ``push`` and ``login``."""
        return {"username": self.username, "password": self.password, "serveraddress": self.registry}

    def docker_config(self, others: "Iterable[Credentials]" = ()) -> dict[str, Any]:
        """Return a secret Docker configuration with these and other credentials, as in a pull secret.

        Its shape is ``{"auths": {host: {"auth": base64 of "AWS:password"}}}``. It is valid as long as all of
        the credentials.
        """
        return {
            "auths": {
                credentials.registry: {"auth": credentials.authorization.removeprefix("Basic ")}
                for credentials in (self, *others)
            }
        }


def get_credentials(  # noqa: PLR0913 - all but the first are optional keywords
    registry: str | None = None,
    *,
    region: str | None = None,
    profile: str | None = None,
    role_arn: str | None = None,
    role_session_name: str | None = None,
    external_id: str | None = None,
    duration: int | None = None,
    session: "Session | None" = None,
) -> Credentials:
    """Return credentials for a registry, from the executable's cache or from AWS.

    Args:
        registry: a host name, URL, image reference, repository ARN or account ID of ECR, or a custom host in
            the settings. The default is the registry in the account of the AWS credentials.
        region: the region of an account ID, or of the default (default: that of the session, the environment
            or the profile).
        profile: the AWS profile to use instead of the environment and the settings.
        role_arn: the role to assume, with the credentials of the profile, the session or the settings.
        role_session_name: the name of the role's session in CloudTrail.
        external_id: the external ID that the role's trust policy requires.
        duration: the lifetime of the role's credentials in seconds, from 900 to 43200. The token's lifetime
            does not depend on it.
        session: the boto3 or botocore session to use. Its token is cached on disk under the access key ID and
            a digest of the secret key, or for temporary keys (of a role or SSO) in memory, until the session
            ends.

    Raises:
        CredentialHelperError: the base class of all errors, within 25 s (the setting ``deadline``).
        TypeError: several registries were passed: call the function once for each.
        ValueError: the arguments exclude each other, or an argument of a role was passed without the role.

    """
    source = TokenSource(
        profile=profile,
        role_arn=role_arn,
        role_session_name=role_session_name,
        external_id=external_id,
        duration=duration,
        session=session,
        region=region,
    )
    if registry is None:
        return credentials_for(*source.fetch_own_registry())
    parsed = source.registry(registry)
    return credentials_for(parsed, source.fetch(parsed))


def credentials_for(registry: "Registry", token: "Token") -> Credentials:
    """Return the credentials for a registry from a token that is valid for it."""
    return Credentials(
        registry=registry.host,
        account=registry.account,
        region=registry.region,
        username=token.username,
        password=token.password,
        fetched_at=datetime.fromtimestamp(token.fetched_at, UTC),
        expires_at=datetime.fromtimestamp(token.expires_at, UTC),
    )
