"""Select the configuration files of Docker and podman that ``configure`` changes, and their registries."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.docker.config import containers_file, containers_files, docker_config, read
from ecr_credhelper.docker.programs import which
from ecr_credhelper.paths import docker_config_file
from ecr_credhelper.registry import authority_of

if TYPE_CHECKING:
    from ecr_credhelper.cli.selection import Selection
    from ecr_credhelper.docker.config import DockerConfig

PODMAN_CLIENTS = ("podman", "skopeo", "buildah")
"""The clients that read podman's files."""


def client_files(selection: "Selection", *, only_podman: bool) -> dict[str, list[str]]:
    """Return the path of each file to change, with the registries to add to it.

    A registry that the search found is added to the files that have a helper or a login for it. A registry
    that the user gave is added to Docker's file, and to podman's file if that has a helper for it.
    """
    hosts = list(selection.identities)
    docker, podman = docker_config_file(os.environ), containers_file(os.environ)
    if only_podman:
        return {podman: hosts}
    if os.path.realpath(podman) == os.path.realpath(docker):  # REGISTRY_AUTH_FILE can name Docker's file.
        podman = docker
    docker_content = docker_config(os.environ)
    podman_contents = [read(path) for path in filter(os.path.exists, containers_files(os.environ))]
    default = _default_file(docker, podman)
    files: dict[str, list[str]] = {docker: [], podman: []}
    for host in hosts:
        is_given = host in selection.given
        found = [docker] if is_given or _has_entry(docker_content, host) else []
        if any(_has_entry(content, host, only_helpers=is_given) for content in podman_contents):
            found.append(podman)
        for path in dict.fromkeys(found or [default]):
            files[path].append(host)
    return {
        path: added for path, added in files.items() if added or (path == docker and selection.creds_store)
    }


def next_client(host: str, files: dict[str, list[str]]) -> str:
    """Return the client to try for a registry: docker, or podman if docker is absent or not configured."""
    uses_docker = host in files.get(docker_config_file(os.environ), ())
    if uses_docker and (which("docker", os.environ) or not which("podman", os.environ)):
        return "docker"
    return "podman"


def _default_file(docker: str, podman: str) -> str:
    """Return the file for registries that no file mentions: podman's file if only its clients are used."""
    uses_docker = which("docker", os.environ) or os.path.exists(docker)
    uses_podman = any(which(name, os.environ) for name in PODMAN_CLIENTS)
    return podman if uses_podman and not uses_docker else docker


def _has_entry(config: "DockerConfig", host: str, *, only_helpers: bool = False) -> bool:
    """Return whether a file has a helper for a registry, or a login unless ``only_helpers``."""
    has_helper = any(authority_of(key) == host for key in config.helpers)
    return has_helper or (not only_helpers and config.holds_login(host))
