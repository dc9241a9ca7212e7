"""What the clients are told: the files of Docker and podman, and what in them decides for a registry.

https://github.com/docker/cli/blob/master/cli/config/configfile/file.go and
https://github.com/containers/image/blob/main/pkg/docker/config/config.go are the references.
"""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.docker.config import (
    HELPER_SUFFIX,
    DockerConfig,
    containers_files,
    docker_config,
    parsed,
    read,
)
from ecr_credhelper.docker.programs import which
from ecr_credhelper.doctor import FAILURE, OK, WARNING, Finding
from ecr_credhelper.paths import docker_config_file
from ecr_credhelper.registry import authority_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.doctor import Context


PODMANS = ("podman", "skopeo", "buildah")
AUTH_FILES = "containers-auth.json"
"""How registries.conf names the files with logins, among the helpers that podman asks."""

CONFIGURE = f"run: docker-credential-{HELPER_SUFFIX} configure"
TWELVE_HOURS = "which lasts twelve hours at most"


def docker(subject: "Context") -> "Iterator[Finding]":
    """Tell what makes Docker ask this helper, or another."""
    host, file = subject.authority, docker_config(subject.environ)
    helpers, store = file.helpers, file.creds_store
    if file.problem:
        yield Finding(FAILURE, f"{file.path} {file.problem}", "correct it")
    elif not file.content and not which("docker", subject.environ) and _is_podman_here(subject):
        return
    elif not host:
        ours = sorted(file.ours())
        ours += ["every other registry"] if store == HELPER_SUFFIX else []
        text = f"{file.path} sends here: {', '.join(ours) or 'nothing'}"
        yield Finding(OK if ours else WARNING, text, "" if ours else f"{CONFIGURE} HOST")
    elif subject.registry:
        yield from _dockers_choice(subject, file, host)
    else:
        helper = helpers.get(host, store)
        login = f", and holds a login in {file.path}" if file.holds_login(host) else ""
        program = f"docker-credential-{helper}" if helper else "no helper"
        yield Finding(OK, f"Docker asks {program} for {host}{login}")


def _dockers_choice(subject: "Context", file: DockerConfig, host: str) -> "Iterator[Finding]":
    helpers, hint = file.helpers, f"{CONFIGURE} {host}"
    where = "credHelpers" if host in helpers else "credsStore"
    helper = helpers.get(host, file.creds_store)
    variable = parsed("DOCKER_AUTH_CONFIG", subject.environ.get("DOCKER_AUTH_CONFIG", "{}"))
    if variable.holds_login(host):
        text = "DOCKER_AUTH_CONFIG holds a login for it, which Docker 28.3 and later take first"
        yield Finding(WARNING, text, "unset it, or take that login out")
    if helper == HELPER_SUFFIX:
        yield Finding(OK, f"Docker asks this helper: {where} in {file.path}")
        if file.holds_login(host):
            text = f"{file.path} holds a login too, which Docker ignores and other clients may take"
            yield Finding(WARNING, text, 'take it out, under "auths"')
    elif helper:
        text = f"Docker asks docker-credential-{helper} instead: {where} in {file.path}"
        yield Finding(FAILURE, text, hint)
    elif file.holds_login(host):
        yield Finding(WARNING, f"Docker takes the login in {file.path}, {TWELVE_HOURS}", hint)
    else:
        other = next((key for key in helpers if authority_of(key) == host != key), "")
        why = f': "{other}" is not how Docker names it' if other else ""
        yield Finding(FAILURE, f"Docker asks no helper, by {file.path}{why}", hint)


def podman(subject: "Context") -> "Iterator[Finding]":
    """Tell the same of podman, skopeo and buildah, where one of them is used."""
    if not subject.registry or not _is_podman_here(subject):
        return
    host, environ = subject.authority, subject.environ
    paths = containers_files(environ)
    if not environ.get("REGISTRY_AUTH_FILE"):
        paths.append(docker_config_file(environ))
    files = [read(path) for path in paths]
    conf = read(_registries_conf(subject))
    wrong = [file for file in (*files[:-1], conf) if file.problem]  # the last one is Docker's
    for file in wrong:
        yield Finding(FAILURE, f"{file.path} {file.problem}", "correct it")
    if not wrong:
        helper, where = _podmans_choice([file for file in files if not file.problem], conf, host)
        if helper == HELPER_SUFFIX:
            yield Finding(OK, f"podman asks this helper: {where}")
        else:
            text = f"podman asks docker-credential-{helper} instead: {where}" if helper else where
            yield Finding(WARNING, text, f"{CONFIGURE} --podman {host}")


def _podmans_choice(files: list[DockerConfig], conf: DockerConfig, host: str) -> tuple[str, str]:
    """Return the helper that podman asks, if any, and what says so."""
    override = conf.content.get("credential-helpers", [AUTH_FILES])
    for helper in override if isinstance(override, list) else []:
        if helper == HELPER_SUFFIX:  # any other goes on to the next one, if it has no login
            return HELPER_SUFFIX, f"credential-helpers in {conf.path}"
        for file in files if helper == AUTH_FILES else []:
            if named := file.helpers.get(host):
                return named, f"credHelpers in {file.path}"
            if file.holds_login(host):
                return "", f"podman takes the login in {file.path}, {TWELVE_HOURS}"
    return "", "podman asks no helper"


def _registries_conf(subject: "Context") -> str:
    """Return the registries.conf that counts; its drop-in files are not looked into."""
    config = subject.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    own = os.path.join(config, "containers/registries.conf")
    given = subject.environ.get("CONTAINERS_REGISTRIES_CONF")
    return given or (own if os.path.exists(own) else "/etc/containers/registries.conf")


def _is_podman_here(subject: "Context") -> bool:
    files = containers_files(subject.environ)
    return any(which(name, subject.environ) for name in PODMANS) or any(map(os.path.lexists, files))
