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

An error has one problem of the file, with its key, the value found and the value expected, and counts others.
"""

import os
from typing import TYPE_CHECKING, Any

from ecr_credhelper.errors import PROG, ConfigurationError
from ecr_credhelper.files import is_special
from ecr_credhelper.fingerprint import SETTINGS_VARIABLES
from ecr_credhelper.paths import has_settings, settings_file
from ecr_credhelper.registry import PUBLIC_REGION, Registry, authority_of
from ecr_credhelper.settings.rules import ALL_REGISTRIES, NO_RULE, NON_ECR_REGISTRIES, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecr_credhelper.settings.validation import InvalidSetting

HINT = "correct it, or set ECR_CREDHELPER_CONFIG to another file"

CHECK_HINT = f"run: {PROG} config check"
"""The hint if the file has several problems."""

ACCOUNT_VARIABLES = dict(zip(("profile", "role_arn"), SETTINGS_VARIABLES, strict=True))
"""Fields of a rule, and the starts of the variables that replace them for one account."""


class Settings:
    """The content of a settings file, or the defaults if there is no file.

    A problem affects only the registries in its scope: a registry with a valid rule is still served.
    """

    def __init__(self, path: str, content: "dict[str, Any]", environ: "Mapping[str, str]") -> None:
        self._path = path
        self._environ = environ
        self._problems = _problems_in(content)
        invalid_scopes = {problem.scope for problem in self._problems}
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

    @property
    def rules(self) -> list[Rule]:
        """The rules in the order of the file; the fields of an invalid one are empty."""
        return self._rules

    @property
    def has_rules(self) -> bool:
        """Whether the file has rules, valid or not. Without any, no registry needs to be parsed."""
        return bool(self._rules or self._problems)

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
        overrides = account_variables(registry.account or rule.account, self._environ)
        fields: dict[str, Any] = {field: self._environ[name] for field, name in overrides.items()}
        return rule._replace(**fields, on_error=rule.on_error or self._on_error)

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
        """Raise ConfigurationError with the first problem in one of these scopes, if there is one."""
        first = next((problem for problem in self._problems if problem.scope in scopes), None)
        if first is None:
            return
        more = len(self._problems) - 1
        if more:
            raise ConfigurationError(self._path, f"{first}, and {more} more", CHECK_HINT)
        raise ConfigurationError(self._path, str(first), HINT)


def load_settings(environ: "Mapping[str, str]") -> Settings:
    """Load the settings of the user; raise ConfigurationError if the file cannot be read or is not TOML."""
    path = settings_file(environ) or ""
    if not has_settings(environ):
        return Settings(path, {}, environ)
    content = read_settings(path)
    import tomllib

    try:
        table = tomllib.loads(content.decode())
    except (ValueError, RecursionError) as error:
        from ecr_credhelper.settings.lines import explain

        line, text = explain(error, content)
        place = f"line {line}: " if line else ""
        raise ConfigurationError(path, f"is not valid TOML: {place}{text}", HINT) from None
    return Settings(path, table, environ)


def read_settings(path: str) -> bytes:
    """Return the content of the settings file; raise ConfigurationError if it cannot be read."""
    if is_special(path) or os.path.isdir(path):
        raise ConfigurationError(path, "is not a file", HINT)
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigurationError(path, f"cannot be read ({error.strerror})", HINT) from None


def account_variables(account: str, environ: "Mapping[str, str]") -> dict[str, str]:
    """Return field -> variable for the variables that are set for an account."""
    names = {field: f"{start}{account}" for field, start in ACCOUNT_VARIABLES.items() if account}
    return {field: name for field, name in names.items() if environ.get(name)}


def _problems_in(content: "dict[str, Any]") -> "list[InvalidSetting]":
    """Return the problems of a file. Without settings, nothing is imported."""
    if not content:
        return []
    from ecr_credhelper.settings.validation import problems_in

    return list(problems_in(content))
