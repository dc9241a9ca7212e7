"""AWS variables that are set but empty, as in Compose files and CI jobs, count as unset."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import botocore
import pytest

from ecr_credhelper import __main__ as program
from ecr_credhelper import get_credentials
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST, Run, run

SOURCES = sorted(Path(botocore.__file__).parent.glob("*.py"))
READ_BY_BOTOCORE = sorted(
    {
        name
        for file in SOURCES
        for name in re.findall(r"""["'](AWS_[A-Z0-9_]+)["']""", file.read_text("utf-8"))
    }
)
ALONE = [
    # An empty value of each of these breaks botocore.
    "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CA_BUNDLE", "AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE",
    "AWS_DEFAULTS_MODE", "AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_METADATA_SERVICE_TIMEOUT",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS", "AWS_ACCOUNT_ID_ENDPOINT_MODE",
]  # fmt: skip


@pytest.fixture
def files(home: Path, api: FakeECR) -> FakeECR:
    """Configure the fake API in files only, so that every variable can be empty."""
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(f"[default]\nendpoint_url = {api.url}\n")
    (home / ".aws/credentials").write_text(
        f"[default]\naws_access_key_id = {api.access_key}\naws_secret_access_key = {api.secret_key}\n"
    )
    return api


def empty(*names: str) -> dict[str, str]:
    return {**os.environ, **dict.fromkeys(names, "")}


def test_the_list_of_variables_is_botocores() -> None:
    assert {*ALONE, "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"} <= {
        *READ_BY_BOTOCORE, "AWS_DEFAULT_PROFILE"
    }  # fmt: skip
    assert len(READ_BY_BOTOCORE) > 40


def test_every_variable_at_once_is_as_none(files: FakeECR) -> None:
    names = {*READ_BY_BOTOCORE, *ALONE} - {*program.EMPTY_ON_PURPOSE}
    services = {
        f"AWS_ENDPOINT_URL_{name}" for name in ("ECR", "ECR_PUBLIC", "STS", "SSO", "SSO_OIDC", "SIGNIN")
    }
    found = run("get", stdin=HOST, env=empty(*names, *services)).reply
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    assert run("get", stdin=HOST, env=environ).reply == found
    assert len(files.calls) == 1, "both are one identity"


@pytest.mark.parametrize("name", ALONE)
def test_each_that_breaks_botocore_is_as_none(
    name: str, ask: Run, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "")
    if ask is not run:  # a process does so by itself
        program.remove_empty_variables()
    assert ask("get", stdin=HOST).reply["Username"] == "AWS"
    assert len(aws.calls) == 1


@pytest.mark.parametrize("name", sorted({*READ_BY_BOTOCORE, *ALONE}))
def test_each_is_removed_unless_its_empty_value_has_a_meaning(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "")
    monkeypatch.setenv("OTHER", "")
    monkeypatch.setenv("AWS_OTHER", "kept")
    program.remove_empty_variables()
    assert (name in os.environ) == (name in program.EMPTY_ON_PURPOSE)
    assert os.environ["OTHER"] == ""
    assert os.environ["AWS_OTHER"] == "kept"


@pytest.mark.usefixtures("files")
def test_an_empty_name_of_a_file_still_isolates_from_the_users() -> None:
    assert "no AWS credentials found" in run("get", stdin=HOST, env=empty(*program.EMPTY_ON_PURPOSE)).error


@pytest.mark.usefixtures("patient")
def test_a_credential_process_does_not_see_them_either(home: Path, api: FakeECR) -> None:
    script = home / "process.py"
    script.write_text(
        "import json, os\n"
        "assert 'AWS_RETRY_MODE' not in os.environ\n"
        f"print(json.dumps({{'Version': 1, 'AccessKeyId': {api.access_key!r},"
        f" 'SecretAccessKey': {api.secret_key!r}}}))\n"
    )
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(
        f'[default]\nendpoint_url = {api.url}\ncredential_process = "{sys.executable}" "{script}"\n'
    )
    assert run("get", stdin=HOST, env=empty("AWS_RETRY_MODE")).reply["Username"] == "AWS"


@pytest.mark.usefixtures("aws")
def test_the_library_changes_neither_variables_nor_the_import_path(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_ROLE_SESSION_NAME"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("PYTHONPATH", sys.path[-1])
    before = dict(os.environ), sys.path[:]
    assert get_credentials(HOST).username == "AWS"
    assert (dict(os.environ), sys.path) == before
