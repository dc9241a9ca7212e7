"""Decode a client's JSON configuration as Go's ``encoding/json`` decodes it into the client's types.

The names of fields match case-insensitively, and the last of several values counts. ``null`` leaves a string
as it is, and empties an object. Several objects with registries as keys are merged; registries match exactly.
"""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

MAPS = ("auths", "credHelpers")
"""The fields that are objects with registries as keys."""

FIELDS = (*MAPS, "credsStore")
"""The fields that concern logins."""

LOGIN_FIELDS = ("identitytoken", "auth", "username", "password")
"""The fields of an entry in ``auths``."""


def is_same_field(key: str, field: str) -> bool:
    """Return whether Go decodes a key into a field: only the case of the letters differs.

    Go folds single characters: U+017F (long s) is a letter of "credsStore", but U+00DF (sharp s) is not two.
    Therefore the lengths must be equal too.
    """
    return len(key) == len(field) and key.casefold() == field.casefold()


def load(text: str) -> Any:
    """Return a configuration with the fields as documented, or None if the text is not a JSON object.

    Values of the wrong type are ignored, as Docker does after a warning. Raise ValueError for invalid JSON.
    """
    members = json.loads(text, object_pairs_hook=tuple, parse_int=float, parse_constant=reject_constant)
    if not isinstance(members, tuple):
        return None
    content: dict[str, Any] = {}
    for key, value in members:
        field = _field(key, FIELDS)
        if field not in MAPS:
            _set(content, field, value)
        elif value is None:
            content[field] = {}
        elif isinstance(value, tuple):
            content[field] = {**content.get(field, {}), **dict(value)}
    for registry, entry in content.get("auths", {}).items():
        login: dict[str, Any] = {}
        for key, value in entry if isinstance(entry, tuple) else ():
            _set(login, _field(key, LOGIN_FIELDS), value)
        content["auths"][registry] = login
    return content


def _set(content: dict[str, Any], field: str, value: object) -> None:
    """Set a field. ``null`` and values of the wrong type leave a string as it is."""
    if isinstance(value, str) or field not in content:
        content[field] = value


def _field(key: str, fields: "Sequence[str]") -> str:
    """Return the field that a key is decoded into, or the key itself."""
    return next((field for field in fields if is_same_field(key, field)), key)


def reject_constant(name: str) -> None:
    """Raise ValueError for NaN and Infinity, which Python accepts and Go rejects."""
    raise ValueError(f"{name} is not a JSON number")
