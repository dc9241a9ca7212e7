"""Docker's own configuration file, and containers' of the same form: the logins that are written in it.

Docker stops reading them when a ``credsStore`` is set, so somebody who switches to one would lose them.
https://github.com/docker/cli/blob/master/cli/config/configfile/file.go is the reference.
"""

import base64
import json
import os
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.docker.json_edit import BOM
from ecr_credhelper.errors import PROG
from ecr_credhelper.files import is_special
from ecr_credhelper.paths import docker_config_file

if TYPE_CHECKING:
    from collections.abc import Mapping

HELPER_SUFFIX = PROG.removeprefix("docker-credential-")
"""This helper's name in Docker's configuration."""

HUB = "https://index.docker.io/v1/"
"""The key under which Docker keeps the login of Docker Hub."""

HUB_HOSTS = {"index.docker.io", "docker.io", "registry-1.docker.io", "registry.hub.docker.com"}

TOKEN_USERNAME = "<token>"  # noqa: S105 - the user name by which clients know that the secret is a token
MAX_FILE = 16 * 1024 * 1024
"""Bytes read of the file: hundreds of logins are a small part of it."""


class DockerConfig(NamedTuple):
    """What a client's configuration file says, and what is wrong with it; a damaged one says nothing."""

    path: str
    content: dict[str, Any]
    problem: str = ""

    @property
    def creds_store(self) -> str:
        """The suffix of the helper that is asked for every registry, or nothing."""
        return _text(self.content.get("credsStore"))

    @property
    def helpers(self) -> dict[str, str]:
        """The suffixes of the helpers that are asked for single registries; an empty one stands for none."""
        return {host: _text(name) for host, name in self.part("credHelpers").items()}

    def login(self, server: str) -> tuple[str, str] | None:
        """Return user name and password of the inline login for a server string, in any of its forms."""
        auths = self.part("auths")
        name = _registry_of(server)
        candidates = [server, *(key for key in auths if name and _registry_of(key) == name)]
        return next((login for key in candidates if (login := _login(auths.get(key)))), None)

    def logins(self) -> dict[str, str]:
        """Return registry -> user name of all inline logins: bare hosts, but for Docker Hub its own key."""
        found = {}
        for key, entry in self.part("auths").items():
            login = _login(entry)
            if login:
                found[_registry_of(key) or key] = login[0]
        return found

    def holds_login(self, host: str) -> bool:
        """Tell whether there is a login for a host in the file itself."""
        return bool(login_keys(self.part("auths"), host))

    def ours(self) -> set[str]:
        """Return the registries that are sent here by name."""
        return {host for host, name in self.helpers.items() if name == HELPER_SUFFIX}

    def helper_for(self, host: str) -> str:
        """Return the suffix of the helper that Docker calls for a registry, or nothing."""
        return str(self.part("credHelpers").get(host, self.creds_store))

    def part(self, name: str) -> dict[str, Any]:
        """Return one of the file's objects."""
        part = self.content.get(name)
        return part if isinstance(part, dict) else {}


def docker_config(environ: "Mapping[str, str]") -> DockerConfig:
    """Return Docker's own file, which may be blank."""
    return read(docker_config_file(environ), "{}")


def read(path: str, blank: str = "") -> DockerConfig:
    """Return a file; one that is missing is empty, and one with nothing in it stands for ``blank``."""
    if is_special(path):  # a pipe would hold the client
        return DockerConfig(path, {}, "is not a file")
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_FILE).decode()
    except FileNotFoundError:
        return DockerConfig(path, {})
    except UnicodeDecodeError:
        return DockerConfig(path, {}, "is not UTF-8")
    except OSError as error:
        return DockerConfig(path, {}, f"cannot be read ({error.strerror})")
    return parsed(path, text if text.strip() else blank)


def parsed(path: str, text: str) -> DockerConfig:
    """Return what a text says, JSON or by its name TOML; clients do not read it with a byte order mark."""
    kind, loads = ("TOML", tomllib.loads) if path.endswith(".conf") else ("JSON", json.loads)
    try:
        content = loads(text.removeprefix(BOM))
    except (ValueError, RecursionError):
        content = None
    is_right = isinstance(content, dict) and not text.startswith(BOM)
    problem = "" if is_right else f"is not valid {kind}"
    return DockerConfig(path, content if isinstance(content, dict) else {}, problem)


def containers_files(environ: "Mapping[str, str]") -> list[str]:
    """Return the files that podman, skopeo and buildah read before Docker's; the last one outlives a reboot.

    https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
    """
    if given := environ.get("REGISTRY_AUTH_FILE"):
        return [given]
    runtime = f"/run/containers/{getattr(os, 'getuid', int)()}"
    if directory := environ.get("XDG_RUNTIME_DIR"):
        runtime = os.path.join(directory, "containers")
    lasting = os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "containers")
    return [os.path.join(directory, "auth.json") for directory in (runtime, lasting)]


def login_keys(auths: dict[str, Any], host: str) -> list[str]:
    """Return the keys under which there is a login of a registry; an empty entry is a store's mark."""
    return [
        key
        for key, entry in auths.items()
        if _registry_of(key) == host and isinstance(entry, dict) and any(entry.values())
    ]


def _registry_of(server: str) -> str | None:
    """Return a name that is the same for all forms of one registry; None where a path means another login.

    ``host``, ``https://host`` and ``https://host/v1/`` are one; Docker Hub's ``…/v1/refresh-token`` is not.
    """
    host, _, path = server.partition("://")[-1 if "://" in server else 0].partition("/")
    if path.strip("/") not in {"", "v1", "v2"}:
        return None
    return HUB if host.lower() in HUB_HOSTS else host.lower()


def _login(entry: object) -> tuple[str, str] | None:
    """Return the user name and password that an entry of ``auths`` holds, if it holds any."""
    if not isinstance(entry, dict):
        return None
    fields = ("identitytoken", "auth", "username", "password")
    token, auth, username, password = (_text(entry.get(name)) for name in fields)
    if token:
        return TOKEN_USERNAME, token
    if auth:
        try:
            username, _, password = base64.b64decode(auth).decode().rstrip("\0").partition(":")
        except ValueError:
            return None
    return (username, password) if username and password else None


def _text(value: object) -> str:
    """Return a text, or nothing in the place of null and of whatever Docker would not take for one."""
    return value if isinstance(value, str) else ""
