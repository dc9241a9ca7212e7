"""The files that botocore reads: pipes and devices among them are rejected at once.

botocore would wait for some of them until the deadline, and take others for missing files.
"""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import is_special

if TYPE_CHECKING:
    from collections.abc import Mapping

FILES = (
    # the variable that names it, its default place
    ("AWS_CONFIG_FILE", "~/.aws/config"),
    ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
    ("AWS_CREDENTIAL_FILE", ""),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", ""),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", ""),
    ("AWS_CA_BUNDLE", ""),
)


def reject_special_files(environ: "Mapping[str, str]", subject: str) -> None:
    """Raise ConfigurationError if a file of the AWS configuration is a pipe, a device or a socket."""
    for variable, default in FILES:
        path = os.path.expanduser(os.path.expandvars(environ.get(variable, default)))
        if is_special(path):
            raise ConfigurationError(subject, f"{path} is not a file", f"correct it, or check {variable}")
