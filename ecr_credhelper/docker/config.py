"""Read the configuration files of Docker and podman: their credential helpers and inline logins.

Docker ignores inline logins once a ``credsStore`` is set, so this helper has to serve them.
Reference: https://github.com/docker/cli/blob/master/cli/config/configfile/file.go
"""

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.console.wording import similar
from ecr_credhelper.docker import go_json
from ecr_credhelper.docker.go_json import FIELDS, LOGIN_FIELDS
from ecr_credhelper.docker.programs import is_this_helper
from ecr_credhelper.errors import PROG
from ecr_credhelper.files import is_special
from ecr_credhelper.paths import docker_config_file, in_home
from ecr_credhelper.registry import authority_of, parse

if TYPE_CHECKING:
    from collections.abc import Mapping

BOM = "\ufeff"
"""A byte order mark, which some editors on Windows write and which clients reject."""

HELPER_SUFFIX = PROG.removeprefix("docker-credential-")
"""The name of this helper in Docker's configuration."""

HUB = "https://index.docker.io/v1/"
"""Docker's key for the login to Docker Hub."""

HUB_HOSTS = {"index.docker.io", "docker.io", "registry-1.docker.io", "registry.hub.docker.com"}

AMAZON_SUFFIX = "ecr-login"
"""The name of Amazon's helper, which this one replaces."""

INVALID = "is not valid JSON"
"""The problem of a file in JSON with a syntax error, or without an object."""

UNREADABLE = "cannot be read"
"""The problem of a file that the user must not read, with the system's reason after it."""

MISSPELT_LIKENESS = 0.7
"""Minimum similarity of a key to the field that it is a misspelling of: "credentialStore" has 0.72."""

TOKEN_USERNAME = "<token>"  # noqa: S105 - the user name that marks a secret as an identity token

MAX_FILE = 16 * 1024 * 1024
"""Limits how much of a file is read, in bytes: far more than hundreds of logins need."""


class DockerConfig(NamedTuple):
    """A client's configuration file. ``content`` is empty if the file is missing or damaged.

    The keys of ``content`` are spelt as Docker documents them, however the file spells them.
    """

    path: str
    content: dict[str, Any]
    problem: str = ""

    @property
    def creds_store(self) -> str:
        """The suffix of the helper for all registries, or an empty string."""
        return _text(self.content.get("credsStore"))

    @property
    def helpers(self) -> dict[str, str]:
        """The helper suffix of each registry in ``credHelpers``; an empty one disables helpers."""
        return {host: _text(name) for host, name in self.section("credHelpers").items()}

    def login(self, server: str) -> tuple[str, str] | None:
        """Return user name and password of the inline login for a server, or None."""
        auths = self.section("auths")
        registry = _registry_of(server)
        candidates = [server, *(key for key in auths if registry and _registry_of(key) == registry)]
        return next((login for key in candidates if (login := _login(auths.get(key)))), None)

    def logins(self) -> dict[str, str]:
        """Return registry -> user name of all inline logins. Docker Hub keeps Docker's key, ``HUB``."""
        logins = ((_registry_of(key) or key, _login(entry)) for key, entry in self.section("auths").items())
        return {registry: login[0] for registry, login in logins if login}

    def holds_login(self, host: str) -> bool:
        """Return whether the file contains an inline login for a host."""
        return bool(login_keys(self.section("auths"), host))

    def hosts_of_this_helper(self, environ: "Mapping[str, str]") -> set[str]:
        """Return the registries in ``credHelpers`` that use this helper, possibly through a link to it."""
        helpers = self.helpers
        names = {name for name in set(helpers.values()) if is_this_helper(name, environ)}
        return {host for host, name in helpers.items() if name in names}

    def unmatched_keys(self) -> dict[str, str]:
        """Return the keys in ``credHelpers`` that Docker never matches, each with the key that it looks up.

        Docker looks up exactly the host, with its port: no scheme, path, capitals or wildcard. The second key
        is empty if it is unknown, as for a wildcard. Keys of other registries and helpers are not checked.
        """
        ours = {HELPER_SUFFIX, AMAZON_SUFFIX}
        keys = (key for key, name in self.helpers.items() if key != HUB and (name in ours or parse(key)))
        return {key: correct for key in keys if (correct := authority_of(key) or "") != key}

    def misspelt_fields(self) -> dict[str, str]:
        """Return the top-level keys that Docker ignores, each with the field that it is a misspelling of."""
        fields = {field.lower(): field for field in FIELDS}
        keys = (key for key in self.content if key not in fields.values())
        close = ((key, similar(key.lower(), fields, MISSPELT_LIKENESS)) for key in keys)
        return {key: fields[found] for key, found in close if found}

    def helper_for(self, host: str) -> str:
        """Return the suffix of the helper that Docker calls for a registry, or an empty string."""
        return self.helpers.get(host, self.creds_store)

    def section(self, name: str) -> dict[str, Any]:
        """Return a top-level object of the file, which is empty if it is missing or not an object."""
        part = self.content.get(name)
        return part if isinstance(part, dict) else {}


def docker_config(environ: "Mapping[str, str]") -> DockerConfig:
    """Return Docker's configuration file. A blank file is valid."""
    return read(docker_config_file(environ), "{}")


def read(path: str, blank: str = "", *, is_toml: bool = False) -> DockerConfig:
    """Return a configuration file, which is empty if it is missing. A blank file is parsed as ``blank``."""
    if is_special(path):  # Reading a named pipe would block the client.
        return DockerConfig(path, {}, "is not a file")
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_FILE).decode()
    except FileNotFoundError:
        return DockerConfig(path, {})
    except UnicodeDecodeError:
        return DockerConfig(path, {}, "is not UTF-8")
    except OSError as error:
        return DockerConfig(path, {}, f"{UNREADABLE} ({error.strerror})")
    return parsed(path, text if text.strip() else blank, is_toml=is_toml)


def parsed(path: str, text: str, *, is_toml: bool = False) -> DockerConfig:
    """Parse a configuration file in JSON or TOML."""
    try:
        content = (_load_toml if is_toml else go_json.load)(text.removeprefix(BOM))
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        return DockerConfig(path, {}, "is not valid TOML" if is_toml else INVALID)
    problem = "starts with a byte order mark" if text.startswith(BOM) else ""  # Clients reject it.
    return DockerConfig(path, content, problem)


def _load_toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def containers_files(environ: "Mapping[str, str]") -> list[str]:
    """Return the files that podman, skopeo and buildah read before Docker's. Only the last one is permanent.

    https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
    """
    if path := environ.get("REGISTRY_AUTH_FILE"):
        return [path]
    runtime = f"/run/containers/{getattr(os, 'getuid', int)()}"
    if directory := environ.get("XDG_RUNTIME_DIR"):
        runtime = os.path.join(directory, "containers")
    permanent = os.path.join(environ.get("XDG_CONFIG_HOME") or in_home(".config"), "containers")
    return [os.path.join(directory, "auth.json") for directory in (runtime, permanent)]


def containers_file(environ: "Mapping[str, str]") -> str:
    """Return the permanent one of ``containers_files``, which ``configure --podman`` changes."""
    return containers_files(environ)[-1]


def login_keys(auths: dict[str, Any], host: str) -> list[str]:
    """Return the keys of the logins to a registry. Empty entries belong to a credential store."""
    return [
        key
        for key, entry in auths.items()
        if _registry_of(key) == host and isinstance(entry, dict) and any(entry.values())
    ]


def _registry_of(server: str) -> str | None:
    """Return the host of a server string or key of ``auths``, or None if its path makes it a different login.

    ``host``, ``https://host`` and ``https://host/v1/`` are equal. All hosts of Docker Hub give ``HUB``, but
    ``https://index.docker.io/v1/refresh-token`` gives None.
    """
    host, _, path = server.partition("://")[-1 if "://" in server else 0].partition("/")
    if path.strip("/") not in {"", "v1", "v2"}:
        return None
    return HUB if host.lower() in HUB_HOSTS else host.lower()


def _login(entry: object) -> tuple[str, str] | None:
    """Return the user name and password in an entry of ``auths``, or None."""
    if not isinstance(entry, dict):
        return None
    token, auth, username, password = (_text(entry.get(name)) for name in LOGIN_FIELDS)
    if token:
        return TOKEN_USERNAME, token
    if auth:
        import base64

        try:
            username, _, password = base64.b64decode(auth).decode().rstrip("\0").partition(":")
        except ValueError:
            return None
    return (username, password) if username and password else None


def _text(value: object) -> str:
    """Return the value if it is a string, otherwise an empty string."""
    return value if isinstance(value, str) else ""
