"""Every credential source, with fakes on loopback. The first get calls AWS, the second one does not."""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.utils import generate_login_cache_key

from ecr_credhelper.helper import Helper
from ecr_credhelper.testing.fake_ecr import POLL_INTERVAL, FakeECR
from tests import systems
from tests.conftest import HOST, run
from tests.docker_files import tree, write_settings
from tests.fake_sts import FakeSTS, error_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROLE = "arn:aws:iam::111122223333:role/puller"


@pytest.fixture
def sts(api: FakeECR) -> Iterator[FakeSTS]:
    with FakeSTS(api.identities) as fake:
        yield fake


class Containers(HTTPServer):
    """The credentials endpoint of ECS and EKS containers."""

    def __init__(self, api: FakeECR) -> None:
        self.override: list[str] = []
        super().__init__(("127.0.0.1", 0), _containers_handler(api, self.override))


def _containers_handler(api: FakeECR, asked: list[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers.get("Authorization", ""))
            keys = {"AccessKeyId": api.access_key, "SecretAccessKey": api.secret_key, "Token": "t"}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({**keys, "Expiration": "2099-01-01T00:00:00Z"}).encode())

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler


@pytest.fixture
def containers(api: FakeECR) -> Iterator[Containers]:
    with Containers(api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_INTERVAL,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def log_in(home: Path, api: FakeECR) -> None:
    """Write the files of ``aws login``: temporary credentials and a refresh token."""
    keys = {
        "accessKeyId": api.access_key,
        "secretAccessKey": api.secret_key,
        "sessionToken": "t",
        "accountId": "111122223333",
        "expiresAt": "2099-01-01T00:00:00Z",
    }
    token = {"accessToken": keys, "refreshToken": "r", "dpopKey": "d", "clientId": "c"}
    cache = home / ".aws/login/cache"
    cache.mkdir(parents=True)
    name = generate_login_cache_key("arn:aws:iam::111122223333:user/me")
    (cache / f"{name}.json").write_text(json.dumps(token))


class Instance(HTTPServer):
    """The metadata service of an EC2 instance, version 2."""

    def __init__(self, api: FakeECR) -> None:
        self.has_role = True
        self.override: list[str] = []
        super().__init__(("127.0.0.1", 0), _instance_handler(self, api))


def _instance_handler(instance: Instance, api: FakeECR) -> type[BaseHTTPRequestHandler]:
    roles = "/latest/meta-data/iam/security-credentials/"
    keys = {
        "Code": "Success",
        "AccessKeyId": api.access_key,
        "SecretAccessKey": api.secret_key,
        "Token": "t",
        "Expiration": "2099-01-01T00:00:00Z",
    }
    answers = {"/latest/api/token": "a-token", roles: "puller", f"{roles}puller": json.dumps(keys)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            instance.override.append(self.path)
            found = self.path in answers and (instance.has_role or self.path != roles)
            self.send_response(200 if found else 404)
            self.end_headers()
            self.wfile.write(answers[self.path].encode() if found else b"")

        def do_PUT(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    return Handler


@pytest.fixture
def instance(api: FakeECR, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    with Instance(api) as server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_INTERVAL,))
        thread.start()
        monkeypatch.delenv("AWS_EC2_METADATA_DISABLED")
        url = f"http://127.0.0.1:{server.server_port}"
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        monkeypatch.setenv("AWS_METADATA_SERVICE_TIMEOUT", "30")  # a busy machine can need more than a second
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def person(home: Path, api: FakeECR, sts: FakeSTS, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Configure a profile with each credential source, and the fake endpoints."""
    keys = f"aws_access_key_id = {api.access_key}\naws_secret_access_key = {api.secret_key}\n"
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").write_text(f"[keys]\n{keys}")
    (home / "keys.json").write_text(
        json.dumps({"Version": 1, "AccessKeyId": api.access_key, "SecretAccessKey": api.secret_key})
    )
    (home / "process").write_text(f"echo >>{home}/processes\ncat {home}/keys.json\n")
    (home / ".aws" / "config").write_text(
        f"[profile role]\nrole_arn = {ROLE}\nsource_profile = keys\n"
        f"[profile chain]\nrole_arn = {ROLE}-of-another\nsource_profile = role\n"
        f"[profile web]\nrole_arn = {ROLE}\nweb_identity_token_file = {home}/web-identity\n"
        "[profile legacy]\nsso_start_url = https://example.invalid/start\nsso_region = us-east-1\n"
        "sso_account_id = 111122223333\nsso_role_name = r\n"
        "[profile login]\nlogin_session = arn:aws:iam::111122223333:user/me\n"
        f"[profile process]\ncredential_process = /bin/sh {home}/process\n"
        "[profile sso]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n"
        "[sso-session s]\nsso_start_url = https://example.invalid/start\nsso_region = us-east-1\n"
    )
    (home / "web-identity").write_text("a-web-identity-token")
    sts.log_in(home, "s")
    sts.log_in(home, "https://example.invalid/start")
    log_in(home, api)
    monkeypatch.setenv("AWS_ENDPOINT_URL", api.url)
    for name, value in sts.environment.items():
        monkeypatch.setenv(name, value)
    return home


@systems.scripts
@pytest.mark.parametrize(
    ("profile", "actions"),
    [
        ("keys", []),
        ("role", ["AssumeRole"]),
        ("chain", ["AssumeRole", "AssumeRole"]),
        ("web", ["AssumeRoleWithWebIdentity"]),
        ("sso", ["GetRoleCredentials"]),
        ("legacy", ["GetRoleCredentials"]),
        ("login", []),
        ("process", []),
    ],
)
def test_a_cached_get_calls_neither_aws_nor_a_credential_process(
    profile: str,
    actions: list[str],
    person: Path,
    api: FakeECR,
    sts: FakeSTS,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", profile)
    first = run("get", stdin=HOST).reply
    processes = person / "processes"
    started = processes.read_text() if processes.exists() else ""
    assert started.count("\n") == (1 if profile == "process" else 0)
    assert run("get", stdin=HOST).reply == first
    assert [call.action for call in sts.calls] == actions
    assert api.requests == 1
    assert (processes.read_text() if processes.exists() else "") == started


@pytest.mark.usefixtures("person")
def test_container_credentials_are_fetched_once(
    api: FakeECR, containers: Containers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{containers.server_port}/v1/credentials"
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    (tmp_path / "token").write_text("a-pod-token")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(tmp_path / "token"))
    first = run("get", stdin=HOST).reply
    asked = containers.override[:]  # botocore retries if a busy machine needs more than two seconds
    assert run("get", stdin=HOST).reply == first
    assert containers.override == asked
    assert set(asked) == {"a-pod-token"}
    assert api.requests == 1


@pytest.mark.usefixtures("person")
def test_instance_credentials_are_fetched_once(api: FakeECR, instance: Instance) -> None:
    first = run("get", stdin=HOST).reply
    asked = len(instance.override)
    assert run("get", stdin=HOST).reply == first
    assert (len(instance.override), api.requests) == (asked, 1)


@pytest.mark.usefixtures("person")
def test_an_instance_without_a_role_is_an_error_that_is_remembered(instance: Instance) -> None:
    instance.has_role = False
    error = run("get", stdin=HOST).error
    assert "no AWS credentials found" in error
    assert (
        len(instance.override) == 2
    )  # for a token and for the roles: looking twice would take twice as long
    assert "no AWS credentials found" in run("get", stdin=HOST).error
    assert len(instance.override) == 2


@pytest.mark.usefixtures("person")
def test_a_failing_container_endpoint_is_an_error(
    containers: Containers, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{containers.server_port}/v1/credentials"
    containers.shutdown()
    containers.server_close()
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)  # seconds before each retry
    reply = Helper(os.environ, time.time, print).run("get", io.BytesIO(HOST.encode()))
    assert b"the container credentials endpoint cannot be reached" in reply.stderr
    assert (reply.status, reply.stdout) == (1, reply.stderr)


def test_a_missing_aws_login_session_is_an_error(person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in (person / ".aws/login/cache").iterdir():
        file.unlink()
    monkeypatch.setenv("AWS_PROFILE", "login")
    assert "run: aws login --profile login" in run("get", stdin=HOST).error


@pytest.mark.usefixtures("person")
def test_a_rejected_web_identity_is_an_error(sts: FakeSTS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "web")
    sts.faults.append(error_xml("ExpiredTokenException", "a-web-identity-token has expired"))
    error = run("get", stdin=HOST).error
    assert "the web identity token of profile web has expired" in error
    assert "a-web-identity-token" not in error


@pytest.mark.usefixtures("person")
def test_cached_tokens_are_served_after_the_sso_session_expires(
    sts: FakeSTS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "sso")
    first = run("get", stdin=HOST).reply
    for folder in (".aws/sso/cache", ".aws/cli/cache"):
        for file in (home / folder).iterdir():
            file.unlink()
    assert run("get", stdin=HOST).reply == first
    other = HOST.replace("us-west-2", "eu-central-1")
    assert "run: aws sso login --profile sso" in run("get", stdin=other).error
    assert len(sts.calls) == 1


@pytest.mark.usefixtures("person")
def test_a_denied_assume_role_call_is_an_error(sts: FakeSTS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "role")
    user = "arn:aws:iam::111122223333:user/u"
    message = f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    sts.faults.append(error_xml("AccessDenied", message))
    assert f"{user} is not authorized to perform sts:AssumeRole on {ROLE}; " in run("get", stdin=HOST).error


@pytest.mark.usefixtures("instance")
@pytest.mark.parametrize("source", ["Environment", "EcsContainer", "Ec2InstanceMetadata"])
def test_a_role_with_a_credential_source_is_assumed_by_the_current_identity(
    source: str, person: Path, api: FakeECR, containers: Containers, sts: FakeSTS,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """The AWS CLI's cache does not distinguish the sources. It is neither read nor written."""
    with (person / ".aws/config").open("a") as file:
        file.write(f"[profile source]\nrole_arn = {ROLE}\ncredential_source = {source}\n")
        file.write(f"[profile chain-from-source]\nrole_arn = {ROLE}-of-another\nsource_profile = source\n")
    write_settings(person, '[registry.111122223333]\nprofile = "source"\n')
    if source == "Environment":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", api.access_key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", api.secret_key)
    elif source == "EcsContainer":
        url = f"http://127.0.0.1:{containers.server_port}/v1/credentials"
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
    cached = json.dumps(
        {
            "Credentials": {
                "AccessKeyId": "ASIAOFANOTHERIDENTITY",
                "SecretAccessKey": "s",
                "SessionToken": "t",
                "Expiration": "2099-01-01T00:00:00Z",
            }
        }
    )
    cache = person / ".aws/cli/cache"
    cache.mkdir(parents=True)
    for role in (ROLE, f"{ROLE}-of-another"):
        name = hashlib.sha1(json.dumps({"RoleArn": role}).encode(), usedforsecurity=False).hexdigest()
        (cache / f"{name}.json").write_text(cached)
    before = tree(cache)
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert [(call.parameters["RoleArn"], call.access_key) for call in sts.calls] == [(ROLE, api.access_key)]
    write_settings(person, '[registry.111122223333]\nprofile = "chain-from-source"\n')
    assert run("get", stdin=HOST).reply["Username"] == "AWS"
    assert [call.parameters["RoleArn"] for call in sts.calls[1:]] == [ROLE, f"{ROLE}-of-another"]
    assert tree(cache) == before
