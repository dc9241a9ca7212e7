"""Find the mistake in environment variables after botocore has failed."""

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies

from botocore import exceptions as aws

from ecr_credhelper.aws.error_fields import proxy_variable
from ecr_credhelper.errors import ConfigurationError, CredentialsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecr_credhelper.aws.config_errors import Problem

KEYS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)

FILES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
"""Variables with the paths of token files."""

REJECTED = ("InvalidSignatureException", "SignatureDoesNotMatch", "UnrecognizedClientException",
            "InvalidClientTokenId", "IncompleteSignature", "IncompleteSignatureException")  # fmt: skip
"""Error codes for a wrong key."""


def problem_of(
    error: Exception, profile: str | None, settings: "dict[str, str]", environ: "Mapping[str, str]"
) -> "Problem | None":
    """Return the mistake in the variables that explains the exception. ``settings`` are the profile's."""
    match error:
        case aws.ClientError():
            code = error.response.get("Error", {}).get("Code")
            return _blank_in_key(environ) if code in REJECTED and not profile else None
        case aws.HTTPClientError(kwargs={"error": ValueError()}):  # a header with a line break
            return _blank_in_key(environ) or _socks_proxy(environ)
        case aws.HTTPClientError() | aws.ConnectionError():
            return _socks_proxy(environ)
        case OSError(filename=str(path)):
            return _unreadable_file(path, error, settings, environ)
        case ValueError():
            return _blank_in_key(environ) or _endpoint_url(str(error), environ)
    return None


def _blank_in_key(environ: "Mapping[str, str]") -> "Problem | None":
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
) -> "Problem":
    cause = os.strerror(error.errno) if error.errno else type(error).__name__
    variables = [name for name in FILES if environ.get(name) == path]
    if not variables and path != settings.get("web_identity_token_file"):
        reason = f"{path} cannot be read or written ({cause})"
        return CredentialsError, reason, "check the owner and the mode of the file"
    setting = variables[0] if variables else "web_identity_token_file"
    reason = f"the token file {path} cannot be read ({cause})"
    return CredentialsError, reason, f"check {setting}, and the mount of the token"


def _endpoint_url(message: str, environ: "Mapping[str, str]") -> "Problem | None":
    """Return which setting has the URL that botocore calls invalid. The URL can contain a password."""
    if not re.search(r"Invalid endpoint|[Pp]ort |IPv6 URL", message):
        return None
    names = [
        name for name in sorted(environ) if name.startswith("AWS_ENDPOINT_URL") and not _is_url(environ[name])
    ]
    reason = f"{names[0] if names else 'the endpoint_url in the configuration'} is not a valid URL"
    return ConfigurationError, reason, "write it as https://HOST or https://HOST:PORT, or unset it"


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.scheme in {"http", "https"} and parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _socks_proxy(environ: "Mapping[str, str]") -> "Problem | None":
    url = getproxies().get("https", "")
    if not url.startswith("socks"):
        return None
    name = proxy_variable(urlsplit(url).hostname or "", environ)
    reason = f"{name} is a SOCKS proxy, which AWS SDKs for Python do not support"
    return ConfigurationError, reason, "set it to an HTTP proxy, or unset it"
