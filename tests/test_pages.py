"""What the pages for users promise: their commands run, and their policies are well-formed."""

from __future__ import annotations

import functools
import json
import re
import shlex
import textwrap
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from ecr_credhelper.cli.arguments import parse
from ecr_credhelper.helper import VERBS
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST
from tests.docker_files import load
from tests.fake_sts import FakeSTS
from tests.installers import INSTALLERS, OFFLINE, UNINSTALLERS, WHEELS
from tests.kubernetes_schemas import check_objects
from tests.pages import BLOCK, PAGES, ROOT, blocks, page, section, session, table
from tests.systems import documents
from tests.user_shell import PROGRAM, Shell
from tests.workflows import parse as parse_yaml
from tests.workflows import system_of

pytestmark = documents


def test_the_first_session_of_the_readme_ends_in_a_pull(shell: Shell, aws: FakeECR, home: Path) -> None:
    configure, pull = session(page("README.md"))
    shell(configure)
    assert shell(pull) == f"pulled {HOST}/app:1\n"
    assert len(aws.calls) == 1
    shell(f"{PROGRAM} unconfigure --yes")
    assert not (home / ".docker/config.json").exists()


REPLACEMENTS = {
    row[0]: line
    for row in table(section(page("README.md"), "## Replace your current login"))
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

    def ratio(what: str, baseline: str) -> float:
        (found,) = re.findall(rf"^\| {what} \| {baseline} \| \*\*([\d.]+)\*\*", measured, re.MULTILINE)
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


def test_the_usage_of_doctor_is_that_of_its_help() -> None:
    usage = blocks(page("docs/reference/doctor.md"), "text")[0]
    assert usage in blocks(page("docs/reference/commands.md"), "text")


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
    "ImagePullBackOff",
    "error execing credential provider plugin",
)
"""Messages of Docker, registries and the kubelet that users search for."""


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


POLICIES = [
    json.loads(block)
    for name in ("iam-policies", "how-to/kubernetes-nodes")
    for block in blocks(page(f"docs/{name}.md"), "json")
]


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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (path.name, block)
        for path in PAGES
        for block in blocks(path.read_text(encoding="utf-8"), "yaml")
        if system_of(parse_yaml(block)) is None
    ],
)
def test_every_kubernetes_object_matches_its_schema(name: str, text: str) -> None:
    assert check_objects(text), name
