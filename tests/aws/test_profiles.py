"""The profiles of the AWS configuration files, and the accounts in their settings."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
from botocore.compat import compat_shell_split
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from ecr_credhelper.aws.accounts import account_in_arn, account_in_command, is_account
from ecr_credhelper.aws.profiles import accounts_of, load_profiles
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests import systems
from tests.conftest import HOST, Run
from tests.docker_files import write, write_settings

ACCOUNT, OTHER = "111122223333", "444455556666"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pull"
OTHER_ROLE = f"arn:aws-cn:iam::{OTHER}:role/path/push"
SIGNING = "--certificate /etc/pki/client.crt --private-key /etc/pki/client.key"
ANYWHERE = f"arn:aws:rolesanywhere:us-west-2:{OTHER}"

COMMANDS = (
    # command line, account
    (f'/opt/homebrew/bin/aws-sso -u open -S "Default" process --arn {ROLE}', ACCOUNT),
    (f"/usr/local/bin/aws-sso process --sso Default --arn {ROLE}", ACCOUNT),
    (f"aws-sso process --arn={ROLE}", ACCOUNT),
    (f"aws-sso process -a {ACCOUNT}:Admin", ACCOUNT),
    (f"aws-sso -S Default process --account {ACCOUNT} --role Admin", ACCOUNT),
    (f"aws-sso process -R Admin -A {ACCOUNT}", ACCOUNT),
    ("aws-sso process --profile dev", ""),
    (f"aws-sso process --role {ROLE}", ""),
    (f"saml2aws login --credential-process --role {ROLE} --profile mybucket", ACCOUNT),
    (f"saml2aws login --skip-prompt --quiet --credential-process --role={ROLE} -a work", ACCOUNT),
    (f"op run --env-file='/home/me/.env' -- saml2aws login --credential-process --role='{ROLE}'", ACCOUNT),
    ("saml2aws login --credential-process --quiet -a mybucket", ""),
    (f"saml2aws login --credential-process -a {ROLE}", ""),
    (
        f"/usr/bin/aws_signing_helper credential-process {SIGNING}"
        f" --trust-anchor-arn {ANYWHERE}:trust-anchor/1 --profile-arn {ANYWHERE}:profile/2 --role-arn {ROLE}",
        ACCOUNT,
    ),
    (f"./aws_signing_helper credential-process --role-arn={ROLE} {SIGNING}", ACCOUNT),
    (f"aws_signing_helper credential-process {SIGNING} --profile-arn {ANYWHERE}:profile/2", ""),
    (f"isengardcli credentials --awscli {ACCOUNT} --role Admin --region us-west-2", ACCOUNT),
    (f"~/.toolbox/bin/isengardcli credentials {ACCOUNT} --role admin --awscli", ACCOUNT),
    (f"isengardcli credentials --account {ACCOUNT} --role Admin", ACCOUNT),
    ("isengardcli credentials --awscli me@amazon.com --role Admin --region us-east-1", ""),
    (f"isengardcli credentials me@amazon.com --role {ACCOUNT}", ""),
    (f"aws-vault exec dev --json --role-arn {ROLE}", ""),
    ("aws configure export-credentials --profile signin --format process", ""),
    (f"my-helper aws-sso --arn {ROLE}", ""),
    (f"aws-sso process --arn '{ROLE}", ""),  # an unclosed quotation mark
    ("aws-sso process --arn", ""),
    (f"aws-sso process --arn --role {ACCOUNT}", ""),
    ("aws-sso process --arn arn:aws:iam::ACCOUNT:role/x", ""),
    ("op run --", ""),
    ("", ""),
)


@pytest.mark.parametrize(("command", "account"), COMMANDS)
def test_the_account_in_the_command_line_of_a_credential_process(command: str, account: str) -> None:
    assert account_in_command(command, "linux") == account


@pytest.mark.parametrize(
    "program", [r'"C:\Program Files\aws_signing_helper.exe"', r"C:\aws_signing_helper.exe"]
)
def test_a_command_line_of_windows(program: str) -> None:
    command = f"{program} credential-process --role-arn {ROLE}"
    assert account_in_command(command, "win32") == ACCOUNT


TEXT = st.text(st.sampled_from("ab12 \t'\"\\=-:/#é"), max_size=20)


@given(TEXT)
def test_every_command_line_gives_an_account_or_none(command: str) -> None:
    for program in ("aws-sso --arn ", "isengardcli ", ""):
        for platform in ("linux", "win32"):
            found = account_in_command(program + command, platform)
            assert not found or is_account(found)


@given(st.lists(st.text(min_size=1, max_size=8), max_size=4), st.lists(st.text(max_size=8), max_size=4))
def test_an_option_is_found_however_the_words_are_quoted(before: list[str], after: list[str]) -> None:
    before = [word for word in before if not word.startswith("-")]
    command = shlex.join(["/opt/my tools/saml2aws", *before, f"--role={ROLE}", *after])
    assert account_in_command(command, "linux") == ACCOUNT


@given(TEXT, st.sampled_from(["linux", "win32"]))
def test_a_command_line_is_split_as_botocore_splits_it(text: str, platform: str) -> None:
    if platform == "win32" and '\\"' in text:
        return  # Windows escapes a quotation mark so, and no account or option has one.
    command = f"isengardcli --role {text} {ACCOUNT}"
    try:
        words = compat_shell_split(command, platform)
    except ValueError:
        words = []
    is_separate = bool(words) and words[-1] == ACCOUNT and words[-2] != "--role"
    assert account_in_command(command, platform) == (ACCOUNT if is_separate else "")


@pytest.mark.parametrize(("arn", "account"), [
    (ROLE, ACCOUNT),
    (OTHER_ROLE, OTHER),
    (f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT),
    (f"arn:aws:iam::{ACCOUNT}", ""),
    (f"arn:aws:iam:{ACCOUNT}:role/x", ""),
    ("arn:aws:iam::1111:role/x", ""),
    ("arn:aws:iam::¹¹¹¹22223333:role/x", ""),
    (f"x:aws:iam::{ACCOUNT}:role/x", ""),
    (ACCOUNT, ""),
])  # fmt: skip
def test_the_account_in_an_arn(arn: str, account: str) -> None:
    assert account_in_arn(arn) == account


@pytest.mark.parametrize(("profile", "accounts"), [
    ({"sso_account_id": ACCOUNT, "sso_role_name": "Admin"}, {ACCOUNT}),
    ({"aws_account_id": ACCOUNT}, {ACCOUNT}),
    ({"granted_sso_account_id": ACCOUNT, "credential_process": "granted credential-process"}, {ACCOUNT}),
    ({"login_session": f"arn:aws:iam::{ACCOUNT}:user/me"}, {ACCOUNT}),
    ({"login_session": f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/me"}, {ACCOUNT}),
    ({"credential_process": f"aws-sso process --arn {ROLE}"}, {ACCOUNT}),
    ({"role_arn": OTHER_ROLE, "source_profile": "base"}, {OTHER}),
    ({"role_arn": OTHER_ROLE, "credential_process": f"aws-sso process --arn {ROLE}"}, {OTHER}),
    ({"role_arn": OTHER_ROLE, "sso_account_id": ACCOUNT}, {OTHER}),
    ({"role_arn": "pull", "aws_account_id": ACCOUNT}, set()),
    ({"sso_account_id": ACCOUNT, "aws_account_id": OTHER}, {ACCOUNT, OTHER}),
    ({"sso_account_id": "dev"}, set()),
    ({"source_profile": "base"}, set()),
    ({"role_arn": {"foo": "bar"}, "sso_account_id": ACCOUNT}, {ACCOUNT}),
    ({}, set()),
])  # fmt: skip
def test_the_accounts_of_a_profile(profile: dict[str, object], accounts: set[str]) -> None:
    assert accounts_of(profile) == accounts


HEADERS = ("default", "profile default", "profile a", 'profile "a b"', "profile  b", "a", "b", "DEFAULT",
           "sso-session a", "profile a b", "preview", 'profile "a')  # fmt: skip
LINES = (f"sso_account_id = {ACCOUNT}", f"role_arn={ROLE}", "region = us-west-2", "REGION: us-east-1",
         "region =", "s3 =\n  use = x", "region =\n  a = b", "# comment", "; comment", "output = json ; x",
         "", "  more", "no value", "é = ü", "[broken", "aws_account_id = %(x)s")  # fmt: skip
SECTION = st.builds(
    lambda header, lines: "\n".join((f"[{header}]", *lines, "")),
    st.sampled_from(HEADERS),
    st.lists(st.sampled_from(LINES[:8]), max_size=3, unique=True)
    | st.lists(st.sampled_from(LINES), max_size=3),
)
FILE = st.lists(SECTION, max_size=4).map("".join)


@given(FILE, FILE)
@settings(max_examples=40)
def test_profiles_are_those_of_botocore(config: str, credentials: str) -> None:
    home = Path(os.environ["HOME"])
    paths = [write(home / ".aws/config", config), write(home / ".aws/credentials", credentials)]
    found, problems = load_profiles(os.environ)
    assert all(any(str(path) in problem for path in paths) and problem.isprintable() for problem in problems)
    if not problems:
        assert found == {
            name: {key: value for key, value in profile.items() if isinstance(value, str)}
            for name, profile in Session().full_config["profiles"].items()
        }


def test_a_file_that_botocore_rejects_hides_only_its_own_profiles(home: Path) -> None:
    config = write(home / ".aws/config", "[profile a]\nregion = us-west-2\n[profile a]\n")
    write(home / ".aws/credentials", "[b]\nregion = eu-west-1\n")
    found, problems = load_profiles(os.environ)
    assert found == {"b": {"region": "eu-west-1"}}
    assert problems == [f"{config} has a second section [profile a] in line 3"]


def test_a_file_without_permission_is_a_problem(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(write(home / ".aws/config", "[profile a]\n"))
    write(home / ".aws/credentials", "[b]\n")

    def refuse(file: str, *arguments: object, **options: object) -> object:
        if file == path:
            raise PermissionError(13, "Permission denied")
        return Path(file).open(*arguments, **options)  # type: ignore[call-overload] # not builtins.open

    monkeypatch.setattr("builtins.open", refuse)  # root can read every file
    assert load_profiles(os.environ) == ({"b": {}}, [f"{path} cannot be read (Permission denied)"])


def test_missing_files_are_no_problem() -> None:
    assert load_profiles(os.environ) == ({}, [])


@systems.scripts
def test_auto_finds_the_profile_of_a_credential_process(home: Path, aws: FakeECR, ask: Run) -> None:
    aws.identities["AKIATOOL"] = "secret"
    write_settings(home, f'[registry.{ACCOUNT}]\nprofile = "auto"\n')
    keys = {"Version": 1, "AccessKeyId": "AKIATOOL", "SecretAccessKey": "secret"}
    tool = write(home / "bin/aws-sso", f"#!/bin/sh\necho '{json.dumps(keys)}'\n")
    tool.chmod(0o755)
    command = f"credential_process = {tool} process --arn"
    write(home / ".aws/config", f"[profile a]\n{command} {OTHER_ROLE}\n[profile b]\n{command} {ROLE}\n")
    assert ask("get", stdin=HOST).status == 0
    assert [call.access_key for call in aws.calls] == ["AKIATOOL"]
