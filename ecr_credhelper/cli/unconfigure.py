"""``unconfigure``: restore Docker's and podman's configuration and the settings as before ``configure``."""

import os
import tomllib
from typing import TYPE_CHECKING

from ecr_credhelper.cli.confirmation import confirm_changes
from ecr_credhelper.cli.write_lock import apply, retry_on_conflict
from ecr_credhelper.docker import edit, restore
from ecr_credhelper.docker.config import HELPER_SUFFIX, containers_file
from ecr_credhelper.docker.config_file import Change, ConfigFile, backup_path
from ecr_credhelper.docker.json_edit import value
from ecr_credhelper.errors import PROG, ConfigurationError
from ecr_credhelper.library.host_errors import shown_name
from ecr_credhelper.library.hosts import ACCOUNT, resolve
from ecr_credhelper.paths import docker_config_file, settings_file
from ecr_credhelper.settings.editing import (
    STORE_MARK,
    edited_rules,
    host_of,
    pattern_of,
    without_fallback,
    without_rules,
)
from ecr_credhelper.settings.loader import load_settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Undo the changes by ``configure``, or those for some registries; return the exit status."""
    return retry_on_conflict(lambda: _unconfigure(options, terminal), options, terminal)


def _unconfigure(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show the changes, ask for confirmation, and write them."""
    broken: list[ConfigurationError] = []
    files = _client_files(broken)
    hosts = _hosts(options, files)
    changes = [change for file in files for change in _client_changes(file, hosts, terminal)]
    visible = {name for file, text, _ in changes for name in edit.helpers(file.text) | edit.helpers(text)}
    changes += _settings_changes(files, changes, broken, terminal)
    if broken and not changes:
        raise broken[0]
    for error in broken:
        terminal.warning(str(error))
    if not changes:
        terminal.print(f"{terminal.mark('ok')} Nothing to undo")
        return 0
    removes_only_backups = all(text == file.text for file, text, _ in changes)
    if not removes_only_backups and not confirm_changes(changes, visible, options, terminal):
        return int(not options.dry_run)
    if not options.dry_run:
        apply(changes, options, terminal)
        for change in changes:
            terminal.item("ok", _result(change))
    return 0


def _client_files(broken: list[ConfigurationError]) -> list[ConfigFile]:
    """Return Docker's and podman's files, without broken ones."""
    paths = [containers_file(os.environ), docker_config_file(os.environ)]
    # If both paths lead to the same file, use the one with the backup.
    paths.sort(key=lambda path: os.path.lexists(backup_path(path)))
    unique = {os.path.realpath(path): path for path in paths}.values()
    return [file for path in unique if (file := _open(path, edit.check, broken))]


def _hosts(options: "argparse.Namespace", files: list[ConfigFile]) -> set[str]:
    """Return the registries to undo, none for all; raise ConfigurationError if one is not configured."""
    configured = {host for file in files for host in edit.own_hosts(file.text)}
    hosts = {_host(argument, options.region) for argument in options.hosts}
    for host in sorted(hosts - configured):
        raise ConfigurationError(host, "is not configured for this helper", f"run: {PROG} status")
    return hosts


def _host(argument: str, region: str | None) -> str:
    """Return the host of an argument. An account ID or ARN is resolved as ``configure`` does."""
    if ACCOUNT.fullmatch(argument) or argument.startswith("arn:"):
        argument = resolve(argument, load_settings(os.environ), region=region or "", warn=str)
    return shown_name(argument)


def _client_changes(file: ConfigFile, hosts: set[str], terminal: "Terminal") -> list[Change]:
    """Return the change of Docker's or podman's file, if any."""
    own, helpers = edit.own_hosts(file.text), edit.helpers(file.text)
    keeps_others = own - hosts or value(file.text, edit.CREDS_STORE) == HELPER_SUFFIX
    if hosts and not own & hosts:
        return []
    if hosts and keeps_others:
        text = restore.without_hosts(file.text, file.backup_text, sorted(own & hosts))
        return [Change(file, text, file.backup_bytes)]
    if file.backup_text is None and HELPER_SUFFIX not in helpers:
        return []
    text = restore.restored(file.text, file.backup_text)
    keeps_backup = bool(restore.missing_entries(text, file.backup_text or ""))
    if keeps_backup:
        kept = f"Kept {file.backup_path}: it has entries that are missing from {file.path}"
        terminal.warning(kept)
    if text == file.text and keeps_backup:
        return []
    return [Change(file, text, file.backup_bytes if keeps_backup else None)]


def _settings_changes(
    files: list[ConfigFile],
    changes: list[Change],
    broken: list[ConfigurationError],
    terminal: "Terminal",
) -> list[Change]:
    """Return the change that removes the rules of the removed registries and the fallback, if any.

    A rule stays if a remaining registry uses it. The fallback stays unless a file gets its credsStore back.
    """
    texts = {file.path: file.text for file in files} | {file.path: text for file, text, _ in changes}
    remaining = {pattern for text in texts.values() for pattern in _patterns(text)}
    patterns = {pattern for file, _, _ in changes for pattern in _patterns(file.text)} - remaining
    stores = [
        store
        for file, text, _ in changes
        if value(file.text, edit.CREDS_STORE) == HELPER_SUFFIX
        and (store := value(text, edit.CREDS_STORE)) not in {None, "", HELPER_SUFFIX}
    ]
    path = settings_file(os.environ)
    file = _open(path, tomllib.loads, broken) if path and (patterns or stores) else None
    if file is None:
        return []
    text = without_rules(file.text, patterns)
    for pattern in edited_rules(text, patterns):
        terminal.warning(f'Kept registry."{pattern}" in {file.path}: it was edited after configure')
    for store in stores:
        text = without_fallback(text, store)
    keeps_backup = without_rules(text) != text or (not stores and STORE_MARK in text)
    backup = file.backup_bytes if keeps_backup else None
    return [] if (text, backup) == (file.text, file.backup_bytes) else [Change(file, text, backup)]


def _patterns(text: str) -> set[str]:
    """Return the patterns of the rules that ``configure`` writes for the registries in a client's file."""
    return {pattern for host in edit.own_hosts(text) for pattern in (host_of(host), pattern_of(host))}


def _result(change: Change) -> str:
    """Return what happened to a file."""
    file, text, backup = change
    if text == file.text:
        return f"Nothing to undo in {file.path}; removed its backup"
    if file.was_absent and file.contents and not text:
        return f"Removed {file.path}"
    is_restored = backup is None and text == file.backup_text
    return f"{'Restored' if is_restored else 'Updated'} {file.path}"


def _open(path: str, check: "Callable[[str], object]", broken: list[ConfigurationError]) -> ConfigFile | None:
    """Return a file, or None if it is broken and has no backup, because ``configure`` never wrote it then."""
    try:
        return ConfigFile(path, check)
    except ConfigurationError as error:
        if os.path.lexists(backup_path(path)):
            raise
        broken.append(error)
        return None
