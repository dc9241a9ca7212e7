"""``configure HOST…``: add this helper to the configuration of Docker, or of podman, skopeo and buildah."""

import os
import sys
import tomllib
from typing import TYPE_CHECKING

from ecr_credhelper.cli.confirmation import apply, confirm_changes, retry_on_conflict
from ecr_credhelper.docker import edit, restore
from ecr_credhelper.docker.config import BOM, HELPER_SUFFIX, containers_files, login_keys, read
from ecr_credhelper.docker.config_file import ABSENT, Change, ConfigFile
from ecr_credhelper.docker.discovery import search
from ecr_credhelper.docker.json_edit import put, remove, value
from ecr_credhelper.docker.programs import which
from ecr_credhelper.errors import PROG, ConfigurationError, UnsupportedRegistryError
from ecr_credhelper.paths import docker_config_file, settings_file
from ecr_credhelper.registry import authority_of, parse
from ecr_credhelper.settings.editing import with_fallback
from ecr_credhelper.settings.loader import Settings, load_settings
from ecr_credhelper.settings.validation import TOP_LEVEL_KEYS, problem_of

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Add the registries, warn of problems that remain, and return the exit status."""
    hosts = _hosts(options, load_settings(os.environ), terminal)
    if not hosts and not options.creds_store:
        reason = "no registry found" if options.discover else "no registry specified"
        raise ConfigurationError("", reason, "specify a registry host or an image name")
    return retry_on_conflict(lambda: _configure(hosts, options, terminal), options, terminal)


def _configure(hosts: list[str], options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show the changes, ask for confirmation, and write them."""
    path = containers_files(os.environ)[-1] if options.podman else docker_config_file(os.environ)
    file = ConfigFile(path, edit.check)
    text = file.text
    for host in hosts:
        text = _with_host(text, host, options, terminal)
    changes = []
    if options.creds_store:
        changes = _fallback_change(text, load_settings(os.environ), terminal)
        text = put(text, (edit.CREDS_STORE,), edit.QUOTED_SUFFIX)
    if text == file.text:
        terminal.print(f"{terminal.mark('ok')} {path}: no changes needed")
    else:
        before = restore.backup_content(file.text, file.backup_text)
        changes.append(Change(file, text, ABSENT if file.was_absent and not before else before.encode()))
        visible = edit.helpers(file.text) | edit.helpers(text)
        if not confirm_changes(changes, visible, options, terminal):
            return int(not options.dry_run)
        apply(changes, options, terminal)
        terminal.print(f"{terminal.mark('ok')} Updated {path} (undo: {PROG} unconfigure)")
    for problem in _problems(file, hosts, options):
        terminal.warn(f"{terminal.mark('warning')} {problem}")
    return 0


def _hosts(options: "argparse.Namespace", settings: Settings, terminal: "Terminal") -> list[str]:
    """Return the selected registries without duplicates, in the form in which clients look them up."""
    hosts = []
    for server in options.hosts:
        host = authority_of(server)
        if host is None or not (parse(server) or settings.registry(server)):
            hint = "use ACCOUNT.dkr.ecr.REGION.amazonaws.com, or map a custom host in the settings file"
            # The argument itself is not shown, because it can contain a password.
            raise UnsupportedRegistryError(host or "the given registry", "not an Amazon ECR registry", hint)
        hosts.append(host)
    return [*dict.fromkeys([*hosts, *(_discover(settings, terminal) if options.discover else ())])]


def _discover(settings: Settings, terminal: "Terminal") -> list[str]:
    """Show the registries that a search finds, and what it could not read. Return their hosts."""
    result = search(os.environ, settings)
    for problem in result.problems:
        terminal.warn(f"{terminal.mark('warning')} {problem}")
    if result.candidates:
        rows = [(found.host, ", ".join(found.sources)) for found in result.candidates]
        terminal.table(("REGISTRY", "FROM"), rows)
    return [found.host for found in result.candidates]


def _with_host(text: str, host: str, options: "argparse.Namespace", terminal: "Terminal") -> str:
    """Return the configuration with a registry added, and print which entries it replaces or removes."""
    helper = value(text, edit.HELPERS, host)
    if helper == HELPER_SUFFIX:
        terminal.print(f"{host}: already configured")
    elif isinstance(helper, str) and helper:
        terminal.print(f"{host}: replaces docker-credential-{helper}")
    text = put(text, (edit.HELPERS, host), edit.QUOTED_SUFFIX)
    can_ask = terminal.is_interactive and not (options.yes or options.dry_run)
    for key in login_keys(edit.section(text, edit.LOGINS), host):
        terminal.print(f'{host}: "auths" has a login for "{key}", which some clients would use instead')
        if not can_ask or terminal.ask("Remove it?"):
            text = remove(text, (edit.LOGINS, key))
    return text


def _fallback_change(text: str, settings: Settings, terminal: "Terminal") -> list[Change]:
    """Return the change of the settings file that makes the current credsStore the fallback, if any."""
    store, fallback, path = value(text, edit.CREDS_STORE), settings.fallback(), settings_file(os.environ)
    if store in {None, "", HELPER_SUFFIX, fallback}:
        return []
    if fallback:
        replaced = f"docker-credential-{store} will no longer be used"
        terminal.print(f'{replaced}: the settings file has fallback = "{fallback}"')
        return []
    if problem := problem_of("fallback", store, TOP_LEVEL_KEYS):
        raise ConfigurationError("credsStore", problem, "correct or remove it")
    if path is None:
        raise ConfigurationError("credsStore", "no directory for the settings file", "set HOME")
    file = ConfigFile(path, tomllib.loads)
    return [Change(file, with_fallback(file.text, store), ABSENT if file.was_absent else file.backup_bytes)]


def _problems(file: ConfigFile, hosts: list[str], options: "argparse.Namespace") -> list[str]:
    """Return what still prevents clients from calling this helper."""
    found = []
    if file.text.startswith(BOM):
        found.append(f"{file.path} begins with a byte order mark, so clients cannot read it: save it without")
    if not which(PROG, os.environ):
        directory = os.path.dirname(os.path.abspath(sys.argv[0]))
        hint = f"add {directory} to PATH, or run: pipx ensurepath, or: uv tool update-shell"
        found.append(f"{PROG} is not on PATH, so clients cannot find it: {hint}")
    for path in containers_files(os.environ)[:-1] if options.podman else ():
        logins = (host for host in hosts if read(path).login(host))
        found += [f"{path} takes precedence and has a login; run: podman logout {host}" for host in logins]
    return found
