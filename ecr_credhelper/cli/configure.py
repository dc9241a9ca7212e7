"""``configure``: add this helper to the configuration of Docker, or of podman, skopeo and buildah."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.cli.confirmation import confirm_changes
from ecr_credhelper.cli.selection import Selection, select
from ecr_credhelper.cli.settings_change import settings_changes
from ecr_credhelper.cli.verification import verify
from ecr_credhelper.cli.write_lock import apply, retry_on_conflict
from ecr_credhelper.docker import edit, restore
from ecr_credhelper.docker.config import (
    AMAZON_SUFFIX,
    BOM,
    HELPER_SUFFIX,
    containers_file,
    containers_files,
    login_keys,
    read,
)
from ecr_credhelper.docker.config_file import ABSENT, Change, ConfigFile
from ecr_credhelper.docker.json_edit import put, remove, value
from ecr_credhelper.docker.programs import running_executable, which
from ecr_credhelper.errors import PROG
from ecr_credhelper.paths import docker_config_file
from ecr_credhelper.registry import authority_of, parse
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Add the registries, check their logins, and return the exit status."""
    selection = select(options, load_settings(os.environ), terminal)
    hosts = list(selection.identities)
    if not (hosts or selection.creds_store):
        terminal.warn("nothing changed")
        return 1
    status = retry_on_conflict(lambda: _configure(selection, options, terminal), options, terminal)
    if status or options.dry_run or not hosts:
        return status
    wants_fetch = terminal.is_interactive if options.fetch is None else options.fetch
    working = verify(hosts, terminal) if wants_fetch else hosts
    if working and (wants_fetch or terminal.is_interactive):
        terminal.print()
        client = "podman" if options.podman else "docker"
        terminal.print(f"Next: {client} pull {working[0]}/REPOSITORY:TAG")
    return 0


def _configure(selection: Selection, options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show the changes, ask for confirmation, and write them; warn of problems that remain."""
    path = containers_file(os.environ) if options.podman else docker_config_file(os.environ)
    file = ConfigFile(path, edit.check)
    text = file.text
    hosts = list(selection.identities)
    for host in hosts:
        text = _with_host(text, host, terminal)
    store = value(text, edit.CREDS_STORE) if selection.creds_store else None
    stale = []
    if store == AMAZON_SUFFIX:
        terminal.print(f"credsStore: replaces docker-credential-{store}")
        stale = [authority_of(key) or "" for key in edit.section(text, edit.LOGINS) if parse(key)]
    if selection.creds_store:
        text = put(text, (edit.CREDS_STORE,), edit.QUOTED_SUFFIX)
    for host in dict.fromkeys([*hosts, *stale]):
        text = _without_logins(text, host, options, terminal)
    changes = settings_changes(store, selection.identities, terminal)
    if text != file.text:
        before = restore.backup_content(file.text, file.backup_text)
        changes.append(Change(file, text, ABSENT if file.was_absent and not before else before.encode()))
    if not changes:
        terminal.print(f"{terminal.mark('ok')} {terminal.short_path(path)}: no changes needed")
    else:
        visible = edit.helpers(file.text) | edit.helpers(text)
        if not confirm_changes(changes, visible, options, terminal):
            return int(not options.dry_run)
        apply(changes, options, terminal)
        paths = [terminal.short_path(change.file.path) for change in changes]
        updated = paths[0] if len(paths) == 1 else f"{len(paths)} files"
        terminal.print(f"{terminal.mark('ok')} Updated {updated} (undo: {PROG} unconfigure)")
    for problem in _problems(file, hosts, options):
        terminal.warning(problem)
    return 0


def _with_host(text: str, host: str, terminal: "Terminal") -> str:
    """Return the configuration with a registry added, and print which helper it replaces."""
    helper = value(text, edit.HELPERS, host)
    if helper == HELPER_SUFFIX:
        terminal.print(f"{host}: already configured")
    elif isinstance(helper, str) and helper:
        terminal.print(f"{host}: replaces docker-credential-{helper}")
    return put(text, (edit.HELPERS, host), edit.QUOTED_SUFFIX)


def _without_logins(text: str, host: str, options: "argparse.Namespace", terminal: "Terminal") -> str:
    """Return the configuration without the logins to a registry that the user wants to remove."""
    can_ask = terminal.is_interactive and not (options.yes or options.dry_run)
    for key in login_keys(edit.section(text, edit.LOGINS), host):
        terminal.print(f'{host}: "auths" has a login for "{key}", which some clients would use instead')
        if not can_ask or terminal.ask("Remove it?"):
            text = remove(text, (edit.LOGINS, key))
    return text


def _problems(file: ConfigFile, hosts: list[str], options: "argparse.Namespace") -> list[str]:
    """Return what still prevents clients from calling this helper."""
    found = []
    if file.text.startswith(BOM):
        found.append(f"{file.path} begins with a byte order mark, so clients cannot read it: save it without")
    if not which(PROG, os.environ):
        directory = os.path.dirname(running_executable())
        hint = f"add {directory} to PATH, or run: pipx ensurepath, or: uv tool update-shell"
        found.append(f"{PROG} is not on PATH, so clients cannot find it: {hint}")
    for path in containers_files(os.environ)[:-1] if options.podman else ():
        logins = (host for host in hosts if read(path).login(host))
        found += [f"{path} takes precedence and has a login; run: podman logout {host}" for host in logins]
    return found
