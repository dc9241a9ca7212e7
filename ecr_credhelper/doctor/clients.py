"""Checks of the configuration of Docker and podman: which helper or login they use for a registry.

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
from ecr_credhelper.errors import PROG
from ecr_credhelper.paths import docker_config_file
from ecr_credhelper.registry import authority_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.doctor import Context

PODMAN_TOOLS = ("podman", "skopeo", "buildah")
AUTH_FILES = "containers-auth.json"
"""The name in registries.conf that stands for the files with logins, in the list of credential helpers."""

CONFIGURE = f"run: {PROG} configure"
VALIDITY = "which is valid for 12 hours at most"


def docker(context: "Context") -> "Iterator[Finding]":
    """Report which helper or login Docker uses."""
    host, file = context.authority, docker_config(context.environ)
    if file.problem:
        yield Finding(FAILURE, f"{file.path} {file.problem}", "correct it")
    elif not file.content and not which("docker", context.environ) and _uses_podman(context):
        return
    elif not host:
        hosts = sorted(file.hosts_of_this_helper())
        hosts += ["all other registries"] if file.creds_store == HELPER_SUFFIX else []
        if hosts:
            yield Finding(OK, f"this helper is configured in {file.path} for: {', '.join(hosts)}")
        else:
            yield Finding(WARNING, f"this helper is not configured in {file.path}", f"{CONFIGURE} HOST")
    elif context.registry:
        yield from _docker_for_ecr(context, file, host)
    else:
        helper = file.helpers.get(host, file.creds_store)
        program = f"docker-credential-{helper}" if helper else "no credential helper"
        login = f"; {file.path} has a login for it" if file.holds_login(host) else ""
        yield Finding(OK, f"Docker uses {program} for {host}{login}")


def _docker_for_ecr(context: "Context", file: DockerConfig, host: str) -> "Iterator[Finding]":
    helpers, hint = file.helpers, f"{CONFIGURE} {host}"
    source = f"{'credHelpers' if host in helpers else 'credsStore'} in {file.path}"
    helper = helpers.get(host, file.creds_store)
    variable = parsed("DOCKER_AUTH_CONFIG", context.environ.get("DOCKER_AUTH_CONFIG", "{}"))
    if variable.holds_login(host):
        text = "DOCKER_AUTH_CONFIG has a login for this registry, which Docker 28.3 and later use first"
        yield Finding(WARNING, text, "unset it, or remove that login")
    if helper == HELPER_SUFFIX:
        yield Finding(OK, f"Docker uses this helper ({source})")
        if file.holds_login(host):
            text = f"{file.path} also has a login, which Docker ignores but other clients may use"
            yield Finding(WARNING, text, 'remove it from "auths"')
    elif helper:
        yield Finding(FAILURE, f"Docker uses docker-credential-{helper} instead ({source})", hint)
    elif file.holds_login(host):
        yield Finding(WARNING, f"Docker uses the login in {file.path}, {VALIDITY}", hint)
    else:
        misspelt = next((key for key in helpers if authority_of(key) == host != key), "")
        detail = f': "{misspelt}" must be "{host}"' if misspelt else ""
        text = f"no credential helper configured for this registry in {file.path}{detail}"
        yield Finding(FAILURE, text, hint)


def podman(context: "Context") -> "Iterator[Finding]":
    """Report which helper or login podman, skopeo and buildah use, if one of them is installed."""
    if not context.registry or not _uses_podman(context):
        return
    host, environ = context.authority, context.environ
    paths = containers_files(environ)
    if not environ.get("REGISTRY_AUTH_FILE"):
        paths.append(docker_config_file(environ))
    files = [read(path) for path in paths]
    conf = read(_registries_conf(context))
    invalid = [file for file in (*files[:-1], conf) if file.problem]  # docker() checks the last file.
    for file in invalid:
        yield Finding(FAILURE, f"{file.path} {file.problem}", "correct it")
    if not invalid:
        helper, source = _podman_helper([file for file in files if not file.problem], conf, host)
        if helper == HELPER_SUFFIX:
            yield Finding(OK, f"podman uses this helper ({source})")
        else:
            text = f"podman uses docker-credential-{helper} instead ({source})" if helper else source
            yield Finding(WARNING, text, f"{CONFIGURE} --podman {host}")


def _podman_helper(files: list[DockerConfig], conf: DockerConfig, host: str) -> tuple[str, str]:
    """Return the helper that podman calls and its source, or an empty string and what podman does instead."""
    override = conf.content.get("credential-helpers", [AUTH_FILES])
    for helper in override if isinstance(override, list) else []:
        if helper == HELPER_SUFFIX:  # If another helper has no login, podman calls the next one.
            return HELPER_SUFFIX, f"credential-helpers in {conf.path}"
        for file in files if helper == AUTH_FILES else []:
            if name := file.helpers.get(host):
                return name, f"credHelpers in {file.path}"
            if file.holds_login(host):
                return "", f"podman uses the login in {file.path}, {VALIDITY}"
    return "", "no credential helper configured for this registry in podman"


def _registries_conf(context: "Context") -> str:
    """Return the registries.conf that podman reads; its drop-in files are ignored."""
    config = context.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    user_file = os.path.join(config, "containers/registries.conf")
    variable = context.environ.get("CONTAINERS_REGISTRIES_CONF")
    return variable or (user_file if os.path.exists(user_file) else "/etc/containers/registries.conf")


def _uses_podman(context: "Context") -> bool:
    files = containers_files(context.environ)
    return any(which(name, context.environ) for name in PODMAN_TOOLS) or any(map(os.path.lexists, files))
