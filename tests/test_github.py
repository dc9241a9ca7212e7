"""The files for the host of the repository: each command of a workflow runs here, permissions are minimal."""

from __future__ import annotations

import base64
import json
import re
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from ecr_credhelper.testing.fake_ecr import FakeECR
from tests import github_files
from tests.commands import output_of
from tests.conftest import HOST, run
from tests.github_files import ACTIONLINT, ROOT, runs, workflows
from tests.test_documents import page
from tests.workflows import check_schema, parse

WORKFLOWS = workflows()
JOBS = [(name, job, content) for name, flow in WORKFLOWS.items() for job, content in flow["jobs"].items()]
STEPS = [step for _, _, content in JOBS for step in content.get("steps", ())]
RUNS = list(runs())

SCHEDULED = {"make newest", "make windows"}
"""They depend on the current state of a Debian suite, so .ci/run does not run them."""

CONTAINER = re.compile(r"apt-get update -qq && apt-get install -y -qq .*|chown root:root \.")
"""What the containers of the jobs need before the project's own commands."""

bash = pytest.mark.skipif(not shutil.which("bash") or sys.platform == "win32", reason="no bash")


@pytest.mark.parametrize(("name", "job", "step"), RUNS, ids=[f"{name}-{job}" for name, job, _ in RUNS])
def test_every_command_of_a_workflow_also_runs_here(name: str, job: str, step: dict[str, Any]) -> None:
    run = step["run"]
    if CONTAINER.fullmatch(run):
        assert "container" in WORKFLOWS[name]["jobs"][job]
    elif run.startswith("make "):
        (target,) = run.removeprefix("make ").split()
        assert re.search(rf"^{target}:", page("Makefile"), re.MULTILINE)
        assert run in SCHEDULED or re.search(rf"\bmake --no-print-directory {target} ", page(".ci/run"))
    elif run == ".ci/run packages":
        assert '[ "${1-}" != packages ] || exit 0' in page(".ci/run")
    else:  # these have a test below
        assert run.startswith(("python -m venv", "gh release create"))


@pytest.mark.skipif(not shutil.which("make") or sys.platform == "win32", reason="no make that finds find")
def test_windows_has_the_commands_of_make_test() -> None:
    (run,) = (step["run"] for step in STEPS if step.get("if") == "runner.os == 'Windows'")
    # The directory does not exist, so make would create the environment.
    arguments = ["PYTHON=python", "BIN=.venv/Scripts", "VENV=.venv-absent"]
    printed = output_of(["make", "--dry-run", "test", *arguments], cwd=ROOT).replace("-absent", "")
    made = re.findall(r"^(?:python -m venv|\S+ -m (?:pip|pytest)) .+$", printed, re.MULTILINE)
    assert run.splitlines() == [line.replace(" --cov", "") for line in made]


@bash
def test_the_release_has_the_archives_the_notes_and_the_sbom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (step,) = (step for step in STEPS if "gh release" in step.get("run", ""))
    files = ["dist/a-1.0-py3-none-any.whl", "dist/a-1.0.tar.gz", "release/notes.md", "release/sbom.cdx.json"]
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    program = tmp_path / "bin/gh"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    monkeypatch.setenv("TAG", "v1.0")
    assert output_of(["bash", "-e", "-c", step["run"]], cwd=tmp_path).split() == [
        *("release", "create", "v1.0", "--verify-tag", "--title", "v1.0", "--notes-file", "release/notes.md"),
        *(name for name in files if name != "release/notes.md"),
    ]


def test_only_the_publishing_job_gets_an_identity_and_only_the_release_can_write() -> None:
    assert all(flow["permissions"] == {} for flow in WORKFLOWS.values())
    writing = {
        (name, job, permission)
        for name, job, content in JOBS
        for permission, access in content["permissions"].items()
        if access != "read"
    }
    assert writing == {
        ("release.yml", "publish", "attestations"),
        ("release.yml", "publish", "id-token"),
        ("release.yml", "release", "contents"),
    }
    assert WORKFLOWS["release.yml"]["jobs"]["publish"]["environment"] == "pypi"


def test_nothing_is_published_before_all_checks_have_passed() -> None:
    jobs = WORKFLOWS["release.yml"]["jobs"]
    assert set(jobs["publish"]["needs"]) == {"ci", "build"}
    assert jobs["release"]["needs"] == "publish"
    built = [step for step in jobs["build"]["steps"] if "run" in step]
    assert [step["run"] for step in built] == ["make dist", "make release"], "later jobs use these files"
    assert [step["env"] for step in built] == [{"TAG": "${{ github.ref_name }}"}] * 2


def test_every_job_ends() -> None:
    for _, job, content in JOBS:
        assert "uses" in content or int(content["timeout-minutes"]) <= 120, job


def test_no_script_contains_an_expression() -> None:
    assert [step["run"] for *_, step in RUNS if "${{" in step["run"]] == []


def test_every_action_is_pinned_and_names_its_version() -> None:
    uses = [
        line.partition("uses: ")[2]
        for path in (ROOT / ".github/workflows").glob("*.yml")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "- uses: " in line
    ]
    assert len(uses) == sum("uses" in step for step in STEPS)
    by_tag = {use for use in uses if not re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", use)}
    assert {use.partition("@")[0] for use in by_tag} <= {"pypa/gh-action-pypi-publish"}


def test_all_supported_pythons_are_tested() -> None:
    tested = WORKFLOWS["ci.yml"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    (versions,) = re.findall(r"for version in ([\d. ]+);", page(".ci/run"))
    assert tested == versions.split()
    assert tomllib.loads(page("pyproject.toml"))["project"]["requires-python"] == f">={tested[0]}"


@bash
def test_ci_takes_the_newest_patch_of_each_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for patch in ("3.13.2", "3.13.10", "3.13.9"):
        program = tmp_path / "versions" / patch / "bin/python"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    (function,) = re.findall(r"^interpreters\(\) \{\n.*?^\}", page(".ci/run"), re.MULTILINE | re.DOTALL)
    found = output_of(["bash", "-c", f"set -euo pipefail\n{function}\ninterpreters"]).splitlines()
    assert f"3.13={tmp_path}/versions/3.13.10/bin/python" in found


def test_a_bug_report_asks_for_what_the_program_prints() -> None:
    form = parse(page(".github/ISSUE_TEMPLATE/bug.yml"))
    fields = {field["id"]: field for field in form["body"] if "id" in field}
    assert fields.keys() >= {"doctor", "version", "system", "client"}
    assert "`docker-credential-ecr-py doctor --json IMAGE`" in fields["doctor"]["attributes"]["description"]


def test_pre_commit_runs_the_commands_of_make_lint() -> None:
    (repository,) = parse(page(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local", "nothing is downloaded"
    entries = {hook["entry"].removesuffix(" --force-exclude") for hook in repository["hooks"]}
    assert entries == {"ruff check", "ruff format", "mypy"}
    assert all(f"$(BIN)/{entry}" in page("Makefile") for entry in entries)


def test_the_workflows_have_the_form_of_their_host() -> None:
    check_schema("github", *(ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.skipif(not ACTIONLINT.exists(), reason="make lint installs actionlint")
def test_make_lint_finds_mistakes(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    mistakes = {
        ("workflows/ci.yml", "run: make docs", "run: echo ${{ github.head_ref }}"): "template-injection",
        ("workflows/ci.yml", "run: make demo", "run: cat $HOME"): "SC2086",
        ("workflows/release.yml", "needs: publish", "needs: publication"): 'job "publication"',
        ("ISSUE_TEMPLATE/bug.yml", "type: input", "type: entry"): "'entry' is not one of",
    }
    for name in (".github", ".ci"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name, old, new in mistakes:
        path = tmp_path / ".github" / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    assert github_files.main(tmp_path) == 1
    printed = "".join(capfd.readouterr())
    assert [finding for finding in mistakes.values() if finding not in printed] == []


@pytest.mark.skipif(not (shutil.which("git") and (ROOT / ".git").exists()), reason="not a git clone")
def test_the_editor_settings_hold_for_every_file() -> None:
    tracked = output_of(["git", "ls-files"], cwd=ROOT).splitlines()
    for name in tracked:
        if not name.startswith("tests/data/docker_configs/"):
            content = (ROOT / name).read_bytes()
            assert b"\r" not in content, name
            assert content.endswith(b"\n") or not content, name
            assert not re.search(rb"[ \t]$", content, re.MULTILINE), name
            if name != "Makefile":
                assert not re.search(rb"^ *\t", content, re.MULTILINE), name


def test_the_output_that_a_bug_report_asks_for_contains_no_secret(
    aws: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Secrets are everywhere that doctor reads, and everywhere something is wrong."""
    files = {
        ".aws/credentials": "[p]\naws_access_key_id = AKIAFAKE\naws_secret_access_key = planted-1\n"
        "aws_session_token = planted-2\nunknown = planted-3\n",
        ".aws/config": "[profile q]\ncredential_process = tool --password planted-4\nrole_arn = planted-5\n",
        ".docker/config.json": json.dumps(
            {
                "auths": {
                    HOST: {"auth": base64.b64encode(b"AWS:planted-6").decode()},
                    "a.example": {"identitytoken": "planted-7", "password": "planted-8"},
                },
                "credHelpers": {HOST: "other"},
                "proxies": {"default": {"httpProxy": "planted-9"}},
            }
        ),
        ".config/ecr-credhelper/config.toml": '[registry.111122223333]\nprofile = "p"\n'
        'role_arn = "arn:aws:iam::111122223333:role/r"\nexternal_id = "planted-10"\n'
        '[registry.444455556666]\nendpoint_url = "http://me:planted-11@127.0.0.1"\npassword = "planted-12"\n',
    }
    for name, content in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:planted-13@127.0.0.1:9")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "planted-14")
    monkeypatch.setenv("DOCKER_AUTH_CONFIG", '{"auths": {"b.example": {"auth": "planted-15"}}}')
    for options in ((), (HOST,), ("444455556666.dkr.ecr.us-west-2.amazonaws.com/app:1",)):
        output = run("doctor", *options, "--json").stdout.decode()
        assert json.loads(output)["findings"]
        assert "planted" not in output
        assert aws.secret_key not in output
