"""The settings file: TOML, missing by default and never needed for one account.

    fallback = "pass"                                     # logins of registries that are not ECR
    on_error = "not-found"                                # instead of an error

    [registry."444455556666"]                             # an account
    profile = "prod"

    [registry."111122223333.dkr.ecr.*.amazonaws.com"]     # a host, with * within a label
    role_arn = "arn:aws:iam::111122223333:role/pull"

    [registry."images.example.com"]                       # a host of your own in front of ECR
    account = "111122223333"
    region = "eu-west-1"

Every problem of a file is told at once, with its field, what was found and what was expected.
"""

import difflib
import os
import re
import tomllib
from typing import TYPE_CHECKING, Any

from ecr_credhelper.console.log import DESTINATION, is_destination, redacted
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import is_special
from ecr_credhelper.paths import has_settings, settings_file
from ecr_credhelper.registry import PUBLIC_REGION, Registry, authority_of
from ecr_credhelper.settings.rules import HOST, PUBLIC, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HINT = "correct it, or set ECR_CREDHELPER_CONFIG to another file"
MAX_DEADLINE = 600
ROLE_SECONDS = (900, 43200)
"""How long AWS lets a role's keys live: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html"""

ALL, NON_ECR = "", "fallback"
"""Whom a problem concerns, if not the registries of one pattern: all, or those that are not ECR."""

STRING_FIELDS = {
    # field -> what fits, and what to tell of what does not
    "profile": (r"\S.*", 'the name of an AWS profile, or "auto"'),
    "role_arn": (r"arn:aws[\w-]*:iam::\d{12}:role/.+", 'a role: "arn:aws:iam::111122223333:role/pull"'),
    "role_session_name": (r"[\w+=,.@-]{2,64}", "2 to 64 letters, digits or any of _+=,.@-"),
    "external_id": (r"[\w+=,.@:/-]{2,1224}", "2 to 1224 letters, digits or any of _+=,.@:/-"),
    "account": (r"\d{12}", "the twelve digits of an account"),
    "region": (r"[a-z]+(-[a-z]+)+-\d+", 'a region: "us-west-2"'),
    "endpoint_url": (r"https?://[^\s@?#]+", "a URL of the API, without a user or a query"),
    "ca_bundle": (r"\S.*", "a file of CA certificates"),
    "on_error": (r"error|not-found", '"error" or "not-found"'),
    "list": (r"cached|fetch", '"cached" or "fetch"'),
    "log": (DESTINATION.pattern, '"debug" for standard error, or the whole path of a file'),
    "fallback": (
        r"(?!ecr-py$)[A-Za-z0-9][\w.-]*",
        'the end of another credential helper\'s name: "pass" of docker-credential-pass',
    ),
}
NUMBER_FIELDS = {"duration": ROLE_SECONDS, "deadline": (1, MAX_DEADLINE)}
TOP_LEVEL_KEYS = ("fallback", "on_error", "deadline", "list", "log", "registry")
RULE_KEYS = tuple(name for name in Rule._fields if name != "pattern")


class Settings:
    """What a settings file says; without one, the defaults.

    A problem is told to whom it concerns: a registry whose own rule is right is served all the same.
    """

    def __init__(self, path: str, content: "dict[str, Any]", environ: "Mapping[str, str]") -> None:
        self._path = path
        self._environ = environ
        self._problems = [*_problems(content)]
        wrong = {scope for scope, _ in self._problems}
        self._fallback = "" if NON_ECR in wrong else content.get("fallback", "")
        self._on_error = content.get("on_error", "")
        self.list = "" if ALL in wrong else str(content.get("list", ""))
        self.log = "" if ALL in wrong else str(content.get("log", ""))
        self.deadline = None if ALL in wrong else content.get("deadline")
        tables = {} if ALL in wrong else content.get("registry", {})
        self._rules = [
            Rule(pattern, **({} if pattern in wrong else table)) for pattern, table in tables.items()
        ]

    def fallback(self) -> str:
        """Return the end of the name of the helper for other registries, or nothing.

        Raises:
            ConfigurationError: what the file says of it is wrong.

        """
        self.raise_if_invalid(ALL, NON_ECR)
        return str(self._fallback)

    def hosts(self) -> list[str]:
        """Return the hosts that have a rule of their own."""
        return [rule.pattern for rule in self._rules if "." in rule.pattern and "*" not in rule.pattern]

    def rule(self, registry: Registry) -> Rule:
        """Return the most specific rule for a registry; what the environment says of its account beats it.

        Raises:
            ConfigurationError: what the file says of this registry is wrong.

        """
        fitting = [rule for rule in self._rules if rule.fits(registry)]
        rule = max(fitting, key=Rule.rank, default=Rule())
        self.raise_if_invalid(ALL, rule.pattern)
        account = registry.account or rule.account
        return rule._replace(
            profile=self._environ.get(f"ECR_CREDHELPER_PROFILE_{account}") or rule.profile,
            role_arn=self._environ.get(f"ECR_CREDHELPER_ROLE_ARN_{account}") or rule.role_arn,
            on_error=rule.on_error or self._on_error,
        )

    def registry(self, server: str) -> Registry | None:
        """Return the ECR registry that a host of the person's own stands for, or None.

        Raises:
            ConfigurationError: a rule fits, but is wrong.

        """
        host = authority_of(server)
        rule = self.rule(Registry(host)) if host else Rule()
        if not host or not (rule.region or rule.public):
            return None
        region = PUBLIC_REGION if rule.public else rule.region
        return Registry(host, region, account=rule.account, public=rule.public)

    def raise_if_invalid(self, *scopes: str) -> None:
        """Raise ConfigurationError if the file has a problem that concerns one of these scopes."""
        if any(scope in scopes for scope, _ in self._problems):
            told = " / ".join(text for _, text in self._problems)
            raise ConfigurationError(self._path, told, HINT)


def load_settings(environ: "Mapping[str, str]") -> Settings:
    """Return the person's settings.

    Raises:
        ConfigurationError: the file cannot be read or is not TOML.

    """
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
    """Yield whom each problem of a file concerns, and what it is."""
    for name, value in content.items():
        if name == "registry" and isinstance(value, dict):
            for pattern, table in value.items():
                # A rule for nobody knows whom may be meant for anybody: [registry.images.example.com], say.
                is_plain = isinstance(table, dict) and HOST.fullmatch(pattern) and not _has_table(table)
                for text in _problems_of_a_rule(pattern, table):
                    yield (pattern if is_plain else ALL), text
        elif problem := problem_of(name, value, TOP_LEVEL_KEYS):
            yield (NON_ECR if name == "fallback" else ALL), problem


def _has_table(table: "dict[str, Any]") -> bool:
    return any(isinstance(value, dict) for value in table.values())


def _problems_of_a_rule(pattern: str, table: object) -> "Iterator[str]":
    where = f'registry."{pattern}"'
    if not isinstance(table, dict):
        yield f"{where}: found {table!r}, expected a table"
        return
    if not HOST.fullmatch(pattern):
        yield f"{where}: expected a host in lower case, twelve digits, or public"
    for name, value in table.items():
        if problem := problem_of(name, value, RULE_KEYS):
            yield f"{where}.{problem}"
    for name in ("role_session_name", "external_id", "duration"):
        if name in table and "role_arn" not in table:
            yield f"{where}.{name}: needs a role_arn beside it"


def problem_of(name: str, value: object, known: "tuple[str, ...]" = RULE_KEYS) -> str | None:
    """Return what is wrong with a field, or None."""
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        return f"{name}: no such setting, " + (
            f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
        )
    fits = False
    expected = 'tables: [registry."HOST"]'
    if name in STRING_FIELDS:
        pattern, expected = STRING_FIELDS[name]
        fits = isinstance(value, str) and bool(re.fullmatch(pattern, value)) and value.isprintable()
        fits = fits and (name != "log" or is_destination(str(value)))
    elif name in NUMBER_FIELDS:
        least, most = NUMBER_FIELDS[name]
        expected = f"a number of seconds from {least} to {most}"
        fits = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
    elif name == PUBLIC:
        expected, fits = "true or false", isinstance(value, bool)
    found = "…" if name == "external_id" else redacted(repr(value))
    return None if fits else f"{name}: found {found}, expected {expected}"
