"""What configure writes into a client's configuration, and what takes it back, entry by entry."""

import json
import re
from typing import Any

from ecr_credhelper import json_edit
from ecr_credhelper.docker_config import OURS, login_keys

HELPERS, STORE, LOGINS = "credHelpers", "credsStore", "auths"
NAME = json.dumps(OURS)
FALLBACK = re.compile(r'^fallback = ".*"  # was the credsStore\n', re.MULTILINE)


def check(text: str) -> None:
    """Raise a ValueError if clients could not read the text either, as far as it concerns us."""
    json_edit.check(text)
    for name, kind, expected in ((HELPERS, dict, "object"), (LOGINS, dict, "object"), (STORE, str, "text")):
        if not isinstance(json_edit.value(text, name), kind | None):
            raise ValueError(f"{name} is no {expected}")  # noqa: TRY004 - the text is wrong, not its type


def section(text: str, name: str) -> dict[str, Any]:
    """Return an object of the outermost one; a missing one is empty."""
    return json_edit.value(text, name) or {}


def is_configured(text: str) -> bool:
    """Tell whether a text names this helper."""
    return OURS in helpers(text)


def helpers(text: str) -> set[str]:
    """Return the names of all helpers in a text."""
    names = (json_edit.value(text, STORE), *section(text, HELPERS).values())
    return {name for name in names if isinstance(name, str)}


def undone(text: str, before: str) -> str:
    """Return a text without what configure wrote since it was ``before``; what others did since stays."""
    ours = [host for host, helper in section(text, HELPERS).items() if helper == OURS]
    for host in ours:
        text = _as_before(text, before, HELPERS, host)
    if ours and not section(text, HELPERS) and not section(before, HELPERS):
        text = _as_before(text, before, HELPERS)
    if json_edit.value(text, STORE) == OURS:
        text = _as_before(text, before, STORE)
    there = section(text, LOGINS)
    gone = [key for host in ours for key in login_keys(section(before, LOGINS), host) if key not in there]
    rest = before
    for key in gone:
        rest = json_edit.remove(rest, (LOGINS, key))
    if gone and json_edit.raw(text, LOGINS) == json_edit.raw(rest, LOGINS):
        text = _as_before(text, before, LOGINS)  # nobody changed it: each login in its old place
    for key in gone:
        text = _as_before(text, before, LOGINS, key)
    return text if json_edit.value(text) or json_edit.value(before) else before


def with_fallback(text: str, name: str) -> str:
    """Return the settings file with a fallback: on top, since the last table would take it in."""
    return f"fallback = {json.dumps(name)}  # was the credsStore\n{text}"


def without_fallback(text: str) -> str:
    """Return the settings file without that line, if it is still there."""
    return FALLBACK.sub("", text, count=1)


def _as_before(text: str, before: str, *path: str) -> str:
    raw = json_edit.raw(before, *path)
    return json_edit.remove(text, path) if raw is None else json_edit.put(text, path, raw)
