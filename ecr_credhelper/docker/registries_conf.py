"""Read the credential helpers in registries.conf of podman, skopeo and buildah.

https://github.com/containers/image/blob/main/pkg/sysregistriesv2/system_registries_v2.go is the reference.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.docker.config import DockerConfig, read
from ecr_credhelper.docker.go_json import is_same_field
from ecr_credhelper.paths import in_home

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTH_FILES = "containers-auth.json"
"""The name that stands for the files with logins, in the list of credential helpers."""

FIELD = "credential-helpers"
VARIABLES = ("CONTAINERS_REGISTRIES_CONF", "REGISTRIES_CONFIG_PATH")
SYSTEM_FILE = "/etc/containers/registries.conf"
USER_FILE = (".config", "containers", "registries.conf")
"""The file in the home directory. The clients ignore ``XDG_CONFIG_HOME`` for it."""


class CredentialHelpers(NamedTuple):
    """The helpers that the clients ask, in their order; ``path`` is the file that lists them, if any.

    With ``problem``, the clients fail: it is the reason why they cannot read the file.
    """

    names: list[str]
    path: str = ""
    problem: str = ""


def credential_helpers(environ: "Mapping[str, str]") -> CredentialHelpers:
    """Return the helpers. Of several files that list some, the last one counts."""
    given = next((path for name in VARIABLES if (path := environ.get(name))), "")
    user = in_home(*USER_FILE)
    path = given or (user if os.path.exists(user) else SYSTEM_FILE)
    files = [read(path, is_toml=True)]
    if given and not os.path.exists(given):
        files = [DockerConfig(given, {}, "does not exist")]
    for base in (user,) if path == user else (SYSTEM_FILE, user):
        files += _drop_ins(f"{base}.d")
    found = CredentialHelpers([AUTH_FILES])
    for file in files:
        names = next((value for key, value in file.content.items() if is_same_field(key, FIELD)), None)
        is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
        if file.problem or not (names is None or is_list):
            problem = file.problem or f"has {FIELD} that are not a list of strings"
            return CredentialHelpers([], file.path, problem)
        if names is not None:
            found = CredentialHelpers(names or [AUTH_FILES], file.path)
    return found


def _drop_ins(directory: str) -> list[DockerConfig]:
    """Return the ``.conf`` files in a directory, in the order in which the clients read them."""
    try:
        names = sorted(os.listdir(directory), key=os.fsencode)
    except FileNotFoundError:
        return []
    except OSError as error:
        return [DockerConfig(directory, {}, f"cannot be read ({error.strerror})")]
    paths = (os.path.join(directory, name) for name in names if name.endswith(".conf"))
    return [read(path, is_toml=True) for path in paths if not os.path.isdir(path)]
