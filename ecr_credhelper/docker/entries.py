"""What configure writes into a client's configuration, and what takes it back, entry by entry."""

import json
from typing import Any

from ecr_credhelper.docker import json_edit
from ecr_credhelper.docker.config import HELPER_SUFFIX, login_keys
from ecr_credhelper.registry import authority_of, parse

HELPERS, STORE, LOGINS = "credHelpers", "credsStore", "auths"
NAME = json.dumps(HELPER_SUFFIX)


def check(text: str) -> None:
    """Raise a ValueError if clients could not read the text either, as far as it concerns us."""
    json_edit.check(text)
    for name, kind, expected in ((HELPERS, dict, "object"), (LOGINS, dict, "object"), (STORE, str, "text")):
        if not isinstance(json_edit.value(text, name), kind | None):
            raise ValueError(f"{name} is no {expected}")  # noqa: TRY004 - the text is wrong, not its type


def section(text: str, name: str) -> dict[str, Any]:
    """Return an object of the outermost one; a missing one is empty."""
    return json_edit.value(text, name) or {}


def helpers(text: str) -> set[str]:
    """Return the names of all helpers in a text."""
    names = (json_edit.value(text, STORE), *section(text, HELPERS).values())
    return {name for name in names if isinstance(name, str)}


def restored(text: str, kept: str | None) -> str:
    """Return a text without what configure wrote since it was ``kept``; what others did since stays."""
    before = kept or ""
    if json_edit.value(text) is None:
        return before  # the file was removed: what it held is given back
    ours = [host for host, helper in section(text, HELPERS).items() if helper == HELPER_SUFFIX]
    for host in ours:
        text = _as_before(text, before, HELPERS, host)
    if ours and not section(text, HELPERS) and not section(before, HELPERS):
        text = _as_before(text, before, HELPERS)
    if json_edit.value(text, STORE) == HELPER_SUFFIX:
        text = _as_before(text, before, STORE)
    logins, there = section(before, LOGINS), section(text, LOGINS)
    # Also of registries that somebody else has taken out since: configure had removed their logins.
    hosts = [*ours, *(authority_of(key) or "" for key in logins if parse(key))]
    keys = dict.fromkeys(key for host in hosts for key in login_keys(logins, host))
    # An empty one is a store's mark; ours to replace only where our name was before it.
    gone = [key for key in keys if not there.get(key) and (key not in there or authority_of(key) in ours)]
    rest = before
    for key in gone:
        rest = json_edit.remove(rest, (LOGINS, key))
    if gone and json_edit.raw(text, LOGINS) == json_edit.raw(rest, LOGINS):
        text = _as_before(text, before, LOGINS)  # nobody changed it: each login in its old place
    for key in gone:
        text = _as_before(text, before, LOGINS, key)
    return text if kept is None or json_edit.value(text) or json_edit.value(before) else before


def backup_content(text: str, kept: str | None) -> str:
    """Return what a backup shall hold: what unconfigure would give back now, and whatever only it has."""
    then = text if kept is None else restored(text, kept)
    for path in missing_entries(then, kept or ""):
        then = _as_before(then, kept or "", *path)
    return then


def missing_entries(text: str, before: str) -> list[tuple[str, ...]]:
    """Return the paths of what is in ``before`` and no more in a text: entries for a registry, and others."""
    paths: list[tuple[str, ...]] = [(), (HELPERS,), (LOGINS,)]
    sides = [
        (path, json_edit.value(before, *path) or {}, json_edit.value(text, *path) or {}) for path in paths
    ]
    return [
        (*path, key) for path, then, now in sides for key, entry in then.items() if entry and not now.get(key)
    ]


def with_fallback(text: str, name: str) -> str:
    """Return the settings file with a fallback: on top, since the last table would take it in."""
    return f"fallback = {json.dumps(name)}  # was the credsStore\n{text}"


def without_fallback(text: str, name: str) -> str:
    """Return the settings file without that line, if it is still there and still names this one."""
    return f"\n{text}".replace(f"\n{with_fallback('', name)}", "\n", 1)[1:]


def _as_before(text: str, before: str, *path: str) -> str:
    raw = json_edit.raw(before, *path)
    return json_edit.remove(text, path) if raw is None else json_edit.put(text, path, raw)
