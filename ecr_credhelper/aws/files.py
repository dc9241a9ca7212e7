"""Reject pipes and devices among the files that botocore reads.

botocore would wait for some of them until the deadline, and treat others as missing files.
"""

from typing import TYPE_CHECKING, Any

from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import is_special
from ecr_credhelper.fingerprint import configuration_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MORE_FILES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables with paths of files that are not part of the fingerprint."""


SETTINGS = ("web_identity_token_file", "ca_bundle")
"""Settings with paths of files."""


def reject_special_files(environ: "Mapping[str, str]", subject: str) -> None:
    """Raise ConfigurationError if a file of the AWS configuration is a pipe, a device or a socket."""
    _reject(configuration_files(environ), subject)
    _reject(((name, environ.get(name, "")) for name in MORE_FILES), subject)


def reject_special_settings(places: "Iterable[tuple[str, Mapping[str, Any]]]", subject: str) -> None:
    """Raise ConfigurationError if the settings of a place, such as a profile, name such a file."""
    for place, settings in places:
        _reject(((f"{name} {place}", str(settings.get(name, ""))) for name in SETTINGS), subject)


def _reject(files: "Iterable[tuple[str, str]]", subject: str) -> None:
    for source, path in files:
        if is_special(path):
            raise ConfigurationError(subject, f"{path} is not a file", f"correct it, or check {source}")
