"""The changes that ``configure`` makes to the settings file: the fallback, and the AWS identities."""

import os
import tomllib
from typing import TYPE_CHECKING

from ecr_credhelper.docker.config import AMAZON_SUFFIX, HELPER_SUFFIX
from ecr_credhelper.docker.config_file import ABSENT, Change, ConfigFile
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.paths import settings_file
from ecr_credhelper.registry import Registry, parse
from ecr_credhelper.settings.editing import host_of, pattern_of, with_fallback, with_rule
from ecr_credhelper.settings.lines import lines_of
from ecr_credhelper.settings.loader import Settings
from ecr_credhelper.settings.rules import NO_RULE
from ecr_credhelper.settings.validation import TOP_LEVEL_KEYS, problem_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecr_credhelper.console.terminal import Terminal


def settings_changes(
    store: object, identities: "Mapping[str, Mapping[str, str]]", terminal: "Terminal"
) -> list[Change]:
    """Return the change of the settings file, if any.

    ``store`` is the ``credsStore`` that becomes the fallback. ``identities`` are the fields of the rules for
    registries.

    Raises:
        ConfigurationError: the file is invalid, or has another identity for a registry.

    """
    fields = {host: identity for host, identity in identities.items() if identity}
    replaces_store = store not in {None, "", HELPER_SUFFIX, AMAZON_SUFFIX}
    if not (fields or replaces_store):
        return []
    path = settings_file(os.environ)
    if path is None:
        raise ConfigurationError("", "no directory for the settings file", "set HOME")
    file = ConfigFile(path, tomllib.loads)
    text = _with_store(file.text, str(store), path, terminal) if replaces_store else file.text
    for host, identity in fields.items():
        pattern = pattern_of(host)
        if any(pattern_of(other) == pattern and fields[other] != identity for other in fields):
            pattern = host_of(host)
        text = _with_identity(text, host, pattern, identity, path)
    if text == file.text:
        return []
    return [Change(file, text, ABSENT if file.was_absent else file.backup_bytes)]


def _with_store(text: str, store: str, path: str, terminal: "Terminal") -> str:
    """Return the settings with a credential store as the fallback, unless they have another one."""
    fallback = Settings(path, tomllib.loads(text), {}).fallback()
    if fallback == store:
        return text
    if fallback:
        replaced = f"docker-credential-{store} will no longer be used"
        terminal.print(f'{replaced}: the settings file has fallback = "{fallback}"')
        return text
    if problem := problem_of("fallback", store, TOP_LEVEL_KEYS):
        raise ConfigurationError("credsStore", problem, "correct or remove it")
    return with_fallback(text, store)


def _with_identity(text: str, host: str, pattern: str, fields: "Mapping[str, str]", path: str) -> str:
    """Return the settings with an identity in the rule of a registry, or in a new one for ``pattern``.

    Raises:
        ConfigurationError: a rule has another identity, or takes precedence over the new one.

    """
    # Without variables, which another shell can lack.
    content = tomllib.loads(text)
    rule = Settings(path, content, {}).rule(parse(host) or Registry(host))
    is_only_auto = rule.auto_pattern and content["registry"][rule.pattern].keys() == {"profile"}
    if is_only_auto and not rule.is_host and fields.get("profile", rule.profile) != rule.profile:
        rule, pattern = NO_RULE, host_of(host)  # A rule for one host takes precedence over that rule.
    number = lines_of(text).get(("registry", rule.pattern) if rule.pattern else ("registry",))
    place = f"{path}, line {number}" if number else path
    for name, value in fields.items():
        if (found := getattr(rule, name)) not in {"", value}:
            is_exact = rule.is_host or rule.pattern == pattern
            change = "change it there" if is_exact else f'add a rule for it: [registry."{host_of(host)}"]'
            reason = f'registry."{rule.pattern}" already has {name} = "{found}"'
            raise ConfigurationError(place, reason, f'to use "{value}" for {host}, {change}')
    missing = {name: value for name, value in fields.items() if not getattr(rule, name)}
    if not missing:
        return text
    try:
        if rule.pattern in {"", pattern} or rule.is_host:
            return with_rule(text, rule.pattern or pattern, missing)
    except ValueError:
        pass  # The rules are not tables with headers, for example inline tables.
    added = " and ".join(f'{name} = "{value}"' for name, value in missing.items())
    if not rule.pattern:
        reason = "registry is an inline table, which cannot be extended"
        raise ConfigurationError(place, reason, f'add "{pattern}" = {{{added.replace(" and ", ", ")}}} to it')
    reason = f'registry."{rule.pattern}" is the rule for {host}'
    raise ConfigurationError(place, reason, f"add {added} to it")
