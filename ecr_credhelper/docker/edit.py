"""The entries that ``configure`` writes into the configuration file of Docker or podman."""

import json
from typing import Any

from ecr_credhelper.docker import json_edit
from ecr_credhelper.docker.config import HELPER_SUFFIX

HELPERS, CREDS_STORE, LOGINS = "credHelpers", "credsStore", "auths"
QUOTED_SUFFIX = json.dumps(HELPER_SUFFIX)


def check(text: str) -> None:
    """Raise ValueError if clients could not read the text, or one of these entries has the wrong type."""
    json_edit.check(text)
    for name, kind, expected in (
        (HELPERS, dict, "object"),
        (LOGINS, dict, "object"),
        (CREDS_STORE, str, "string"),
    ):
        if not isinstance(json_edit.value(text, name), kind | None):
            raise ValueError(f"{name} must be a JSON {expected}")  # noqa: TRY004 - the type of a JSON value


def section(text: str, name: str) -> dict[str, Any]:
    """Return a top-level object, which is empty if it is missing."""
    return json_edit.value(text, name) or {}


def helpers(text: str) -> set[str]:
    """Return the suffixes of all credential helpers in a text."""
    names = (json_edit.value(text, CREDS_STORE), *section(text, HELPERS).values())
    return {name for name in names if isinstance(name, str)}


def own_hosts(text: str) -> set[str]:
    """Return the registries that use this helper."""
    return {host for host, name in section(text, HELPERS).items() if name == HELPER_SUFFIX}
