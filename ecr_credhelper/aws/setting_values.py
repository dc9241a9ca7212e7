"""Find a variable or a setting of a profile whose value botocore rejects.

Most of botocore's exceptions for such values name neither the variable nor the setting.

Source: botocore/configprovider.py and botocore/args.py.
"""

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from botocore.utils import is_valid_uri

from ecr_credhelper.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ecr_credhelper.aws.config_errors import Explanation
    from ecr_credhelper.aws.profiles import Section

SCHEMES = ("http", "https")


class Setting(NamedTuple):
    """A variable, the setting of a profile (either can be empty), and the values that botocore accepts."""

    variable: str
    name: str
    accepts: "Callable[[str], object]"
    allowed: str


def _one_of(*values: str, any_case: bool = True) -> "tuple[Callable[[str], object], str]":
    def accepts(value: str) -> bool:
        return (value.lower() if any_case else value) in values

    return accepts, f"{', '.join(values[:-1])} or {values[-1]}"


def _number(minimum: int) -> "tuple[Callable[[str], object], str]":
    return (lambda value: _to_int(value) >= minimum), f"a whole number of at least {minimum}"


def _to_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        return -1


def is_url(text: str) -> bool:
    """Return whether a text is a URL with a host and, if it has a port, a valid one; or empty."""
    if not text:
        return True
    try:
        parts = urlsplit(text)
        return bool(parts.scheme in SCHEMES and parts.hostname) and parts.port != 0 and text == text.strip()
    except ValueError:
        return False


def _is_endpoint(text: str) -> object:
    return is_url(text) and (not text or is_valid_uri(text))


SETTINGS = (
    Setting("AWS_MAX_ATTEMPTS", "max_attempts", *_number(1)),
    Setting("AWS_METADATA_SERVICE_TIMEOUT", "metadata_service_timeout", *_number(1)),
    Setting("AWS_METADATA_SERVICE_NUM_ATTEMPTS", "metadata_service_num_attempts", *_number(0)),
    Setting("AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES", "request_min_compression_size_bytes", *_number(0)),
    Setting("AWS_CSM_PORT", "csm_port", *_number(0)),
    Setting("AWS_RETRY_MODE", "retry_mode", *_one_of("legacy", "standard", "adaptive", any_case=False)),
    Setting("AWS_STS_REGIONAL_ENDPOINTS", "sts_regional_endpoints",
        *_one_of("legacy", "regional", any_case=False)),
    Setting("AWS_DEFAULTS_MODE", "defaults_mode",
        *_one_of("legacy", "auto", "standard", "in-region", "cross-region", "mobile")),
    Setting("AWS_REQUEST_CHECKSUM_CALCULATION", "request_checksum_calculation",
        *_one_of("when_supported", "when_required")),
    Setting("AWS_RESPONSE_CHECKSUM_VALIDATION", "response_checksum_validation",
        *_one_of("when_supported", "when_required")),
    Setting("AWS_ACCOUNT_ID_ENDPOINT_MODE", "account_id_endpoint_mode",
        *_one_of("preferred", "disabled", "required")),
    Setting("AWS_S3_US_EAST_1_REGIONAL_ENDPOINT", "s3_us_east_1_regional_endpoint",
        *_one_of("legacy", "regional")),
    Setting("AWS_S3_DISABLE_EXPRESS_SESSION_AUTH", "s3_disable_express_session_auth",
        *_one_of("true", "false")),
    Setting("AWS_CA_BUNDLE", "ca_bundle", bool, "the path of a file"),
    Setting("REQUESTS_CA_BUNDLE", "", bool, "the path of a file"),
    Setting("", "sso_region", re.compile(r"[a-z]+(-[a-z]+)+-\d+").fullmatch, "a region such as us-east-1"),
)  # fmt: skip

URLS = (
    *(Setting(f"AWS_ENDPOINT_URL_{service.upper()}", f"{service}.endpoint_url", _is_endpoint, "")
        for service in ("ecr", "ecr_public", "sts", "sso", "sso_oidc", "signin")),
    Setting("AWS_ENDPOINT_URL", "endpoint_url", _is_endpoint, ""),
    Setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint", is_url, ""),
    Setting("AWS_CONTAINER_CREDENTIALS_FULL_URI", "", is_url, ""),
)  # fmt: skip
"""Settings with a URL. In a profile, those of one service are in a section ``services``."""


def wrong_value(found: "Iterable[Section]", environ: "Mapping[str, str]") -> "Explanation | None":
    """Return which variable or setting has a value that botocore rejects."""
    for place, setting, _ in _wrong_values(SETTINGS, list(found), environ):
        reason = f"the value of {place} is not valid"
        return ConfigurationError, reason, f"write {setting.allowed}, or remove it"
    return None


def wrong_url(request: str, found: "Iterable[Section]", environ: "Mapping[str, str]") -> "Explanation | None":
    """Return which variable or setting has the wrong URL of a request, or if that is empty, any wrong URL.

    A URL can contain a password, so it is not shown.
    """
    for place, _, url in _wrong_values(URLS, list(found), environ):
        if request.startswith(url.strip().rstrip("/")) or not request:
            reason = f"{place} is not a valid URL"
            return ConfigurationError, reason, "write it as https://HOST or https://HOST:PORT, or unset it"
    return None


def _wrong_values(
    settings: "Iterable[Setting]", found: "list[Section]", environ: "Mapping[str, str]"
) -> "Iterator[tuple[str, Setting, str]]":
    """Yield the places of wrong values. A variable takes precedence over a profile."""
    for setting in settings:
        places = [(setting.variable, environ.get(setting.variable))]
        if places[0][1] is None:
            places = [
                (f"{setting.name} in {section.place}", section.settings.get(setting.name))
                for section in found
                if setting.name
            ]
        for place, value in places:
            if value is not None and not setting.accepts(value):
                yield place, setting, value
