"""Reject pipes and devices among the files that botocore reads.

botocore would wait for some of them until the deadline, and treat others as missing files.
"""

from typing import TYPE_CHECKING

from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import is_special
from ecr_credhelper.fingerprint import configuration_files

if TYPE_CHECKING:
    from collections.abc import Mapping

MORE_FILES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CA_BUNDLE")
"""Variables with paths of files that are not part of the fingerprint."""


def reject_special_files(environ: "Mapping[str, str]", subject: str) -> None:
    """Raise ConfigurationError if a file of the AWS configuration is a pipe, a device or a socket."""
    for variable, path in (
        *configuration_files(environ),
        *((name, environ.get(name, "")) for name in MORE_FILES),
    ):
        if is_special(path):
            raise ConfigurationError(subject, f"{path} is not a file", f"correct it, or check {variable}")
