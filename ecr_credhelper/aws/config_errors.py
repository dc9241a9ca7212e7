"""Find the mistake in the AWS configuration files after botocore has failed.

botocore's own messages are no help here: some do not name the file or the profile, and configparser's
messages quote lines, which can contain keys. This module therefore reads the files again.
"""

import configparser
import os
import shlex
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies, proxy_bypass

from botocore import exceptions as aws

from ecr_credhelper.aws.profiles import (
    CONFIG,
    CREDENTIALS,
    REFERENCES,
    Section,
    accounts_of,
    list_names,
    merged,
    profile_names,
    sections,
    selected_profile,
    used_sections,
)
from ecr_credhelper.console.wording import did_you_mean
from ecr_credhelper.errors import (
    NO_CREDENTIALS,
    PROG,
    ConfigurationError,
    CredentialHelperError,
    CredentialsError,
    NoCredentialsError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecr_credhelper.registry import Registry

Problem = tuple[type[CredentialHelperError], str, str]
"""The class, the reason and the hint of an error."""

SOURCES = ("Environment", "Ec2InstanceMetadata", "EcsContainer")
"""The values of ``credential_source``."""

SSO_SETTINGS = ("sso_start_url", "sso_region", "sso_account_id", "sso_role_name")

NESTED = ("s3", "api_versions", "proxies_config")
"""Settings of a profile that have settings below them."""

KEYS = ("aws_access_key_id", "aws_secret_access_key")

CREDENTIAL_SETTINGS = {*KEYS, "credential_process", "credential_source", "login_session", "sso_account_id",
                       "sso_session", "web_identity_token_file"}  # fmt: skip
"""Settings of which a profile with credentials has at least one."""

IMDS = "169.254.169.254"
"""The address of the EC2 instance metadata."""


def problem_of(
    error: Exception, registry: "Registry", profile: str | None, environ: "Mapping[str, str]"
) -> Problem | None:
    """Return the problem in the configuration files, if the exception can come from them."""
    match error:
        case aws.ConfigParseError():
            return syntax_problem(error)
        case aws.ProfileNotFound():
            return _missing_profile(str(error.kwargs["profile"]), list(sections(environ)), environ)
        case aws.InvalidConfigError() | aws.PartialCredentialsError() | aws.UnknownCredentialError():
            name = profile or selected_profile(environ) or "default"
            return _wrong_nesting(used_sections(profile, environ)) or _wrong_reference(
                name, list(sections(environ))
            )
        case aws.NoCredentialsError():
            return _incomplete_sso(profile, environ) or _no_credentials(error, registry, profile, environ)
        case AssertionError() | AttributeError() | RuntimeError() | TypeError():
            used = used_sections(profile, environ)
            return _wrong_nesting(used) or _empty_key(used)
    return None


def syntax_problem(error: aws.ConfigParseError) -> Problem | None:
    """Return why botocore cannot parse a configuration file, if the reason is known."""
    fields: dict[str, Any] = {**error.kwargs}
    path, cause = str(fields.get("path")), fields.get("error")
    hint = "correct it"
    match cause:
        case UnicodeDecodeError():
            reason, hint = f"{path} is not UTF-8 text", "save it as UTF-8 without a byte order mark"
        case configparser.DuplicateSectionError(section=section, lineno=line):
            reason, hint = f"{path} has a second section [{section}] in line {line}", "merge the two sections"
        case configparser.DuplicateOptionError(section=section, option=option, lineno=line):
            reason = f"section [{section}] of {path} sets {option} twice, again in line {line}"
            hint = "remove one of them"
        case configparser.MissingSectionHeaderError(line=text, lineno=line) if text.startswith("["):
            reason, hint = (
                f"the section in line {line} of {path} has no closing bracket",
                "write ] at its end",
            )
        case configparser.ParsingError(errors=[(line, text), *_]) if text.lstrip("'\"").startswith("["):
            reason, hint = (
                f"the section in line {line} of {path} has no closing bracket",
                "write ] at its end",
            )
        case configparser.MissingSectionHeaderError() if _has_byte_order_mark(path):
            reason, hint = (
                f"{path} starts with a byte order mark",
                "save it as UTF-8 without a byte order mark",
            )
        case configparser.MissingSectionHeaderError(lineno=line):
            reason = f"line {line} of {path} precedes the first [section]"
        case configparser.ParsingError(errors=[(line, _), *_]):
            reason = f"line {line} of {path} is not NAME = VALUE"
        case _ if line := _indented_line(path):
            reason = f"line {line} of {path} is indented, but not NAME = VALUE"
        case _:
            return None
    return ConfigurationError, reason, hint


def _has_byte_order_mark(path: str) -> bool:
    """Return whether a file starts with a mark. Windows decodes UTF-16 too, as text in its own encoding."""
    with suppress(OSError), open(path, "rb") as file:
        return file.read(len(BOM_UTF8)).startswith((BOM_UTF8, BOM_UTF16_LE, BOM_UTF16_BE))
    return False


def _indented_line(path: str) -> int | None:
    """Return the number of the first indented line without an equals sign, if the file can still be read."""
    with suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        wrong = (
            n for n, line in enumerate(file, 1) if line[:1].isspace() and line.strip() and "=" not in line
        )
        return next(wrong, None)
    return None


def _missing_profile(name: str, found: list[Section], environ: "Mapping[str, str]") -> Problem | None:
    for section in found:
        is_in_credentials = section.variable == CREDENTIALS
        header = section.header.lower()
        if header in {name.lower(), f"profile {name}".lower()} and (is_in_credentials or not section.kind):
            reason = f"AWS profile {name!r} does not exist: {section.place} does not define it"
            return (
                ConfigurationError,
                reason,
                f"write [{'' if is_in_credentials else 'profile '}{_quoted(name)}]",
            )
    reason = f"AWS profile {name!r} does not exist"
    if hint := did_you_mean(name, profile_names(found)):
        return ConfigurationError, reason, hint
    path = environ.get(CONFIG)
    if path and os.path.isdir(os.path.expanduser(path)):
        reason = f"AWS profile {name!r} does not exist, because {path} is a directory"
        return ConfigurationError, reason, f"check {CONFIG}"
    if path and not os.path.isfile(os.path.expanduser(path)):
        reason = f"AWS profile {name!r} does not exist, because {path} does not exist"
        return ConfigurationError, reason, f"check {CONFIG}"
    return None


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _wrong_reference(name: str, found: list[Section]) -> Problem | None:
    """Return the first mistake in a profile, in its source profile, and so on."""
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        own = [section for section in found if (section.kind, section.name) == ("profile", name)]
        settings = merged("profile", name, found)
        for section in own:
            for setting, kind in REFERENCES.items():
                is_used = section.settings.get(setting) == settings.get(setting)
                if is_used and (problem := _missing_section(section, setting, kind, found)):
                    return problem
        if own and (problem := _wrong_profile(own[0], settings, found)):
            return problem
        if "role_arn" not in settings or "source_profile" not in settings:
            return None if CREDENTIAL_SETTINGS & set(settings) else _without_credentials(seen)
        name = settings["source_profile"]
    reason = f"the source_profile of profile {seen[-1]} leads back to profile {name}"
    return ConfigurationError, reason, "end the chain with a profile that has credentials"


def _missing_section(section: Section, setting: str, kind: str, found: list[Section]) -> Problem | None:
    value = section.settings.get(setting)
    names = [other.name for other in found if other.kind == kind]
    if value is None or value in names:
        return None
    reason = f"{section.place} refers to the {setting} {value!r}, which does not exist"
    hint = did_you_mean(value, names, f"add [{kind} {_quoted(value)}], or correct {setting}")
    return ConfigurationError, reason, hint


def _wrong_profile(section: Section, settings: dict[str, str], found: list[Section]) -> Problem | None:
    """Return the mistake within a profile."""
    place, source = section.place, settings.get("credential_source")
    is_web = "web_identity_token_file" in settings
    is_role = "role_arn" in settings and not is_web
    has_source_profile = "source_profile" in settings
    uses_sso = {"sso_session", *SSO_SETTINGS} & set(settings)
    session = merged("sso-session", settings.get("sso_session", ""), found)
    missing = [name for name in SSO_SETTINGS if name not in {**settings, **session}]
    differing = [
        name
        for name in session
        if name in SSO_SETTINGS and settings.get(name, session[name]) != session[name]
    ]
    problems = (
        (is_role and source and has_source_profile,
            f"{place} has both source_profile and credential_source", "remove one of them"),
        (is_role and not source and not has_source_profile,
            f"{place} has a role_arn, but neither source_profile nor credential_source",
            "add source_profile, the profile whose credentials assume the role"),
        (is_role and source and source.lower() not in map(str.lower, SOURCES),
            f"{place} has the credential_source {source!r}, which does not exist",
            f"use {', '.join(SOURCES[:-1])} or {SOURCES[-1]}"),
        (is_web and "role_arn" not in settings,
            f"{place} has a web_identity_token_file, but no role_arn", "add role_arn"),
        (uses_sso and missing,
            f"{place} uses SSO, but has no {', '.join(missing)}", "run: aws configure sso"),
        (differing,
            f"{place} and its sso_session have different values of {', '.join(differing)}",
            "remove those of the profile"),
    )  # fmt: skip
    return next(((ConfigurationError, reason, hint) for applies, reason, hint in problems if applies), None)


def _without_credentials(chain: list[str]) -> Problem | None:
    if len(chain) < 2:  # noqa: PLR2004 - a profile and its source
        return None
    *_, parent, last = chain
    reason = f"profile {last}, the source_profile of profile {parent}, contains no AWS credentials"
    return CredentialsError, reason, f"run: aws configure --profile {shlex.quote(last)}"


def _incomplete_sso(profile: str | None, environ: "Mapping[str, str]") -> Problem | None:
    """Return the setting that the profile lacks: botocore ignores SSO without an account and a role."""
    name, found = profile or selected_profile(environ) or "default", list(sections(environ))
    settings = merged("profile", name, found)
    own = [section for section in found if (section.kind, section.name) == ("profile", name)]
    is_sso = {"sso_session", "sso_start_url"} & set(settings)
    return _wrong_profile(own[0], settings, found) if is_sso else None


def _wrong_nesting(found: list[Section]) -> Problem | None:
    """Return which setting has a value instead of settings in the lines below it, or the opposite."""
    for section in found:
        parents = {name.partition(".")[0] for name in section.settings if "." in name}
        for name, value in section.settings.items():
            has_settings = name in parents and not value
            if "." not in name and not has_settings and (section.kind == "services" or name in NESTED):
                reason = f"{name} in {section.place} has a value, but needs settings"
                return ConfigurationError, reason, "write them in indented lines below it"
            if has_settings and section.kind != "services" and name not in NESTED:
                reason = f"{name} in {section.place} has settings below it, but needs a value"
                return ConfigurationError, reason, "write the value in the same line"
    return None


def _empty_key(found: list[Section]) -> Problem | None:
    for section in found:
        for name in KEYS:
            if section.settings.get(name) == "":
                reason = f"{name} in {section.place} is empty"
                return CredentialsError, reason, f"run: aws configure --profile {shlex.quote(section.name)}"
    return None


def _no_credentials(
    error: aws.NoCredentialsError, registry: "Registry", profile: str | None, environ: "Mapping[str, str]"
) -> Problem | None:
    """Return why no credentials were found, and which profile fits the registry's account."""
    if error.kwargs.get("metadata_status") == 401:  # noqa: PLR2004 - the metadata service requires a token
        reason = "the EC2 instance metadata requires a token, and did not return one (HTTP status 401)"
        hint = "in a container, set the metadata hop limit of the EC2 instance to 2 (HttpPutResponseHopLimit)"
        return NoCredentialsError, reason, hint
    fitting = sorted(
        {section.name for section in sections(environ) if section.kind == "profile"
         and registry.account in accounts_of(section.settings)} - {profile}
    )  # fmt: skip
    reason, hint = NO_CREDENTIALS
    if profile and profile != "default":
        reason, hint = (
            f"no AWS credentials found in profile {profile}",
            f"run: aws configure --profile {shlex.quote(profile)}",
        )
    if len(fitting) == 1 and not profile:
        command = f"{PROG} configure --profile {shlex.quote(fitting[0])} {registry.host}"
        hint = f"profile {fitting[0]} is in this account; to use it, run: {command}"
    elif len(fitting) == 1:
        hint = f"set AWS_PROFILE={shlex.quote(fitting[0])}, the profile of account {registry.account}"
    elif fitting:
        hint = f"set AWS_PROFILE to a profile of account {registry.account}: {list_names(fitting)}"
    elif _is_metadata_behind_proxy(environ):
        hint = f"on EC2, add {IMDS} to NO_PROXY: HTTP_PROXY applies to the instance metadata too"
    return NoCredentialsError, reason, hint


def _is_metadata_behind_proxy(environ: "Mapping[str, str]") -> bool:
    is_disabled = environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"
    return not is_disabled and "http" in getproxies() and not proxy_bypass(IMDS)
