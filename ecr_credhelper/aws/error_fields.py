"""A row of the tables of errors, and its fields: names from the exception, the profile and the machine."""

import os
import re
import shlex
import sys
from traceback import walk_tb
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from botocore import exceptions as aws

from ecr_credhelper.aws import trust
from ecr_credhelper.aws.denials import denial_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecr_credhelper.errors import CredentialHelperError
    from ecr_credhelper.registry import Registry
    from ecr_credhelper.settings.rules import Rule

CALLER_IDENTITY = "run: aws sts get-caller-identity{profile}"
CLOCK = "set this machine's clock (in WSL after sleep: sudo hwclock -s)"

PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY")

INSTALLERS = {
    "pipx_metadata.json": "pipx inject docker-credential-ecr-py '{package}'",
    "uv-receipt.toml": "uv tool install --with '{package}' docker-credential-ecr-py",
}
"""Files that installers write into an environment, and how to add a package to it."""

NAMES = ("profile", "cred_var", "provider", "path")
"""Fields of botocore's exceptions that contain a name, not a message."""

ERROR_CODE = re.compile(r"[\w.:-]{1,64}")

SOURCE_HINTS = {
    "Environment": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    "Ec2InstanceMetadata": "attach a role to this EC2 instance, or use source_profile",
    "EcsContainer": "use it in an ECS or EKS container only; elsewhere, use source_profile",
}
"""Hints for a ``credential_source`` that has no credentials."""


class Row(NamedTuple):
    """The error for some exceptions or error codes. ``explain`` fills in the ``{…}``.

    A row with a ``pattern`` applies only if the message contains it.
    """

    causes: "tuple[Any, ...]"
    error: "type[CredentialHelperError]"
    reason: str
    hint: str
    pattern: str = ""


def common_fields(
    registry: "Registry",
    profile: str | None,
    rule: "Rule",
    chain: "dict[str, dict[str, str]]",
    *,
    trusts_system: bool,
) -> dict[str, str]:
    """Return the names that do not depend on the exception. ``chain`` is that of the profile."""
    own_settings = next(iter(chain.values()))
    session_profile, settings = list(chain.items())[-1]
    if not profile and len(chain) == 1:
        session_profile = ""
    bundle, bundle_source = ca_bundle(rule, own_settings, profile, os.environ)
    trust_ca = "set AWS_CA_BUNDLE to a file with the CA's certificate"
    if bundle:
        trust_ca = f"add the CA's certificate to {bundle} ({bundle_source})"
    elif trusts_system:
        trust_ca = "add the CA's certificate to the system's store, or set AWS_CA_BUNDLE to a file with it"
        bundle, bundle_source = system_file(os.environ)
    return {
        "profile": _option(profile),
        "of_profile": f" of profile {profile}" if profile else "",
        "session_profile": _option(session_profile),
        "of_session_profile": f" of profile {session_profile}" if session_profile else "",
        "region": registry.region,
        "role": _role(rule, profile, chain),
        "sso_role_name": settings.get("sso_role_name", "?"),
        "sso_account_id": settings.get("sso_account_id", "?"),
        "web_identity_file": web_identity_file(settings, os.environ),
        "bundle": bundle,
        "bundle_source": bundle_source,
        "trust_ca": trust_ca,
        "install_crt": install_command("botocore[crt]"),
    }


def _option(profile: str | None) -> str:
    return f" --profile {shlex.quote(profile)}" if profile else ""


def _role(rule: "Rule", profile: str | None, chain: "dict[str, dict[str, str]]") -> str:
    """Return the ARN of the role, or an empty string: the exception does not show which of several failed."""
    arns = {settings["role_arn"] for settings in chain.values() if "role_arn" in settings}
    arns |= {rule.role_arn, "" if profile else os.environ.get("AWS_ROLE_ARN", "")} - {""}
    return f" {arns.pop()}" if len(arns) == 1 else ""


def response_fields(error: aws.ClientError, fields: dict[str, str]) -> dict[str, str]:
    """Return the names in an error response of AWS."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    metadata = error.response.get("ResponseMetadata", {})
    found = denial_of(str(error.response.get("Error", {}).get("Message", "")))
    denial, remedy = found or (
        f"AWS denies {error.operation_name}",
        f"allow it in a policy of this identity; to see it, {CALLER_IDENTITY.format_map(fields)}",
    )
    return {
        "code": code if ERROR_CODE.fullmatch(code) else "no error code",
        "action": error.operation_name,
        "status": str(metadata.get("HTTPStatusCode", "unknown")),
        "attempts": str(metadata.get("RetryAttempts", 0) + 1),
        "denial": denial,
        "remedy": remedy,
    }


def exception_fields(error: Exception) -> dict[str, str]:
    """Return the names in an exception, without messages, and with only the host of a URL."""
    fields = getattr(error, "kwargs", {})
    name = str(next((fields[key] for key in NAMES if key in fields), type(error).__name__))
    url = fields.get("endpoint_url") or fields.get("proxy_url") or request_url(error)
    host = _host(str(url)) or "AWS"
    return {
        "name": name,
        "host": host,
        "proxy_variable": proxy_variable(host, os.environ),
        "source_hint": SOURCE_HINTS.get(name, "use source_profile"),
    }


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def proxy_variable(host: str, environ: "Mapping[str, str]") -> str:
    """Return the variable that configures the proxy on a host, as the user wrote it."""
    return next((name for name in PROXIES if host in environ.get(name, "")), "HTTPS_PROXY")


def web_identity_file(settings: "dict[str, str]", environ: "Mapping[str, str]") -> str:
    """Return the path of the web identity token, or the variable that can configure it."""
    path = environ.get("AWS_WEB_IDENTITY_TOKEN_FILE") or settings.get("web_identity_token_file")
    return path or "AWS_WEB_IDENTITY_TOKEN_FILE"


def ca_bundle(
    rule: "Rule", settings: "dict[str, str]", profile: str | None, environ: "Mapping[str, str]"
) -> tuple[str, str]:
    """Return the path of the configured CA bundle and where it is configured; empty texts if it is not."""
    candidates = (
        (rule.ca_bundle, "ca_bundle in the settings"),
        (environ.get("AWS_CA_BUNDLE"), "AWS_CA_BUNDLE"),
        (settings.get("ca_bundle"), f"ca_bundle of profile {profile or 'default'}"),
        (environ.get("REQUESTS_CA_BUNDLE"), "REQUESTS_CA_BUNDLE"),
    )
    return next(((path, source) for path, source in candidates if path), ("", ""))


def system_file(environ: "Mapping[str, str]") -> tuple[str, str]:
    """Return the path of the file with the system's certificates, and what selects it."""
    store = trust.system_store(environ)
    path = store.file if store else ""
    return path, "SSL_CERT_FILE" if path == environ.get("SSL_CERT_FILE") else "the system's CA certificates"


def install_command(package: str) -> str:
    """Return the command that installs a package beside this copy of the helper."""
    installed = (
        command for file, command in INSTALLERS.items() if os.path.exists(os.path.join(sys.prefix, file))
    )
    return next(installed, f"{sys.executable} -m pip install '{{package}}'").format(package=package)


def request_url(error: Exception) -> str:
    """Return the URL of the request that failed, or an empty string.

    Most exceptions do not have it, but the frames of botocore that raised them do.
    """
    url = ""
    for frame, _ in walk_tb(error.__traceback__):
        if frame.f_globals.get("__name__") in {"botocore.endpoint", "botocore.httpsession"}:
            url = getattr(frame.f_locals.get("request"), "url", url)
    return url


def is_from_parser(error: Exception) -> bool:
    """Return whether botocore failed to parse a response."""
    names = {frame.f_globals.get("__name__") for frame, _ in walk_tb(error.__traceback__)}
    return "botocore.parsers" in names
