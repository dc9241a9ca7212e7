"""The check of the actions of a push: it pushes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ecr_credhelper import cli
from ecr_credhelper.doctor.pushes import REQUESTS
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.conftest import HOST, login, run
from tests.doctor_findings import Doctor, settings
from tests.fake_registry import BEARER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fake_registry import FakeRegistry

pytest_plugins = ("tests.doctor_fixtures",)

CALLER = "arn:aws:sts::111122223333:assumed-role/dev/me"
REPOSITORY = "arn:aws:ecr:us-west-2:111122223333:repository/app"
ELSEWHERE = "; the policy of a repository in another account must allow it too"


def denial(action: str, suffix: str = "") -> Fault:
    message = f"User: {CALLER} is not authorized to perform: ecr:{action} on resource: {REPOSITORY}{suffix}"
    return Fault.aws("AccessDeniedException", message)


@pytest.fixture
def image(well: str, registry: FakeRegistry, aws: FakeECR) -> str:
    """Return an image that the identity can pull and push."""
    registry.images["/v2/app/manifests/1"] = 200, b"{}"
    aws.operations |= {
        "BatchCheckLayerAvailability": Fault(200, b"{}"),
        "InitiateLayerUpload": Fault(200, b'{"uploadId": "x", "partSize": 1}'),
        "UploadLayerPart": Fault.aws("UploadNotFoundException"),
        "CompleteLayerUpload": Fault.aws("UploadNotFoundException"),
        "PutImage": Fault.aws("InvalidParameterException"),
    }
    return f"{well}/app:1"


def test_push_is_checked_only_on_request(image: str, doctor: Doctor) -> None:
    assert doctor(image).findings("push") == []
    found = doctor(image, "--push")
    assert found.status == 0
    assert found.finding("push") == ("ok", "the AWS identity may push to app", "")


@pytest.mark.parametrize("denied", [[*REQUESTS], ["InitiateLayerUpload"], ["PutImage", "UploadLayerPart"]])
def test_push_reports_all_denied_actions_at_once(
    denied: list[str], image: str, aws: FakeECR, doctor: Doctor
) -> None:
    aws.operations |= {action: denial(action) for action in denied}
    actions = ", ".join(f"ecr:{action}" for action in REQUESTS if action in denied)
    found = doctor(image, "--push")
    assert found.status == 1
    assert found.finding("push") == (
        "failure",
        f"denied: {CALLER} is not authorized to perform {actions} on {REPOSITORY}",
        f"allow {actions} in a policy of that identity{ELSEWHERE}",
    )
    assert found.finding("pull")[0] == "ok"


def test_a_denial_without_a_message_names_the_actions(image: str, aws: FakeECR, doctor: Doctor) -> None:
    aws.operations["PutImage"] = Fault.aws("AccessDeniedException")
    assert doctor(image, "--push").finding("push") == (
        "failure",
        "denied: this identity is not authorized to perform ecr:PutImage",
        f"allow ecr:PutImage in a policy of that identity{ELSEWHERE}",
    )


@pytest.mark.parametrize("code", ["ServerException", "ThrottlingException", "KmsException"])
def test_another_error_is_reported(code: str, image: str, aws: FakeECR, doctor: Doctor) -> None:
    aws.operations["PutImage"] = Fault.aws(code)
    result, text, _ = doctor(image, "--push").finding("push")
    assert result == "failure"
    assert "may push" not in text


def test_a_tag_need_not_exist_before_its_push(image: str, registry: FakeRegistry, doctor: Doctor) -> None:
    registry.images["/v2/app/manifests/1"] = 404, b""
    found = doctor(image, "--push")
    assert found.status == 0
    assert found.finding("pull")[:2] == ("note", f"{image} does not exist yet")
    assert found.finding("push")[0] == "ok"


def test_nothing_is_called_without_a_repository(
    image: str, registry: FakeRegistry, aws: FakeECR, doctor: Doctor
) -> None:
    registry.images["/v2/app/manifests/1"] = 404, b'{"errors": [{"code": "NAME_UNKNOWN"}]}'
    aws.operations.clear()
    result, text, _ = doctor(image, "--push").finding("push")
    assert (result, text.partition(",")[0]) == ("note", "not checked: the repository does not exist")


def test_a_stored_login_has_no_known_identity(image: str, doctor: Doctor) -> None:
    run("store", stdin=login(image.partition("/")[0]))
    assert doctor(image, "--push").finding("push")[:2] == (
        "note", "not checked: a stored docker login is used, whose identity is not known"
    )  # fmt: skip


def test_the_public_registry_is_not_checked(
    image: str, home: Path, registry: FakeRegistry, aws: FakeECR, doctor: Doctor
) -> None:
    settings(home, f'[registry."{registry.host}"]\npublic = true\n')
    registry.public = True
    registry.logins.add(f"AWS:{aws.password('us-east-1', service='ecr-public', serial=1)}")
    assert BEARER
    found = doctor(image, "--push")
    assert found.finding("push")[:2] == ("note", "not checked: this is the public registry")


def test_push_uses_the_default_registry_for_a_host_without_account(
    image: str, home: Path, registry: FakeRegistry, doctor: Doctor
) -> None:
    settings(home, f'[registry."{registry.host}"]\nregion = "us-west-2"\n')
    assert doctor(image, "--push").finding("push")[0] == "ok"


@pytest.mark.parametrize("argv", [[], [HOST], [f"{HOST}/App"]])
def test_push_without_an_image_is_a_usage_error(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["doctor", "--push", *argv]) == 2
    error = "docker-credential-ecr-py doctor: --push needs an image; use doctor HOST/REPOSITORY:TAG --push\n"
    assert capsys.readouterr() == ("", error)
