"""Undo ``configure`` entry by entry, from the backup, and keep later changes by other programs.

``backup`` is the text of the configuration file before ``configure``, or None if there is no backup.
"""

from typing import TYPE_CHECKING

from ecr_credhelper.docker import json_edit
from ecr_credhelper.docker.config import HELPER_SUFFIX, login_keys
from ecr_credhelper.docker.edit import CREDS_STORE, HELPERS, LOGINS, section
from ecr_credhelper.registry import authority_of, parse

if TYPE_CHECKING:
    from collections.abc import Collection


def restored(text: str, backup: str | None) -> str:
    """Return the text that ``unconfigure`` writes.

    If only ``configure`` has changed the file, this is the backup.
    """
    before = backup or ""
    if json_edit.value(text) is None:  # The file was removed or emptied.
        return before
    hosts = [host for host, helper in section(text, HELPERS).items() if helper == HELPER_SUFFIX]
    for host in hosts:
        text = _restore(text, before, HELPERS, host)
    if hosts and not section(text, HELPERS) and not section(before, HELPERS):
        text = _restore(text, before, HELPERS)
    if json_edit.value(text, CREDS_STORE) == HELPER_SUFFIX:
        text = _restore(text, before, CREDS_STORE)
    # Include other ECR registries, because another program can have removed their helper since then.
    registries = [*hosts, *(authority_of(key) or "" for key in section(before, LOGINS) if parse(key))]
    text = _restore_logins(text, before, registries, hosts)
    return text if backup is None or json_edit.value(text) or json_edit.value(before) else before


def without_hosts(text: str, backup: str | None, hosts: "Collection[str]") -> str:
    """Return the text with the entries of these registries restored, and all others unchanged."""
    before = backup or ""
    for host in hosts:
        text = _restore(text, before, HELPERS, host)
    return _restore_logins(text, before, hosts, hosts)


def backup_content(text: str, backup: str | None) -> str:
    """Return the backup that ``configure`` saves.

    It is the restored text plus the entries that only the old backup has.
    """
    result = text if backup is None else restored(text, backup)
    for path in missing_entries(result, backup or ""):
        result = _restore(result, backup or "", *path)
    return result


def missing_entries(text: str, before: str) -> list[tuple[str, ...]]:
    """Return the paths of the entries of ``before`` that the text lacks: at the top, and for registries."""
    missing: list[tuple[str, ...]] = []
    for path in ((), (HELPERS,), (LOGINS,)):
        present = json_edit.value(text, *path) or {}
        entries = json_edit.value(before, *path) or {}
        missing += [(*path, key) for key, entry in entries.items() if entry and not present.get(key)]
    return [path for path in missing if not json_edit.value(text, *path)]  # a field with another spelling


def _restore_logins(text: str, before: str, registries: "Collection[str]", hosts: "Collection[str]") -> str:
    """Restore the logins to ``registries`` that ``configure`` removed. ``hosts`` used this helper."""
    logins, present = section(before, LOGINS), section(text, LOGINS)
    keys = dict.fromkeys(key for host in registries for key in login_keys(logins, host))
    # An empty entry means that a credential store has the login: replace it only if the helper was ours.
    removed = [
        key for key in keys if not present.get(key) and (key not in present or authority_of(key) in hosts)
    ]
    remaining = before
    for key in removed:
        remaining = json_edit.remove(remaining, (LOGINS, key))
    # Restore the original order if no other program changed the logins.
    if removed and json_edit.raw(text, LOGINS) == json_edit.raw(remaining, LOGINS):
        text = _restore(text, before, LOGINS)
    for key in removed:
        text = _restore(text, before, LOGINS, key)
    return text


def _restore(text: str, before: str, *path: str) -> str:
    """Return the text with the value that a path has in ``before``, or without the path."""
    raw = json_edit.raw(before, *path)
    return json_edit.remove(text, path) if raw is None else json_edit.put(text, path, raw)
