"""Checks of the configuration of Docker and podman: which helper or login they use for a registry.

https://github.com/docker/cli/blob/master/cli/config/configfile/file.go and
https://github.com/containers/image/blob/main/pkg/docker/config/config.go are the references.
"""

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ecr_credhelper.docker.config import (
    AMAZON_SUFFIX,
    HELPER_SUFFIX,
    UNREADABLE,
    DockerConfig,
    containers_file,
    containers_files,
    docker_config,
    parsed,
    read,
)
from ecr_credhelper.docker.file_problems import FileProblem, ineffective_entries, other_store, problem_of
from ecr_credhelper.docker.programs import is_this_helper, which
from ecr_credhelper.docker.registries_conf import AUTH_FILES, FIELD, credential_helpers
from ecr_credhelper.doctor import FAILURE, NOTE, OK, WARNING, Finding
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.paths import docker_config_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ecr_credhelper.docker.registries_conf import CredentialHelpers
    from ecr_credhelper.doctor import Context

PODMAN_TOOLS = ("podman", "skopeo", "buildah")

CONFIGURE = f"run: {PROG} configure"
VALIDITY = "which is valid for 12 hours at most"

MAX_NAMES = 3
"""Limits how many registries are listed in a finding."""


def docker(context: "Context") -> "Iterator[Finding]":
    """Report which helper or login Docker uses, and entries of its configuration file without effect."""
    file, environ = docker_config(context.environ), context.environ
    has_docker = which("docker", environ) is not None
    problem, is_used = problem_of(file), _is_used(file, context)
    if problem:
        kind = WARNING if is_used and not file.problem else FAILURE
        yield Finding(kind, f"{file.path} {problem}", "correct it")
    elif not file.content and not has_docker and _uses_podman(context):
        return
    if is_used or not problem:
        yield from _docker_use(context, file)
    for entry in ineffective_entries(file):
        yield Finding(WARNING, f"{file.path}: {entry.text}", entry.hint)
    if not has_docker:
        yield Finding(NOTE, "docker is not on PATH")


def _is_used(file: DockerConfig, context: "Context") -> bool:
    """Return whether Docker uses this helper: for the registry, or without one, for any."""
    helpers = [file.helper_for(context.authority)] if context.authority else [file.creds_store]
    if not context.authority:
        helpers += file.helpers.values()
    return any(is_this_helper(helper, context.environ) for helper in set(helpers))


def _docker_use(context: "Context", file: DockerConfig) -> "Iterator[Finding]":
    """Report which helper or login Docker uses."""
    host = context.authority
    if not host:
        yield from _docker_registries(context, file)
    elif context.registry:
        yield from _docker_for_ecr(context, file, host)
    else:
        helper = file.helper_for(host)
        program = f"docker-credential-{helper}" if helper else "no credential helper"
        login = f"; {file.path} has a login for it" if file.holds_login(host) else ""
        yield Finding(OK, f"Docker uses {program} for {host}{login}")


def _docker_registries(context: "Context", file: DockerConfig) -> "Iterator[Finding]":
    """Report all registries for which Docker uses this helper."""
    unmatched = file.unmatched_keys()
    helpers = ((host, name) for host, name in sorted(file.helpers.items()) if host not in unmatched)
    hosts = [host for host, name in helpers if is_this_helper(name, context.environ)]
    if len(hosts) > MAX_NAMES:
        hosts[MAX_NAMES:] = [f"{len(hosts) - MAX_NAMES} more"]
    hosts += ["all other registries"] if is_this_helper(file.creds_store, context.environ) else []
    if hosts:
        hint = f"to list them, run: {PROG} status" if len(hosts) > MAX_NAMES else ""
        yield Finding(OK, f"this helper is configured in {file.path} for: {', '.join(hosts)}", hint)
    else:
        store = _other_store(context, file)
        text = f"this helper is not configured in {file.path}{f': {store.text}' if store else ''}"
        yield Finding(WARNING, text, store.hint if store else CONFIGURE)


def _docker_for_ecr(context: "Context", file: DockerConfig, host: str) -> "Iterator[Finding]":
    store = _other_store(context, file) if host not in file.helpers else None
    hint = store.hint if store else f"{CONFIGURE} {host}"
    source = f"{'credHelpers' if host in file.helpers else 'credsStore'} in {file.path}"
    helper = file.helper_for(host)
    variable = parsed("DOCKER_AUTH_CONFIG", context.environ.get("DOCKER_AUTH_CONFIG", "{}"))
    if variable.holds_login(host):
        text = "DOCKER_AUTH_CONFIG has a login for this registry, which Docker 28.3 and later use first"
        yield Finding(WARNING, text, "unset it, or remove that login")
    if is_this_helper(helper, context.environ):
        link = f", through the link docker-credential-{helper}" if helper != HELPER_SUFFIX else ""
        yield Finding(OK, f"Docker uses this helper ({source}{link})")
        if file.holds_login(host):
            text = f"{file.path} also has a login, which Docker ignores but other clients may use"
            yield Finding(WARNING, text, 'remove it from "auths"')
        return
    if helper:
        reason = f": {store.text}" if store else ""
        text = f"Docker uses docker-credential-{helper} instead ({source}){reason}"
        yield Finding(FAILURE, text, hint)
    elif file.holds_login(host):
        yield Finding(WARNING, f"Docker uses the login in {file.path}, {VALIDITY}", hint)
    else:
        yield Finding(FAILURE, f"no credential helper configured for this registry in {file.path}", hint)


def _other_store(context: "Context", file: DockerConfig) -> FileProblem | None:
    """Return the problem of a credsStore that should be this helper, or None."""
    fallback = ""
    with suppress(CredentialHelperError):  # The settings check reports it.
        fallback = context.settings.fallback() if context.settings else ""
    return other_store(file, fallback, context.environ)


def podman(context: "Context") -> "Iterator[Finding]":
    """Report which helper or login podman, skopeo and buildah use, if one of them is installed."""
    if not context.registry or not _uses_podman(context):
        return
    host, environ = context.authority, context.environ
    uses_docker = which("docker", environ) is not None
    files, problems = [], []
    for path in _auth_files(context):
        file = read(path)
        if not file.problem:
            files.append(file)
        if path == docker_config_file(environ):  # docker() reports it.
            continue
        problem = problem_of(file)
        # For example, /run/containers/0 after su cannot be read.
        if problem and not (uses_docker and problem.startswith(UNREADABLE)):
            problems.append(f"{path} {problem}")
    helpers = credential_helpers(environ)
    problems += [f"{helpers.path} {helpers.problem}"] if helpers.problem else []
    for problem in problems:
        yield Finding(FAILURE, problem, "correct it")
    if not problems:
        yield _podman_helper(context, _podman_sources(files, helpers, host), helpers)


def _auth_files(context: "Context") -> list[str]:
    """Return the files with logins that podman reads."""
    paths = containers_files(context.environ)
    is_given = context.environ.get("REGISTRY_AUTH_FILE")
    return paths if is_given else [*paths, docker_config_file(context.environ)]


def _podman_sources(
    files: list[DockerConfig], helpers: "CredentialHelpers", host: str
) -> list[tuple[str, str]]:
    """Return the helpers that podman asks for a registry, in its order, each with the entry that lists it.

    A login in a file ends the list: its helper is an empty string.

    If a helper has no login, podman asks the next one.
    """
    found = []
    for name in helpers.names:
        if name != AUTH_FILES:
            found.append((name, f"{FIELD} in {helpers.path}"))
            continue
        for file in files:
            if helper := file.helpers.get(host):
                found.append((helper, f"credHelpers in {file.path}"))
            elif file.holds_login(host):
                return [*found, ("", file.path)]
    return found


def _podman_helper(
    context: "Context", sources: list[tuple[str, str]], helpers: "CredentialHelpers"
) -> Finding:
    """Return the finding for the helpers and logins that podman asks."""
    hint = f"{CONFIGURE} --podman {context.authority}"
    if AUTH_FILES not in helpers.names:
        hint = f'add "{HELPER_SUFFIX}" to {FIELD} in {helpers.path}'
    if not sources:
        file = containers_file(context.environ)
        return Finding(FAILURE, f"no credential helper configured for this registry in {file}", hint)
    ours = [number for number, (name, _) in enumerate(sources) if is_this_helper(name, context.environ)]
    others = [f"docker-credential-{name}" if name else "a login" for name, _ in sources]
    if not ours:
        name, source = sources[0]
        if not name:
            return Finding(WARNING, f"podman uses the login in {source}, {VALIDITY}", hint)
        return Finding(FAILURE, f"podman uses {', then '.join(others)} instead ({source})", hint)
    _, source = sources[ours[0]]
    if not ours[0]:
        return Finding(OK, f"podman uses this helper ({source})")
    earlier = others[: ours[0]]
    text = f"podman asks {', then '.join(earlier)} first, then this helper ({source})"
    is_amazon_first = f"docker-credential-{AMAZON_SUFFIX}" in earlier
    return Finding(WARNING, text, hint) if is_amazon_first else Finding(OK, text)


def _uses_podman(context: "Context") -> bool:
    files = containers_files(context.environ)
    return any(which(name, context.environ) for name in PODMAN_TOOLS) or any(map(os.path.lexists, files))
