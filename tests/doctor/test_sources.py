"""The source of AWS credentials in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ecr_credhelper.doctor.sources import describe_source
from tests.conftest import HOST
from tests.doctor_findings import Doctor, settings, write

if TYPE_CHECKING:
    from pathlib import Path

    from ecr_credhelper.testing.fake_ecr import FakeECR

pytest_plugins = ("tests.doctor_fixtures",)

CONFIG = """\
[profile sso]
sso_session = corp
[profile old-sso]
sso_start_url = https://example.com
[profile role]
role_arn = arn:aws:iam::111122223333:role/team/pull
source_profile = base
[profile instance]
role_arn = arn:aws:iam::111122223333:role/pull
credential_source = Ec2InstanceMetadata
[profile cached-role]
role_arn = arn:aws:iam::111122223333:role/pull
[profile web]
role_arn = arn:aws:iam::111122223333:role/pull
web_identity_token_file = /token
"""


@pytest.mark.parametrize(
    ("method", "profile", "text"),
    [
        ("env", "", "environment variables (AWS_ACCESS_KEY_ID)"),
        ("container-role", "", "container role"),
        ("iam-role", "", "EC2 instance role"),
        ("sso", "sso", "profile sso (SSO session corp)"),
        ("sso", "old-sso", "profile old-sso (SSO)"),
        ("assume-role", "role", "profile role (role pull, from profile base)"),
        ("assume-role", "instance", "profile instance (role pull, from Ec2InstanceMetadata)"),
        ("assume-role", "cached-role", "profile cached-role (role pull)"),
        ("assume-role-with-web-identity", "web", "profile web (web identity)"),
        ("assume-role-with-web-identity", "", "web identity role arn:aws:iam::111122223333:role/pod"),
        ("login", "dev", "profile dev (aws login)"),
        ("custom-process", "", "profile default (credential_process)"),
        ("new-method", "dev", "profile dev (new method)"),
    ],
)
def test_sources_are_described_in_words(method: str, profile: str, text: str, home: Path) -> None:
    write(home / ".aws/config", CONFIG)
    environ = {"AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/pod"}
    assert describe_source(method, profile, environ) == text


@pytest.mark.usefixtures("no_network")
@pytest.mark.parametrize(
    ("file", "section", "text"),
    [
        ("credentials", "[dev]", "profile dev (credentials file)"),
        ("config", "[profile dev]", "profile dev (config file)"),
    ],
)
def test_botocore_uses_the_names_that_are_translated(
    file: str,
    section: str,
    text: str,
    home: Path,
    aws: FakeECR,
    doctor: Doctor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    keys = f"aws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    write(home / ".aws" / file, f"{section}\naws_account_id = 111122223333\n{keys}")
    assert doctor(HOST, "--profile", "dev").findings("credentials")[0][1] == text
    if file == "config":
        settings(home, '[registry.111122223333]\nprofile = "auto"\n')
        found = doctor(HOST).findings("credentials")[0][1]
        assert found == f'{text}, selected by profile = "auto"'
