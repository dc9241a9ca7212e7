"""The workflows of the documents have the form that each CI system requires, and their scripts run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST
from tests.fake_sts import FakeSTS
from tests.pages import PAGES, blocks, page
from tests.user_shell import Shell
from tests.workflows import check_schema, check_security, parse, scripts, system_of


class Block(NamedTuple):
    name: str
    system: str
    text: str
    content: dict[str, Any]


def _found() -> Iterator[Block]:
    for path in PAGES:
        for number, text in enumerate(blocks(path.read_text(encoding="utf-8"), "yaml"), 1):
            content = parse(text)
            if system := system_of(content):
                yield Block(f"{path.stem}-{number}", system, text, content)


BLOCKS = list(_found())
GITHUB = [block for block in BLOCKS if block.system == "github"]


def test_the_documents_have_a_workflow_for_each_system() -> None:
    assert {block.system for block in BLOCKS} == {"github", "gitlab", "codebuild"}


@pytest.mark.parametrize("system", ["github", "gitlab", "codebuild"])
def test_every_workflow_has_the_form_of_its_system(system: str, tmp_path: Path) -> None:
    check_schema(system, *_written(tmp_path, [block for block in BLOCKS if block.system == system]))


@pytest.mark.parametrize(
    ("system", "content"),
    [
        ("github", "on: push\njobs:\n  a:\n    runs-on: b\n    step: []\n"),
        ("gitlab", "a:\n  scripts: [b]\n"),
        ("codebuild", "version: 0.2\nphases:\n  prebuild:\n    commands: [a]\n"),
    ],
)
def test_a_mistake_in_a_workflow_is_found(system: str, content: str, tmp_path: Path) -> None:
    file = tmp_path / "workflow.yml"
    file.write_text(content)
    with pytest.raises(AssertionError, match="Schema validation errors"):
        check_schema(system, file)


def test_zizmor_finds_no_risk_in_the_github_workflows(tmp_path: Path) -> None:
    check_security(_written(tmp_path, GITHUB), tmp_path / "zizmor.yml")


def test_zizmor_finds_a_risk(tmp_path: Path) -> None:
    file = tmp_path / "workflow.yml"
    file.write_text(GITHUB[0].text.replace("run: pipx", "run: echo ${{ github.head_ref }}; pipx"))
    with pytest.raises(AssertionError, match="template-injection"):
        check_security([file], tmp_path / "zizmor.yml")


def _written(folder: Path, found: list[Block]) -> list[Path]:
    files = [folder / f"{block.name}.yml" for block in found]
    for file, block in zip(files, found, strict=True):
        file.write_text(block.text, encoding="utf-8")
    return files


@pytest.mark.parametrize("block", GITHUB, ids=lambda block: block.name)
def test_a_github_job_gets_aws_credentials_before_it_logs_in(block: Block) -> None:
    for job in block.content["jobs"].values():
        uses = ""
        for step in job["steps"]:
            uses += step.get("uses", "")
            if re.search(r"ecr-py (login|password)", step.get("run", "")):
                assert "aws-actions/configure-aws-credentials@" in uses
                assert job["permissions"]["id-token"] == "write", "OpenID Connect needs it"


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_the_script_of_every_job_runs(
    block: Block, shell: Shell, home: Path, tmp_path: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    if block.system != "gitlab":
        monkeypatch.setenv("AWS_REGION", "us-west-2")  # by configure-aws-credentials, or by CodeBuild
    output = tmp_path / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(output))
    monkeypatch.setenv("AWS_TOKEN", "an-id-token")
    (tmp_path / "run-tests").write_text("#!/bin/sh\n")
    (tmp_path / "run-tests").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with FakeSTS(aws.identities) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        for variables, script in scripts(block.content):
            for name, value in variables.items():
                monkeypatch.setenv(name, value.replace("/tmp/", f"{tmp_path}/"))
            if "AWS_ROLE_ARN" in variables:  # these come first, so a job must have none
                monkeypatch.delenv("AWS_ACCESS_KEY_ID")
                monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
            shell(f"set -e\n{script.replace('/tmp/', f'{tmp_path}/')}")
    printed = output.read_text() if output.exists() else ""
    assert (home / f"{HOST}.login").exists() == ("ecr-py login" in block.text)
    assert printed.startswith("password=") == ("ecr-py password" in block.text)
    assert [call.parameters["WebIdentityToken"] for call in sts.calls] == ["an-id-token\n"] * (
        "AWS_WEB_IDENTITY_TOKEN_FILE" in block.text
    )


def test_the_docker_configuration_of_gitlab_runner_is_enough_for_a_pull(home: Path, shell: Shell) -> None:
    (content,) = (block.content for block in BLOCKS if "DOCKER_AUTH_CONFIG" in block.text)
    (home / ".docker").mkdir()
    configuration = content["variables"]["DOCKER_AUTH_CONFIG"]
    assert json.loads(configuration).keys() == {"credHelpers"}
    (home / ".docker/config.json").write_text(configuration)
    image = content["test"]["image"]
    assert shell(f"docker pull {image}") == f"pulled {image}\n"


def test_the_environment_of_the_jenkins_pipeline_selects_the_role(
    shell: Shell, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    (block,) = (text for text in blocks(page("docs/where-it-runs/ci.md"), "text") if "environment {" in text)
    ((name, role),) = re.findall(r"^ +(\w+) = '(.+)'$", block, re.MULTILINE)
    monkeypatch.setenv(name, role)
    with FakeSTS(aws.identities) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        shell("docker-credential-ecr-py configure --creds-store --yes")
        shell(f"docker pull {HOST}/app:1")
    assert [call.parameters["RoleArn"] for call in sts.calls] == [role]
