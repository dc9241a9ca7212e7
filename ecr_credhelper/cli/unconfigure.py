"""Gives back the configuration of Docker and of podman, and the settings, as they were before configure."""

import os
from typing import TYPE_CHECKING

from ecr_credhelper.cli.confirmation import add_write_options, apply, confirm_changes, run_alone
from ecr_credhelper.docker import edit, restore
from ecr_credhelper.docker.config import HELPER_SUFFIX, containers_files
from ecr_credhelper.docker.config_file import BACKUP, Change, ConfigFile
from ecr_credhelper.docker.json_edit import value
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.paths import docker_config_file, settings_file
from ecr_credhelper.settings.editing import without_fallback

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from ecr_credhelper.console.terminal import Terminal


def arguments(parser: "argparse.ArgumentParser") -> None:
    """Take how it writes."""
    add_write_options(parser)


def run(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Undo what configure has written; return the exit status."""
    return run_alone(lambda: _change(options, terminal), options, terminal)


def _change(options: "argparse.Namespace", terminal: "Terminal") -> int:
    """Show what changes, ask, write."""
    broken: list[ConfigurationError] = []
    changes = _of_clients(broken, terminal)
    shown = {name for file, text, _ in changes for one in (file.text, text) for name in edit.helpers(one)}
    changes += _of_settings(changes, broken)
    if broken and not changes:
        raise broken[0]
    for error in broken:
        terminal.warn(f"{terminal.mark('warning')} {error}")
    if not changes:
        terminal.print(f"{terminal.mark('ok')} nothing to give back")
        return 0
    is_only_backups = all(text == file.text for file, text, _ in changes)
    if not is_only_backups and not confirm_changes(changes, shown, options, terminal):
        return int(not options.dry_run)
    if not options.dry_run:
        apply(changes, options)
        for file, _, _ in changes:
            terminal.print(f"{terminal.mark('ok')} {file.path} is given back")
    return 0


def _of_clients(broken: list[ConfigurationError], terminal: "Terminal") -> list[Change]:
    changes = []
    paths = [containers_files(os.environ)[-1], docker_config_file(os.environ)]
    # Each once; of two names of one file, that with the backup.
    paths.sort(key=lambda path: os.path.lexists(f"{path}{BACKUP}"))
    for path in {os.path.realpath(path): path for path in paths}.values():
        file = _open(path, edit.check, broken)
        if file and (file.before is not None or HELPER_SUFFIX in edit.helpers(file.text)):
            text = restore.restored(file.text, file.before)
            is_kept = bool(restore.missing_entries(text, file.before or ""))
            if is_kept:
                told = f"{file.backup} stays: it has entries that are missing from {path}"
                terminal.warn(f"{terminal.mark('warning')} {told}")
            if text != file.text or not is_kept:
                changes.append(Change(file, text, file.saved if is_kept else None))
    return changes


def _of_settings(changes: list[Change], broken: list[ConfigurationError]) -> list[Change]:
    """Return how the fallback goes, if it is what one of these files gets back as its credsStore."""
    path = settings_file(os.environ)
    for client, given, _ in changes:
        store = value(given, edit.STORE)
        if path and store and value(client.text, edit.STORE) == HELPER_SUFFIX:
            file = _open(path, str, broken)
            text = without_fallback(file.text, store) if file else ""
            return [Change(file, text, None)] if file and (text != file.text or file.saved) else []
    return []


def _open(path: str, check: "Callable[[str], object]", broken: list[ConfigurationError]) -> ConfigFile | None:
    """Return a file, or None for a broken one that cannot be ours, since it has no backup."""
    try:
        return ConfigFile(path, check)
    except ConfigurationError as error:
        if os.path.lexists(f"{path}{BACKUP}"):
            raise
        broken.append(error)
        return None
