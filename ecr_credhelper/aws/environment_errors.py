"""Find the mistake in environment variables after botocore has failed."""

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from botocore import exceptions as aws
from botocore.utils import should_bypass_proxies

from ecr_credhelper.aws.error_fields import request_url
from ecr_credhelper.aws.profiles import used_sections
from ecr_credhelper.aws.setting_values import is_url, wrong_url, wrong_value
from ecr_credhelper.errors import ConfigurationError, CredentialsError
from ecr_credhelper.files import is_special

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecr_credhelper.aws.config_errors import Explanation

KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)

FILES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
"""Variables with the paths of token files."""

URL_MESSAGES = r"Invalid endpoint|[Pp]ort |IPv6 URL|netloc"
"""Parts of the messages of exceptions about URLs."""

MAX_FILE = 1024 * 1024
"""Maximum number of bytes of a token file to look at."""

REJECTED = ("InvalidSignatureException", "SignatureDoesNotMatch", "UnrecognizedClientException",
            "InvalidClientTokenId", "IncompleteSignature", "IncompleteSignatureException")  # fmt: skip
"""Error codes for a wrong key."""


WRONG_VALUES = (
    aws.InvalidChecksumConfigError,
    aws.InvalidConfigError,
    aws.InvalidDefaultsMode,
    aws.InvalidRegionError,
    aws.InvalidRetryConfigurationError,
    aws.InvalidS3UsEast1RegionalEndpointConfigError,
    aws.InvalidSTSRegionalEndpointsConfigError,
    TypeError,
    ValueError,
)
"""Exceptions for the values of settings."""


def problem_of(
    error: Exception, profile: str | None, settings: "dict[str, str]", environ: "Mapping[str, str]"
) -> "Explanation | None":
    """Return the mistake in the variables that explains the exception. ``settings`` are the profile's."""
    match error:
        case aws.ClientError():
            code = error.response.get("Error", {}).get("Code")
            return _blank_in_key(environ) if code in REJECTED and not profile else None
        case aws.HTTPClientError() | aws.ConnectionError() | aws.InvalidProxiesConfigError():
            request = request_url(error)
            is_in_header = isinstance(error.kwargs.get("error"), ValueError)  # for example, a line break
            return (
                (_blank_in_key(environ) if is_in_header else None)
                or _proxy(request, environ)
                or (wrong_url(request, used_sections(profile, environ), environ) if request else None)
            )
        case OSError(filename=str(path)):
            return _unreadable_file(path, error, settings, environ)
    if not isinstance(error, WRONG_VALUES):
        return None
    used = used_sections(profile, environ)
    return (
        (_not_text(settings, environ) if isinstance(error, UnicodeError) else None)
        or _blank_in_key(environ)
        or wrong_value(used, environ)
        or (wrong_url("", used, environ) if re.search(URL_MESSAGES, str(error)) else None)
        or (None if profile else _role_arn(settings, environ))
    )


def _blank_in_key(environ: "Mapping[str, str]") -> "Explanation | None":
    """Return which key has white space at an end: CI secrets often end with a line break."""
    for name in KEYS:
        value = environ.get(name, "")
        if value != value.strip():
            blank = "a line break" if value.strip(" ") != value.strip() else "a space"
            reason = f"{name} starts or ends with {blank}"
            return CredentialsError, reason, "remove it (in CI, from the stored secret)"
    return None


def _unreadable_file(
    path: str, error: OSError, settings: "dict[str, str]", environ: "Mapping[str, str]"
) -> "Explanation":
    cause = os.strerror(error.errno) if error.errno else type(error).__name__
    variables = [name for name in FILES if environ.get(name) == path]
    if not variables and path != settings.get("web_identity_token_file"):
        reason = f"{path} cannot be read or written ({cause})"
        return CredentialsError, reason, "check the owner and the mode of the file"
    setting = variables[0] if variables else "web_identity_token_file"
    reason = f"the token file {path} cannot be read ({cause})"
    return CredentialsError, reason, f"check {setting}, and the mount of the token"


def _proxy(request: str, environ: "Mapping[str, str]") -> "Explanation | None":
    """Return why the proxy of a request cannot be used. Its URL can contain a password."""
    scheme = urlsplit(request).scheme
    name = next((name for name in (f"{scheme}_proxy", f"{scheme.upper()}_PROXY") if environ.get(name)), "")
    if not name or should_bypass_proxies(request):
        return None
    url = environ[name]
    if url.startswith("socks"):
        reason = f"{name} is a SOCKS proxy, which AWS SDKs for Python do not support"
        return ConfigurationError, reason, "set it to an HTTP proxy, or unset it"
    url = url if "//" in url else f"http://{url}"
    if is_url(url) and "@" not in url.partition("//")[2].partition("/")[2] and "#" not in url:
        return None
    reason = f"{name} is not a valid URL"
    hint = "write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, with special characters percent-encoded"
    return ConfigurationError, reason, hint


def _not_text(settings: "dict[str, str]", environ: "Mapping[str, str]") -> "Explanation | None":
    """Return which token file is not text."""
    setting = "web_identity_token_file"
    for name, path in (*((name, environ.get(name)) for name in FILES), (setting, settings.get(setting))):
        with suppress(OSError, ValueError):
            if path and not is_special(path) and not _is_text(path):
                reason = f"the token file {path} is not text"
                return CredentialsError, reason, f"write a token to it, or check {name}"
    return None


def _is_text(path: str) -> bool:
    with open(path, "rb") as file:
        content = file.read(MAX_FILE)
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _role_arn(settings: "dict[str, str]", environ: "Mapping[str, str]") -> "Explanation | None":
    """Return the mistake if there is a web identity without a role."""
    if "AWS_WEB_IDENTITY_TOKEN_FILE" not in environ or environ.get("AWS_ROLE_ARN") or "role_arn" in settings:
        return None
    reason = "AWS_WEB_IDENTITY_TOKEN_FILE is set, but AWS_ROLE_ARN is not"
    return ConfigurationError, reason, "set both, or neither"
