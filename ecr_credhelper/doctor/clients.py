"""Checks of the configuration of Docker and podman: which helper or login they use for a registry.

https://github.com/docker/cli/blob/master/cli/config/configfile/file.go and
https://github.com/containers/image/blob/main/pkg/docker/config/config.go are the references.
"""

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from ecr_credhelper.console.log import redacted
from ecr_credhelper.docker.config import (
    AMAZON_SUFFIX,
    HELPER_SUFFIX,
    UNREADABLE,
    DockerConfig,
    containers_files,
    docker_config,
    parsed,
    read,
)
from ecr_credhelper.docker.config_file import backup_path
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
"""Limits how many registries or keys are listed in a finding or by findings."""


def docker(context: "Context") -> "Iterator[Finding]":
    """Report which helper or login Docker uses, and entries of its configuration file without effect."""
    host, file = context.authority, docker_config(context.environ)
    has_docker = which("docker", context.environ) is not None
    if file.problem:
        yield Finding(FAILURE, f"{file.path} {file.problem}", "correct it")
    elif not file.content and not has_docker and _uses_podman(context):
        return
    elif not host:
        yield from _docker_registries(context, file)
    elif context.registry:
        yield from _docker_for_ecr(context, file, host)
    else:
        helper = file.helper_for(host)
        program = f"docker-credential-{helper}" if helper else "no credential helper"
        login = f"; {file.path} has a login for it" if file.holds_login(host) else ""
        yield Finding(OK, f"Docker uses {program} for {host}{login}")
    yield from _ineffective_entries(file)
    if not has_docker:
        yield Finding(NOTE, "docker is not on PATH")


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
        yield Finding(WARNING, f"this helper is not configured in {file.path}", f"{CONFIGURE} HOST")
        yield from _replaced_store(context, file)


def _docker_for_ecr(context: "Context", file: DockerConfig, host: str) -> "Iterator[Finding]":
    hint = f"{CONFIGURE} {host}"
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
        yield Finding(FAILURE, f"Docker uses docker-credential-{helper} instead ({source})", hint)
    elif file.holds_login(host):
        yield Finding(WARNING, f"Docker uses the login in {file.path}, {VALIDITY}", hint)
    else:
        yield Finding(FAILURE, f"no credential helper configured for this registry in {file.path}", hint)
    yield from _replaced_store(context, file)


def _replaced_store(context: "Context", file: DockerConfig) -> "Iterator[Finding]":
    """Report that another program has replaced this helper as the credsStore, as Docker Desktop does.

    ``configure --creds-store`` made the previous credsStore the fallback. Without a previous one, the backup
    shows that ``configure`` has changed the file.
    """
    fallback, backup = "", backup_path(file.path)
    with suppress(CredentialHelperError):  # The settings check reports it.
        fallback = context.settings.fallback() if context.settings else ""
    has_changed = os.path.lexists(backup) and read(backup).creds_store != file.creds_store
    if file.creds_store and (file.creds_store == fallback or has_changed) and not file.hosts_of_this_helper():
        text = (
            f'credsStore is "{file.creds_store}" again: another program, such as Docker Desktop, changed it'
        )
        yield Finding(WARNING, text, f"{CONFIGURE} --creds-store")


def _ineffective_entries(file: DockerConfig) -> "Iterator[Finding]":
    """Report keys that Docker ignores or never matches."""
    for key, field in file.misspelt_fields().items():
        yield Finding(WARNING, f'Docker ignores "{key}" in {file.path}', f'did you mean "{field}"?')
    keys = file.unmatched_keys()
    for key, correct in [*keys.items()][:MAX_NAMES]:
        hint = f'use "{correct}"' if correct else "use the host of a registry"
        if "*" in key:
            hint = "Docker supports no wildcards: configure each registry, or use --creds-store"
        yield Finding(WARNING, f'Docker never matches "{redacted(key)}" in credHelpers of {file.path}', hint)
    if len(keys) > MAX_NAMES:
        text = f"Docker never matches {len(keys) - MAX_NAMES} more keys in credHelpers of {file.path}"
        yield Finding(WARNING, text, "use the hosts of the registries")


def podman(context: "Context") -> "Iterator[Finding]":
    """Report which helper or login podman, skopeo and buildah use, if one of them is installed."""
    if not context.registry or not _uses_podman(context):
        return
    host, environ = context.authority, context.environ
    # One working client is enough, and podman can be installed without being used.
    uses_docker = which("docker", environ) is not None
    severity = WARNING if uses_docker else FAILURE
    files, problems = [], []
    for path in _auth_files(context):
        file = read(path)
        if not file.problem:
            files.append(file)
        elif path == docker_config_file(environ):  # docker() reports it.
            continue
        elif not (uses_docker and file.problem.startswith(UNREADABLE)):  # e.g. /run/containers/0 after su
            problems.append(f"{path} {file.problem}")
    helpers = credential_helpers(environ)
    problems += [helpers.problem] if helpers.problem else []
    for problem in problems:
        yield Finding(severity, problem, "correct it")
    if not problems:
        yield _podman_helper(context, _podman_sources(files, helpers, host), helpers, severity)


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
    context: "Context", sources: list[tuple[str, str]], helpers: "CredentialHelpers", severity: str
) -> Finding:
    """Return the finding for the helpers and logins that podman asks."""
    hint = f"{CONFIGURE} --podman {context.authority}"
    if AUTH_FILES not in helpers.names:
        hint = f'add "{HELPER_SUFFIX}" to {FIELD} in {helpers.path}'
    if not sources:
        return Finding(severity, "no credential helper configured for this registry in podman", hint)
    ours = [number for number, (name, _) in enumerate(sources) if is_this_helper(name, context.environ)]
    others = [f"docker-credential-{name}" if name else "a login" for name, _ in sources]
    if not ours:
        name, source = sources[0]
        if not name:
            return Finding(WARNING, f"podman uses the login in {source}, {VALIDITY}", hint)
        return Finding(severity, f"podman uses {', then '.join(others)} instead ({source})", hint)
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
