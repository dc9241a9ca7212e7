"""Find the problems of a settings file: each with its key, the value found and the value expected.

This is imported only if there are settings to check, because it needs regular expressions.
"""

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ecr_credhelper.console.log import is_destination, redacted
from ecr_credhelper.console.wording import similar
from ecr_credhelper.registry import ACCOUNT_DIGITS
from ecr_credhelper.settings.lines import Key, quotes_needed
from ecr_credhelper.settings.rules import ALL_REGISTRIES, NON_ECR_REGISTRIES, PUBLIC, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_RANGE = (1, 600)
"""Limits of the setting ``deadline``, in seconds."""

ROLE_DURATION_RANGE = (900, 43200)
"""Limits of a role session, in seconds: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

HOST = re.compile(r"[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?(\.[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?)*(:[0-9]{1,5})?")

STRING_FIELDS = {
    # field -> pattern of its valid values, and their description in an error
    "profile": (r"(?!auto:$)\S.*", 'the name of an AWS profile, "auto" or "auto:PATTERN"'),
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


MAX_VALUE = 60
"""Limits how much of a value an error shows, in characters."""

BARE_KEY = re.compile(r"[\w-]+", re.ASCII)
"""A key that TOML allows without quotes."""


class InvalidSetting(NamedTuple):
    """A problem of a settings file: the registries that it affects, the key, and the reason."""

    scope: str
    key: Key
    text: str

    def __str__(self) -> str:
        return f"{dotted(self.key)}: {self.text}"


def dotted(key: Key) -> str:
    """Return a key in TOML: ``registry."images.example.com".region``."""
    return ".".join(part if BARE_KEY.fullmatch(part) else json.dumps(part) for part in key)


def problems_in(content: "dict[str, Any]") -> "Iterator[InvalidSetting]":
    """Yield the problems of a file."""
    for name, value in content.items():
        if name == "registry" and isinstance(value, dict):
            for pattern, table in value.items():
                # A malformed rule affects all registries: we do not know which ones it was meant for.
                is_well_formed = (
                    isinstance(table, dict)
                    and HOST.fullmatch(pattern)
                    and not any(isinstance(field, dict) for field in table.values())
                )
                scope = pattern if is_well_formed else ALL_REGISTRIES
                for key, problem in _rule_problems(pattern, table):
                    yield InvalidSetting(scope, ("registry", pattern, *key), problem)
        elif text := _value_problem(name, value, TOP_LEVEL_KEYS):
            yield InvalidSetting(NON_ECR_REGISTRIES if name == "fallback" else ALL_REGISTRIES, (name,), text)


def _rule_problems(pattern: str, table: object) -> "Iterator[tuple[Key, str]]":
    """Yield the problems of a rule, each with its key in the rule."""
    if not isinstance(table, dict):
        yield (), f"found {_in_toml(table)}, expected a table"
        return
    if text := _pattern_problem(pattern, table):
        yield (), text
    for name, value in table.items():
        if isinstance(value, dict):  # [registry.images.example.com] without quotes is a nested table.
            for key in _innermost(value):
                yield (name, *key), quotes_needed(".".join((pattern, name, *key)))
        elif text := _value_problem(name, value, RULE_KEYS):
            yield (name,), text
    for name in ("role_session_name", "external_id", "duration"):
        if name in table and "role_arn" not in table:
            yield (name,), "requires role_arn"


def _pattern_problem(pattern: str, table: "dict[str, Any]") -> str | None:
    """Return why a pattern can match no registry, or None."""
    expected = "expected a host in lower case, an account ID of 12 digits, or public"
    if not HOST.fullmatch(pattern):
        return expected
    # A nested table has its own problem.
    is_nested = any(isinstance(value, dict) for value in table.values())
    if set(pattern) & {".", ":", "*"} or pattern == PUBLIC or Rule(pattern).is_account or is_nested:
        return None
    digits = pattern.replace("-", "")
    if digits.isdecimal() and len(digits) == ACCOUNT_DIGITS:
        return f"write the account ID without hyphens: {digits}"
    if digits.isdecimal():
        return f"{pattern} has {len(digits)} digits; an AWS account ID has {ACCOUNT_DIGITS}"
    return None if {"region", PUBLIC} & table.keys() else expected


def _innermost(table: "dict[str, Any]") -> "Iterator[Key]":
    """Yield the keys of the tables that contain more than other tables."""
    tables = {name: value for name, value in table.items() if isinstance(value, dict)}
    if not tables or len(tables) < len(table):
        yield ()
    for name, value in tables.items():
        yield from ((name, *key) for key in _innermost(value))


def problem_of(name: str, value: object, known: "tuple[str, ...]" = RULE_KEYS) -> str | None:
    """Return the problem of a field with its name, or None if its value is valid."""
    text = _value_problem(name, value, known)
    return f"{name}: {text}" if text else None


def _value_problem(name: str, value: object, known: "tuple[str, ...]") -> str | None:
    if name not in known:
        # "role" is more similar to "profile" than to "role_arn".
        near = next((one for one in known if one.startswith(name)), "") or similar(name, known)
        hint = f"did you mean {near}?" if near else f"known: {', '.join(known)}"
        return f"unknown setting; {hint}"
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
    found = "…" if name == "external_id" else redacted(_in_toml(value))
    return None if is_valid else f"found {found}, expected {expected}"


def _in_toml(value: object) -> str:
    """Return a value as TOML writes it, shortened to one short line."""
    match value:
        case bool():
            text = str(value).lower()
        case str():
            text = json.dumps(value, ensure_ascii=False)
        case dict():
            text = "a table"
        case list():
            text = "an array"
        case _:
            text = str(value)
    return text if len(text) <= MAX_VALUE else f"{text[: MAX_VALUE - 1]}…"
