"""The requests that the executable sends are those of docs/explanation/what-leaves-this-machine.md.

Each command runs as a process that reports every connection.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from typing import NamedTuple

import pytest
from botocore.session import Session
from botocore.utils import generate_login_cache_key

from ecr_credhelper import cli
from ecr_credhelper.helper import VERBS, Helper
from tests.commands import output_of
from tests.conftest import HOST, OTHER_REGION, PUBLIC, login, run, until
from tests.docker_files import write, write_settings
from tests.fake_aws import AWS, LATER, PASSWORD, PATHS, TARGETS, USER
from tests.fake_registry import Certificate, FakeRegistry
from tests.kubelet.node import ServiceAccount, request
from tests.man_page import ROOT, table

PAGE = ROOT / "docs/explanation/what-leaves-this-machine.md"
COMMANDS = {row[0]: row[1:] for row in table(PAGE, "command", "AWS events", "registry requests")}
SOURCES = dict(table(PAGE, "source", "requests before `GetAuthorizationToken`"))
TOKEN = "ecr.amazonaws.com GetAuthorizationToken"
HOUR = 3600
ROLE = "arn:aws:iam::111122223333:role/puller"
BEFORE = "2020-01-01T00:00:00Z"

WATCH = """
import os, sys

log = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_APPEND)

def report(event, values):
    if event == "socket.connect":
        os.write(log, f"{values[1]!r}\\n".encode())

sys.addaudithook(report)
if "doctor" in sys.argv:
    from ecr_credhelper.cli import doctor
    doctor.DOCTOR_SECONDS = 300  # for a busy machine
if "list" in sys.argv:
    from ecr_credhelper.fetch import listing
    listing.LIST_SECONDS = 300
from ecr_credhelper.__main__ import run
run()
"""
"""Runs the program and writes every address that it connects to."""


class Case(NamedTuple):
    """A command, with REGISTRY for the fake registry; a token of some ``age`` in hours can be cached."""

    argv: tuple[str, ...]
    stdin: str = ""
    age: int | None = None
    statuses: tuple[int, ...] = (0,)


DOCTOR = (0, 1)
"""Other findings, for example that no client is installed, do not matter here."""

IMAGE = request(f"{HOST}/app").decode()
POD = request(
    f"{HOST}/app", ServiceAccount("app", "a.b.c", {"eks.amazonaws.com/ecr-role-arn": ROLE})
).decode()
"""Requests of the kubelet, for a pull of the node and for one of a pod."""

CASES: dict[str, list[Case]] = {
    "get, cached": [Case(("get",), HOST, age=0)],
    "get, not cached": [Case(("get",), HOST), Case(("get",), "REGISTRY")],
    "get, in the last quarter of the token's life": [Case(("get",), HOST, age=10)],
    "the background refresh": [Case(("refresh-in-background", HOST), age=10)],
    "get, another registry": [Case(("get",), "ghcr.io", statuses=(1,))],
    "store": [Case(("store",), login(secret=PASSWORD))],
    "erase": [Case(("erase",), HOST, age=0)],
    "list, cached": [Case(("list",), age=0)],
    "list, not cached": [Case(("list",))],
    "configure HOST, without a terminal": [Case(("configure", OTHER_REGION, "--yes"))],
    "configure HOST --fetch": [Case(("configure", OTHER_REGION, "--yes", "--fetch"))],
    "unconfigure": [Case(("unconfigure", "--yes"))],
    "config": [Case(("config",)), Case(("config", "check"))],
    "status": [Case(("status",)), Case(("status",), age=0)],
    "cache": [Case(("cache",), age=0), Case(("cache", "clear"), age=0)],
    "login, password, header, auth, cached": [
        Case((name, HOST), age=0) for name in ("login", "password", "header", "auth")
    ],
    "login, password, header, auth, not cached": [
        Case((name, HOST)) for name in ("login", "password", "header", "auth")
    ],
    "auth, in the last quarter of the token's life": [Case(("auth", HOST), age=10)],
    "kubelet, cached": [Case(("kubelet",), IMAGE, age=0)],
    "kubelet, not cached": [Case(("kubelet",), IMAGE)],
    "kubelet, a service account with a role": [Case(("kubelet",), POD), Case(("kubelet",), POD, age=0)],
    "kubelet --print-config": [Case(("kubelet", "--print-config"))],
    "doctor": [Case(("doctor",), statuses=DOCTOR)],
    "doctor HOST, cached": [Case(("doctor", "REGISTRY"), age=0, statuses=DOCTOR)],
    "doctor HOST, not cached": [Case(("doctor", "REGISTRY"), statuses=DOCTOR)],
    "doctor HOST/REPOSITORY:TAG, not cached": [Case(("doctor", "REGISTRY/app:1"), statuses=DOCTOR)],
    "completion, help, version": [
        *(Case((*argv,)) for argv in (["completion", "bash"], ["help"], ["get", "--help"], ["version"])),
    ],
}
"""What to run for each row of the first table."""


@pytest.fixture
def aws(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AWS]:
    """Send all requests to one server, and configure a profile for each source of credentials."""
    write(home / "web-identity", "a-web-identity-token")
    keys = '{"Version": 1, "AccessKeyId": "AKIAFAKE", "SecretAccessKey": "s"}'
    write(home / "process.py", f"print({keys!r})")
    write(home / ".aws/credentials", "[keys]\naws_access_key_id = AKIAFAKE\naws_secret_access_key = s\n")
    write(
        home / ".aws/config",
        "[profile keys]\nregion = us-west-2\n"
        f"[profile role]\nrole_arn = {ROLE}\nsource_profile = keys\n"
        f"[profile web]\nrole_arn = {ROLE}\nweb_identity_token_file = {home}/web-identity\n"
        f"[profile login]\nlogin_session = {USER}\n"
        f"[profile process]\ncredential_process = {sys.executable} {home}/process.py\n"
        "[profile sso]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = r\n"
        "[sso-session s]\nsso_start_url = https://example.invalid/start\nsso_region = us-east-1\n",
    )
    with AWS() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_PROFILE", "keys")
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def registry(certificate: Certificate, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRegistry]:
    """Return a registry that the settings map to ECR, and configure Docker."""
    with FakeRegistry(certificate) as fake:
        rule = f'[registry."{fake.host}"]\nregion = "us-west-2"\naccount = "111122223333"\n'
        write_settings(home, rule)
        write(home / ".docker/config.json", json.dumps({"credHelpers": {HOST: "ecr-py"}}))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca))
        fake.logins.add(f"AWS:{PASSWORD}")
        fake.images["/v2/app/manifests/1"] = (200, b"{}")
        yield fake


def connections(case: Case, home: Path, host: str = "") -> set[int]:
    """Run a command and return the ports that it connected to. They must be ports of this machine."""
    log = write(home / "connections", "")
    argv = [argument.replace("REGISTRY", host) for argument in case.argv]
    program = (sys.executable, "-c", WATCH, str(log))
    result = run(*argv, stdin=case.stdin.replace("REGISTRY", host), program=program)
    assert result.status in case.statuses, result
    lines = log.read_text().splitlines()
    found = [re.match(r"\('(127\.0\.0\.1|::1)', (\d+)", line) for line in lines]
    assert None not in found, lines
    return {int(one[2]) for one in found if one}


def cache_token(aws: AWS, host: str, age: int) -> None:
    """Put a token into the cache that was fetched some hours ago, without a trace of its request."""
    aws.lifetime = (12 - age) * HOUR
    helper = Helper(os.environ, lambda: time.time() - age * HOUR, print)
    assert helper.run("get", io.BytesIO(host.encode())).status == 0
    assert aws.requests == [TOKEN]
    aws.requests.clear()


def requests_in(cell: str) -> list[str]:
    """Return the requests that a cell of the page names."""
    return sorted(filter(None, cell.split(", ")))


def test_the_page_has_a_row_for_every_command() -> None:
    assert [*COMMANDS] == [*CASES]
    words = set(re.findall(r"\w+", " ".join(COMMANDS)))
    assert words >= {*VERBS, *cli.NAMES}


@pytest.mark.parametrize(
    ("row", "case"),
    [(row, case) for row, cases in CASES.items() for case in cases],
    ids=lambda value: " ".join(value.argv) if isinstance(value, Case) else value,
)
def test_a_command_sends_only_the_requests_on_the_page(
    row: str, case: Case, aws: AWS, registry: FakeRegistry, home: Path
) -> None:
    events, paths = COMMANDS[row]
    if case.age is not None:
        cache_token(aws, registry.host if "REGISTRY" in case.argv else HOST, case.age)
    ports = connections(case, home, registry.host)
    if case == Case(("get",), HOST, age=10):  # It starts the background refresh, which is another process.
        assert ports == set()
        until(lambda: aws.requests)
        assert aws.requests.pop() == TOKEN
    assert sorted(name.rpartition(" ")[2] for name in aws.requests) == requests_in(events)
    asked = [
        f"GET {path}".replace("app", "REPOSITORY").replace("s/1", "s/TAG") for path, _ in registry.requests
    ]
    assert sorted(asked) == requests_in(paths)
    servers = {aws.port: events, int(registry.host.rpartition(":")[2]): paths}
    assert ports == {port for port, requests in servers.items() if requests}
    assert all(agent.startswith("Botocore/") for agent in aws.user_agents)
    assert all(agent.startswith("Python-urllib/3.") for agent in registry.user_agents)


def test_the_public_registry_exchanges_the_login_for_a_token(
    aws: AWS, registry: FakeRegistry, home: Path
) -> None:
    registry.public = True
    connections(Case(("doctor", "REGISTRY/app:1"), statuses=DOCTOR), home, registry.host)
    paths = {path.partition("?")[0] for path, _ in registry.requests}
    assert paths == {"/v2/", "/token/", "/v2/app/manifests/1"}
    assert "`GET /token/`" in PAGE.read_text(encoding="utf-8")
    assert len(aws.requests) == 2


def test_a_public_login_has_its_own_event(aws: AWS, home: Path) -> None:
    assert connections(Case(("get",), PUBLIC), home) == {aws.port}
    assert aws.requests == ["ecr-public.amazonaws.com GetAuthorizationToken"]


def sso(home: Path, expires_at: str) -> None:
    """Write the session of ``aws sso login``."""
    token = {
        "accessToken": "a", "expiresAt": expires_at, "refreshToken": "r",
        "clientId": "c", "clientSecret": "s", "registrationExpiresAt": LATER,
    }  # fmt: skip
    write(
        home / ".aws/sso/cache" / f"{sha1(b's', usedforsecurity=False).hexdigest()}.json", json.dumps(token)
    )


def aws_login(home: Path, expires_at: str) -> None:
    """Write the session of ``aws login``."""
    keys = {
        "accessKeyId": "AKIAFAKE", "secretAccessKey": "s", "sessionToken": "t", "accountId": "111122223333",
        "expiresAt": expires_at,
    }  # fmt: skip
    key = output_of(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout"])
    token = {"accessToken": keys, "refreshToken": "r", "dpopKey": key, "clientId": "c"}
    write(home / f".aws/login/cache/{generate_login_cache_key(USER)}.json", json.dumps(token))


PROFILES = {
    # source: the profile, variables, and a function that prepares it
    "access keys": ("keys", {}, None),
    "a role in a profile": ("role", {}, None),
    "a role in the settings, or --role-arn": ("keys", {"ECR_CREDHELPER_ROLE_ARN_111122223333": ROLE}, None),
    "web identity": ("web", {}, None),
    "SSO": ("sso", {}, lambda home: sso(home, LATER)),
    "SSO, the session has expired and can be refreshed": ("sso", {}, lambda home: sso(home, BEFORE)),
    "aws login": ("login", {}, lambda home: aws_login(home, LATER)),
    "aws login, expired": ("login", {}, lambda home: aws_login(home, BEFORE)),
    "a credential process": ("process", {}, None),
    "a container (ECS, EKS Pod Identity)": (
        "",
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "URL/v1/credentials"},
        None,
    ),
    "an EC2 instance": (
        "",
        {"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "URL"},
        None,
    ),
}
"""How to set up each row of the second table."""


def test_the_page_has_a_row_for_every_source() -> None:
    assert [*SOURCES] == [*PROFILES]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.usefixtures("registry")
def test_a_source_of_credentials_sends_only_the_requests_on_the_page(
    source: str, aws: AWS, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile, variables, prepare = PROFILES[source]
    monkeypatch.setenv("AWS_PROFILE", profile)
    monkeypatch.setenv("AWS_METADATA_SERVICE_TIMEOUT", "30")  # A busy machine can need more than a second.
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("URL", aws.url))
    if prepare:
        prepare(home)
    assert connections(Case(("get",), HOST), home) == {aws.port}
    *credentials, last = [re.sub(r"^\S+\.amazonaws\.com ", "", name) for name in aws.requests]
    assert (credentials, last) == ([*filter(None, SOURCES[source].split(", "))], "GetAuthorizationToken")
    aws.requests.clear()
    assert connections(Case(("get",), HOST), home) == set()
    assert aws.requests == []


def test_the_page_has_every_event_and_its_endpoint() -> None:
    rows = table(PAGE, "event source", "event name", "endpoint", "when")
    events = {f"{source} {name}" for sources, name, *_ in rows for source in sources.split(" or ")}
    assert {*PATHS.values(), *(f"{source} GetAuthorizationToken" for source in TARGETS.values())} <= events
    services = {"portal.sso": "sso", "oidc": "sso-oidc", "api.ecr": "ecr", "api.ecr-public": "ecr-public"}
    for _, _, endpoint, _ in rows:
        region = "us-west-2" if "REGION" in endpoint else "us-east-1"
        prefix = re.sub(r"https://(.+)\.(?:REGION|us-east-1)\.amazonaws\.com", r"\1", endpoint)
        client = Session().create_client(services.get(prefix, prefix), region_name=region)
        assert client.meta.endpoint_url == endpoint.replace("REGION", region)
