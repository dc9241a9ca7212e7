"""botocore's exceptions, told to a person: what failed, why, and what to run next.

Only names, hosts, ARNs and error codes are taken from an exception, never its text: that may hold
what a server, a proxy or a credential process printed.
"""

import re
import shlex
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from botocore import exceptions as aws

from ecr_credhelper import errors

if TYPE_CHECKING:
    from ecr_credhelper.registry import Registry

WHO_AM_I = "run: aws sts get-caller-identity{profile}"


class Row(NamedTuple):
    """What to say of some exceptions or error codes; the ``{…}`` are filled by ``_names``."""

    when: "tuple[Any, ...]"
    kind: type[errors.CredentialHelperError]
    reason: str
    hint: str


# The first row that fits counts: subclasses stand before their bases.
EXCEPTIONS: tuple[Row, ...] = (
    Row((aws.SSOTokenLoadError, aws.UnauthorizedSSOTokenError, aws.TokenRetrievalError, aws.SSOError),
        errors.CredentialsError,
        "the SSO session{of_profile} is missing or has expired",
        "run: aws sso login{profile}"),
    Row((aws.LoginError,), errors.CredentialsError,
        "the session of aws login{of_profile} is missing or has expired",
        "run: aws login{profile}"),
    Row((aws.ProfileNotFound,), errors.ConfigurationError,
        "there is no AWS profile named {name!r}",
        "run: aws configure list-profiles, and set AWS_PROFILE to one of them"),
    Row((aws.NoCredentialsError,), errors.NoCredentialsError,
        *errors.NO_CREDENTIALS),
    Row((aws.PartialCredentialsError,), errors.CredentialsError,
        "the AWS credentials{of_profile} are incomplete, {name} is missing",
        "run: aws configure{profile}"),
    Row((aws.CredentialRetrievalError, aws.MetadataRetrievalError), errors.CredentialsError,
        "the source of the AWS credentials{of_profile} failed ({name})",
        WHO_AM_I),
    Row((aws.RefreshWithMFAUnsupportedError,), errors.CredentialsError,
        "the AWS credentials{of_profile} need a new MFA code",
        WHO_AM_I),
    Row((aws.MissingDependencyException,), errors.CredentialsError,
        "the AWS credentials{of_profile} need the AWS Common Runtime, which is not installed",
        "install it beside this helper: pip install 'botocore[crt]'"),
    Row((aws.ConfigParseError, aws.ConfigNotFound), errors.ConfigurationError,
        "the AWS configuration file {name} cannot be read",
        "correct it, or check AWS_CONFIG_FILE"),
    Row((aws.InvalidConfigError, aws.UnknownCredentialError), errors.ConfigurationError,
        "the AWS configuration{of_profile} is not valid",
        WHO_AM_I),
    Row((aws.NoRegionError,), errors.ConfigurationError,
        "the AWS credentials{of_profile} are asked for in no region",
        "set AWS_REGION, or give the session a region_name"),
    Row((aws.BaseEndpointResolverError, aws.EndpointProviderError, aws.InvalidRegionError),
        errors.ConfigurationError,
        "AWS has no such ECR API in {region}",
        "check the host name, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT"),
    Row((aws.SSLError,), errors.UnreachableError,
        "the TLS connection to {host} failed, its certificate is not trusted",
        "set AWS_CA_BUNDLE to a file with the right CA certificates"),
    Row((aws.ProxyConnectionError,), errors.UnreachableError,
        "the proxy {host} cannot be reached",
        "check HTTPS_PROXY and NO_PROXY"),
    Row((aws.ConnectTimeoutError, aws.ReadTimeoutError), errors.UnreachableError,
        "{host} did not answer in time",
        "check the network, HTTPS_PROXY and AWS_ENDPOINT_URL, and try again"),
    Row((aws.EndpointConnectionError, aws.ConnectionError, aws.HTTPClientError), errors.UnreachableError,
        "{host} cannot be reached{unknown_host}",
        "check the network, the region {region}, HTTPS_PROXY and AWS_ENDPOINT_URL"),
    # a bad URL, an answer that is no JSON: botocore lets foreign exceptions through
    Row((Exception,), errors.InvalidResponseError,
        "the AWS configuration or the answer of AWS cannot be used ({name})",
        WHO_AM_I),
)  # fmt: skip

# The codes that AWS answers with, of ECR and of the STS and SSO calls before it; "" is any other.
ANSWERS: tuple[Row, ...] = (
    Row(("ExpiredToken", "ExpiredTokenException", "RequestExpired"), errors.CredentialsError,
        "the AWS credentials{of_profile} have expired, or this machine's clock is wrong ({code})",
        "get new ones as you got these (aws sso login{profile}, aws login{profile}, …), and check the clock"),
    Row(("UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException",
         "SignatureDoesNotMatch", "IncompleteSignature", "IncompleteSignatureException", "AuthFailure"),
        errors.CredentialsError,
        "AWS does not accept the credentials{of_profile} in region {region} ({code})",
        WHO_AM_I + "; if that works, check that {region} is the right region and enabled for the account"),
    Row(("AccessDenied", "AccessDeniedException", "UnauthorizedOperation"), errors.AccessDeniedError,
        "{denial}",
        "{remedy}"),
    Row(("Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled",
         "RequestThrottledException", "TooManyRequestsException", "RequestLimitExceeded"),
        errors.ThrottledError,
        "AWS throttles {action} ({code}), tries: {tries}",
        "wait a moment and try again"),
    Row(("",), errors.InvalidResponseError,
        "AWS failed to answer {action} ({code}, HTTP status {status})",
        "try again; if it stays so, " + WHO_AM_I),
)  # fmt: skip

# https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
DENIAL = re.compile(
    r"User: (?P<who>arn:[\w+=,.@:/-]+) is not authorized to perform: (?P<action>[\w:-]+)"
    r"(?: on resource: (?P<resource>\*|arn:[\w+=,.@:/*-]+))?(?P<explicit>.*with an explicit deny)?"
)
NAMES = ("profile", "cred_var", "provider", "path")
"""The fields of botocore's exceptions that hold a name rather than a message."""

ERROR_CODE = re.compile(r"[\w.:-]{1,64}")


def explain(error: Exception, registry: "Registry", profile: str | None) -> errors.CredentialHelperError:
    """Return our error for whatever botocore raised while it asked for the token of ``registry``."""
    names = {
        "profile": f" --profile {shlex.quote(profile)}" if profile else "",
        "of_profile": f" of profile {profile}" if profile else "",
        "region": registry.region,
    }
    if isinstance(error, aws.ClientError):
        names |= _names_in_answer(error, names["profile"])
        row = next(row for row in ANSWERS if {names["code"], ""} & set(row.when))
    else:
        names |= _names_in(error)
        row = next(row for row in EXCEPTIONS if isinstance(error, row.when))
    reason, hint = (text.format_map(names) for text in (row.reason, row.hint))
    return row.kind(registry.host, reason, hint)


def _names_in_answer(error: aws.ClientError, profile: str) -> dict[str, str]:
    """Return what an error answer tells: its code, the call, the tries, and of a denial who and what."""
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", ""))
    metadata = answer.get("ResponseMetadata", {})
    who_am_i = WHO_AM_I.format(profile=profile)
    names = {
        "code": code if ERROR_CODE.fullmatch(code) else "no error code",
        "action": error.operation_name,
        "status": str(metadata.get("HTTPStatusCode", "unknown")),
        "tries": str(metadata.get("RetryAttempts", 0) + 1),
        "denial": f"AWS denies {error.operation_name}",
        "remedy": f"allow it in a policy of the identity that you see when you {who_am_i}",
    }
    message = str(answer.get("Error", {}).get("Message", ""))
    if message.startswith("MultiFactorAuthentication failed"):
        names["denial"] = "AWS does not accept the MFA code"
        names["remedy"] = "try again with a new one; if it stays so, check mfa_serial"
    found = DENIAL.search(message)
    if found:
        who, action = found["who"], found["action"]
        names["denial"] = f"{who} may not perform {action} on {found['resource'] or 'this resource'}"
        names["remedy"] = f"allow {action} in a policy of that identity"
        if found["explicit"]:
            names["remedy"] = "a policy denies it explicitly: ask the administrator of the account"
    return names


def _names_in(error: Exception) -> dict[str, str]:
    """Return the names in an exception: no messages, and of a URL only the host."""
    fields = getattr(error, "kwargs", {})
    name = next((fields[key] for key in NAMES if key in fields), type(error).__name__)
    host = _host(str(fields.get("endpoint_url") or fields.get("proxy_url") or ""))
    is_unknown = "NameResolutionError" in repr(fields.get("error"))
    return {
        "name": str(name),
        "host": host or "AWS",
        "unknown_host": ", its name is not known" if is_unknown else "",
    }


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
