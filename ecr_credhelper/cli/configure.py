"""``configure``: add this helper to the configuration files of Docker, and of podman, skopeo and buildah."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.cli import settings_file
from ecr_credhelper.cli.client_files import client_files, next_client
from ecr_credhelper.cli.confirmation import confirm_changes, report_interrupt
from ecr_credhelper.cli.dispatch import USAGE_ERROR
from ecr_credhelper.cli.selection import Selection, given_identity, is_search, select
from ecr_credhelper.cli.settings_change import settings_changes
from ecr_credhelper.cli.verification import verify
from ecr_credhelper.cli.write_lock import apply, retry_on_conflict
from ecr_credhelper.docker import edit, restore
from ecr_credhelper.docker.config import (
    AMAZON_SUFFIX,
    BOM,
    HELPER_SUFFIX,
    containers_files,
    login_keys,
    read,
)
from ecr_credhelper.docker.config_file import ABSENT, Change, ConfigFile
from ecr_credhelper.docker.json_edit import put, remove, value
from ecr_credhelper.docker.programs import running_executable, which
from ecr_credhelper.errors import PROG, CredentialHelperError
from ecr_credhelper.paths import docker_config_file
from ecr_credhelper.registry import authority_of, parse
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    import argparse

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Add the registries, check their logins, and return the exit status."""
    if options.creds_store and given_identity(options) and not (options.hosts or is_search(options)):
        reason = "--profile and --role-arn are saved for a registry, but none is specified"
        terminal.warn(str(CredentialHelperError(f"{PROG} configure", reason, "specify HOST ...")))
        return USAGE_ERROR
    with report_interrupt(terminal):
        selection = select(options, load_settings(os.environ), terminal)
    hosts = list(selection.identities)
    if not (hosts or selection.creds_store):
        terminal.warn("nothing changed")
        return 1
    files = client_files(selection, only_podman=options.podman)
    status = retry_on_conflict(lambda: _configure(selection, files, options, terminal), options, terminal)
    if status or options.dry_run or not hosts:
        return status
    wants_fetch = terminal.is_interactive if options.fetch is None else options.fetch
    try:
        working = verify(hosts, terminal) if wants_fetch else hosts
    except KeyboardInterrupt:
        terminal.warn(f"The configuration is complete. To check the logins again, run: {PROG} configure")
        raise
    if working and (wants_fetch or terminal.is_interactive):
        terminal.print()
        terminal.paragraph(f"Next: {next_client(working[0], files)} pull {working[0]}/REPOSITORY:TAG")
    return 0


def _configure(
    selection: Selection,
    files: dict[str, list[str]],
    options: "argparse.Namespace",
    terminal: "Terminal",
) -> int:
    """Show the changes, ask for confirmation, and write them; warn of problems that remain."""
    store, edited, visible = None, [], set()
    for path, hosts in files.items():
        file = ConfigFile(path, edit.check)
        replaces_store = selection.creds_store and path == docker_config_file(os.environ)
        store = value(file.text, edit.CREDS_STORE) if replaces_store else store
        place = f" in {terminal.short_path(path)}" if len(files) > 1 else ""
        text = file.text
        for host in hosts:
            text = _with_host(text, host, place, terminal)
        text, stale = _with_store(text, terminal) if replaces_store else (text, [])
        with report_interrupt(terminal):
            for host in dict.fromkeys([*hosts, *stale]):
                text = _without_logins(text, host, place, options, terminal)
        edited.append((file, text))
        visible |= edit.helpers(file.text) | edit.helpers(text)
    changes = settings_changes(store, selection.identities, terminal)
    changes += [_change(file, text) for file, text in edited if text != file.text]
    if not changes:
        for path in files:
            terminal.marked("ok", f"{path}: no changes needed")
    else:
        if not confirm_changes(changes, visible, options, terminal):
            return int(not options.dry_run)
        apply(changes, options, terminal)
        updated = changes[0].file.path if len(changes) == 1 else f"{len(changes)} files"
        terminal.marked("ok", f"Updated {updated} (undo: {PROG} unconfigure)")
    for problem in (*_problems([file for file, _ in edited], files), *_settings_problems()):
        terminal.warning(problem)
    return 0


def _change(file: ConfigFile, text: str) -> Change:
    before = restore.backup_content(file.text, file.backup_text)
    return Change(file, text, ABSENT if file.was_absent and not before else before.encode())


def _with_host(text: str, host: str, place: str, terminal: "Terminal") -> str:
    """Return the configuration with a registry added, and print which helper it replaces."""
    helper = value(text, edit.HELPERS, host)
    if helper == HELPER_SUFFIX:
        terminal.paragraph(f"{host}: already configured{place}")
    elif isinstance(helper, str) and helper:
        terminal.paragraph(f"{host}: replaces docker-credential-{helper}{place}")
    return put(text, (edit.HELPERS, host), edit.QUOTED_SUFFIX)


def _with_store(text: str, terminal: "Terminal") -> tuple[str, list[str]]:
    """Return Docker's configuration with this helper for all registries, and those whose logins are stale."""
    stale = []
    if value(text, edit.CREDS_STORE) == AMAZON_SUFFIX:
        terminal.paragraph(f"credsStore: replaces docker-credential-{AMAZON_SUFFIX}")
        stale = [authority_of(key) or "" for key in edit.section(text, edit.LOGINS) if parse(key)]
    return put(text, (edit.CREDS_STORE,), edit.QUOTED_SUFFIX), stale


def _without_logins(
    text: str, host: str, place: str, options: "argparse.Namespace", terminal: "Terminal"
) -> str:
    """Return the configuration without the logins to a registry that the user wants to remove."""
    can_ask = terminal.is_interactive and not (options.yes or options.dry_run)
    for key in login_keys(edit.section(text, edit.LOGINS), host):
        shown = f'"auths"{place} has a login for "{key}", which some clients would use instead'
        terminal.paragraph(f"{host}: {shown}")
        if not can_ask or terminal.ask("Remove it?"):
            text = remove(text, (edit.LOGINS, key))
    return text


def _problems(edited: list[ConfigFile], files: dict[str, list[str]]) -> list[str]:
    """Return what still prevents clients from calling this helper."""
    found = [
        f"{file.path} begins with a byte order mark, so clients cannot read it: save it without"
        for file in edited
        if file.text.startswith(BOM)
    ]
    if not which(PROG, os.environ):
        directory = os.path.dirname(running_executable())
        hint = f"add {directory} to PATH, or run: pipx ensurepath, or: uv tool update-shell"
        found.append(f"{PROG} is not on PATH, so clients cannot find it: {hint}")
    *temporary, permanent = containers_files(os.environ)
    for path in temporary:
        logins = (host for host in files.get(permanent, ()) if read(path).login(host))
        found += [f"{path} takes precedence and has a login; run: podman logout {host}" for host in logins]
    return found


def _settings_problems() -> list[str]:
    """Return the problem of the settings file, or the command that shows all of them."""
    settings = settings_file.read(os.environ)
    if len(settings.problems) > 1:
        return [f"{settings.path} has {len(settings.problems)} problems; run: {PROG} config check"]
    return [f"{settings.path}, line {line}: {name}: {text}" for line, name, text in settings.problems]
