"""Translate botocore's exceptions into our errors, with a reason and a hint.

The errors contain names, hosts, ARNs and error codes, but no messages of exceptions: these can contain
secrets that a server or a proxy printed. A pattern can find a cause in a message, and its groups match names
only. The only text of another program is the last line of a credential process, without secrets.
"""

import os
import re
from typing import TYPE_CHECKING

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from ecr_credhelper import errors
from ecr_credhelper.aws import config_errors, environment_errors, trust
from ecr_credhelper.aws.error_fields import (
    CALLER_IDENTITY,
    CLOCK,
    Row,
    common_fields,
    exception_fields,
    is_from_parser,
    response_fields,
)
from ecr_credhelper.aws.profiles import LIST_PROFILES, chain_of
from ecr_credhelper.aws.response_errors import RESPONSES
from ecr_credhelper.settings.rules import NO_RULE

if TYPE_CHECKING:
    from ecr_credhelper.registry import Registry
    from ecr_credhelper.settings.rules import Rule

# The first match counts: subclasses precede their base classes, and rows with a pattern those without.
EXCEPTIONS: tuple[Row, ...] = (
    Row((aws.SSOTokenLoadError, aws.UnauthorizedSSOTokenError, aws.TokenRetrievalError, aws.SSOError),
        errors.CredentialsError,
        "the SSO session{of_session_profile} is missing or has expired",
        "run: aws sso login{session_profile}"),
    Row((aws.LoginError,), errors.CredentialsError,
        "the aws login session{of_session_profile} is missing or has expired",
        "run: aws login{session_profile}"),
    Row((aws.ProfileNotFound,), errors.ConfigurationError,
        "AWS profile {name!r} does not exist",
        LIST_PROFILES),
    Row((aws.NoCredentialsError,), errors.NoCredentialsError,
        *errors.NO_CREDENTIALS),
    Row((aws.PartialCredentialsError,), errors.CredentialsError,
        "{name} is missing: only one of the two AWS_ variables of a key is set",
        "set both, or neither",
        "found in env,"),
    Row((aws.PartialCredentialsError,), errors.CredentialsError,
        "the AWS credentials{of_profile} are incomplete, {name} is missing",
        "run: aws configure{profile}"),
    Row((aws.CredentialRetrievalError,), errors.CredentialsError,
        "the container credentials endpoint rejected the request (HTTP status {status})",
        "check AWS_CONTAINER_AUTHORIZATION_TOKEN and the role of the task or pod",
        r"non 200 response (?P<status>4\d\d) from container"),
    Row((aws.CredentialRetrievalError,), errors.CredentialsError,
        "the container credentials endpoint failed (HTTP status {status})",
        "try again; if it still fails, check the agent on the container's host",
        r"non 200 response (?P<status>\d+) from container"),
    Row((aws.CredentialRetrievalError,), errors.CredentialsError,
        "the response of the container credentials endpoint is not JSON",
        "check AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "parse JSON returned from container"),
    Row((aws.CredentialRetrievalError,), errors.CredentialsError,
        "the container credentials endpoint cannot be reached",
        "check AWS_CONTAINER_CREDENTIALS_FULL_URI, HTTP_PROXY and NO_PROXY",
        "from container-role"),
    Row((aws.CredentialRetrievalError,), errors.CredentialsError,
        "profile {parent} takes its credentials from {name}, which has none",
        "{source_hint}",
        r"credential_source referenced in profile (?P<parent>[\w.@+-]+)"),
    Row((aws.CredentialRetrievalError, aws.MetadataRetrievalError), errors.CredentialsError,
        "the source of the AWS credentials{of_profile} failed ({name})",
        CALLER_IDENTITY),
    Row((aws.RefreshWithMFAUnsupportedError,), errors.CredentialsError,
        "the AWS credentials{of_profile} need a new MFA code",
        CALLER_IDENTITY),
    Row((aws.MissingDependencyException,), errors.CredentialsError,
        "the AWS credentials{of_profile} need the AWS Common Runtime, which is not installed",
        "run: {install_crt}"),
    Row((aws.ConfigParseError, aws.ConfigNotFound), errors.ConfigurationError,
        "the AWS configuration file {name} cannot be read",
        "correct it, or check AWS_CONFIG_FILE"),
    Row((aws.InvalidConfigError, aws.UnknownCredentialError), errors.ConfigurationError,
        "the AWS configuration{of_profile} is not valid",
        CALLER_IDENTITY),
    Row((aws.InvalidIMDSEndpointError, aws.InvalidIMDSEndpointModeError), errors.ConfigurationError,
        "the URL of the EC2 instance metadata is not valid",
        "check AWS_EC2_METADATA_SERVICE_ENDPOINT and AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"),
    Row((aws.NoRegionError,), errors.ConfigurationError,
        "no region is configured for the AWS credentials{of_profile}",
        "set AWS_REGION, or give the session a region_name"),
    Row((aws.BaseEndpointResolverError, aws.EndpointProviderError, aws.InvalidRegionError),
        errors.ConfigurationError,
        "AWS has no such ECR endpoint in {region}",
        "check the host name, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT"),
    Row((aws.ParamValidationError,), errors.CredentialsError,
        "the web identity token file {web_identity_file} is empty",
        "write a token to it",
        "parameter WebIdentityToken, value: 0,"),
    Row((aws.ParamValidationError,), errors.CredentialsError,
        "the web identity token file {web_identity_file} has no valid token",
        "write a token to it",
        "parameter WebIdentityToken,"),
    Row((aws.ParamValidationError,), errors.ConfigurationError,
        "the {parameter} for the role{of_profile} is not valid",
        "check role_arn, role_session_name, external_id and duration_seconds{of_profile}",
        r"parameter (?P<parameter>RoleArn|RoleSessionName|ExternalId|DurationSeconds|SerialNumber)\b"),
    Row((aws.SSLError,), errors.UnreachableError,
        "the TLS certificate of {host} has expired",
        "check this machine's clock; if it is correct, contact the operator of {host}",
        "certificate (has|is) expired"),
    Row((aws.SSLError,), errors.UnreachableError,
        "the TLS certificate of {host} has expired or is not yet valid",
        "check this machine's clock; if it is correct, contact the operator of {host}",
        "not within its validity period"),
    Row((aws.SSLError,), errors.UnreachableError,
        "the TLS certificate of {host} is not yet valid",
        CLOCK,
        "certificate is not yet valid"),
    Row((aws.SSLError,), errors.UnreachableError,
        "the TLS certificate of {host} is for another name",
        "check AWS_ENDPOINT_URL, DNS and proxies",
        r"(?i)(hostname|ip address) mismatch|(doesn't|does not) match"),
    Row((aws.SSLError,), errors.UnreachableError,
        "the TLS certificate of {host} is from an unknown CA",
        "{trust_ca}",
        trust.UNKNOWN_CA.pattern),
    Row((aws.SSLError,), errors.ConfigurationError,
        "the CA bundle {bundle} does not exist",
        "check {bundle_source}",
        "No such file or directory"),
    Row((aws.SSLError,), errors.ConfigurationError,
        "{bundle} is not a CA bundle: it contains no certificate",
        "check {bundle_source}",
        "NO_CERTIFICATE_OR_CRL_FOUND|PEM lib|NO_START_LINE|BAD_END_LINE|BAD_BASE64|Is a directory"),
    Row((aws.SSLError,), errors.UnreachableError,
        "{host} does not use TLS on this port",
        "check the scheme and the port of AWS_ENDPOINT_URL, and proxies",
        "WRONG_VERSION_NUMBER|HTTP_REQUEST|RECORD_LAYER_FAILURE|PACKET_LENGTH|BAD_RECORD_TYPE"),
    Row((aws.SSLError,), errors.UnreachableError,
        "the TLS connection to {host} failed, or its certificate is not trusted",
        "{trust_ca}"),
    Row((aws.ProxyConnectionError,), errors.UnreachableError,
        "the proxy {host} requires a user and a password (HTTP status 407)",
        "write them in {proxy_variable}: http://USER:PASSWORD@{host}:PORT",
        r"Tunnel connection failed: 407"),
    Row((aws.ProxyConnectionError,), errors.UnreachableError,
        "the proxy {host} refused to connect to AWS (HTTP status {status})",
        "allow the host in the proxy, or add it to NO_PROXY",
        r"Tunnel connection failed: (?P<status>\d+)"),
    Row((aws.ProxyConnectionError,), errors.UnreachableError,
        "the host name of the proxy {host} cannot be resolved",
        "check {proxy_variable} and NO_PROXY",
        "NameResolutionError|Failed to resolve"),
    Row((aws.ProxyConnectionError,), errors.UnreachableError,
        "the proxy {host} cannot be reached",
        "check {proxy_variable} and NO_PROXY"),
    Row((aws.ConnectTimeoutError, aws.ReadTimeoutError), errors.UnreachableError,
        "the connection to {host} timed out",
        "check the network, HTTPS_PROXY and AWS_ENDPOINT_URL, and try again"),
    Row((aws.ConnectionClosedError,), errors.UnreachableError,
        "the response of {host} is not HTTP",
        "check the scheme and the port of AWS_ENDPOINT_URL, and proxies",
        r"BadStatusLine\("),
    Row((aws.ConnectionClosedError,), errors.UnreachableError,
        "{host} closed the connection before the end of its response",
        "check HTTPS_PROXY and AWS_ENDPOINT_URL, and try again",
        "IncompleteRead"),
    Row((aws.ConnectionClosedError,), errors.UnreachableError,
        "{host} closed the connection without a response",
        "check HTTPS_PROXY and AWS_ENDPOINT_URL, and try again"),
    Row((aws.EndpointConnectionError,), errors.UnreachableError,
        "{host} cannot be reached (cannot resolve the host name)",
        "check DNS, the region {region}, HTTPS_PROXY and AWS_ENDPOINT_URL",
        "NameResolutionError"),
    Row((aws.HTTPClientError,), errors.CredentialsError,
        "the AWS credentials{of_profile} contain a line break, or another character that HTTP does not allow",
        "correct them at their source",
        "Invalid header value|codec can't encode"),
    Row((aws.EndpointConnectionError, aws.ConnectionError, aws.HTTPClientError), errors.UnreachableError,
        "{host} cannot be reached",
        "check the network, the region {region}, HTTPS_PROXY and AWS_ENDPOINT_URL"),
    Row((ResponseParserError,), errors.InvalidResponseError,
        "the response of {host} contains a time that is not valid",
        "check AWS_ENDPOINT_URL and proxies",
        r"(?i)timestamp|timezone offset|\bnan\b|out of range"),
    Row((ResponseParserError,), errors.InvalidResponseError,
        "the response of {host} is not from AWS: it is neither JSON nor XML",
        "check AWS_ENDPOINT_URL and proxies",
        "invalid XML"),
    Row((ResponseParserError,), errors.InvalidResponseError,
        "the response of {host} is not from AWS: it has another form",
        "check AWS_ENDPOINT_URL and proxies"),
    Row((ValueError, OverflowError, RuntimeError, TypeError), errors.CredentialsError,
        "the expiration of the AWS credentials{of_profile} is not a time",
        "correct the source of the credentials",
        r"(?i)timestamp|timezone offset|\bnan\b|out of range|string format|contain a date|offset-naive"),
    Row((ValueError,), errors.ConfigurationError,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI has a host that AWS SDKs do not allow",
        "use a loopback address or https",
        "Unsupported host"),
    Row((RuntimeError,), errors.CredentialHelperError,
        "no thread can be started: a limit on processes is reached",
        "raise it (ulimit -u, or the pids limit of the container)",
        "can't start new thread"),
    Row((MemoryError,), errors.CredentialHelperError,
        "there is not enough memory to call AWS",
        "raise the memory limit"),
    # For example an invalid URL or a response that is not JSON: botocore does not wrap all exceptions.
    Row((Exception,), errors.InvalidResponseError,
        "the AWS configuration or the response from AWS is not valid ({name})",
        CALLER_IDENTITY),
)  # fmt: skip


def explain(
    error: Exception,
    registry: "Registry",
    profile: str | None,
    rule: "Rule" = NO_RULE,
    *,
    trusts_system: bool = True,
) -> errors.CredentialHelperError:
    """Return our error for an exception that botocore raised for ``registry`` under a rule.

    ``trusts_system`` is False for a program's session, which does not use the system's certificates.
    """
    chain = chain_of(profile, os.environ)
    own_settings = next(iter(chain.values()))
    if errors.is_out_of_memory(error):
        error = MemoryError()
    if is_from_parser(error):
        error = ResponseParserError(str(error)).with_traceback(error.__traceback__)
    elif found := environment_errors.problem_of(
        error, profile, own_settings, os.environ
    ) or config_errors.problem_of(error, registry, profile, os.environ):
        kind, reason, hint = found
        return kind(registry.host, reason, hint)
    fields = common_fields(registry, profile, rule, chain, trusts_system=trusts_system)
    if isinstance(error, aws.ClientError):
        fields |= response_fields(error, fields)
        message = str(error.response.get("Error", {}).get("Message", ""))
        text = f"{error.operation_name} {fields['status']} {message}"
        rows = [row for row in RESPONSES if fields["code"] in row.causes or "" in row.causes]
    else:
        fields |= exception_fields(error)
        text = trust.searchable_text(error)
        rows = [row for row in EXCEPTIONS if isinstance(error, row.causes)]
    row, match = next((row, match) for row in rows if (match := re.search(row.pattern, text)))
    fields |= match.groupdict()
    reason, hint = (part.format_map(fields) for part in (row.reason, row.hint))
    return row.error(registry.host, reason, hint)
