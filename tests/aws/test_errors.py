"""Translation of botocore's exceptions."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from configparser import MissingSectionHeaderError
from typing import TYPE_CHECKING

import pytest
from botocore import exceptions as aws
from botocore.exceptions import ClientError

from ecr_credhelper import errors
from ecr_credhelper.aws import client
from ecr_credhelper.aws.errors import EXCEPTIONS, explain
from ecr_credhelper.aws.response_errors import RESPONSES
from ecr_credhelper.registry import parse
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.conftest import HOST

if TYPE_CHECKING:
    from pathlib import Path

REGISTRY = parse(HOST)
assert REGISTRY

URL = "https://user:a-secret@api.example/path?X-Amz-Signature=a-secret"


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (aws.NoCredentialsError(), errors.NoCredentialsError, ["no AWS credentials", "aws configure"]),
        (
            aws.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
            errors.CredentialsError,
            ["AWS_SECRET_ACCESS_KEY is missing"],
        ),
        (
            aws.SSOTokenLoadError(error_msg="a-secret"),
            errors.CredentialsError,
            ["SSO session of profile my dev", "run: aws sso login --profile 'my dev'"],
        ),
        (aws.UnauthorizedSSOTokenError(), errors.CredentialsError, ["run: aws sso login --profile"]),
        (
            aws.TokenRetrievalError(provider="sso", error_msg="a-secret"),
            errors.CredentialsError,
            ["run: aws sso login --profile"],
        ),
        (aws.LoginRefreshRequired(), errors.CredentialsError, ["run: aws login --profile"]),
        (
            aws.CredentialRetrievalError(provider="custom-process", error_msg="a-secret"),
            errors.CredentialsError,
            ["(custom-process)", "aws sts get-caller-identity --profile"],
        ),
        (aws.MetadataRetrievalError(error_msg="a-secret"), errors.CredentialsError, ["source of the"]),
        (aws.RefreshWithMFAUnsupportedError(), errors.CredentialsError, ["MFA code"]),
        (aws.MissingDependencyException(msg="a-secret"), errors.CredentialsError, ["botocore[crt]"]),
        (
            aws.ProfileNotFound(profile="nope"),
            errors.ConfigurationError,
            ["'nope' does not exist", "list-profiles"],
        ),
        (aws.ConfigParseError(path="/c", error="a-secret"), errors.ConfigurationError, ["/c cannot be read"]),
        (
            aws.ConfigParseError(path="/c", error=MissingSectionHeaderError("/c", 1, "é = a-secret")),
            errors.ConfigurationError,
            ["line 1 of /c precedes the first [section]"],
        ),
        (aws.InvalidConfigError(error_msg="a-secret"), errors.ConfigurationError, ["is not valid"]),
        (
            aws.EndpointVariantError(tags=["fips"], error_msg="a-secret"),
            errors.ConfigurationError,
            ["no such ECR endpoint in us-west-2"],
        ),
        (
            aws.SSLError(endpoint_url=URL, error=Exception("a-secret")),
            errors.UnreachableError,
            ["TLS connection to api.example", "AWS_CA_BUNDLE"],
        ),
        (
            aws.SSLError(endpoint_url=URL, error=Exception("“api.example” certificate is not trusted")),
            errors.UnreachableError,
            ["certificate of api.example is from an unknown CA", "to the system's store"],
        ),
        (
            aws.SSLError(endpoint_url=URL, error=Exception("“api.example” certificate is expired")),
            errors.UnreachableError,
            ["certificate of api.example has expired"],
        ),
        (
            aws.SSLError(
                endpoint_url=URL,
                error=Exception("The certificate's CN name does not match the passed value."),
            ),
            errors.UnreachableError,
            ["certificate of api.example is for another name"],
        ),
        (
            aws.ProxyConnectionError(proxy_url=URL, error="a-secret"),
            errors.UnreachableError,
            ["the proxy api.example", "HTTPS_PROXY"],
        ),
        (
            aws.ConnectTimeoutError(endpoint_url=URL),
            errors.UnreachableError,
            ["connection to api.example timed out"],
        ),
        (
            aws.ReadTimeoutError(endpoint_url=URL, error="a-secret"),
            errors.UnreachableError,
            ["connection to api.example timed out"],
        ),
        (
            aws.EndpointConnectionError(endpoint_url=URL, error="NameResolutionError(a-secret)"),
            errors.UnreachableError,
            ["api.example cannot be reached (cannot resolve the host name)", "the region us-west-2"],
        ),
        (
            aws.EndpointConnectionError(endpoint_url="http://[bad", error="a-secret"),
            errors.UnreachableError,
            ["AWS cannot be reached;"],
        ),
        (
            aws.ConnectionClosedError(endpoint_url=URL, error="a-secret"),
            errors.UnreachableError,
            ["api.example closed the connection without a response"],
        ),
        (aws.HTTPClientError(error="a-secret"), errors.UnreachableError, ["AWS cannot be reached"]),
        (RuntimeError("can't start new thread"), errors.CredentialHelperError, ["a limit on processes"]),
        (MemoryError("a-secret"), errors.CredentialHelperError, ["not enough memory"]),
        (ssl.SSLError(1, "[SSL] malloc failure"), errors.CredentialHelperError, ["not enough memory"]),
        (
            ImportError("a.so: failed to map segment from shared object"),
            errors.CredentialHelperError,
            ["not enough memory"],
        ),
        (ValueError("a-secret"), errors.InvalidResponseError, ["is not valid (ValueError)"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_exception_becomes_an_error_with_a_reason_and_a_hint(
    error: Exception, kind: type[errors.CredentialHelperError], words: list[str]
) -> None:
    assert REGISTRY
    told = explain(error, REGISTRY, "my dev")
    assert type(told) is kind
    assert str(told).startswith(f"{HOST}: ")
    assert all(word in str(told) for word in words), str(told)
    assert "a-secret" not in str(told)


def test_too_little_memory_is_not_an_internal_error() -> None:
    error = errors.internal_error(MemoryError("a-secret"))
    assert str(error) == f"{errors.PROG}: there is not enough memory; raise the memory limit"


USER = "arn:aws:iam::111122223333:user/x"
ROLE = "arn:aws:iam::444455556666:role/push"


@pytest.mark.parametrize(
    ("code", "message", "kind", "words"),
    [
        (
            "ExpiredTokenException",
            "a-secret",
            errors.CredentialsError,
            ["have expired (ExpiredTokenException)", "aws sso login"],
        ),
        ("UnrecognizedClientException", "a-secret", errors.CredentialsError, ["region us-west-2"]),
        ("ThrottlingException", "a-secret", errors.ThrottledError, ["throttled", "attempts: 3"]),
        ("AccessDeniedException", "a-secret", errors.AccessDeniedError, ["denies GetAuthorizationToken"]),
        (
            "AccessDeniedException",
            f"User: {USER} is not authorized to perform: ecr:GetAuthorizationToken on resource: * a-secret",
            errors.AccessDeniedError,
            [
                f"{USER} is not authorized to perform ecr:GetAuthorizationToken on *",
                "allow ecr:GetAuthorizationToken in",
            ],
        ),
        (
            "AccessDenied",
            "MultiFactorAuthentication failed with invalid MFA one time pass code. a-secret",
            errors.AccessDeniedError,
            ["AWS does not accept the MFA code; try again with a new one"],
        ),
        (
            "AccessDenied",
            f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
            " with an explicit deny in an identity-based policy",
            errors.AccessDeniedError,
            [f"sts:AssumeRole on {ROLE} ", "with an explicit deny in an identity-based policy"],
        ),
        (
            "AccessDeniedException",
            f"User: {USER} is not authorized to perform: ecr:GetAuthorizationToken",
            errors.AccessDeniedError,
            ["on this resource"],
        ),
        ("ServerException", "a-secret", errors.InvalidResponseError, ["(ServerException, HTTP status 500)"]),
        ("a secret code", "a-secret", errors.InvalidResponseError, ["(no error code, HTTP status 500)"]),
    ],
)
def test_an_error_response_is_translated_by_its_code(
    code: str, message: str, kind: type[errors.CredentialHelperError], words: list[str]
) -> None:
    assert REGISTRY
    metadata = {"HTTPStatusCode": 500, "RetryAttempts": 2}
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
    told = explain(ClientError(answer, "GetAuthorizationToken"), REGISTRY, None)  # type: ignore[arg-type] # its stub asks for more than botocore does
    assert type(told) is kind
    assert all(word in str(told) for word in words), str(told)
    assert "secret" not in str(told)


def test_an_empty_error_response_is_translated() -> None:
    assert REGISTRY
    told = explain(ClientError({}, "AssumeRole"), REGISTRY, None)
    assert "AssumeRole failed (no error code, HTTP status unknown)" in str(told)


def test_every_row_has_a_hint_and_the_last_rows_match_everything() -> None:
    for row in (*EXCEPTIONS, *RESPONSES):
        assert row.reason
        assert row.hint
    assert EXCEPTIONS[-1].causes == (Exception,)
    assert RESPONSES[-1].causes == ("",)


# Failures over a socket.


Failure = Callable[..., str]
"""A function of a fault and variables that returns the error."""


@pytest.fixture
def failure(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Failure:
    def fail(fault: Fault | None = None, **environ: str) -> str:
        if fault:
            aws.faults.extend([fault] * 5)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        assert REGISTRY
        with pytest.raises(errors.CredentialHelperError) as caught:
            client.fetch(REGISTRY, time.time)
        return str(caught.value)

    return fail


@pytest.fixture
def without_keys(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001 - after its variables
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


def test_a_wrong_secret_key_is_reported(failure: Failure) -> None:
    assert "does not accept the credentials" in failure(AWS_SECRET_ACCESS_KEY="wrong")


def test_an_unknown_profile_is_reported(failure: Failure) -> None:
    assert "AWS profile 'nope' does not exist" in failure(AWS_PROFILE="nope")


def test_an_empty_profile_name_is_reported(failure: Failure) -> None:
    assert "AWS profile '' does not exist" in failure(AWS_PROFILE="")


def test_errors_about_keys_in_the_environment_name_no_profile(failure: Failure, home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text("[profile p]\nregion = us-west-2\n")
    assert "profile p" not in failure(AWS_PROFILE="p", AWS_SECRET_ACCESS_KEY="stale")


def test_a_closed_port_is_reported(failure: Failure) -> None:
    text = failure(AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1")
    assert "127.0.0.1 cannot be reached" in text


def test_an_unknown_host_is_reported(failure: Failure) -> None:
    text = failure(AWS_ENDPOINT_URL="http://api.invalid", AWS_MAX_ATTEMPTS="1")
    assert "api.invalid cannot be reached (cannot resolve the host name)" in text


def test_throttling_is_reported_after_botocores_retries(failure: Failure, aws: FakeECR) -> None:
    text = failure(Fault.aws("ThrottlingException", "Rate exceeded"), AWS_MAX_ATTEMPTS="2")
    assert "AWS throttled GetAuthorizationToken (ThrottlingException, attempts: 2)" in text
    assert len(aws.calls) == 2


@pytest.mark.usefixtures("without_keys")
def test_a_missing_sso_session_is_reported(failure: Failure, home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(
        "[profile dev]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n"
        "[sso-session s]\nsso_start_url = https://example.invalid/start\nsso_region = us-east-1\n"
    )
    assert "run: aws sso login --profile dev" in failure(AWS_PROFILE="dev")
