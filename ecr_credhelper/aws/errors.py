"""Translate botocore's exceptions into our errors, with a reason and a hint.

The errors contain names, hosts, ARNs and error codes, but no messages of exceptions: these can contain
secrets that a server, a proxy or a credential process printed.
"""

import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from botocore import exceptions as aws

from ecr_credhelper import errors

if TYPE_CHECKING:
    from ecr_credhelper.registry import Registry

CALLER_IDENTITY = "run: aws sts get-caller-identity{profile}"


class Row(NamedTuple):
    """The error for some exceptions or error codes. ``explain`` fills in the ``{…}``."""

    causes: "tuple[Any, ...]"
    error: type[errors.CredentialHelperError]
    reason: str
    hint: str


# The first match counts, so subclasses precede their base classes.
EXCEPTIONS: tuple[Row, ...] = (
    Row((aws.SSOTokenLoadError, aws.UnauthorizedSSOTokenError, aws.TokenRetrievalError, aws.SSOError),
        errors.CredentialsError,
        "the SSO session{of_profile} is missing or has expired",
        "run: aws sso login{profile}"),
    Row((aws.LoginError,), errors.CredentialsError,
        "the aws login session{of_profile} is missing or has expired",
        "run: aws login{profile}"),
    Row((aws.ProfileNotFound,), errors.ConfigurationError,
        "AWS profile {name!r} does not exist",
        "to see the profiles, run: aws configure list-profiles"),
    Row((aws.NoCredentialsError,), errors.NoCredentialsError,
        *errors.NO_CREDENTIALS),
    Row((aws.PartialCredentialsError,), errors.CredentialsError,
        "the AWS credentials{of_profile} are incomplete, {name} is missing",
        "run: aws configure{profile}"),
    Row((aws.CredentialRetrievalError, aws.MetadataRetrievalError), errors.CredentialsError,
        "the source of the AWS credentials{of_profile} failed ({name})",
        CALLER_IDENTITY),
    Row((aws.RefreshWithMFAUnsupportedError,), errors.CredentialsError,
        "the AWS credentials{of_profile} need a new MFA code",
        CALLER_IDENTITY),
    Row((aws.MissingDependencyException,), errors.CredentialsError,
        "the AWS credentials{of_profile} need the AWS Common Runtime, which is not installed",
        "install it beside this helper: pip install 'botocore[crt]'"),
    Row((aws.ConfigParseError, aws.ConfigNotFound), errors.ConfigurationError,
        "the AWS configuration file {name} cannot be read",
        "correct it, or check AWS_CONFIG_FILE"),
    Row((aws.InvalidConfigError, aws.UnknownCredentialError), errors.ConfigurationError,
        "the AWS configuration{of_profile} is not valid",
        CALLER_IDENTITY),
    Row((aws.NoRegionError,), errors.ConfigurationError,
        "no region is configured for the AWS credentials{of_profile}",
        "set AWS_REGION, or give the session a region_name"),
    Row((aws.BaseEndpointResolverError, aws.EndpointProviderError, aws.InvalidRegionError),
        errors.ConfigurationError,
        "AWS has no such ECR endpoint in {region}",
        "check the host name, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT"),
    Row((aws.SSLError,), errors.UnreachableError,
        "the TLS connection to {host} failed, or its certificate is not trusted",
        "set AWS_CA_BUNDLE to a file with the right CA certificates"),
    Row((aws.ProxyConnectionError,), errors.UnreachableError,
        "the proxy {host} cannot be reached",
        "check HTTPS_PROXY and NO_PROXY"),
    Row((aws.ConnectTimeoutError, aws.ReadTimeoutError), errors.UnreachableError,
        "the connection to {host} timed out",
        "check the network, HTTPS_PROXY and AWS_ENDPOINT_URL, and try again"),
    Row((aws.EndpointConnectionError, aws.ConnectionError, aws.HTTPClientError), errors.UnreachableError,
        "{host} cannot be reached{unknown_host}",
        "check the network, the region {region}, HTTPS_PROXY and AWS_ENDPOINT_URL"),
    # For example an invalid URL or a response that is not JSON: botocore does not wrap all exceptions.
    Row((Exception,), errors.InvalidResponseError,
        "the AWS configuration or the response from AWS is not valid ({name})",
        CALLER_IDENTITY),
)  # fmt: skip

# Error codes of ECR, STS and SSO. "" matches every other code.
RESPONSES: tuple[Row, ...] = (
    Row(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), errors.CredentialsError,
        "the AWS credentials{of_profile} have expired, or this machine's clock is wrong ({code})",
        "get new ones the same way (aws sso login{profile}, aws login{profile}, …), and check the clock"),
    Row(("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException",
         "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException", "AuthFailure"),
        errors.CredentialsError,
        "AWS does not accept the credentials{of_profile} in region {region} ({code})",
        CALLER_IDENTITY + "; if that works, check that {region} is correct and enabled for the account"),
    Row(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"), errors.AccessDeniedError,
        "{denial}",
        "{remedy}"),
    Row(("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
         "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded"),
        errors.ThrottledError,
        "AWS throttled {action} ({code}, attempts: {attempts})",
        "wait a moment and try again"),
    Row(("",), errors.InvalidResponseError,
        "{action} failed ({code}, HTTP status {status})",
        "try again; if it still fails, " + CALLER_IDENTITY),
)  # fmt: skip

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
DENIAL = re.compile(
    r"User: (?P<caller>arn:[\w+=,.@:/-]+) is not authorized to perform: (?P<action>[\w:-]+)"
    r"(?: on resource: (?P<resource>\*|arn:[\w+=,.@:/*-]+))?(?P<explicit>.*with an explicit deny)?"
)
NAMES = ("profile", "cred_var", "provider", "path")
"""Fields of botocore's exceptions that contain a name, not a message."""

ERROR_CODE = re.compile(r"[\w.:-]{1,64}")


def explain(error: Exception, registry: "Registry", profile: str | None) -> errors.CredentialHelperError:
    """Return our error for an exception that botocore raised for ``registry``."""
    names = {
        "profile": f" --profile {shlex.quote(profile)}" if profile else "",
        "of_profile": f" of profile {profile}" if profile else "",
        "region": registry.region,
    }
    if isinstance(error, aws.ClientError):
        names |= _names_in_response(error, names["profile"])
        row = next(row for row in RESPONSES if {names["code"], ""} & set(row.causes))
    else:
        names |= _names_in_exception(error)
        row = next(row for row in EXCEPTIONS if isinstance(error, row.causes))
    reason, hint = (text.format_map(names) for text in (row.reason, row.hint))
    return row.error(registry.host, reason, hint)


def _names_in_response(error: aws.ClientError, profile: str) -> dict[str, str]:
    """Return the names in an error response of AWS."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    metadata = error.response.get("ResponseMetadata", {})
    caller_identity = CALLER_IDENTITY.format(profile=profile)
    names = {
        "code": code if ERROR_CODE.fullmatch(code) else "no error code",
        "action": error.operation_name,
        "status": str(metadata.get("HTTPStatusCode", "unknown")),
        "attempts": str(metadata.get("RetryAttempts", 0) + 1),
        "denial": f"AWS denies {error.operation_name}",
        "remedy": f"allow it in a policy of this identity; to see it, {caller_identity}",
    }
    message = str(error.response.get("Error", {}).get("Message", ""))
    if message.startswith("MultiFactorAuthentication failed"):
        names["denial"] = "AWS does not accept the MFA code"
        names["remedy"] = "try again with a new one; if it still fails, check mfa_serial"
    found = DENIAL.search(message)
    if found:
        caller, action, resource = found["caller"], found["action"], found["resource"] or "this resource"
        names["denial"] = f"{caller} is not authorized to perform {action} on {resource}"
        names["remedy"] = f"allow {action} in a policy of that identity"
        if found["explicit"]:
            names["remedy"] = "a policy denies it explicitly: contact the administrator of the account"
    return names


def _names_in_exception(error: Exception) -> dict[str, str]:
    """Return the names in an exception, without messages, and with only the host of a URL."""
    fields = getattr(error, "kwargs", {})
    name = next((fields[key] for key in NAMES if key in fields), type(error).__name__)
    host = _host(str(fields.get("endpoint_url") or fields.get("proxy_url") or ""))
    is_unknown = "NameResolutionError" in repr(fields.get("error"))
    return {
        "name": str(name),
        "host": host or "AWS",
        "unknown_host": " (cannot resolve the host name)" if is_unknown else "",
    }


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
