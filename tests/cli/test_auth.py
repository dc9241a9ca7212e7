"""``auth``: the Docker configuration and the Kubernetes secret that it prints."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecr_credhelper.cli.kubernetes import EXPIRY_ANNOTATION, NAMES, problem_of_name
from ecr_credhelper.helper import Helper
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from ecr_credhelper.token import HOUR
from tests.cli.test_commands import error_of
from tests.conftest import HOST, OTHER_ACCOUNT, OTHER_REGION, PUBLIC, Run
from tests.docker_files import here, write_settings
from tests.kubernetes_schemas import check_objects
from tests.terminals import run_in_terminal

PROG = "docker-credential-ecr-py"
ACCOUNT = "111122223333"


@pytest.fixture
def call(ask: Run) -> Run:
    return ask


def printed(call: Run, *argv: str) -> Any:
    """Run ``auth`` and return the JSON that it prints, without a word on standard error."""
    result = call("auth", *argv)
    assert (result.status, result.stderr) == (0, b""), result
    text = result.stdout.decode()
    content = json.loads(text)
    assert text == f"{json.dumps(content, indent=2, sort_keys=True)}\n"
    return content


def passwords(docker_config: Any) -> dict[str, str]:
    """Return the password of each host in a Docker configuration that contains nothing else."""
    assert docker_config.keys() == {"auths"}
    found = {}
    for host, entry in docker_config["auths"].items():
        username, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
        assert (username, entry.keys()) == ("AWS", {"auth"})
        found[host] = password
    return found


def docker_config_in(secret: Any) -> Any:
    return json.loads(base64.b64decode(secret["data"][".dockerconfigjson"], validate=True))


def cache_token(aws: FakeECR, age: float, host: str = HOST) -> str:
    """Put a token into the cache that was fetched some hours ago, and return its password."""
    clock, aws.clock = aws.clock, lambda: time.time() - age * HOUR
    reply = Helper(os.environ, aws.clock, print).run("get", io.BytesIO(host.encode()))
    aws.clock = clock
    assert reply.status == 0
    return str(json.loads(reply.stdout)["Secret"])


def test_auth_prints_a_docker_configuration(call: Run, aws: FakeECR) -> None:
    west = aws.password("us-west-2", serial=1)
    assert passwords(printed(call, HOST)) == {HOST: west}
    found = passwords(printed(call, OTHER_REGION, HOST, OTHER_ACCOUNT, PUBLIC))
    assert found == {
        HOST: west,
        OTHER_ACCOUNT: west,
        OTHER_REGION: aws.password("eu-central-1", serial=2),
        PUBLIC: aws.password("us-east-1", service="ecr-public", serial=3),
    }
    assert len(aws.calls) == 3


@pytest.mark.usefixtures("aws")
def test_every_form_of_a_registry_is_one_entry(call: Run) -> None:
    arn = f"arn:aws:ecr:us-west-2:{ACCOUNT}:repository/app"
    forms = [HOST, HOST, f"https://{HOST}", f"{HOST}/team/app:1", arn, ACCOUNT]
    assert [*passwords(printed(call, *forms, "--region", "us-west-2"))] == [HOST]


@pytest.mark.usefixtures("aws")
def test_the_key_is_the_host_in_the_names_of_images(call: Run, home: Path) -> None:
    write_settings(home, '[registry."images.example.com:5000"]\nregion = "us-west-2"\n')
    found = passwords(printed(call, "images.example.com:5000/app:1", f"{HOST}:443/app"))
    assert [*found] == [f"{HOST}:443", "images.example.com:5000"]


def test_the_options_select_the_identity(call: Run, aws: FakeECR, home: Path) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text("[dev]\naws_access_key_id = AKIADEV\naws_secret_access_key = s\n")
    aws.identities["AKIADEV"] = "s"
    printed(call, HOST, "--profile", "dev")
    assert [call.access_key for call in aws.calls] == ["AKIADEV"]


def test_a_secret_contains_the_configuration_and_its_expiry(call: Run, aws: FakeECR) -> None:
    before = time.time()
    secret = printed(call, HOST, OTHER_REGION, "--kubernetes-secret", "ecr.pull-secret")
    assert [secret] == check_objects(json.dumps(secret))
    assert secret["type"] == "kubernetes.io/dockerconfigjson"
    assert secret["metadata"].keys() == {"name", "annotations"}
    assert secret["metadata"]["name"] == "ecr.pull-secret"
    assert passwords(docker_config_in(secret)).keys() == {HOST, OTHER_REGION}
    expires_at = secret["metadata"]["annotations"][EXPIRY_ANNOTATION]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", expires_at)
    moment = datetime.fromisoformat(expires_at).astimezone(UTC).timestamp()
    assert before + aws.lifetime - 1 <= moment <= time.time() + aws.lifetime


def test_a_secret_expires_with_the_first_of_its_logins(call: Run, aws: FakeECR) -> None:
    cache_token(aws, 5, OTHER_REGION)
    alone = printed(call, OTHER_REGION, "--kubernetes-secret", "ecr")
    both = printed(call, HOST, OTHER_REGION, "--kubernetes-secret", "ecr")
    assert both["metadata"] == alone["metadata"]
    assert printed(call, HOST, "--kubernetes-secret", "ecr")["metadata"] != alone["metadata"]


@pytest.mark.usefixtures("aws")
def test_a_secret_can_have_a_namespace(call: Run) -> None:
    secret = printed(call, HOST, "--kubernetes-secret", "ecr", "--namespace", "team-a")
    assert [secret] == check_objects(json.dumps(secret))
    assert secret["metadata"]["namespace"] == "team-a"


def test_the_annotation_has_a_valid_name() -> None:
    # https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/
    prefix, _, name = EXPIRY_ANNOTATION.partition("/")
    assert not problem_of_name(prefix, "secret")
    assert re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", name)


# -- how long a login is valid


@pytest.mark.parametrize(("age", "calls"), [(0, 0), (8.9, 0), (9.1, 1), (11.9, 1)])
def test_a_login_is_valid_for_a_quarter_of_a_day_or_longer(
    call: Run, age: float, calls: int, aws: FakeECR
) -> None:
    cached = cache_token(aws, age)
    found = passwords(printed(call, HOST))[HOST]
    assert (len(aws.calls) - 1, found == cached) == (calls, not calls)


def test_a_login_in_the_last_quarter_of_its_life_is_not_printed_if_aws_fails(call: Run, aws: FakeECR) -> None:
    cached = cache_token(aws, 11.9)
    aws.faults.extend([Fault.aws("AccessDeniedException")] * 2)
    # The failed get serves the token for another minute without calling AWS again.
    assert call("get", stdin=HOST).reply["Secret"] == cached
    assert "AWS denies GetAuthorizationToken" in error_of(call("auth", HOST))
    assert passwords(printed(call, HOST))[HOST] != cached


# -- all or nothing


def test_one_failure_is_an_error_and_nothing_is_printed(call: Run, aws: FakeECR) -> None:
    printed(call, HOST)
    aws.faults.append(Fault.aws("AccessDeniedException"))
    error = error_of(call("auth", HOST, OTHER_REGION, "--kubernetes-secret", "ecr"))
    assert error.startswith(f"{PROG}: {OTHER_REGION}: AWS denies GetAuthorizationToken")


def test_all_registries_are_checked_before_calling_aws(call: Run, aws: FakeECR) -> None:
    result = call("auth", "11112222333", HOST, "ghcr.io")
    first, second = result.stderr.decode().splitlines()
    assert first == f"{PROG}: 11112222333 has 11 digits; an AWS account ID has 12"
    assert second.startswith(f"{PROG}: ghcr.io: not an Amazon ECR registry")
    assert (result.status, result.stdout, aws.calls) == (1, b"", [])


# -- the command line


@pytest.mark.parametrize(("argv", "error"), [
    ([], "the following arguments are required: HOST; run: docker-credential-ecr-py auth --help"),
    ([HOST, "--namespace", "team-a"],
     "--namespace needs a secret; use --kubernetes-secret NAME --namespace NAMESPACE"),
    ([HOST, "--kubernetes-secret", "ECR"],
     'argument --kubernetes-secret: found "ECR", expected at most 253 lowercase letters, digits, hyphens and '
     f"dots, with a letter or digit at both ends; run: {PROG} auth --help"),
    ([HOST, "--kubernetes-secret", "ecr", "--namespace", "team.a"],
     'argument --namespace: found "team.a", expected at most 63 lowercase letters, digits and hyphens, '
     f"with a letter or digit at both ends; run: {PROG} auth --help"),
])  # fmt: skip
def test_a_wrong_command_line_is_one_line(call: Run, argv: list[str], error: str, aws: FakeECR) -> None:
    result = call("auth", *argv)
    assert (result.status, result.stdout) == (2, b"")
    assert result.stderr.decode() == f"{PROG} auth: {error}\n"
    assert not aws.calls


@pytest.mark.parametrize(("kind", "right"), [
    *(("secret", name) for name in ("a", "0", "a-b", "a.b", "a.0-1.b", "a" * 253)),
    *(("namespace", name) for name in ("a", "0", "a-b", "a" * 63)),
])  # fmt: skip
def test_valid_names_are_accepted(kind: str, right: str) -> None:
    assert not problem_of_name(right, kind)


@pytest.mark.parametrize(("kind", "wrong"), [
    *(("secret", name) for name in ("", "-a", "a-", ".a", "a.", "a..b", "a.-b", "a_b", "A", "a\n", "é")),
    ("secret", "a" * 254),
    *(("namespace", name) for name in ("", "-a", "a-", "a.b", "A", "a\n", "a" * 64)),
])  # fmt: skip
def test_invalid_names_are_rejected(kind: str, wrong: str) -> None:
    problem = problem_of_name(wrong, kind)
    assert problem
    assert len(problem) < 300


@given(st.text(), st.sampled_from([*NAMES]))
def test_any_text_is_a_name_or_a_problem(text: str, kind: str) -> None:
    if not problem_of_name(text, kind):
        assert re.fullmatch(r"[a-z0-9.-]+", text)
        assert text[0] not in "-."
        assert text[-1] not in "-."


def test_logins_on_a_terminal_come_with_a_warning(aws: FakeECR) -> None:
    for session in (run_in_terminal("auth", HOST), here("auth", HOST, typed="")):
        assert session.status == 0
        assert "warning: the passwords are visible on your screen; " in session.screen
    assert len(aws.calls) == 1
