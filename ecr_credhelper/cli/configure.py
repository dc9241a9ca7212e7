"""Names this helper in Docker's configuration, or in that of podman, skopeo and buildah."""

import os
import sys
import tomllib
from typing import TYPE_CHECKING

from ecr_credhelper.cli.confirmation import add_write_options, apply, confirm_changes, run_alone
from ecr_credhelper.cli.options import add_hosts
from ecr_credhelper.docker import edit, restore
from ecr_credhelper.docker.config import HELPER_SUFFIX, containers_files, login_keys, read
from ecr_credhelper.docker.config_file import ABSENT, Change, ConfigFile
from ecr_credhelper.docker.discovery import registries
from ecr_credhelper.docker.json_edit import BOM, put, remove, value
from ecr_credhelper.docker.programs import which
from ecr_credhelper.errors import PROG, ConfigurationError, UnsupportedRegistryError
from ecr_credhelper.paths import docker_config_file, settings_file
from ecr_credhelper.registry import authority_of, parse
from ecr_credhelper.settings.editing import with_fallback
from ecr_credhelper.settings.loader import TOP_LEVEL_KEYS, Settings, load_settings, problem_of

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take registries, and where they are named."""
    add_hosts(parser, "*")
    about = "those that the settings, the AWS profiles and the local images name"
    parser.add_argument("--discover", action="store_true", help=about)
    where = parser.add_mutually_exclusive_group()
    about = "for all registries; who kept your logins until now becomes the fallback"
    where.add_argument("--creds-store", action="store_true", help=about)
    where.add_argument("--podman", action="store_true", help="for podman, skopeo and buildah, not for Docker")
    add_write_options(parser)


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Add the registries, and tell what keeps clients from calling this helper; return the exit status."""
    hosts = _hosts(options, load_settings(os.environ), terminal)
    if not hosts and not options.creds_store:
        reason = "no registry was found" if options.discover else "no registry is named"
        raise ConfigurationError("", reason, "name one: its host, or an image of it")
    return run_alone(lambda: _change(hosts, options, terminal), options, terminal)


def _change(hosts: list[str], options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show what changes, ask, write."""
    path = containers_files(os.environ)[-1] if options.podman else docker_config_file(os.environ)
    file = ConfigFile(path, edit.check)
    text = file.text
    for host in hosts:
        text = _with_host(text, host, options, terminal)
    changes = []
    if options.creds_store:
        changes = _fallback(text, load_settings(os.environ), terminal)
        text = put(text, (edit.STORE,), edit.NAME)
    if text == file.text:
        terminal.print(f"{terminal.mark('ok')} {path}: nothing to change")
    else:
        before = restore.backup_content(file.text, file.before)
        changes.append(Change(file, text, ABSENT if file.was_absent and not before else before.encode()))
        shown = edit.helpers(file.text) | edit.helpers(text)
        if not confirm_changes(changes, shown, options, terminal):
            return int(not options.dry_run)
        apply(changes, options)
        terminal.print(f"{terminal.mark('ok')} {path} is written; to give it back: {PROG} unconfigure")
    for problem in _problems(file, hosts, options):
        terminal.warn(f"{terminal.mark('warning')} {problem}")
    return 0


def _hosts(options: "argparse.Namespace", settings: Settings, terminal: "Terminal") -> list[str]:
    """Return the registries that are asked for, each once, as clients look for them."""
    hosts = []
    for server in options.hosts:
        host = authority_of(server)
        if host is None or not (parse(server) or settings.registry(server)):
            hint = "an ECR host is ACCOUNT.dkr.ecr.REGION.amazonaws.com; others are for the settings to name"
            # Not as it was given: there may be a password before the host.
            raise UnsupportedRegistryError(host or "the given registry", "not an Amazon ECR registry", hint)
        hosts.append(host)
    found = registries(os.environ, settings) if options.discover else {}
    if found:
        terminal.table(("registry", "found in"), [*found.items()])
    return [*dict.fromkeys([*hosts, *found])]


def _with_host(text: str, host: str, options: "argparse.Namespace", terminal: "Terminal") -> str:
    """Return the text with a registry, and tell what it takes the place of."""
    helper = value(text, edit.HELPERS, host)
    if helper == HELPER_SUFFIX:
        terminal.print(f"{host}: configured already")
    elif isinstance(helper, str) and helper:
        terminal.print(f"{host}: instead of docker-credential-{helper}")
    text = put(text, (edit.HELPERS, host), edit.NAME)
    is_asked = terminal.is_interactive and not (options.yes or options.dry_run)
    for key in login_keys(edit.section(text, edit.LOGINS), host):
        terminal.print(f'{host}: "auths" has a login under "{key}", which some clients would take instead')
        if not is_asked or terminal.ask("Remove it?"):
            text = remove(text, (edit.LOGINS, key))
    return text


def _fallback(text: str, settings: Settings, terminal: "Terminal") -> list[Change]:
    """Return how the settings change, for what was the credsStore to keep its logins."""
    store, fallback, path = value(text, edit.STORE), settings.fallback(), settings_file(os.environ)
    if store in {None, "", HELPER_SUFFIX, fallback}:
        return []
    if fallback:
        terminal.print(
            f"docker-credential-{store} is asked no more: the settings name {fallback} as the fallback"
        )
        return []
    if problem := problem_of("fallback", store, TOP_LEVEL_KEYS):
        raise ConfigurationError("credsStore", problem, "correct it, or remove it")
    if path is None:
        raise ConfigurationError("credsStore", "there is no place for the settings", "set HOME")
    file = ConfigFile(path, tomllib.loads)
    return [Change(file, with_fallback(file.text, store), ABSENT if file.was_absent else file.saved)]


def _problems(file: ConfigFile, hosts: list[str], options: "argparse.Namespace") -> list[str]:
    """Return what still keeps clients from calling this helper."""
    found = []
    if file.text.startswith(BOM):
        found.append(
            f"{file.path} begins with a byte order mark, with which no client reads it: save it without"
        )
    if not which(PROG, os.environ):
        directory = os.path.dirname(os.path.abspath(sys.argv[0]))
        hint = f"add {directory}, or run: pipx ensurepath, or: uv tool update-shell"
        found.append(f"{PROG} is not on PATH, where clients look for it: {hint}")
    for path in containers_files(os.environ)[:-1] if options.podman else ():
        logins = (host for host in hosts if read(path).login(host))
        found += [f"{path}, which comes first, has a login; run: podman logout {host}" for host in logins]
    return found
