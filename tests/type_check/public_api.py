"""Use every public name like a program that has installed the package.

``make lint`` checks this file with ``mypy --strict`` outside the source tree, see ``check.py``.
``tests/library/test_recipes.py`` runs it.
"""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, assert_type

import boto3
import botocore.session

import ecr_credhelper
from ecr_credhelper import (
    AccessDeniedError,
    ConfigurationError,
    CredentialHelperError,
    CredentialProvider,
    Credentials,
    CredentialsError,
    InvalidResponseError,
    ThrottledError,
    UnreachableError,
    UnsupportedRegistryError,
    get_credentials,
    registry_host,
)

HOST = "111122223333.dkr.ecr.us-west-2.amazonaws.com"

ERRORS: list[type[CredentialHelperError]] = [
    AccessDeniedError,
    ConfigurationError,
    CredentialsError,
    ThrottledError,
    InvalidResponseError,
    UnreachableError,
    UnsupportedRegistryError,
]


def check_fields(credentials: Credentials) -> None:
    assert_type(credentials.registry, str)
    assert_type(credentials.account, str)
    assert_type(credentials.region, str)
    assert_type(credentials.username, str)
    assert_type(credentials.password, str)
    assert_type(credentials.fetched_at, datetime)
    assert_type(credentials.expires_at, datetime)
    assert_type(credentials.authorization, str)
    assert_type(credentials.auth_config, dict[str, str])
    assert_type(credentials.docker_config(), dict[str, Any])
    assert_type(credentials.docker_config([credentials]), dict[str, Any])
    if TYPE_CHECKING:
        credentials.password = "another"  # type: ignore[misc] # frozen


def canned(registry: str) -> Credentials:
    now = datetime.now(UTC)
    return Credentials(
        registry=registry,
        account="111122223333",
        region="us-west-2",
        username="AWS",
        password="canned",
        fetched_at=now,
        expires_at=datetime.fromtimestamp(now.timestamp() + 3600, UTC),
    )


def functions() -> None:
    check_fields(assert_type(get_credentials(HOST), Credentials))
    check_fields(get_credentials(HOST, profile=None, role_arn=None, session=None))
    check_fields(get_credentials(HOST, profile="dev"))
    check_fields(get_credentials(region="us-west-2"))
    check_fields(get_credentials("111122223333", region="us-west-2"))
    assert assert_type(registry_host("111122223333", "us-west-2"), str) == HOST
    check_fields(get_credentials(HOST, session=boto3.Session(profile_name="dev")))
    check_fields(get_credentials(HOST, session=botocore.session.Session(profile="dev")))
    if TYPE_CHECKING:  # strict mypy reports a "type: ignore" that hides no error
        ecr_credhelper.get_credential(HOST)  # type: ignore[attr-defined]
        get_credentials(HOST, "dev")  # type: ignore[call-arg] # keyword only
        get_credentials([HOST])  # type: ignore[arg-type]
        get_credentials(HOST, session="dev")  # type: ignore[arg-type]
        get_credentials(HOST, role_arn=b"arn")  # type: ignore[arg-type]


def providers() -> None:
    with CredentialProvider() as provider:
        assert_type(provider, CredentialProvider)
        check_fields(assert_type(provider.get_credentials(HOST), Credentials))
        provider.invalidate(HOST)
    provider = CredentialProvider(
        profile="dev",
        role_arn=None,
        session=None,
        disk_cache=False,
        max_entries=16,
        timer=time.time,
        fetch=None,
    )
    check_fields(provider.get_credentials(HOST))
    provider.close()
    CredentialProvider(session=boto3.Session(profile_name="dev")).invalidate(canned(HOST))
    with CredentialProvider(fetch=canned) as provider:
        check_fields(provider.get_credentials(HOST))
    if TYPE_CHECKING:
        CredentialProvider(fetch=lambda _: "password")  # type: ignore[arg-type, return-value]


def errors() -> None:
    try:
        get_credentials("registry.example.com")
    except UnsupportedRegistryError as error:
        assert_type(error.subject, str)
        assert_type(error.reason, str)
        assert_type(error.hint, str)
    assert all(str(error(HOST, "reason", "hint")) == f"{HOST}: reason; hint" for error in ERRORS)


assert_type(ecr_credhelper.__version__, str)
functions()
providers()
errors()
