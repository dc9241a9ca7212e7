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

import os
from typing import TYPE_CHECKING, Any

from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import is_special
from ecr_credhelper.paths import has_settings, settings_file
from ecr_credhelper.registry import PUBLIC_REGION, Registry, authority_of
from ecr_credhelper.settings.rules import ALL_REGISTRIES, NO_RULE, NON_ECR_REGISTRIES, Rule

if TYPE_CHECKING:
    from collections.abc import Mapping

HINT = "correct it, or set ECR_CREDHELPER_CONFIG to another file"


class Settings:
    """The content of a settings file, or the defaults if there is no file.

    A problem affects only the registries in its scope: a registry with a valid rule is still served.
    """

    def __init__(self, path: str, content: "dict[str, Any]", environ: "Mapping[str, str]") -> None:
        self._path = path
        self._environ = environ
        self._problems = _problems_in(content)
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
        profile, role_arn = rule.profile, rule.role_arn  # variables for one account override them
        if account := registry.account or rule.account:
            profile = self._environ.get(f"ECR_CREDHELPER_PROFILE_{account}") or profile
            role_arn = self._environ.get(f"ECR_CREDHELPER_ROLE_ARN_{account}") or role_arn
        return rule._replace(profile=profile, role_arn=role_arn, on_error=rule.on_error or self._on_error)

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
        import tomllib

        with open(path, "rb") as file:
            return Settings(path, tomllib.load(file), environ)
    except OSError as error:
        raise ConfigurationError(path, f"cannot be read ({error.strerror})", HINT) from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(path, f"is not valid TOML: {error}", HINT) from None


def _problems_in(content: "dict[str, Any]") -> list[tuple[str, str]]:
    """Return the problems of a file, each with its scope. Without settings, nothing is imported."""
    if not content:
        return []
    from ecr_credhelper.settings.validation import problems_in

    return list(problems_in(content))
