"""Our loader of botocore's data: the same requests as with botocore's own loader."""

from __future__ import annotations

import itertools
import json
import os
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import BotoCoreError, EndpointVariantError, UnknownServiceError
from botocore.loaders import Loader
from botocore.session import Session

from ecr_credhelper.aws.loader import SERVICES, LoginLoader, PartitionsLoader, register_loader
from ecr_credhelper.aws.sessions import session_for
from ecr_credhelper.registry import parse
from ecr_credhelper.settings.rules import NO_RULE, Rule
from tests.conftest import HOST, run
from tests.fake_sts import FakeSTS

if TYPE_CHECKING:
    from pathlib import Path

    from ecr_credhelper.registry import Registry
    from ecr_credhelper.testing.fake_ecr import FakeECR

DUALSTACK_HOST = "111122223333.dkr-ecr.us-west-2.on.aws"

ROLE_CREDENTIALS = {"roleName": "puller", "accountId": "111122223333", "accessToken": "a-token"}
OIDC_TOKEN = {"clientId": "a", "clientSecret": "a-secret", "grantType": "refresh_token"}
SIGNIN_TOKEN = {"tokenInput": {"clientId": "a", "grantType": "refresh_token"}}

OPERATIONS: dict[str, tuple[str, dict[str, Any], bytes]] = {
    "ecr": ("get_authorization_token", {}, b"{}"),
    "ecr-public": ("get_authorization_token", {}, b"{}"),
    "signin": ("create_o_auth2_token", SIGNIN_TOKEN, b"{}"),
    "sso": ("get_role_credentials", ROLE_CREDENTIALS, b"{}"),
    "sso-oidc": ("create_token", OIDC_TOKEN, b"{}"),
    "sts": ("get_caller_identity", {}, b"<Response><GetCallerIdentityResult/></Response>"),
}
"""The operation of each service that a login calls, its arguments, and an empty response."""

INVENTED = {
    *(
        "us-east-99",
        "xy-nowhere-1",
        "nowhere",
        "cn-south-3",
        "us-gov-north-1",
        "eusc-de-west-2",
        "eusc-fr-west-1",
    ),
    *("us-iso-north-9", "us-isob-west-7", "eu-isoe-north-9", "us-isof-west-8", "aws-cn-global"),
    *("fips-us-east-1", "us-gov-west-1-fips", "us-isof-south-1-fips"),  # botocore takes "fips" out of a name
}


SCOPE = re.compile("Credential=[^/]+/[0-9]+/([^,]+)/aws4_request,")
"""Region and service in the Authorization header."""


class Request(NamedTuple):
    """What a client sends, and what the client says about it."""

    url: str
    credential_scope: str
    """Region and service, or empty if the operation is not signed."""
    region: str
    partition: str


def regions() -> list[str]:
    """Return every region that botocore knows, and invented ones.

    No names such as aws-global, which endpoints.json signs for another region: no registry has them.
    """
    loader = Loader()
    known = {
        region
        for name in ("endpoints", "partitions")
        for partition in loader.load_data(name)["partitions"]
        for region in partition["regions"]
    }
    return sorted({region for region in known if not region.endswith("-global")} | INVENTED)


def send(session: Session, service: str, region: str, *, fips: bool, dualstack: bool) -> Request | str:
    """Return the request that a session's client sends, which goes nowhere, or botocore's error."""
    operation, arguments, response = OPERATIONS[service]
    requests: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        requests.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), SimpleNamespace(stream=lambda: [response]))

    config = Config(
        use_fips_endpoint=fips or None,
        use_dualstack_endpoint=dualstack or None,
        proxies={},  # saves time: without it, each client reads the environment
    )
    try:
        client: Any = session.create_client(service, region_name=region, config=config)
        client.meta.events.register("before-send", answer)
        getattr(client, operation)(**arguments)
    except BotoCoreError as error:
        return f"{type(error).__name__}: {error}"
    (request,) = requests
    found = SCOPE.search(str(request.headers.get("Authorization", "")))
    return Request(request.url, found[1] if found else "", client.meta.region_name, client.meta.partition)


def registry(host: str) -> Registry:
    found = parse(host)
    assert found
    return found


def loader_of(session: Session) -> Any:
    return session.get_component("data_loader")


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret")


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("service", "sts"), [*((service, "regional") for service in SERVICES), ("sts", "legacy")]
)
def test_requests_are_those_of_botocores_own_loader(
    service: str, sts: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_STS_REGIONAL_ENDPOINTS", sts)
    stock = Session()
    ours = {}
    for dualstack in (False, True):
        ours[dualstack] = Session()
        register_loader(ours[dualstack], is_dualstack=dualstack)
    expected, found = {}, {}
    for case in itertools.product(regions(), (False, True), (False, True)):
        region, fips, dualstack = case
        expected[case] = send(stock, service, region, fips=fips, dualstack=dualstack)
        found[case] = send(ours[dualstack], service, region, fips=fips, dualstack=dualstack)
    assert found == expected
    assert type(loader_of(stock)) is Loader
    assert [type(loader_of(session)) for session in ours.values()] == [PartitionsLoader, LoginLoader]
    sent = found["us-west-2", False, False]
    assert isinstance(sent, Request)
    assert bool(sent.credential_scope) == (service in {"ecr", "ecr-public", "sts"})


@pytest.mark.usefixtures("keys")
def test_dual_stack_is_refused_where_botocore_refuses_it() -> None:
    session = Session()
    register_loader(session, is_dualstack=True)
    error = send(session, "ecr", "us-isof-south-1", fips=False, dualstack=True)
    assert str(error).startswith(EndpointVariantError.__name__)


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("source", ["environment", "profile"])
def test_dual_stack_in_the_aws_configuration_uses_botocores_endpoints(
    source: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "environment":
        monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", "true")
    else:
        (home / ".aws").mkdir()
        (home / ".aws/config").write_text("[default]\nuse_dualstack_endpoint = true\n")
    session = session_for(registry(HOST), NO_RULE)
    assert type(loader_of(session)) is LoginLoader
    request = send(session, "ecr", "us-west-2", fips=False, dualstack=False)
    assert isinstance(request, Request)
    assert request.url == "https://ecr.us-west-2.api.aws/"


@pytest.mark.parametrize(
    ("host", "kind"), [(HOST, PartitionsLoader), (DUALSTACK_HOST, LoginLoader)], ids=["ipv4", "dual-stack"]
)
def test_the_registrys_host_selects_the_loader(host: str, kind: type[Loader]) -> None:
    session = session_for(registry(host), NO_RULE)
    assert type(loader_of(session)) is kind
    assert loader_of(session_for(registry(host), NO_RULE)) is loader_of(session)  # files are parsed once


@pytest.mark.usefixtures("keys")
def test_a_session_with_an_assumed_role_has_the_same_loader(
    api: FakeECR, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = Rule(HOST, role_arn="arn:aws:iam::111122223333:role/puller")
    with FakeSTS(api.identities) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts.url)
        session = session_for(registry(HOST), rule)
    assert type(loader_of(session)) is PartitionsLoader


@pytest.mark.usefixtures("aws")
def test_a_programs_session_keeps_its_loader() -> None:
    session = Session()
    loader = loader_of(session)
    assert session_for(registry(HOST), NO_RULE, session) is session
    assert loader_of(session) is loader
    assert type(loader) is Loader


@pytest.mark.parametrize("way", ["AWS_DATA_PATH", "data_path", "~/.aws/models"])
def test_data_of_the_user_is_used(way: str, home: Path, tmp_path: Path, api: FakeECR) -> None:
    """The user's endpoints.json leads to the fake API."""
    directory = home / ".aws/models" if way == "~/.aws/models" else tmp_path / "data"
    directory.mkdir(parents=True)
    host = api.url.removeprefix("http://")
    partition = {
        "partition": "aws",
        "dnsSuffix": "invalid",
        "regions": {},
        "services": {"api.ecr": {"endpoints": {"us-west-2": {"hostname": host, "protocols": ["http"]}}}},
    }
    (directory / "endpoints.json").write_text(json.dumps({"partitions": [partition]}))
    (home / ".aws").mkdir(exist_ok=True)
    if way == "data_path":
        (home / ".aws/config").write_text(f"[default]\ndata_path = {directory}\n")
    environment = {**os.environ, **api.environment}
    del environment["AWS_ENDPOINT_URL"]
    if way == "AWS_DATA_PATH":
        environment[way] = str(directory)
    assert run("get", stdin=HOST, env=environment).reply["Username"] == "AWS"
    assert len(api.calls) == 1


@pytest.mark.parametrize("source", ["environment", "profile"])
def test_a_data_path_selects_botocores_loader(
    source: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if source == "environment":
        monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    else:
        (home / ".aws").mkdir()
        (home / ".aws/config").write_text(f"[default]\ndata_path = {tmp_path}\n")
    loader = loader_of(session_for(registry(HOST), NO_RULE))
    assert type(loader) is Loader
    assert loader.search_paths[0] == str(tmp_path)


def loader_with(directory: Path, partitions: str | None) -> PartitionsLoader:
    """Return a loader for a directory in the place of botocore's."""
    (directory / "endpoints.json").write_text('{"partitions": [], "version": 3}')
    if partitions is not None:
        (directory / "partitions.json").write_text(partitions)
    return PartitionsLoader([str(directory)], include_default_search_paths=False)


@pytest.mark.parametrize(
    "partitions",
    [
        *(None, "{}", "[]", "7", '{"partitions": 7}', '{"partitions": [7]}', '{"partitions": [{}]}'),
        '{"partitions": [{"id": "aws", "outputs": "?"}]}',
    ],
)
def test_without_the_expected_partitions_endpoints_json_is_used(
    partitions: str | None, tmp_path: Path
) -> None:
    data, path = loader_with(tmp_path, partitions).load_data_with_path("endpoints")
    assert data == {"partitions": [], "version": 3}
    assert path == str(tmp_path / "endpoints")


def test_other_data_is_botocores() -> None:
    assert PartitionsLoader().load_data("_retry") == Loader().load_data("_retry")


def test_only_the_services_of_a_login_are_listed() -> None:
    session = Session()
    register_loader(session, is_dualstack=False)
    assert session.get_available_services() == sorted(OPERATIONS)


def test_a_service_that_is_not_listed_is_found_in_botocore() -> None:
    loader = PartitionsLoader()
    assert loader.load_service_model("s3", "service-2") == Loader().load_service_model("s3", "service-2")
    with pytest.raises(UnknownServiceError):
        loader.load_service_model("no-service", "service-2")
