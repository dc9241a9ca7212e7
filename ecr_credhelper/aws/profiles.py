"""Read the profiles of the AWS configuration files, as far as the files can be read."""

import shlex
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.aws.accounts import account_in_arn, account_in_command, is_account
from ecr_credhelper.console.wording import did_you_mean
from ecr_credhelper.errors import ConfigurationError
from ecr_credhelper.files import is_special
from ecr_credhelper.fingerprint import configuration_files
from ecr_credhelper.settings.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

CONFIG, CREDENTIALS = "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"

ACCOUNT_SETTINGS = ("sso_account_id", "aws_account_id", "granted_sso_account_id")
"""Settings with an account ID. The last one belongs to https://granted.dev."""

REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""Containers and Lambda functions set the first one. botocore reads only the second one."""

REFERENCES = {"source_profile": "profile", "sso_session": "sso-session", "services": "services"}
"""Settings that refer to a section, and the kinds of these sections."""

AUTO = "auto"
"""The profile that is selected by the account of the registry."""

LIST_PROFILES = "to see the profiles, run: aws configure list-profiles"
"""The hint for a profile that does not exist and resembles no other one."""

MAX_NAMES = 8
"""Maximum number of profiles that an error lists."""


class Section(NamedTuple):
    """A section of a configuration file. ``kind`` is empty if AWS SDKs ignore the section.

    Nested settings have the name of the setting above them: ``ecr.endpoint_url``.
    """

    variable: str
    file: str
    line: int
    header: str
    kind: str
    name: str
    settings: dict[str, str]

    @property
    def place(self) -> str:
        """The section as errors show it."""
        return f"[{self.header}] in line {self.line} of {self.file}"


def sections(environ: "Mapping[str, str]") -> "Iterator[Section]":
    """Yield the sections of both files as far as they can be read."""
    for variable, path in configuration_files(environ):
        if variable not in {CONFIG, CREDENTIALS} or is_special(path):
            continue
        try:
            with open(path, encoding="utf-8-sig", errors="replace") as file:
                yield from _sections(variable, path, file)
        except (OSError, ValueError):
            continue


def _sections(variable: str, path: str, lines: "Iterable[str]") -> "Iterator[Section]":
    section, parent = None, ""
    for number, line in enumerate(lines, 1):
        if line.startswith("["):
            if section:
                yield section
            header = line[1:].partition("]")[0].strip()
            section = Section(variable, path, number, header, *_kind_and_name(variable, header), {})
        elif section and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            name = name.strip().lower()
            if line.startswith((" ", "\t")):
                name = f"{parent}.{name}"
            else:
                parent = name
            section.settings[name] = value.strip()
    if section:
        yield section


def _kind_and_name(variable: str, header: str) -> tuple[str, str]:
    if variable == CREDENTIALS or header == "default":
        return "profile", header
    try:
        words = shlex.split(header)
    except ValueError:
        return "", header
    is_known = len(words) == 2 and words[0] in REFERENCES.values()  # noqa: PLR2004 - the kind and the name
    return (words[0], words[1]) if is_known else ("", header)


def profile_names(found: "Iterable[Section]") -> list[str]:
    """Return the sorted names of the profiles in these sections."""
    return sorted({section.name for section in found if section.kind == "profile"})


def merged(kind: str, name: str, found: "Iterable[Section]") -> dict[str, str]:
    """Return the settings of a section. As in botocore, those of the credentials file take precedence."""
    same = (section.settings for section in found if (section.kind, section.name) == (kind, name))
    return {key: value for settings in same for key, value in settings.items()}


def chain_of(profile: str | None, environ: "Mapping[str, str]") -> dict[str, dict[str, str]]:
    """Return the settings of a profile, of its ``source_profile``, and so on, by name."""
    found = list(sections(environ))
    chain: dict[str, dict[str, str]] = {}
    name = profile or selected_profile(environ) or "default"
    while name and name not in chain:
        chain[name] = merged("profile", name, found)
        name = chain[name].get("source_profile", "")
    return chain


def used_sections(profile: str | None, environ: "Mapping[str, str]") -> list[Section]:
    """Return the sections of a profile, of its source profiles, and those that they refer to."""
    found, chain = list(sections(environ)), chain_of(profile, environ)
    used = {("profile", name) for name in chain}
    for settings in chain.values():
        used |= {(kind, settings.get(setting, "")) for setting, kind in REFERENCES.items()}
    return [section for section in found if (section.kind, section.name) in used]


def resolve_auto(pattern: str, account: str, environ: "Mapping[str, str]") -> str:
    """Return the AWS profile that ``profile = "auto"`` selects for a registry, without loading an AWS SDK.

    ``pattern`` is a shell pattern for the name, and ``account`` is that of the registry. If several profiles
    fit, the one in ``AWS_PROFILE`` takes precedence, then ``default``.

    Raises:
        ConfigurationError: no profile fits, or several do. Its subject is empty.

    """
    if not account:
        reason = 'profile = "auto" needs an account, which this registry does not have'
        hint = "set a profile in the settings file, or account in the rule of a custom host"
        raise ConfigurationError("", reason, hint)
    found = list(sections(environ))
    names = profile_names(found)
    in_account = [name for name in names if account in accounts_of(merged("profile", name, found))]
    fitting = [name for name in in_account if fnmatchcase(name, pattern)]
    if len(fitting) == 1:
        return fitting[0]
    for name in (selected_profile(environ), "default"):
        if name in fitting:
            return name
    value = AUTO if pattern == "*" else f"{AUTO}:{pattern}"
    hint = f'set one in the settings file instead of profile = "{value}"'
    if fitting:
        reason = f"several AWS profiles belong to account {account}: {list_names(fitting)}"
        hint = 'set AWS_PROFILE to one of them, or narrow them by name: profile = "auto:PATTERN"'
    elif in_account:
        reason = f'no AWS profile of account {account} matches "{pattern}": {list_names(in_account)}'
    else:
        reason = f"no AWS profile belongs to account {account}"
    raise ConfigurationError("", reason, hint)


def missing_profile(name: str, names: "Sequence[str]") -> tuple[str, str] | None:
    """Return the problem and a hint for a profile that is not one of ``names``, otherwise None."""
    if name in names:
        return None
    return f"AWS profile {name!r} does not exist", did_you_mean(name, names, LIST_PROFILES)


def list_names(names: "Sequence[str]") -> str:
    """Return the first names in a list, and how many there are more."""
    more = [f"and {len(names) - MAX_NAMES} more"] if len(names) > MAX_NAMES else []
    return ", ".join([*names[:MAX_NAMES], *more])


def selected_profile(environ: "Mapping[str, str]") -> str:
    """Return the profile that the variables select, or an empty string."""
    return environ.get("AWS_DEFAULT_PROFILE") or environ.get("AWS_PROFILE") or ""


def region_of(environ: "Mapping[str, str]") -> str:
    """Return the region that the variables select, or an empty string."""
    return next(filter(None, map(environ.get, REGION_VARIABLES)), "")


def configured_region(profile: str, environ: "Mapping[str, str]", subject: str = "") -> str:
    """Return the region that the variables or the profile select.

    As in the AWS CLI, variables take precedence over a profile.

    Raises:
        ConfigurationError: there is no region, or no such profile.

    """
    found = list(sections(environ))
    name = profile or selected_profile(environ)
    region = region_of(environ) or merged("profile", name or "default", found).get("region")
    if not region:
        missing = missing_profile(name, profile_names(found))
        if name and missing and not Rule(profile=name).auto_pattern:
            raise ConfigurationError(subject, *missing)
        hint = "use --region, or set AWS_REGION"
        raise ConfigurationError(subject, "no region is configured", hint)
    return region


def load_profiles(environ: "Mapping[str, str]") -> tuple[dict[str, dict[str, str]], list[str]]:
    """Return all profiles by name as botocore reads them, and the problems of the files.

    A file with a problem has no profiles, because botocore rejects it as a whole. Nested settings are left
    out. Only botocore's parser is used: a session takes ten times longer to import.
    """
    from botocore.configloader import load_config, raw_config_parse
    from botocore.exceptions import ConfigNotFound, ConfigParseError

    paths = dict(configuration_files(environ))
    profiles: dict[str, dict[str, str]] = {}
    problems = []
    for path, load in (
        (paths[CONFIG], lambda path: load_config(path)["profiles"]),
        (paths[CREDENTIALS], raw_config_parse),
    ):
        try:
            found = load(path)
            with open(path, "rb"):  # configparser ignores files that it cannot open.
                pass
        except ConfigNotFound:
            continue
        except ConfigParseError as error:
            from ecr_credhelper.aws.syntax_errors import syntax_problem

            problem = syntax_problem(error)
            problems.append(problem[1] if problem else f"{path} cannot be parsed")
        except OSError as error:
            problems.append(f"{path} cannot be read ({error.strerror})")
        else:
            for name, settings in found.items():
                texts = {key: value for key, value in settings.items() if isinstance(value, str)}
                profiles.setdefault(name, {}).update(texts)
    return profiles, problems


def accounts_of(profile: "Mapping[str, object]") -> set[str]:
    """Return the AWS accounts in the settings of a profile.

    If it has a role, only the account of the role counts: botocore assumes the role whatever else is set.
    """
    settings = {key: value for key, value in profile.items() if isinstance(value, str)}
    if "role_arn" in settings:
        found = {account_in_arn(settings["role_arn"])}
    else:
        found = {settings.get(name, "") for name in ACCOUNT_SETTINGS}
        found.add(account_in_arn(settings.get("login_session", "")))
        found.add(account_in_command(settings.get("credential_process", "")))
    return set(filter(is_account, found))


def wrong_accounts(profile: "Mapping[str, str]") -> list[str]:
    """Return the problem of each setting that selects the account of a profile, but is no account ID."""
    if "role_arn" in profile:
        is_wrong = not account_in_arn(profile["role_arn"])
        return [f"role_arn {profile['role_arn']} contains no AWS account ID of 12 digits"] if is_wrong else []
    values = ((name, profile.get(name, "")) for name in ACCOUNT_SETTINGS)
    return [
        f"{name} {value} is not an AWS account ID of 12 digits"
        for name, value in values
        if value and not is_account(value)
    ]
