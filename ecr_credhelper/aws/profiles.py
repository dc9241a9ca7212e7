"""Read the profiles of the AWS configuration files, as far as the files can be read."""

import shlex
from typing import TYPE_CHECKING, NamedTuple

from ecr_credhelper.aws.accounts import account_in_arn, account_in_command, is_account
from ecr_credhelper.files import is_special
from ecr_credhelper.fingerprint import configuration_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CONFIG, CREDENTIALS = "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"

ACCOUNT_SETTINGS = ("sso_account_id", "aws_account_id", "granted_sso_account_id")
"""Settings with an account ID. The last one belongs to https://granted.dev."""

REFERENCES = {"source_profile": "profile", "sso_session": "sso-session", "services": "services"}
"""Settings that refer to a section, and the kinds of these sections."""


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


def selected_profile(environ: "Mapping[str, str]") -> str:
    """Return the profile that the variables select, or an empty string."""
    return environ.get("AWS_DEFAULT_PROFILE") or environ.get("AWS_PROFILE") or ""


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
            from ecr_credhelper.aws.config_errors import syntax_problem

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
