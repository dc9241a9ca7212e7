"""The call to AWS: real botocore, over a socket, against the fake API."""

from __future__ import annotations

import datetime as dt
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import Stubber

from ecr_credhelper.aws.authorization import token_of
from ecr_credhelper.aws.client import fetch, make_client
from ecr_credhelper.errors import CredentialHelperError, InvalidResponseError
from ecr_credhelper.registry import Registry, parse, private_host
from ecr_credhelper.testing.fake_ecr import FakeECR, Fault
from tests.conftest import HOST, PUBLIC
from tests.corpus import HOSTS, Row

if TYPE_CHECKING:
    from pathlib import Path


def registry(server: str) -> Registry:
    found = parse(server)
    assert found
    return found


def url_asked(client: Any) -> str:
    """Return the URL to which a client sends its request, which goes nowhere.

    ``client.meta.endpoint_url`` can be another one: the endpoint's rules are evaluated for each request.
    """
    urls: list[str] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        urls.append(request.url)
        return AWSResponse(request.url, 200, HTTPHeaders(), SimpleNamespace(stream=lambda: [b"{}"]))

    client.meta.events.register("before-send", answer)
    client.get_authorization_token()
    (url,) = urls
    return url


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("row", HOSTS, ids=lambda row: row.server)
def test_each_host_uses_the_matching_api_endpoint(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    client = make_client(botocore.session.Session(), registry(row.server))
    assert client.meta.region_name == row.region
    assert url_asked(client) == f"https://{row.api}/"


@pytest.mark.parametrize("row", HOSTS, ids=lambda row: row.server)
def test_each_host_gets_a_token_signed_for_its_region(row: Row, aws: FakeECR) -> None:
    before = time.time()
    token, caller_host = fetch(registry(row.server), time.time)
    (call,) = aws.calls
    assert call.service == ("ecr-public" if not row.account else "ecr")
    assert (call.region, call.body) == (row.region, {})  # no registryIds: those are deprecated
    assert token.username == "AWS"
    assert token.password == aws.password(row.region, service=call.service, serial=1)
    assert token.expires_at == pytest.approx(before + 12 * 3600, abs=60)
    assert caller_host == (private_host("111122223333", row.region) if row.account else "")


def test_botocore_applies_the_users_fips_setting(aws: FakeECR, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    client = make_client(botocore.session.Session(), registry(HOST))
    assert url_asked(client) == "https://api.ecr-fips.us-west-2.amazonaws.com/"
    assert aws.calls == []


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(200, b"not json"), "not a JSON object"),
        (Fault(200, b"\xff\xfe"), "not a JSON object"),
        (Fault(200, b"{}"), "no authorizationData"),
        (Fault(200, b'{"authorizationData": []}'), "no authorizationData"),
        (Fault.response(expiresAt=4102444800), "no authorizationToken"),
        (Fault.response(authorizationToken="QVdTOnA="), "no expiry"),
        (Fault.response(authorizationToken="QVdTOnA=", expiresAt=4102444800), "more than a day"),
        (Fault.response(authorizationToken="QVdTOnA=", expiresAt=1), "already expired"),
        (Fault.response(authorizationToken="QVdTOnA=", expiresAt="?"), "is not valid"),
        (Fault.response(authorizationToken="QVdTOnA=", expiresAt=1e300), "is not valid"),
        (Fault.response(authorizationToken=7, expiresAt=4102444800), "no authorizationToken"),
        (Fault.response(authorizationToken="QVdTOgo=", expiresAt=4102444800), "not printable"),
    ],
)
def test_a_malformed_http_response_is_an_error(fault: Fault, reason: str, aws: FakeECR) -> None:
    aws.faults.append(fault)
    with pytest.raises(CredentialHelperError, match=reason):
        fetch(registry(HOST), time.time)


def test_the_public_api_returns_a_structure_instead_of_a_list(aws: FakeECR) -> None:
    assert fetch(registry(PUBLIC), time.time).token.password == aws.password(
        "us-east-1", service="ecr-public", serial=1
    )


@pytest.mark.usefixtures("aws")
def test_a_session_can_be_passed() -> None:
    session = botocore.session.Session()
    session.set_credentials("AKIAWRONGWRONGWRONG", "wrong")
    with pytest.raises(CredentialHelperError, match=r"does not accept the credentials.*UnrecognizedClient"):
        fetch(registry(HOST), time.time, session=session)


def test_an_expired_token_as_moto_returns_it_is_rejected() -> None:
    """moto's ``expiresAt`` is always in 2015: such a token is never served."""
    session = botocore.session.Session()
    session.set_credentials("key", "secret")
    client = make_client(session, registry(HOST))
    with Stubber(client) as stub:
        data = {"authorizationToken": "QVdTOnA=", "expiresAt": dt.datetime(2015, 8, 5, tzinfo=dt.UTC)}
        stub.add_response("get_authorization_token", {"authorizationData": [data]}, {})
        with pytest.raises(InvalidResponseError, match="already expired"):
            token_of(client.get_authorization_token(), HOST, time.time())


def test_the_profile_of_the_environment_is_used(
    api: FakeECR, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text(
        f"[profile dev]\naws_access_key_id = {api.access_key}\naws_secret_access_key = {api.secret_key}\n"
        f"services = here\n[services here]\necr =\n  endpoint_url = {api.url}\n"
    )
    monkeypatch.setenv("AWS_PROFILE", "dev")
    assert fetch(registry(HOST), time.time).token.username == "AWS"
    assert [call.access_key for call in api.calls] == [api.access_key]
