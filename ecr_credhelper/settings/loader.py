"""Load the settings file: optional TOML, not needed for a single account.

    fallback = "pass"                                     # helper for registries that are not ECR
    on_error = "not-found"                                # report failures as "not found"

    [registry."444455556666"]                             # account
    profile = "prod"

    [registry."111122223333.dkr.ecr.*.amazonaws.com"]     # host; * matches within one label
    role_arn = "arn:aws:iam::111122223333:role/pull"

    [registry."images.example.com"]                       # custom host for an ECR registry
    account = "111122223333"
    region = "eu-west-1"

An error lists all problems of the file, each with its field, the value found and the value expected.
"""

import difflib
import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

from ecr_credhelper.console.log import is_destination, redacted
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import is_special
from ecr_credhelper.paths import has_settings, settings_file
from ecr_credhelper.registry import PUBLIC_REGION, Registry, authority_of
from ecr_credhelper.settings.rules import HOST, NO_RULE, PUBLIC, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HINT = "correct it, or set ECR_CREDHELPER_CONFIG to another file"

DEADLINE_RANGE = (1, 600)
"""Limits of the setting ``deadline``, in seconds."""

ROLE_DURATION_RANGE = (900, 43200)
"""Limits of a role session, in seconds: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

ALL_REGISTRIES, NON_ECR_REGISTRIES = "", "fallback"
"""Scopes of a problem: all registries, or those that are not ECR. Other scopes are the patterns of rules."""

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


class Settings:
    """The content of a settings file, or the defaults if there is no file.

    A problem affects only the registries in its scope: a registry with a valid rule is still served.
    """

    def __init__(self, path: str, content: "dict[str, Any]", environ: "Mapping[str, str]") -> None:
        self._path = path
        self._environ = environ
        self._problems = list(_problems(content))
        invalid_scopes = {scope for scope, _ in self._problems}
        if ALL_REGISTRIES in invalid_scopes:
            content = {}
        self._fallback = content.get("fallback", "")
        self._on_error = content.get("on_error", "")
        self.list = str(content.get("list", ""))
        self.log = str(content.get("log", ""))
        self.deadline = content.get("deadline")
        self._rules = [
            Rule(pattern, **({} if pattern in invalid_scopes else table))
            for pattern, table in content.get("registry", {}).items()
        ]

    def fallback(self) -> str:
        """Return the suffix of the fallback or an empty string; raise ConfigurationError if it is invalid."""
        self.raise_if_invalid(ALL_REGISTRIES, NON_ECR_REGISTRIES)
        return str(self._fallback)

    def hosts(self) -> list[str]:
        """Return the patterns of the rules that are one host: no account, no ``public``, no ``*``."""
        return [rule.pattern for rule in self._rules if rule.is_host]

    def rule(self, registry: Registry) -> Rule:
        """Return the most specific rule for a registry; raise ConfigurationError if it is invalid."""
        matching = [rule for rule in self._rules if rule.fits(registry)]
        rule = max(matching, key=Rule.rank, default=NO_RULE)
        self.raise_if_invalid(ALL_REGISTRIES, rule.pattern)
        rule = rule._replace(on_error=rule.on_error or self._on_error)
        account = registry.account or rule.account
        if not account:
            return rule
        # ECR_CREDHELPER_PROFILE_<account> and ECR_CREDHELPER_ROLE_ARN_<account> override the rule.
        return rule._replace(
            profile=self._environ.get(f"ECR_CREDHELPER_PROFILE_{account}") or rule.profile,
            role_arn=self._environ.get(f"ECR_CREDHELPER_ROLE_ARN_{account}") or rule.role_arn,
        )

    def registry(self, server: str) -> Registry | None:
        """Return the ECR registry of a custom host, or None.

        Raises:
            ConfigurationError: its rule is invalid.

        """
        host = authority_of(server)
        rule = self.rule(Registry(host)) if host else NO_RULE
        if not host or not (rule.region or rule.public):
            return None
        region = PUBLIC_REGION if rule.public else rule.region
        return Registry(host, region, account=rule.account, public=rule.public)

    def raise_if_invalid(self, *scopes: str) -> None:
        """Raise ConfigurationError if the file has a problem in one of these scopes."""
        if any(scope in scopes for scope, _ in self._problems):
            problems = " / ".join(problem for _, problem in self._problems)
            raise ConfigurationError(self._path, problems, HINT)


def load_settings(environ: "Mapping[str, str]") -> Settings:
    """Load the settings of the user; raise ConfigurationError if the file cannot be read or is not TOML."""
    path = settings_file(environ) or ""
    if not has_settings(environ):
        return Settings(path, {}, environ)
    try:
        if is_special(path) or os.path.isdir(path):
            raise ConfigurationError(path, "is not a file", HINT)
        with open(path, "rb") as file:
            return Settings(path, tomllib.load(file), environ)
    except OSError as error:
        raise ConfigurationError(path, f"cannot be read ({error.strerror})", HINT) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(path, f"is not valid TOML: {error}", HINT) from None


def _problems(content: "dict[str, Any]") -> "Iterator[tuple[str, str]]":
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
        near = difflib.get_close_matches(name, known, 1)
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
