"""Find the problems of a settings file: each with its field, the value found and the value expected.

This is imported only if there are settings to check, because it needs regular expressions.
"""

import re
from typing import TYPE_CHECKING, Any

from ecr_credhelper.console.log import is_destination, redacted
from ecr_credhelper.settings.rules import ALL_REGISTRIES, NON_ECR_REGISTRIES, PUBLIC, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_RANGE = (1, 600)
"""Limits of the setting ``deadline``, in seconds."""

ROLE_DURATION_RANGE = (900, 43200)
"""Limits of a role session, in seconds: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

HOST = re.compile(r"[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?(\.[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?)*(:\d{1,5})?")

STRING_FIELDS = {
    # field -> pattern of its valid values, and their description in an error
    "profile": (r"\S.*", 'the name of an AWS profile, or "auto"'),
    "role_arn": (r"arn:aws[\w-]*:iam::\d{12}:role/.+", 'a role ARN: "arn:aws:iam::111122223333:role/pull"'),
    "role_session_name": (r"[\w+=,.@-]{2,64}", "2 to 64 letters, digits or any of _+=,.@-"),
    "external_id": (r"[\w+=,.@:/-]{2,1224}", "2 to 1224 letters, digits or any of _+=,.@:/-"),
    "account": (r"\d{12}", "an account ID of 12 digits"),
    "region": (r"[a-z]+(-[a-z]+)+-\d+", 'a region such as "us-west-2"'),
    "endpoint_url": (r"https?://[^\s@?#]+", "the URL of the API, without a user name or query"),
    "ca_bundle": (r"\S.*", "the path of a file with CA certificates"),
    "on_error": (r"error|not-found", '"error" or "not-found"'),
    "list": (r"cached|fetch", '"cached" or "fetch"'),
    "log": (r".+", '"debug" for standard error, or the absolute path of a file'),  # see is_destination
    "fallback": (
        r"(?!ecr-py$)[A-Za-z0-9][\w.-]*",
        'the suffix of another credential helper such as "pass" for docker-credential-pass',
    ),
}
NUMBER_FIELDS = {"duration": ROLE_DURATION_RANGE, "deadline": DEADLINE_RANGE}
TOP_LEVEL_KEYS = ("fallback", "on_error", "deadline", "list", "log", "registry")
RULE_KEYS = tuple(name for name in Rule._fields if name != "pattern")


def problems_in(content: "dict[str, Any]") -> "Iterator[tuple[str, str]]":
    """Yield the problems of a file, each with its scope."""
    for name, value in content.items():
        if name == "registry" and isinstance(value, dict):
            for pattern, table in value.items():
                # A malformed rule affects all registries: [registry.images.example.com] without quotes is a
                # nested table.
                is_well_formed = (
                    isinstance(table, dict)
                    and HOST.fullmatch(pattern)
                    and not any(isinstance(field, dict) for field in table.values())
                )
                scope = pattern if is_well_formed else ALL_REGISTRIES
                yield from ((scope, problem) for problem in _rule_problems(pattern, table))
        elif problem := problem_of(name, value, TOP_LEVEL_KEYS):
            yield (NON_ECR_REGISTRIES if name == "fallback" else ALL_REGISTRIES), problem


def _rule_problems(pattern: str, table: object) -> "Iterator[str]":
    field = f'registry."{pattern}"'
    if not isinstance(table, dict):
        yield f"{field}: found {table!r}, expected a table"
        return
    if not HOST.fullmatch(pattern):
        yield f"{field}: expected a host in lower case, an account ID of 12 digits, or public"
    for name, value in table.items():
        if problem := problem_of(name, value, RULE_KEYS):
            yield f"{field}.{problem}"
    for name in ("role_session_name", "external_id", "duration"):
        if name in table and "role_arn" not in table:
            yield f"{field}.{name}: requires role_arn"


def problem_of(name: str, value: object, known: "tuple[str, ...]" = RULE_KEYS) -> str | None:
    """Return the problem of a field, or None if its value is valid."""
    if name not in known:
        import difflib

        # "role" is more similar to "profile" than to "role_arn".
        near = [one for one in known if one.startswith(name)] or difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        return f"{name}: unknown setting, {hint}"
    is_valid = False
    expected = 'tables: [registry."HOST"]'
    if name in STRING_FIELDS:
        pattern, expected = STRING_FIELDS[name]
        is_valid = isinstance(value, str) and bool(re.fullmatch(pattern, value)) and value.isprintable()
        is_valid = is_valid and (name != "log" or is_destination(str(value)))
    elif name in NUMBER_FIELDS:
        least, most = NUMBER_FIELDS[name]
        expected = f"a number of seconds from {least} to {most}"
        is_valid = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    elif name == PUBLIC:
        expected, is_valid = "true or false", isinstance(value, bool)
    found = "…" if name == "external_id" else redacted(repr(value))
    return None if is_valid else f"{name}: found {found}, expected {expected}"
