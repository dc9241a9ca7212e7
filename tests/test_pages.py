"""What the pages for users promise: their commands run, their policies and workflows are well-formed."""

from __future__ import annotations

import functools
import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from ecr_credhelper.cli.arguments import parse
from ecr_credhelper.helper import VERBS
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import EXECUTABLE, HOST
from tests.docker_files import load
from tests.fake_sts import FakeSTS
from tests.installers import INSTALLERS, OFFLINE, UNINSTALLERS, WHEELS
from tests.kubernetes_schemas import check_objects, parse_yaml

ROOT = Path(__file__).parents[1]
PROGRAM = "docker-credential-ecr-py"
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)

CLIENT = f"""\
#!{sys.executable}
import json, os, subprocess, sys
home = os.path.expanduser("~")
match sys.argv[1:]:
    case ["pull" | "push" as verb, image]:
        host = image.partition("/")[0]
        if not os.path.exists(f"{{home}}/{{host}}.login"):
            with open(f"{{home}}/.docker/config.json") as file:
                config = json.load(file)
            suffix = config.get("credHelpers", {{}}).get(host) or config["credsStore"]
            login = subprocess.check_output([f"docker-credential-{{suffix}}", "get"], input=host.encode())
            assert json.loads(login)["Username"] == "AWS"
        print(f"{{verb}}ed", image)
    case ["image", "ls", *_] | ["build", "-t", _, "."] | ["ps"]:
        pass
    case [*_, "login", "--username", "AWS", "--password-stdin", host]:
        with open(f"{{home}}/{{host}}.login", "w") as file:
            assert file.write(sys.stdin.read()), "a password"
        print("Login Succeeded")
    case _:
        sys.exit(f"unexpected: {{sys.argv}}")
"""
"""A client in the place of docker, podman and helm: it asks the configured helper, as they do."""

Shell = Callable[[str], str]


@pytest.fixture
def shell(home: Path, tmp_path: Path, aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a function that runs a command line as a user with two AWS profiles does."""
    if sys.platform == "win32":
        pytest.skip("the fake clients are scripts")
    (tmp_path / PROGRAM).symlink_to(EXECUTABLE)
    for name in ("docker", "podman", "helm"):
        (tmp_path / name).write_text(CLIENT)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    keys = f"aws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(f"[default]\n{keys}[dev]\n{keys}[prod]\n{keys}")

    def run(line: str) -> str:
        done = subprocess.run(["sh", "-c", line], check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return [textwrap.dedent(content) for _, found, content in BLOCK.findall(text) if found == language]


def session(text: str) -> list[str]:
    """Return the command lines of a terminal session."""
    return [
        line.removeprefix("$ ")
        for block in blocks(text, "console")
        for line in block.replace("\\\n", "").splitlines()
        if line.startswith("$ ")
    ]


def section(text: str, heading: str) -> str:
    return text.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


def table(text: str) -> list[list[str]]:
    """Return the rows of the tables of a text, without their headings."""
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in text.splitlines()
        if line.startswith("| ")
    ]
    return rows[1:]


def test_the_first_session_of_the_readme_ends_in_a_pull(shell: Shell, aws: FakeECR, home: Path) -> None:
    configure, pull = session(page("README.md"))
    shell(configure)
    assert shell(pull) == f"pulled {HOST}/app:1\n"
    assert len(aws.calls) == 1
    shell(f"{PROGRAM} unconfigure --yes")
    assert not (home / ".docker/config.json").exists()


REPLACEMENTS = {
    row[0]: line
    for row in table(section(page("README.md"), "## Replace the login that you have"))
    for line in re.findall(rf"`({PROGRAM} [^`]+)`", row[1])
}


@pytest.mark.parametrize("today", REPLACEMENTS)
def test_every_replacement_in_the_readme_works(today: str, shell: Shell, aws: FakeECR, home: Path) -> None:
    replacement = REPLACEMENTS[today]
    (home / ".docker").mkdir()
    file = home / ".docker/config.json"
    if "ecr-login" in today:
        file.write_text(f'{{"credHelpers": {{"{HOST}": "ecr-login"}}, "credsStore": "ecr-login"}}')
    with FakeSTS(aws.identities):
        printed = shell(replacement)
    match replacement.split()[1]:
        case "configure":
            configuration = load(file)
            assert "ecr-py" in {configuration.get("credsStore"), *configuration["credHelpers"].values()}
            assert ("--all" in replacement) <= ("ecr-login" not in configuration["credHelpers"].values())
            for option in re.findall(r"--(?:profile|role-arn) (\S+)", replacement):
                assert f'= "{option}"' in (home / ".config/ecr-credhelper/config.toml").read_text()
        case "login":
            assert "Login Succeeded" in printed
            assert "logged in until" in printed
        case _:
            assert len(printed) > 100
    assert len(aws.calls) == ("configure" not in replacement)


def test_the_ratios_in_the_readme_are_measured() -> None:
    measured = page("docs/explanation/speed-table.md")

    def ratio(what: str, beside: str) -> float:
        (found,) = re.findall(rf"^\| {what} \| {beside} \| \*\*([\d.]+)\*\*", measured, re.MULTILINE)
        return float(found)

    amazons = "Amazon's helper 0.12.0"
    told = re.findall(r"\[([\d.]+) times\]", page("README.md"))
    assert [float(number) for number in told] == [
        round(ratio("keys in the environment", amazons), 1),
        round(ratio("cold get, TLS", amazons)),
        round(1 / ratio("cold get", "aws ecr get-login-password"), 1),
    ]


def command_lines() -> set[str]:
    """Return every command line of this program in the pages, except the usage lines of the reference."""
    found = set()
    for path in PAGES:
        text = path.read_text(encoding="utf-8")
        code = re.findall(r"`([^`\n]+)`", text) + [
            line for _, _, block in BLOCK.findall(text) for line in block.replace("\\\n", " ").splitlines()
        ]
        for piece in code:
            start = re.search(rf"(?:^|[\s(&;]){PROGRAM} (?=[a-z])", piece)
            if start and not re.search(r"\[[A-Za-z-]|docker-credential-ecr-py:", piece):
                line = f"{PROGRAM} {piece[start.end() :]}"
                found.add(re.split(r" (?:\||2?>|<|&&|#|;)|\)|\"$", line)[0].strip())
    return found


@pytest.mark.parametrize("line", sorted(command_lines()))
def test_every_command_line_in_the_pages_has_valid_arguments(line: str) -> None:
    for placeholder, value in (
        ("…", ""),
        ("ACCOUNT", "111122223333"),
        ("REGION", "us-west-2"),
        ("TOOL", "helm"),
        ("$namespace", "team-a"),
    ):
        line = line.replace(placeholder, value)
    line = line.replace("--role-arn ARN", "--role-arn arn:aws:iam::111122223333:role/r")
    argv = shlex.split(re.sub(r"\$\{\{[^}]*\}\}|\$\w+", HOST, line))[1:]
    if argv[0] not in {*VERBS, "version", "help"}:
        parse(argv)


def test_every_page_of_the_index_exists_and_is_in_it() -> None:
    index = page("docs/README.md")
    linked = set(re.findall(r"\]\(([\w/-]+\.md)", index))
    pages = {str(path.relative_to(ROOT / "docs").as_posix()) for path in PAGES[1:]}
    assert linked == pages - {"README.md", "explanation/speed-table.md"}


def test_every_way_to_install_and_uninstall_is_one_that_ci_runs() -> None:
    text = " ".join(page("docs/install.md").split())
    removed = [[word for word in command if word != "--yes"] for command in UNINSTALLERS.values()]
    for command in (*INSTALLERS.values(), WHEELS, *OFFLINE.values(), *removed):
        assert " ".join(command) in text


TABS = {
    title: textwrap.dedent(content)
    for title, content in re.findall(
        r'^=== "([^"]+)"\n(.*?)(?=^\S)', page("docs/quick-start.md"), re.MULTILINE | re.DOTALL
    )
}


def test_the_quick_start_has_a_tab_for_each_kind_of_account() -> None:
    assert list(TABS) == ["One account", "SSO", "Several accounts", "All ECR registries", "Public"]


@pytest.mark.parametrize("title", TABS)
def test_every_tab_of_the_quick_start_ends_in_a_pull(title: str, shell: Shell, aws: FakeECR) -> None:
    lines = [line for line in session(TABS[title]) if not line.startswith("aws ")]
    assert len(lines) >= 2
    for line in lines:
        printed = shell(line)
        assert printed.startswith("pulled ") == ("docker pull " in line)
    assert printed.startswith("pulled ")
    assert len(aws.calls) == len({re.split(r"[/ ]", line)[2] for line in lines if "docker pull" in line})


@pytest.mark.parametrize("line", session(page("docs/how-to/scripts.md")))
def test_every_command_that_replaces_a_script_works(line: str, shell: Shell, aws: FakeECR) -> None:
    assert "Login Succeeded" in shell(line)
    assert aws.calls


@pytest.mark.parametrize("name", ["where-it-runs/bazel", "where-it-runs/aws", "where-it-runs/containers"])
@pytest.mark.usefixtures("aws")
def test_the_sessions_of_places_work(name: str, shell: Shell) -> None:
    for line in session(page(f"docs/{name}.md")):
        shell(line)


SWITCHES = table(page("docs/migrate/from-ecr-login.md").partition("\n## ")[0])


@pytest.mark.parametrize("row", SWITCHES, ids=lambda row: row[0])
def test_every_configuration_of_amazons_helper_is_replaced(row: list[str], shell: Shell, home: Path) -> None:
    kind, command, _ = row
    amazons: dict[str, Any] = {}
    if "credHelpers" in kind or kind == "both":
        amazons["credHelpers"] = {HOST: "ecr-login"}
    if "credsStore" in kind or kind == "both":
        amazons["credsStore"] = "ecr-login"
    (home / ".docker").mkdir()
    file = home / ".docker/config.json"
    file.write_text(json.dumps(amazons))
    shell(command.strip("`"))
    assert file.read_text() == json.dumps(amazons).replace("ecr-login", "ecr-py")
    assert shell(f"docker pull {HOST}/app:1") == f"pulled {HOST}/app:1\n"


HEADINGS = (
    "no basic auth credentials",
    "denied: Your authorization token has expired",
    'error getting credentials - err: exec: "docker-credential-ecr-py": executable file not found in $PATH',
    "error storing credentials - err: exit status 1, out: not implemented",
    "401 Unauthorized",
    "failed to solve",
    "403 Forbidden",
    "toomanyrequests",
    "ExpiredToken",
    "pull access denied … repository does not exist",
)
"""Messages of Docker and of registries that users search for."""


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_message_has_a_heading(heading: str) -> None:
    assert f"\n## `{heading}`\n" in page("docs/troubleshooting.md")


@pytest.mark.parametrize("heading", ["Docker Desktop", "Dev containers", "IMDS hop limit"])
def test_every_known_problem_has_a_heading(heading: str) -> None:
    assert f"\n## {heading}" in page("docs/troubleshooting.md")


@pytest.mark.parametrize("name", ["expired", "unauthorized", "hop limit"])
def test_the_errors_of_this_program_on_the_page_are_in_the_list(name: str) -> None:
    text, errors = page("docs/troubleshooting.md"), page("docs/reference/errors.md")
    quoted = {
        "expired": "the AWS credentials… have expired",
        "unauthorized": "is not authorized to perform",
        "hop limit": "the EC2 instance metadata requires a token, and did not return one (HTTP status 401)",
    }[name]
    assert quoted in errors
    assert quoted.replace("…", " …") in text


POLICIES = [json.loads(block) for block in blocks(page("docs/iam-policies.md"), "json")]


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_every_policy_is_complete(policy: dict[str, Any]) -> None:
    assert policy.keys() == {"Version", "Statement"}
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        # A policy of an identity has a resource; one of a repository or a role has a principal.
        assert ("Resource" in statement) != ("Principal" in statement)
        assert statement.keys() <= {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
        assert re.fullmatch(r"\*|arn:aws:(ecr|ecr-public|iam):.+", statement.get("Resource", "*"))
        actions = statement["Action"]
        assert actions
        for action in [actions] if isinstance(actions, str) else actions:
            service, _, operation = action.partition(":")
            # The only action here that is not an operation of the API.
            assert action == "sts:GetServiceBearerToken" or operation in operations(service)


@functools.cache
def operations(service: str) -> list[str]:
    return list(botocore.session.get_session().get_service_model(service).operation_names)


def test_the_policies_cover_every_action_that_doctor_checks() -> None:
    text = json.dumps(POLICIES)
    doctor = page("docs/reference/doctor.md")
    checked = set(re.findall(r"`ecr:(\w+)`", doctor)) - {"DescribeImages", "CreateRepository"}
    assert {action for action in checked if f'"ecr:{action}"' not in text} == set()


CLAIMS = {
    row[-1].strip("`"): row[0]
    for row in table(page("docs/security-model.md"))
    if row[-1].startswith("`tests/")
}


@pytest.mark.parametrize("test", CLAIMS)
def test_every_claim_of_the_security_model_has_its_test(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"def {name}(" in page(file), CLAIMS[test]


def test_every_row_of_claims_names_a_test() -> None:
    text = page("docs/security-model.md")
    rows = [row for row in table(text) if len(row) == 2]
    assert [row for row in rows if row[1] not in {"test", "---"} and row[1].strip("`") not in CLAIMS] == []
    assert len(CLAIMS) > 30


YAML = [(path.name, block) for path in PAGES for block in blocks(path.read_text(encoding="utf-8"), "yaml")]
OBJECTS = [(name, text) for name, text in YAML if text.startswith("apiVersion: ")]
WORKFLOWS = [(name, text) for name, text in YAML if (name, text) not in OBJECTS]


@pytest.mark.parametrize(("name", "text"), OBJECTS)
def test_every_kubernetes_object_matches_its_schema(name: str, text: str) -> None:
    assert check_objects(text), name


@pytest.mark.parametrize(("name", "text"), WORKFLOWS)
def test_every_workflow_is_well_formed(name: str, text: str) -> None:
    (workflow,) = parse_yaml(text, types=False)
    if "jobs" in workflow:
        check_github(workflow)
    elif "phases" in workflow:
        assert workflow["version"] == "0.2"
        assert all(phase["commands"] for phase in workflow["phases"].values())
    else:
        jobs = {key: job for key, job in workflow.items() if key not in {"variables", "image", "stages"}}
        assert jobs, name
        assert all(job["script"] for job in jobs.values())
        if "variables" in workflow:
            docker = json.loads(workflow["variables"]["DOCKER_AUTH_CONFIG"])
            assert docker == {"credHelpers": {HOST: "ecr-py"}}


RUNS = [
    step["run"]
    for _, text in WORKFLOWS
    for job in parse_yaml(text, types=False)[0].get("jobs", {}).values()
    for step in job["steps"]
    if "run" in step and "install" not in step["run"]
]


def test_the_steps_of_the_github_workflows_run(
    shell: Shell, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-west-2")  # by configure-aws-credentials
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "output"))
    for run in RUNS:
        shell(f"set -e\n{run}")
    assert (tmp_path / "output").read_text().startswith("password=")
    assert (home / f"{HOST}.login").read_text() in (tmp_path / "output").read_text()


def check_github(workflow: dict[str, Any]) -> None:
    assert workflow.keys() == {"name", "on", "permissions", "jobs"}
    assert workflow["permissions"]["id-token"] == "write", "OpenID Connect needs it"
    for job in workflow["jobs"].values():
        assert job.keys() <= {"runs-on", "steps", "needs", "outputs", "services"}
        assert job.get("needs", next(iter(workflow["jobs"]))) in workflow["jobs"]
        for step in job["steps"]:
            assert len(step.keys() & {"uses", "run"}) == 1, step
            assert step.keys() <= {"uses", "run", "with", "id", "name", "env", "if"}
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step.get("uses", "a/b@v1"))
            if "docker-credential-ecr-py" in step.get("run", "") and "install" not in step["run"]:
                earlier = job["steps"][: job["steps"].index(step)]
                assert any("configure-aws-credentials" in before.get("uses", "") for before in earlier)
