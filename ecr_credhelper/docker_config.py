"""Docker's own configuration file, and containers' of the same form: the logins that are written in it.

Docker stops reading them when a ``credsStore`` is set, so somebody who switches to one would lose them.
https://github.com/docker/cli/blob/master/cli/config/configfile/file.go is the reference.
"""

import base64
import json
import os
from typing import TYPE_CHECKING, Any

from ecr_credhelper.places import docker_config_file

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = "ecr-py"
"""This helper in Docker's words: the end of ``docker-credential-ecr-py``."""

HUB = "https://index.docker.io/v1/"
"""The key under which Docker keeps the login of Docker Hub."""

HUB_HOSTS = {"index.docker.io", "docker.io", "registry-1.docker.io", "registry.hub.docker.com"}

TOKEN_USERNAME = "<token>"  # noqa: S105 - the user name by which clients know that the secret is a token
MAX_FILE = 16 * 1024 * 1024
"""Bytes read of the file: hundreds of logins are a small part of it."""


class DockerConfig:
    """What Docker's configuration file, or another, says; one that is missing or damaged says nothing."""

    def __init__(self, environ: "Mapping[str, str]", path: str = "") -> None:
        try:
            with open(path or docker_config_file(environ), "rb") as file:
                content = json.loads(file.read(MAX_FILE).removeprefix(b"\xef\xbb\xbf"))
        except (OSError, ValueError, RecursionError):
            content = {}
        self.content: dict[str, Any] = content if isinstance(content, dict) else {}

    @property
    def creds_store(self) -> str:
        """The suffix of the helper that is asked for every registry, or nothing."""
        return str(self.content.get("credsStore", ""))

    def login(self, server: str) -> tuple[str, str] | None:
        """Return user name and password of the inline login for a server string, in any of its forms."""
        auths = self._auths()
        name = _registry_of(server)
        candidates = [server, *(key for key in auths if name and _registry_of(key) == name)]
        return next((login for key in candidates if (login := _login(auths.get(key)))), None)

    def logins(self) -> dict[str, str]:
        """Return registry -> user name of all inline logins: bare hosts, but for Docker Hub its own key."""
        found = {}
        for key, entry in self._auths().items():
            login = _login(entry)
            if login:
                found[_registry_of(key) or key] = login[0]
        return found

    def _auths(self) -> dict[str, Any]:
        auths = self.content.get("auths")
        return auths if isinstance(auths, dict) else {}


def containers_files(environ: "Mapping[str, str]") -> list[str]:
    """Return the files that podman, skopeo and buildah read before Docker's; the last one outlives a reboot.

    https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
    """
    if given := environ.get("REGISTRY_AUTH_FILE"):
        return [given]
    runtime = f"/run/containers/{getattr(os, 'getuid', int)()}"
    if folder := environ.get("XDG_RUNTIME_DIR"):
        runtime = os.path.join(folder, "containers")
    lasting = os.path.join(environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "containers")
    return [os.path.join(folder, "auth.json") for folder in (runtime, lasting)]


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
    if entry.get("identitytoken"):
        return TOKEN_USERNAME, str(entry["identitytoken"])
    username, password = entry.get("username"), entry.get("password")
    if entry.get("auth"):
        try:
            username, _, password = base64.b64decode(str(entry["auth"])).decode().rstrip("\0").partition(":")
        except ValueError:
            return None
    return (str(username), str(password)) if username and password else None
