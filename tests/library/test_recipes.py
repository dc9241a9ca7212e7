"""Run the Python programs in the documents, and check that the reference lists all public names.

``make e2e`` runs the programs that need docker, oras or requests.
"""

from __future__ import annotations

import base64
import dataclasses
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import ecr_credhelper
from ecr_credhelper import CredentialHelperError, CredentialProvider, Credentials, get_credentials
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.conftest import HOST, OTHER_REGION
from tests.e2e import pages, recipes
from tests.pages import page

PUBLIC_API = Path(__file__).parents[1] / "type_check" / "public_api.py"
PROFILES = """
[profile dev]
aws_access_key_id = AKIADEV
aws_secret_access_key = of-dev

[profile prod]
aws_access_key_id = AKIAPROD
aws_secret_access_key = of-prod
"""

REFERENCE = page("docs/reference/python.md")

run_here: set[str] = set()
"""The headings of the programs that this file runs."""


def recipe(heading: str) -> str:
    run_here.add(heading)
    return pages.programs()[heading]


A_LOGIN = recipe("A login")
WITHOUT_ACCOUNT = recipe("Without the account")
ANOTHER_IDENTITY = recipe("As another AWS identity")
A_FAILURE = recipe("When it fails")
MANY_THREADS = recipe("Many threads")
A_PULL_SECRET = recipe("A pull secret")
MANY_PROCESSES = recipe("Many processes")
ASYNCIO = recipe("asyncio")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


class Run:
    """Runs a program as a file in a separate directory, with warnings as errors."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __call__(self, program: str) -> subprocess.CompletedProcess[str]:
        script = self.directory / "recipe.py"
        script.write_text(program, encoding="utf-8")
        command = [sys.executable, "-W", "error", str(script)]
        return subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self.directory, timeout=300
        )

    def output_of(self, program: str) -> str:
        """Return the output of a program that succeeds without warnings."""
        done = self(program)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


def test_every_program_in_the_documents_is_run_by_a_test() -> None:
    run_by_e2e = {recipe.heading for recipe in recipes.recipes()}
    assert run_by_e2e | run_here == set(pages.programs())


def test_the_first_recipe_has_three_lines_and_shares_its_token(run: Run, aws: FakeECR) -> None:
    assert len([line for line in A_LOGIN.splitlines() if line]) == 3
    printed = run.output_of(A_LOGIN)
    assert printed.startswith("AWS us-west-2 ")
    assert run.output_of(A_LOGIN) == printed
    assert len(aws.calls) == 1


def test_the_recipe_without_the_account_uses_that_of_the_credentials(run: Run, aws: FakeECR) -> None:
    assert run.output_of(WITHOUT_ACCOUNT) == f"{HOST} {OTHER_REGION}\n"
    assert len(aws.calls) == 1


def test_the_recipe_for_other_identities_uses_a_profile_and_a_session(
    run: Run, home: Path, aws: FakeECR
) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(PROFILES)
    aws.identities.update({"AKIADEV": "of-dev", "AKIAPROD": "of-prod"})
    assert run.output_of(ANOTHER_IDENTITY) == "AWS AWS\n"
    assert [call.access_key for call in aws.calls] == ["AKIADEV", "AKIAPROD"]


def test_the_recipe_for_failures_prints_a_hint_without_aws_credentials(run: Run) -> None:
    done = run(A_FAILURE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("log in to AWS: ")
    assert "aws sso login" in done.stderr


def test_the_recipe_for_failures_prints_one_line(run: Run, aws: FakeECR) -> None:
    aws.faults.append(Fault.aws("AccessDeniedException", "User: x is not authorized to perform: x"))
    done = run(A_FAILURE)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"no login: {HOST}: ")
    assert len(done.stderr.splitlines()) == 1


def test_the_recipe_with_threads_calls_aws_once_per_region(run: Run, aws: FakeECR) -> None:
    aws.delay = 0.2  # all threads start before the first call returns
    printed = run.output_of(MANY_THREADS)
    assert printed == "1280 logins for 20 registries, 4 calls to AWS\n"
    assert f"`{printed.strip()}`" in page("docs/how-to/use-from-python.md")
    regions = [call.region for call in aws.calls]
    assert sorted(regions) == ["eu-central-1", "eu-west-1", "us-east-1", "us-west-2"]


def test_the_asyncio_recipe_calls_aws_once_per_region(run: Run, aws: FakeECR) -> None:
    lines = run.output_of(ASYNCIO).splitlines()
    assert [line.split()[1] for line in lines] == ["AWS"] * 3
    assert lines[0] == f"{HOST} AWS"
    assert sorted(call.region for call in aws.calls) == ["eu-central-1", "us-west-2"]


@pytest.mark.skipif(sys.platform == "win32", reason="the fake docker is a script")
def test_the_docker_login_recipe_passes_the_password_on_standard_input_only(
    run: Run, tmp_path: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(
        f"#!{sys.executable}\nimport json, os, sys\n"
        "print(json.dumps([sys.argv[1:], sys.stdin.read(), dict(os.environ)]))\n"
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
    arguments, stdin, environment = json.loads(run.output_of(pages.programs()["docker login"]))
    assert arguments == ["login", "--username", "AWS", "--password-stdin", HOST]
    assert stdin == aws.password("us-west-2", serial=1)
    assert stdin not in environment.values()


def test_the_recipe_for_a_pull_secret_prints_a_docker_configuration(run: Run, aws: FakeECR) -> None:
    auths = json.loads(run.output_of(A_PULL_SECRET))["auths"]
    assert list(auths) == [HOST, "444455556666.dkr.ecr.eu-central-1.amazonaws.com"]
    login = base64.b64decode(auths[HOST]["auth"]).decode()
    assert login == f"AWS:{aws.password('us-west-2', serial=1)}"


def test_the_recipe_for_processes_makes_one_call(run: Run, aws: FakeECR) -> None:
    assert run.output_of(MANY_PROCESSES) == "8 logins, 1 token\n"
    assert len(aws.calls) == 1


def test_the_example_tests_pass_in_any_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, content in pages.files().items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    for name, value in {
        "AWS_PROFILE": "missing",
        "AWS_ECR_DISABLE_CACHE": "true",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "ECR_CREDHELPER_ROLE_ARN_111122223333": "arn:aws:iam::111122223333:role/pull",
    }.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    tests = sum(content.count("\ndef test_") for content in pages.files().values())
    assert f"{tests} passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 0


def test_the_program_for_type_checkers_runs(run: Run, home: Path, aws: FakeECR) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(PROFILES)
    aws.identities["AKIADEV"] = "of-dev"
    run.output_of(PUBLIC_API.read_text(encoding="utf-8"))


def code(text: str) -> str:
    return f"`{text}`"


@pytest.mark.parametrize("name", ecr_credhelper.__all__)
def test_the_reference_lists_every_public_name(name: str) -> None:
    assert code(name) in REFERENCE or f"`{name}(" in REFERENCE


@pytest.mark.parametrize("function", [get_credentials, CredentialProvider])
def test_the_reference_lists_every_parameter_with_its_default(function: object) -> None:
    assert callable(function)
    for parameter in inspect.signature(function).parameters.values():
        if parameter.default is parameter.empty:
            assert f"| {code(parameter.name)} |" in REFERENCE
        else:
            default = getattr(parameter.default, "__name__", None) or repr(parameter.default)
            default = "time.time" if default == "time" else default
            assert f"| {code(parameter.name)} | {code(default)} |" in REFERENCE


def test_the_reference_lists_every_field_and_method() -> None:
    fields = [field.name for field in dataclasses.fields(Credentials)]
    error = [name for name in vars(CredentialHelperError("", "")) if not name.startswith("_")]
    for name in [*fields, "authorization", *error]:
        assert f"| {code(name)} |" in REFERENCE
    for name in vars(CredentialProvider):
        if not name.startswith("_"):
            assert f"`{name}(" in REFERENCE
