"""``unconfigure``: restore Docker's and podman's configuration and the settings as before ``configure``."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.cli.confirmation import apply, confirm_changes, retry_on_conflict
from ecr_credhelper.docker import edit, restore
from ecr_credhelper.docker.config import HELPER_SUFFIX, containers_files
from ecr_credhelper.docker.config_file import Change, ConfigFile, backup_path
from ecr_credhelper.docker.json_edit import value
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.paths import docker_config_file, settings_file
from ecr_credhelper.settings.editing import without_fallback

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from ecr_credhelper.console.terminal import Terminal


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Undo all changes by ``configure``; return the exit status."""
    return retry_on_conflict(lambda: _unconfigure(options, terminal), options, terminal)


def _unconfigure(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show the changes, ask for confirmation, and write them."""
    broken: list[ConfigurationError] = []
    changes = _client_changes(broken, terminal)
    visible = {name for file, text, _ in changes for name in edit.helpers(file.text) | edit.helpers(text)}
    changes += _settings_changes(changes, broken)
    if broken and not changes:
        raise broken[0]
    for error in broken:
        terminal.warn(f"{terminal.mark('warning')} {error}")
    if not changes:
        terminal.print(f"{terminal.mark('ok')} Nothing to undo")
        return 0
    removes_only_backups = all(text == file.text for file, text, _ in changes)
    if not removes_only_backups and not confirm_changes(changes, visible, options, terminal):
        return int(not options.dry_run)
    if not options.dry_run:
        apply(changes, options, terminal)
        for file, _, _ in changes:
            terminal.print(f"{terminal.mark('ok')} Restored {file.path}")
    return 0


def _client_changes(broken: list[ConfigurationError], terminal: "Terminal") -> list[Change]:
    """Return the changes of Docker's and podman's files."""
    changes = []
    paths = [containers_files(os.environ)[-1], docker_config_file(os.environ)]
    # If both paths lead to the same file, use the one with the backup.
    paths.sort(key=lambda path: os.path.lexists(backup_path(path)))
    for path in {os.path.realpath(path): path for path in paths}.values():
        file = _open(path, edit.check, broken)
        if file and (file.backup_text is not None or HELPER_SUFFIX in edit.helpers(file.text)):
            text = restore.restored(file.text, file.backup_text)
            keeps_backup = bool(restore.missing_entries(text, file.backup_text or ""))
            if keeps_backup:
                kept = f"Kept {file.backup_path}: it has entries that are missing from {path}"
                terminal.warn(f"{terminal.mark('warning')} {kept}")
            if text != file.text or not keeps_backup:
                changes.append(Change(file, text, file.backup_bytes if keeps_backup else None))
    return changes


def _settings_changes(changes: list[Change], broken: list[ConfigurationError]) -> list[Change]:
    """Return the change that removes the fallback if one of the files gets it back as its credsStore."""
    path = settings_file(os.environ)
    for client, restored, _ in changes:
        store = value(restored, edit.CREDS_STORE)
        if path and store and value(client.text, edit.CREDS_STORE) == HELPER_SUFFIX:
            file = _open(path, str, broken)
            text = without_fallback(file.text, store) if file else ""
            return [Change(file, text, None)] if file and (text != file.text or file.backup_bytes) else []
    return []


def _open(path: str, check: "Callable[[str], object]", broken: list[ConfigurationError]) -> ConfigFile | None:
    """Return a file, or None if it is broken and has no backup, because ``configure`` never wrote it then."""
    try:
        return ConfigFile(path, check)
    except ConfigurationError as error:
        if os.path.lexists(backup_path(path)):
            raise
        broken.append(error)
        return None
