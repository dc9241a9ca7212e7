"""Credentials in the shapes that programs need, and the arguments of an assumed role."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ecr_credhelper import ConfigurationError, CredentialProvider, get_credentials
from ecr_credhelper.docker.config import parsed
from ecr_credhelper.testing.fake_ecr import FakeECR
from tests.conftest import HOST, OTHER_ACCOUNT, PUBLIC
from tests.docker_files import write_settings
from tests.fake_sts import FakeSTS

ROLE = "arn:aws:iam::111122223333:role/puller"


@pytest.fixture
def sts(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSTS]:
    with FakeSTS(aws.identities) as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        yield fake


def test_auth_config_is_the_dictionary_of_docker_py(aws: FakeECR) -> None:
    login = get_credentials(HOST)
    assert login.auth_config == {"username": "AWS", "password": login.password, "serveraddress": HOST}
    assert len(aws.calls) == 1


@pytest.mark.usefixtures("aws")
def test_docker_config_is_read_by_docker() -> None:
    first, *others = map(get_credentials, (HOST, OTHER_ACCOUNT, PUBLIC))
    text = json.dumps(first.docker_config(others))
    config = parsed("config.json", text)
    assert config.logins() == {HOST: "AWS", OTHER_ACCOUNT: "AWS", PUBLIC: "AWS"}
    assert config.login(PUBLIC) == ("AWS", others[-1].password)
    assert first.docker_config() == {"auths": {HOST: json.loads(text)["auths"][HOST]}}
    assert base64.b64decode(first.docker_config()["auths"][HOST]["auth"]) == f"AWS:{first.password}".encode()


@pytest.mark.usefixtures("aws")
def test_copies_contain_the_password_and_texts_do_not() -> None:
    login = get_credentials(HOST)
    assert pickle.loads(pickle.dumps(login)) == copy.deepcopy(login) == login
    assert dataclasses.asdict(login)["password"] == login.password
    assert login.password not in f"{login!r} {login!s}"


@pytest.mark.usefixtures("aws")
def test_a_role_is_assumed_with_the_arguments(sts: FakeSTS) -> None:
    arguments: Any = {"role_session_name": "build-7", "external_id": "partner", "duration": 900}
    first = get_credentials(HOST, role_arn=ROLE, **arguments)
    (call,) = sts.calls
    assert call.parameters["RoleArn"] == ROLE
    assert call.parameters["RoleSessionName"] == "build-7"
    assert call.parameters["ExternalId"] == "partner"
    assert call.parameters["DurationSeconds"] == "900"
    assert get_credentials(HOST, role_arn=ROLE, **arguments) == first
    with CredentialProvider(role_arn=ROLE, **arguments) as provider:
        assert provider.get_credentials(HOST).password == first.password
    assert len(sts.calls) == 1


@pytest.mark.parametrize("changed", ["role_session_name", "external_id"])
def test_roles_with_other_arguments_share_no_token(changed: str, aws: FakeECR, sts: FakeSTS) -> None:
    arguments: Any = {"role_session_name": "build-7", "external_id": "partner"}
    passwords = {
        get_credentials(HOST, role_arn=ROLE, **{**arguments, **other}).password
        for other in ({}, {changed: "another"}, {})
    }
    assert len(passwords) == len(aws.calls) == len(sts.calls) == 2


@pytest.mark.usefixtures("aws")
def test_the_arguments_mean_the_same_as_the_settings(sts: FakeSTS, home: Path) -> None:
    rule = f'[registry."{HOST}"]\nrole_arn = "{ROLE}"\nexternal_id = "partner"\nrole_session_name = "b-7"\n'
    write_settings(home, rule)
    by_settings = get_credentials(HOST)
    by_argument = get_credentials(HOST, role_arn=ROLE, external_id="partner", role_session_name="b-7")
    assert by_argument.password == by_settings.password
    assert len(sts.calls) == 1


@pytest.mark.parametrize(("name", "value"), [
    ("role_session_name", "a b"),
    ("external_id", "x"),
    ("duration", 899),
    ("duration", 43201),
    ("duration", 0),
])  # fmt: skip
def test_an_invalid_argument_of_a_role_is_an_error(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}: found"):
        get_credentials(HOST, role_arn=ROLE, **{name: value})


@pytest.mark.parametrize("function", [CredentialProvider, partial(get_credentials, HOST)])
def test_the_arguments_of_a_role_need_the_role(function: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="external_id and duration can only be passed with role_arn"):
        function(external_id="partner", duration=900)
